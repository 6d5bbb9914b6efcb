package cognitoclient

import (
	"context"
	"errors"
	"slices"
	"time"
)

// call makes attempts until one settles the call, or attempts or time run out.
func (c *Client) call(ctx context.Context, op *operation, r request) (Result, error) {
	history := make([]attempt, 0, DefaultAttempts+2)
	var now step
	for {
		last := c.attempt(ctx, op, r)
		last.afterTrigger = now.afterTrigger
		history = append(history, last)
		now = c.next(op, history)
		if now.stop || timeLeft(ctx) < now.delay+MinAttempt {
			break
		}
		if cause := sleep(ctx, now.delay); cause != 0 {
			history = append(history, attempt{cause: cause, afterTrigger: now.afterTrigger})
			break
		}
	}
	claim := fold(op, r, history)
	if claim.err != nil {
		return Result{}, claim.err
	}
	return claim.result, nil
}

// step is what a call does after an attempt: it stops, or makes another one after the delay.
type step struct {
	stop bool
	// afterTrigger is set where the next attempt finds out whether the user is confirmed although the trigger failed.
	afterTrigger bool
	delay        time.Duration
}

func (c *Client) next(op *operation, history []attempt) step {
	last, earlier := history[len(history)-1], history[:len(history)-1]
	switch {
	case last.afterTrigger:
		return step{stop: true}
	case op.triggerFailed(last):
		return step{afterTrigger: true}
	case len(history) >= c.attempts:
		return step{stop: true}
	case last.renewed && !slices.ContainsFunc(earlier, func(a attempt) bool { return a.renewed }):
		return step{}
	case last.cause.fact().repeat:
		return step{delay: c.backOff(last.cause, len(history))}
	default:
		return step{stop: true}
	}
}

// backOff is the delay after the n-th attempt: doubled each time, half of it random.
func (c *Client) backOff(last Cause, n int) time.Duration {
	first := 100 * time.Millisecond
	if last == TooManyRequests {
		first = 400 * time.Millisecond // the quota is per second
	}
	full := min(first<<min(n-1, 8), 4*time.Second)
	return full/2 + time.Duration(c.random()*float64(full/2))
}

// sleep waits for the delay. If the context ends first, it says how.
func sleep(ctx context.Context, delay time.Duration) Cause {
	if delay <= 0 {
		return ended(ctx)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return 0
	case <-ctx.Done():
		return ended(ctx)
	}
}

func timeLeft(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return time.Duration(1<<63 - 1)
}

// ended says how the context ended, or zero if it has not.
func ended(ctx context.Context) Cause {
	switch {
	case ctx.Err() == nil:
		return 0
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return DeadlineExceeded
	case errors.Is(context.Cause(ctx), context.Canceled):
		return Cancelled
	default:
		return Stopping
	}
}
