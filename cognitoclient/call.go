package cognitoclient

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"
)

// call makes attempts until one settles the call, or attempts or time run out.
func (c *Client) call(ctx context.Context, op *operation, r request) (Result, error) {
	history := make([]attempt, 0, DefaultAttempts+2) // one more after a trigger's failure, and the end of a back-off
	var now step
	for {
		last := c.attempt(ctx, op, r)
		if last.refused() && len(history) > 0 {
			c.notMade(now)
			break // there was no such attempt: the history says what the call may claim
		}
		last.checksEffect = now.checksEffect
		history = append(history, last)
		now = c.next(op, history)
		if now.stop || timeLeft(ctx) < now.delay+MinAttempt || now.costs && !c.budget.spend() {
			break
		}
		if cause := sleep(ctx, now.delay); cause != 0 {
			c.notMade(now)
			history = append(history, attempt{cause: cause, checksEffect: now.checksEffect})
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
	// checksEffect is set if the next attempt finds out whether the effect stands although the trigger failed.
	checksEffect bool
	// costs is set if the next attempt is paid from the budget.
	costs bool
	delay time.Duration
}

// notMade takes back what the step did for an attempt that is not made.
func (c *Client) notMade(s step) {
	if s.costs {
		c.budget.refund()
	}
}

func (c *Client) next(op *operation, history []attempt) step {
	last, earlier := history[len(history)-1], history[:len(history)-1]
	switch {
	case last.checksEffect:
		return step{stop: true}
	case op.triggerFailed(last):
		return step{checksEffect: true}
	case len(history) >= c.attempts:
		return step{stop: true}
	case last.renewed && !slices.ContainsFunc(earlier, func(a attempt) bool { return a.renewed }):
		return step{}
	case last.cause.fact().repeat:
		return step{delay: c.backOff(last.cause, len(history)), costs: last.cause.fact().load && !slices.ContainsFunc(earlier, lostResponse)}
	default:
		return step{stop: true}
	}
}

// lostResponse: another attempt may find out what became of it, so it is worth its load.
func lostResponse(a attempt) bool { return a.cause == ResponseLost }

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
		return Ended(ctx)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return 0
	case <-ctx.Done():
		return Ended(ctx)
	}
}

func timeLeft(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return time.Duration(math.MaxInt64)
}

// Ended says how the context ended, or zero if it has not.
func Ended(ctx context.Context) Cause {
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
