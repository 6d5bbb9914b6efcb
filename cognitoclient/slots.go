package cognitoclient

import (
	"context"

	"cognito.internal/useradmin/internal/fair"
)

// waitShare is the part of the time left that an attempt may wait for its slot.
const waitShare = 5

// take takes a slot for an attempt of the user pool, or says why there is none. Its clock is not running yet: an attempt
// that waited would have less time for the response, and what a late response did is unknown.
func (c *Client) take(ctx context.Context, pool string) Cause {
	left := timeLeft(ctx)
	wait := min(c.maxWait, left/waitShare, left-MinAttempt)
	switch c.slots.Take(ctx, pool, max(wait, 0)) {
	case fair.Taken:
		return 0
	case fair.Busy:
		return PoolBusy
	case fair.Full:
		return Overloaded
	default:
		return Ended(ctx)
	}
}

// Slots is the use of the slots for attempts.
type Slots struct {
	// Busy slots have an attempt under way; attempts that wait for a slot are Waiting.
	Busy, Free, Waiting int
}

// Slots returns the present use.
func (c *Client) Slots() Slots {
	use := c.slots.Use()
	return Slots{Busy: use.Held, Free: use.Free, Waiting: use.Waiting}
}
