package cognitoclient

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func answered(cause Cause, exception string) attempt {
	return attempt{cause: cause, sent: true, status: 400, exception: exception}
}

var (
	confirmed    = attempt{sent: true, status: 200}
	already      = attempt{cause: UserAlreadyConfirmed, sent: true, status: 400, exception: "NotAuthorizedException", userStatus: "CONFIRMED"}
	throttled    = answered(TooManyRequests, "TooManyRequestsException")
	unavailable  = attempt{cause: Unavailable, sent: true, status: 503}
	lost         = attempt{cause: ResponseLost, sent: true}
	unreachable  = attempt{cause: Unreachable}
	deadlineLate = attempt{cause: DeadlineExceeded, sent: true}
	deadlineSoon = attempt{cause: DeadlineExceeded}
	cancelled    = attempt{cause: Cancelled, sent: true}
	stopped      = attempt{cause: Stopping}
	rejected     = attempt{cause: LambdaRejected, sent: true, status: 400, exception: "UserLambdaValidationException", requestID: "of-the-trigger", trigger: "PostConfirmation"}
)

// asking is the attempt that follows a trigger's failure.
func asking(a attempt) attempt {
	a.checksEffect = true
	return a
}

func TestFold(t *testing.T) {
	allow, repeat := request{goal: true}, request{repeated: true}
	both := request{goal: true, repeated: true}
	tests := []struct {
		name    string
		request request
		history []attempt
		want    string
	}{
		{"success", request{}, []attempt{confirmed}, "confirmed, 1 attempts"},
		{"success after a lost response", request{}, []attempt{lost, confirmed}, "confirmed, 2 attempts"},
		{"success after an unsent attempt", request{}, []attempt{unreachable, confirmed}, "confirmed, 1 attempts"},
		{"success on a repeat", repeat, []attempt{confirmed}, "confirmed, 1 attempts"},
		{"already", request{}, []attempt{already}, "USER_ALREADY_CONFIRMED NOT_APPLIED NotAuthorizedException CONFIRMED 1"},
		{"already, allowed", allow, []attempt{already}, "already, 1 attempts"},
		{"already after a throttle, allowed", allow, []attempt{throttled, already}, "already, 2 attempts"},
		{"already on a repeat", repeat, []attempt{already}, "USER_ALREADY_CONFIRMED UNKNOWN NotAuthorizedException CONFIRMED 1"},
		{"already on a repeat, allowed", both, []attempt{already}, "unattributed, 1 attempts"},
		{"already after a lost response", request{}, []attempt{lost, already}, "unattributed, 2 attempts"},
		{"already after a 503", allow, []attempt{unavailable, already}, "unattributed, 2 attempts"},
		{"throttled", request{}, []attempt{throttled, throttled, throttled}, "TOO_MANY_REQUESTS NOT_APPLIED TooManyRequestsException  3"},
		{"throttled on a repeat", repeat, []attempt{throttled}, "TOO_MANY_REQUESTS UNKNOWN TooManyRequestsException  1"},
		{"throttled on a repeat, allowed", both, []attempt{throttled}, "TOO_MANY_REQUESTS UNKNOWN TooManyRequestsException  1"},
		{"throttled after a lost response", request{}, []attempt{lost, throttled}, "COGNITO_RESPONSE_LOST UNKNOWN TooManyRequestsException  2"},
		{"unsent after a lost response", allow, []attempt{lost, unreachable, unreachable}, "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"unsent", request{}, []attempt{unreachable, unreachable, unreachable}, "COGNITO_UNREACHABLE NOT_SENT   0"},
		{"unsent on a repeat", repeat, []attempt{unreachable}, "COGNITO_UNREACHABLE UNKNOWN   0"},
		{"unsent after a throttle", request{}, []attempt{throttled, unreachable}, "COGNITO_UNREACHABLE NOT_APPLIED TooManyRequestsException  1"},
		{"not found after a lost response", allow, []attempt{lost, answered(UserNotFound, "UserNotFoundException")}, "COGNITO_RESPONSE_LOST UNKNOWN UserNotFoundException  2"},
		{"another status after a lost response", request{}, []attempt{lost, {cause: UserNotConfirmable, sent: true, status: 400, exception: "NotAuthorizedException", userStatus: "RESET_REQUIRED"}},
			"COGNITO_RESPONSE_LOST UNKNOWN NotAuthorizedException RESET_REQUIRED 2"},
		{"Lambda after a lost response", request{}, []attempt{lost, answered(LambdaRejected, "UserLambdaValidationException")}, "LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  2"},
		{"503 after a lost response", request{}, []attempt{lost, unavailable}, "COGNITO_UNAVAILABLE UNKNOWN   2"},
		{"deadline before anything", request{}, []attempt{deadlineSoon}, "DEADLINE_EXCEEDED NOT_SENT   0"},
		{"deadline before anything on a repeat", repeat, []attempt{deadlineSoon}, "DEADLINE_EXCEEDED UNKNOWN   0"},
		{"deadline after a throttle", request{}, []attempt{throttled, deadlineSoon}, "DEADLINE_EXCEEDED NOT_APPLIED TooManyRequestsException  1"},
		{"deadline under way", request{}, []attempt{deadlineLate}, "DEADLINE_EXCEEDED UNKNOWN   1"},
		{"deadline after a lost response", request{}, []attempt{lost, deadlineSoon}, "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"cancelled under way", request{}, []attempt{cancelled}, "CANCELLED UNKNOWN   1"},
		{"stopped in a back-off", request{}, []attempt{throttled, stopped}, "SERVER_STOPPING NOT_APPLIED TooManyRequestsException  1"},
		{"stopped after a lost response", request{}, []attempt{lost, stopped}, "SERVER_STOPPING UNKNOWN   1"},
		{"credentials", request{}, []attempt{{cause: Credentials}}, "COGNITO_CREDENTIALS NOT_SENT   0"},
		{"credentials refused", request{}, []attempt{answered(Credentials, "ExpiredTokenException")}, "COGNITO_CREDENTIALS NOT_APPLIED ExpiredTokenException  1"},
		{"unrecognized", request{}, []attempt{answered(UnrecognizedException, "NewException")}, "UNRECOGNIZED_EXCEPTION UNKNOWN NewException  1"},

		{"trigger failed, then confirmed", request{}, []attempt{rejected, asking(already)}, "LAMBDA_REJECTED APPLIED UserLambdaValidationException CONFIRMED 2"},
		{"trigger failed, then confirmed, allowed", allow, []attempt{rejected, asking(already)}, "LAMBDA_REJECTED APPLIED UserLambdaValidationException CONFIRMED 2"},
		{"trigger failed, then confirmed, on a repeat", both, []attempt{rejected, asking(already)}, "LAMBDA_REJECTED APPLIED UserLambdaValidationException CONFIRMED 2"},
		{"trigger failed after a lost response, then confirmed", request{}, []attempt{lost, rejected, asking(already)}, "LAMBDA_REJECTED APPLIED UserLambdaValidationException CONFIRMED 3"},
		{"trigger failed, then a success", request{}, []attempt{rejected, asking(confirmed)}, "confirmed, 2 attempts"},
		{"trigger failed, then throttled", request{}, []attempt{rejected, asking(throttled)}, "LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  2"},
		{"trigger failed, then gone", allow, []attempt{rejected, asking(answered(UserNotFound, "UserNotFoundException"))}, "LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  2"},
		{"trigger failed, then lost", request{}, []attempt{rejected, asking(lost)}, "LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  2"},
		{"trigger failed, then unsent", request{}, []attempt{rejected, asking(unreachable)}, "LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  1"},
		{"trigger failed, then stopped", request{}, []attempt{rejected, asking(stopped)}, "LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  1"},
		{"trigger failed twice", request{}, []attempt{rejected, asking(rejected)}, "LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := told(folded(test.request, test.history)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// The error after a trigger's failure names the trigger's response, not that of the attempt which asked afterwards.
func TestFoldKeepsTheTriggersResponse(t *testing.T) {
	for _, after := range []attempt{already, throttled, lost} {
		after.requestID = "of-the-question"
		_, err := folded(request{}, []attempt{rejected, asking(after)})
		var e *Error
		if !errors.As(err, &e) || e.RequestID != "of-the-trigger" || e.Trigger != "PostConfirmation" {
			t.Errorf("%+v", e)
		}
	}
}

// The history has the attempts that were sent, with Cognito's ids of their responses.
func TestFoldTellsTheAttempts(t *testing.T) {
	first := throttled
	first.requestID = "first"
	unanswered := lost
	for _, c := range []struct {
		history []attempt
		want    []Attempt
	}{
		{[]attempt{{cause: Unreachable}}, nil},
		{[]attempt{first, {cause: Unreachable}, unanswered}, []Attempt{{TooManyRequests, "first"}, {ResponseLost, ""}}},
		{[]attempt{first, {sent: true, requestID: "second"}}, []Attempt{{TooManyRequests, "first"}, {0, "second"}}},
	} {
		result, err := folded(request{}, c.history)
		var e *Error
		got, attempts := result.History, result.Attempts
		if errors.As(err, &e) {
			got, attempts = e.History, e.Attempts
		}
		if !slices.Equal(got, c.want) || len(got) != attempts {
			t.Errorf("%v: %v, %d attempts", c.want, got, attempts)
		}
	}
}

func folded(r request, history []attempt) (Result, error) {
	c := fold(confirmSignUp(), r, history)
	if c.err != nil {
		return Result{}, c.err
	}
	return c.result, nil
}

func told(r Result, err error) string {
	names := map[Attribution]string{ByThisCall: "confirmed", BeforeThisCall: "already", Unattributed: "unattributed"}
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Sprintf("%s, %d attempts", names[r.Attribution], r.Attempts)
	}
	return fmt.Sprintf("%s %s %s %s %d", e.Cause, e.Outcome, e.Exception, e.UserStatus, e.Attempts)
}

// What an operation says of itself changes what its exceptions promise.
func TestFoldByOperation(t *testing.T) {
	lambda, unknown := answered(LambdaRejected, "UserLambdaValidationException"), answered(InternalError, "InternalErrorException")
	tests := []struct {
		name      string
		operation operation
		request   request
		history   []attempt
		want      string
	}{
		{"a trigger before the effect", operation{triggerBefore: true}, request{}, []attempt{lambda}, "LAMBDA_REJECTED NOT_APPLIED UserLambdaValidationException  1"},
		{"a trigger after it", operation{trigger: "PostConfirmation"}, request{}, []attempt{lambda}, "LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  1"},
		{"no trigger known", operation{}, request{}, []attempt{lambda}, "LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  1"},
		{"a read", operation{readOnly: true}, request{}, []attempt{unknown}, "COGNITO_INTERNAL_ERROR NOT_APPLIED InternalErrorException  1"},
		{"a read, lost", operation{readOnly: true}, request{}, []attempt{lost, throttled}, "TOO_MANY_REQUESTS NOT_APPLIED TooManyRequestsException  2"},
		{"a read, repeated", operation{readOnly: true}, request{repeated: true}, []attempt{throttled}, "TOO_MANY_REQUESTS NOT_APPLIED TooManyRequestsException  1"},
		{"gone is not the goal", operation{}, request{goal: true}, []attempt{lost, answered(UserNotFound, "UserNotFoundException")}, "COGNITO_RESPONSE_LOST UNKNOWN UserNotFoundException  2"},
		{"gone is the goal", operation{already: UserNotFound}, request{goal: true}, []attempt{lost, answered(UserNotFound, "UserNotFoundException")}, "unattributed, 2 attempts"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := fold(&test.operation, test.request, test.history)
			var err error
			if c.err != nil {
				err = c.err
			}
			if got := told(c.result, err); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// Every history of up to three attempts, and of a fourth after a trigger's failure, keeps the promises that callers rely on.
func TestFoldPromises(t *testing.T) {
	kinds := []attempt{
		confirmed, already, throttled, unavailable, lost, unreachable, deadlineLate, deadlineSoon, cancelled, stopped, rejected,
	}
	for _, cause := range Causes() {
		kinds = append(kinds, answered(cause, "SomeException"))
	}
	requests := []request{{}, {goal: true}, {repeated: true}, {goal: true, repeated: true}}
	checked := 0
	var extend func(history []attempt)
	extend = func(history []attempt) {
		for _, kind := range kinds {
			kind.checksEffect = len(history) > 0 && confirmSignUp().triggerFailed(history[len(history)-1])
			longer := append(history[:len(history):len(history)], kind)
			for _, request := range requests {
				checkPromises(t, longer, request)
				checked++
			}
			ends := kind.cause == 0 || kind.checksEffect
			if !ends && (len(longer) < 3 || confirmSignUp().triggerFailed(kind)) {
				extend(longer)
			}
		}
	}
	extend(nil)
	t.Logf("%d claims checked", checked)
}

func checkPromises(t *testing.T, history []attempt, request request) {
	t.Helper()
	op := confirmSignUp()
	result, err := folded(request, history)
	unknown, sent := slices.ContainsFunc(history, op.mayHaveApplied), 0
	for _, a := range history {
		if a.sent {
			sent++
		}
	}
	last := history[len(history)-1]
	var e *Error
	switch {
	case err == nil && result.Attempts != sent:
		t.Errorf("%v: %d attempts claimed, %d sent", history, result.Attempts, sent)
	case err == nil && result.Attribution == ByThisCall && last.cause != 0:
		t.Errorf("%v: confirmed without a success", history)
	case err == nil && result.Attribution == BeforeThisCall && (unknown || request.repeated || !request.goal):
		t.Errorf("%v: claims that nothing of this call was applied", history)
	case err == nil:
	case !errors.As(err, &e):
		t.Errorf("%v: error of type %T", history, err)
	case (e.Outcome == NotSent || e.Outcome == NotApplied) && (unknown || request.repeated):
		t.Errorf("%v %+v: promises %s", history, request, e.Outcome)
	case (e.Outcome == Applied) != (last.checksEffect && last.cause == UserAlreadyConfirmed):
		t.Errorf("%v: %s", history, e.Outcome)
	case last.checksEffect && e.Cause != history[len(history)-2].cause:
		t.Errorf("%v: the trigger's failure became %s", history, e.Cause)
	case e.Outcome == NotSent && sent > 0:
		t.Errorf("%v: not sent after %d attempts", history, sent)
	case e.Attempts != sent:
		t.Errorf("%v: %d attempts claimed, %d sent", history, e.Attempts, sent)
	}
}

// Each cause has facts of its own, and only those that are answers of Cognito are given by an answer.
func TestEveryCauseHasAFact(t *testing.T) {
	names := map[string]Cause{}
	for _, cause := range Causes() {
		name := cause.String()
		if other, twice := names[name]; name == "" || twice {
			t.Errorf("cause %d is named %q as %d is", cause, name, other)
		}
		names[name] = cause
		if f := cause.fact(); f.stands && f.applied == never {
			t.Errorf("%s stands after a lost response although it promises something", cause)
		}
	}
	if Cause(0).String() != "OK" || Cause(200).String() != "OK" || Cause(200).Promises() {
		t.Error("a cause that does not exist says something")
	}
}
