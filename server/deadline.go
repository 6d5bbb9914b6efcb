package server

import (
	"context"
	"time"

	"cognito.internal/useradmin/cognitoclient"
)

const (
	// A tenth of the time left, within these bounds, is reserved for returning the response.
	minReserved = 50 * time.Millisecond
	maxReserved = time.Second
	// A client that gives up at its deadline sends a cancellation, which arrives about this close to the deadline that the
	// server knows.
	deadlineBlur = 20 * time.Millisecond
)

// begin is the last step before a handler calls Cognito: it writes the intent to the audit log, and returns the context for the
// call. Without the intent, there is none. The context ends with the caller's context, when the server stops, or after the
// call's budget: the caller's time less the reserve (of 5 s, for example, 4.5 s), or CallTimeout if there is no deadline,
// and MaxCallTimeout at most. cancel releases it. If too little time is left for an attempt, begin returns an error instead.
func (s *Server) begin(ctx context.Context, r *record) (spending context.Context, cancel context.CancelFunc, err error) {
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
	budget = min(budget, MaxCallTimeout)
	ctx, stop := context.WithCancelCause(ctx)
	detach := context.AfterFunc(s.halted, func() { stop(stopping{}) })
	ctx, release := context.WithTimeout(ctx, budget)
	cancel = func() {
		release()
		detach()
		stop(nil)
	}
	if err := s.intend(ctx, r); err != nil {
		cancel()
		return nil, nil, err
	}
	return ctx, cancel, nil
}

// lateCancellation reports a cancellation within deadlineBlur of the caller's deadline as DeadlineExceeded; any other cause
// stays.
func lateCancellation(ctx context.Context, cause cognitoclient.Cause) cognitoclient.Cause {
	deadline, ok := ctx.Deadline()
	if ok && cause == cognitoclient.Cancelled && time.Until(deadline) <= deadlineBlur {
		return cognitoclient.DeadlineExceeded
	}
	return cause
}
