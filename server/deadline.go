package server

import (
	"context"
	"time"

	"cognito.internal/useradmin/cognitoclient"
)

const (
	// Of a deadline's rest a tenth within these bounds is reserved, so that the response gets home in time.
	minReserved = 50 * time.Millisecond
	maxReserved = time.Second
	// A client's deadline arrives as a cancellation, this close to the deadline that the server knows of.
	deadlineBlur = 20 * time.Millisecond
)

// spend returns the context for the call to Cognito. It ends with the caller's context, when the caller's deadline less
// the reserve is over, or when the server stops; cancel releases it. Of a caller's deadline in 5 s, for example, 4.5 s
// are spent on Cognito. Where no attempt is worth beginning it returns the error instead.
func (s *Server) spend(ctx context.Context, r *record) (spending context.Context, cancel context.CancelFunc, err error) {
	if s.halted.Err() != nil {
		return nil, nil, cognitoclient.Refused(cognitoclient.Stopping, r.repeated)
	}
	budget := s.config.CallTimeout
	if deadline, ok := ctx.Deadline(); ok {
		rest := time.Until(deadline)
		budget = rest - min(max(rest/10, minReserved), maxReserved)
		if budget < cognitoclient.MinAttempt {
			return nil, nil, cognitoclient.Refused(cognitoclient.DeadlineExceeded, r.repeated)
		}
	}
	// A connection that is told to go is cut after the grace, with a bare status.
	budget = min(budget, connectionAgeGrace*9/10)
	ctx, stop := context.WithCancelCause(ctx)
	detach := context.AfterFunc(s.halted, func() { stop(stopping{}) })
	ctx, release := context.WithTimeout(ctx, budget)
	return ctx, func() {
		release()
		detach()
		stop(nil)
	}, nil
}

// endOf is the cause of a call that ended with another: a cancellation close to the caller's deadline is the deadline.
func endOf(ctx context.Context, cause cognitoclient.Cause) cognitoclient.Cause {
	deadline, ok := ctx.Deadline()
	if ok && cause == cognitoclient.Cancelled && time.Until(deadline) <= deadlineBlur {
		return cognitoclient.DeadlineExceeded
	}
	return cause
}
