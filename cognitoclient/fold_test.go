package cognitoclient

import (
	"errors"
	"fmt"
	"testing"
)

// answered is an attempt that got an answer; a zero status and an unsent one are spelled out.
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
)

func TestFold(t *testing.T) {
	allow, repeat := Request{AllowConfirmed: true}, Request{Repeated: true}
	both := Request{AllowConfirmed: true, Repeated: true}
	tests := []struct {
		name    string
		request Request
		history []attempt
		want    string
	}{
		{"success", Request{}, []attempt{confirmed}, "confirmed, 1 attempts"},
		{"success after a lost answer", Request{}, []attempt{lost, confirmed}, "confirmed, 2 attempts"},
		{"success after an unsent attempt", Request{}, []attempt{unreachable, confirmed}, "confirmed, 1 attempts"},
		{"already", Request{}, []attempt{already}, "user_already_confirmed not_applied NotAuthorizedException CONFIRMED 1"},
		{"already, allowed", allow, []attempt{already}, "already, 1 attempts"},
		{"already after a throttle, allowed", allow, []attempt{throttled, already}, "already, 2 attempts"},
		{"already on a repeat", repeat, []attempt{already}, "user_already_confirmed unknown NotAuthorizedException CONFIRMED 1"},
		{"already on a repeat, allowed", both, []attempt{already}, "unattributed, 1 attempts"},
		{"already after a lost answer", Request{}, []attempt{lost, already}, "unattributed, 2 attempts"},
		{"already after a 503", allow, []attempt{unavailable, already}, "unattributed, 2 attempts"},
		{"throttled", Request{}, []attempt{throttled, throttled, throttled}, "too_many_requests not_applied TooManyRequestsException  3"},
		{"throttled after a lost answer", Request{}, []attempt{lost, throttled}, "response_lost unknown TooManyRequestsException  2"},
		{"unsent after a lost answer", allow, []attempt{lost, unreachable, unreachable}, "response_lost unknown   1"},
		{"unsent", Request{}, []attempt{unreachable, unreachable, unreachable}, "unreachable not_sent   0"},
		{"unsent after a throttle", Request{}, []attempt{throttled, unreachable}, "unreachable not_applied TooManyRequestsException  1"},
		{"not found after a lost answer", allow, []attempt{lost, answered(UserNotFound, "UserNotFoundException")}, "response_lost unknown UserNotFoundException  2"},
		{"another status after a lost answer", Request{}, []attempt{lost, {cause: UserNotConfirmable, sent: true, status: 400, exception: "NotAuthorizedException", userStatus: "RESET_REQUIRED"}},
			"response_lost unknown NotAuthorizedException RESET_REQUIRED 2"},
		{"Lambda after a lost answer", Request{}, []attempt{lost, answered(LambdaRejected, "UserLambdaValidationException")}, "lambda_rejected unknown UserLambdaValidationException  2"},
		{"503 after a lost answer", Request{}, []attempt{lost, unavailable}, "unavailable unknown   2"},
		{"deadline before anything", Request{}, []attempt{deadlineSoon}, "deadline_exceeded not_sent   0"},
		{"deadline after a throttle", Request{}, []attempt{throttled, deadlineSoon}, "deadline_exceeded not_applied TooManyRequestsException  1"},
		{"deadline under way", Request{}, []attempt{deadlineLate}, "deadline_exceeded unknown   1"},
		{"deadline after a lost answer", Request{}, []attempt{lost, deadlineSoon}, "response_lost unknown   1"},
		{"cancelled under way", Request{}, []attempt{cancelled}, "cancelled unknown   1"},
		{"stopped in a back-off", Request{}, []attempt{throttled, stopped}, "stopping not_applied TooManyRequestsException  1"},
		{"stopped after a lost answer", Request{}, []attempt{lost, stopped}, "stopping unknown   1"},
		{"credentials", Request{}, []attempt{{cause: CredentialsRefused}}, "credentials_refused not_sent   0"},
		{"credentials refused", Request{}, []attempt{answered(CredentialsRefused, "ExpiredTokenException")}, "credentials_refused not_applied ExpiredTokenException  1"},
		{"unrecognized", Request{}, []attempt{answered(UnrecognizedException, "NewException")}, "unrecognized_exception unknown NewException  1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := claim(fold(test.history, test.request)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func claim(r Result, err error) string {
	names := map[Confirmation]string{Confirmed: "confirmed", AlreadyConfirmed: "already", ConfirmedUnattributed: "unattributed"}
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Sprintf("%s, %d attempts", names[r.Confirmation], r.Attempts)
	}
	return fmt.Sprintf("%s %s %s %s %d", e.Cause, e.Outcome, e.Exception, e.UserStatus, e.Attempts)
}

// Every history of up to three attempts keeps the promises that callers rely on.
func TestFoldPromises(t *testing.T) {
	kinds := []attempt{
		confirmed, already, throttled, unavailable, lost, unreachable, deadlineLate, deadlineSoon, cancelled, stopped,
	}
	for _, cause := range Causes() {
		kinds = append(kinds, answered(cause, "SomeException"))
	}
	requests := []Request{{}, {AllowConfirmed: true}, {Repeated: true}, {AllowConfirmed: true, Repeated: true}}
	checked := 0
	var extend func(history []attempt)
	extend = func(history []attempt) {
		for _, kind := range kinds {
			longer := append(history[:len(history):len(history)], kind)
			for _, request := range requests {
				checkPromises(t, longer, request)
				checked++
			}
			if len(longer) < 3 && kind.cause != 0 {
				extend(longer)
			}
		}
	}
	extend(nil)
	t.Logf("%d claims checked", checked)
}

func checkPromises(t *testing.T, history []attempt, request Request) {
	t.Helper()
	result, err := fold(history, request)
	unknown, sent := false, 0
	for _, a := range history {
		unknown = unknown || a.mayHaveApplied()
		if a.sent {
			sent++
		}
	}
	last := history[len(history)-1]
	var e *Error
	switch {
	case err == nil && result.Attempts != sent:
		t.Errorf("%v: %d attempts claimed, %d sent", history, result.Attempts, sent)
	case err == nil && result.Confirmation == Confirmed && last.cause != 0:
		t.Errorf("%v: confirmed without a success", history)
	case err == nil && result.Confirmation == AlreadyConfirmed && (unknown || request.Repeated || !request.AllowConfirmed):
		t.Errorf("%v: claims that nothing of this call was applied", history)
	case err == nil:
	case !errors.As(err, &e):
		t.Errorf("%v: error of type %T", history, err)
	case (e.Outcome == NotSent || e.Outcome == NotApplied) && unknown:
		t.Errorf("%v: promises %s", history, e.Outcome)
	case e.Outcome == NotSent && sent > 0:
		t.Errorf("%v: not sent after %d attempts", history, sent)
	case e.Attempts != sent:
		t.Errorf("%v: %d attempts claimed, %d sent", history, e.Attempts, sent)
	}
}
