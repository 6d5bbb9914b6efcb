package failure_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Confirm a user, send the call again where that is safe, and find out what an unknown outcome did.
func Example() {
	client, stop := serve(
		statusError(codes.ResourceExhausted, "Throttled.", infoOf("TOO_MANY_REQUESTS", "outcome", "NOT_APPLIED"), retryInfo(time.Millisecond)),
		statusError(codes.Unavailable, "Lost.", infoOf("COGNITO_RESPONSE_LOST", "outcome", "UNKNOWN"), retryInfo(time.Millisecond)),
	)
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := confirm(ctx, client, &useradminv1.ConfirmSignUpRequest{
		UserPoolId: "us-east-1_EXAMPLE01", Username: "new-1", AllowConfirmed: true,
	})
	switch {
	case err == nil:
		fmt.Println("the user is confirmed")
	case errors.Is(err, errTriggerFailed):
		fmt.Println("the user is confirmed; do the trigger's work yourself:", err)
	default:
		fmt.Println(err)
	}
	// Output: the user is confirmed
}

var errTriggerFailed = errors.New("the pool's trigger failed")

func confirm(ctx context.Context, client useradminv1.UserAdminClient, request *useradminv1.ConfirmSignUpRequest) error {
	asked := false
	for try := 1; ; try++ {
		call := ctx
		if try > 1 {
			call = failure.MarkRepeat(ctx)
		}
		_, err := client.ConfirmSignUp(call, request)
		if err == nil {
			return nil
		}
		f := failure.Of(err)
		switch {
		case f.Applied():
			return fmt.Errorf("%w: %s", errTriggerFailed, f)
		case f.Retryable() && try < 4:
			// The service asks for the same call once more.
		case f.OutcomeUnknown() && !asked:
			// With AllowConfirmed, OK means that the user is confirmed, whichever of the calls did it.
			asked, request.AllowConfirmed = true, true
		case f.NotApplied():
			return fmt.Errorf("not confirmed: %s", f)
		default:
			return fmt.Errorf("perhaps confirmed: %s", f)
		}
		select {
		case <-time.After(cmp.Or(f.RetryDelay, time.Second)):
		case <-ctx.Done():
			return fmt.Errorf("out of time; the last failure: %s", f)
		}
	}
}
