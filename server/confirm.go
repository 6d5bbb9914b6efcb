package server

import (
	"context"
	"errors"
	"time"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	// Of a deadline's rest a tenth within these bounds is kept back, so that the answer gets home in time.
	minKeptBack = 50 * time.Millisecond
	maxKeptBack = time.Second
	// A client's deadline arrives as a cancellation, this close to the deadline that the server knows of.
	deadlineBlur = 20 * time.Millisecond
)

// userAdmin handles the calls of useradmin.v1.UserAdmin.
type userAdmin struct {
	useradminv1.UnimplementedUserAdminServer
	server *Server
}

// ConfirmSignUp validates the request, spends the deadline and calls the confirmer.
func (u *userAdmin) ConfirmSignUp(ctx context.Context, req *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
	if violations := validate(req); len(violations) > 0 {
		return nil, &invalidRequest{violations}
	}
	c := callFrom(ctx)
	spending, cancel, err := u.server.spend(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	result, err := u.server.confirmer.ConfirmSignUp(spending, cognitoclient.Request{
		UserPoolID:     req.GetUserPoolId(),
		Username:       req.GetUsername(),
		ClientMetadata: req.GetClientMetadata(),
		AllowConfirmed: req.GetAllowConfirmed(),
		Repeated:       c.repeated,
	})
	if err != nil {
		return nil, lateCancellation(ctx, err)
	}
	return c.succeed(result)
}

// spend returns the context for the confirmer: it ends when the caller's, the caller's deadline less what is kept back,
// or the server does. Where no attempt is worth beginning it returns the error instead.
func (s *Server) spend(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if s.halted.Err() != nil {
		return nil, nil, &cognitoclient.Error{Cause: cognitoclient.Stopping, Outcome: cognitoclient.NotSent}
	}
	budget := s.config.CallTimeout
	if deadline, ok := ctx.Deadline(); ok {
		rest := time.Until(deadline)
		budget = rest - min(max(rest/10, minKeptBack), maxKeptBack)
		if budget < cognitoclient.MinAttempt {
			return nil, nil, &cognitoclient.Error{Cause: cognitoclient.DeadlineExceeded, Outcome: cognitoclient.NotSent}
		}
	}
	// A connection that is told to go is cut after the grace, with a bare status.
	budget = min(budget, s.config.ConnectionAgeGrace*9/10)
	ctx, cancel := context.WithCancelCause(ctx)
	detach := context.AfterFunc(s.halted, func() { cancel(stopping{}) })
	ctx, release := context.WithTimeout(ctx, budget)
	return ctx, func() {
		release()
		detach()
		cancel(nil)
	}, nil
}

// lateCancellation takes a cancellation that comes when the caller's deadline is due for that deadline.
func lateCancellation(ctx context.Context, err error) error {
	var failed *cognitoclient.Error
	deadline, ok := ctx.Deadline()
	if !ok || !errors.As(err, &failed) || failed == nil || failed.Cause != cognitoclient.Cancelled ||
		time.Until(deadline) > deadlineBlur {
		return err
	}
	late := *failed
	late.Cause = cognitoclient.DeadlineExceeded
	return &late
}

// succeed translates the result, and takes it over for the log. A result without a confirmation is a bug.
func (c *call) succeed(result cognitoclient.Result) (*useradminv1.ConfirmSignUpResponse, error) {
	c.attempts, c.cognitoRequestID = result.Attempts, orNothing(result.RequestID, requestIDMarks)
	resp := &useradminv1.ConfirmSignUpResponse{}
	switch result.Confirmation {
	case cognitoclient.Confirmed:
		resp.Result, c.outcome = useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED, "confirmed"
	case cognitoclient.AlreadyConfirmed:
		resp.Result, c.outcome = useradminv1.ConfirmSignUpResponse_RESULT_ALREADY_CONFIRMED, "already_confirmed"
	case cognitoclient.ConfirmedUnattributed:
		resp.Result, c.outcome = useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED_UNATTRIBUTED, "confirmed_unattributed"
	default:
		return nil, errors.New("a success without a confirmation")
	}
	return resp, nil
}
