package failure_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Where nothing happened and a repeat can't help, tell what is wrong with the request.
func ExampleFailure_NotApplied() {
	client, stop := serve(statusError(codes.InvalidArgument, "Invalid.", infoOf("INVALID_REQUEST", "outcome", "NOT_SENT"),
		badRequest(violation{"username", "BAD_CHARACTERS", "It has a space."})))
	defer stop()

	_, err := client.ConfirmSignUp(context.Background(), &useradminv1.ConfirmSignUpRequest{Username: "not a username"})
	if f := failure.Of(err); f.NotApplied() && !f.Retryable() {
		fmt.Println("nothing happened to the user")
		for _, v := range f.Violations {
			fmt.Println(v.Field, v.Reason)
		}
	}
	// Output:
	// nothing happened to the user
	// username BAD_CHARACTERS
}

// The user is confirmed, but the pool's trigger failed, and no other call runs it again.
func ExampleFailure_Applied() {
	client, stop := serve(statusError(codes.FailedPrecondition, "The trigger failed.",
		infoOf("LAMBDA_REJECTED", "outcome", "APPLIED", "trigger", "PostConfirmation", "lambdaError", "no mail today")))
	defer stop()

	_, err := client.ConfirmSignUp(context.Background(), &useradminv1.ConfirmSignUpRequest{Username: "new-1"})
	if f := failure.Of(err); f.Applied() {
		fmt.Println("to do by hand: the work of", f.Metadata["trigger"])
		fmt.Println("the trigger said:", f.Metadata["lambdaError"])
	}
	// Output:
	// to do by hand: the work of PostConfirmation
	// the trigger said: no mail today
}

// limit is the deadline of every loop.
const limit = time.Hour

// TestRecommendedLoop runs the loop of the package's example.
func TestRecommendedLoop(t *testing.T) {
	throttled := statusError(codes.ResourceExhausted, "Slow.", infoOf("TOO_MANY_REQUESTS", "outcome", "NOT_APPLIED"), retryInfo(time.Minute))
	busy := statusError(codes.Unavailable, "Busy.", infoOf("COGNITO_UNREACHABLE", "outcome", "NOT_SENT"), retryInfo(2*limit))
	lost := statusError(codes.Aborted, "Lost.", infoOf("COGNITO_RESPONSE_LOST", "outcome", "UNKNOWN"))
	proxy := statusError(codes.Unavailable, "upstream connect error")
	gone := statusError(codes.NotFound, "Gone.", notFoundInfo())
	triggered := statusError(codes.FailedPrecondition, "Lambda.", infoOf("LAMBDA_REJECTED", "outcome", "APPLIED"))
	for name, c := range map[string]loop{
		"confirmed at once":           {nil, 1, false, 0, ""},
		"throttled three times":       {[]error{throttled, throttled, throttled}, 4, false, 3 * time.Minute, ""},
		"throttled for too long":      {[]error{throttled, throttled, throttled, throttled}, 4, false, 3 * time.Minute, "not confirmed"},
		"lost, then confirmed":        {[]error{lost}, 2, true, time.Second, ""},
		"lost, then lost":             {[]error{lost, lost}, 2, true, time.Second, "perhaps confirmed"},
		"a proxy, then throttled":     {[]error{proxy, throttled}, 3, true, time.Minute + time.Second, ""},
		"a proxy, then lost":          {[]error{proxy, lost}, 2, true, time.Second, "perhaps confirmed"},
		"refused":                     {[]error{gone}, 1, false, 0, "not confirmed"},
		"the trigger failed":          {[]error{triggered}, 1, false, 0, errTriggerFailed.Error()},
		"lost, then the trigger too":  {[]error{lost, triggered}, 2, true, time.Second, errTriggerFailed.Error()},
		"no time left for the repeat": {[]error{busy}, 1, false, limit, "out of time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.check(t)
			})
		})
	}
}

// loop is a run of the loop: what the service answers, and what must come of it.
type loop struct {
	answers []error
	calls   int
	// asked is whether allow_confirmed was added on the way.
	asked  bool
	waited time.Duration
	end    string
}

func (c loop) check(t *testing.T) {
	t.Helper()
	s := &service{errors: c.answers}
	conn, stop := dial(s)
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	err := confirm(ctx, useradminv1.NewUserAdminClient(conn), request())
	if took := time.Since(began); took != c.waited {
		t.Errorf("took %s, want %s", took, c.waited)
	}
	if err == nil && c.end != "" || err != nil && (c.end == "" || !strings.HasPrefix(err.Error(), c.end)) {
		t.Errorf("ended with %v, want %q", err, c.end)
	}
	if len(s.requests) != c.calls {
		t.Fatalf("made %d calls, want %d", len(s.requests), c.calls)
	}
	for i, headers := range s.headers {
		if marked := len(headers.Get(failure.RepeatHeader)) == 1; marked != (i > 0) {
			t.Errorf("call %d arrived with %v", i+1, headers)
		}
	}
	if s.requests[0].GetAllowConfirmed() || s.requests[c.calls-1].GetAllowConfirmed() != c.asked {
		t.Errorf("the first call was %v, the last one %v", s.requests[0], s.requests[c.calls-1])
	}
}
