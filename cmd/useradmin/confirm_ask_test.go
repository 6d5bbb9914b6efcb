package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// askFunc is a client without a network; it gets the number of the try.
type askFunc func(try int) error

// client counts the tries.
type client struct {
	answer askFunc
	tries  int
}

func (c *client) ConfirmSignUp(context.Context, *useradminv1.ConfirmSignUpRequest, ...grpc.CallOption) (*useradminv1.ConfirmSignUpResponse, error) {
	c.tries++
	if err := c.answer(c.tries); err != nil {
		return nil, err
	}
	return &useradminv1.ConfirmSignUpResponse{Result: confirmedByCall}, nil
}

func always(err error) askFunc { return func(int) error { return err } }

func TestAskObeysRetryInfo(t *testing.T) {
	throttled := statusError(codes.ResourceExhausted, "TOO_MANY_REQUESTS", "NOT_APPLIED", after(time.Second))
	lost := statusError(codes.Unavailable, "COGNITO_RESPONSE_LOST", "UNKNOWN", after(2*time.Second))
	for name, c := range map[string]struct {
		answer  askFunc
		timeout time.Duration
		tries   int
		takes   time.Duration
		fails   bool
		doubt   bool
	}{
		"success":              {always(nil), time.Minute, 1, 0, false, false},
		"throttled once":       {func(try int) error { return []error{throttled, nil}[try-1] }, time.Minute, 2, time.Second, false, false},
		"lost, then throttled": {func(try int) error { return []error{lost, throttled, nil}[try-1] }, time.Minute, 3, 3 * time.Second, false, true},
		"not for ever":         {always(throttled), time.Hour, 5, 4 * time.Second, true, false},
		"no time for it":       {always(throttled), 2 * time.Second, 2, time.Second, true, false},
		"no RetryInfo":         {always(statusError(codes.Unavailable, "COGNITO_CREDENTIALS", "NOT_SENT")), time.Minute, 1, 0, true, false},
		"not the service":      {always(statusError(codes.Unavailable, "", "", after(time.Second))), time.Minute, 1, 0, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
				defer cancel()
				began := time.Now()
				var notices strings.Builder
				a := ask(ctx, &client{answer: c.answer}, new(useradminv1.ConfirmSignUpRequest), &notices)
				if a.tries != c.tries || time.Since(began) != c.takes || (a.err != nil) != c.fails || a.doubt != c.doubt {
					t.Errorf("got %+v in %s, want %+v", a, time.Since(began), c)
				}
				if strings.Count(notices.String(), ": sending the call again in ") != c.tries-1 {
					t.Errorf("the notices are %q", notices.String())
				}
			})
		})
	}
}

// While it waits it can be interrupted; then the last answer counts.
func TestAskInterruptedWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		throttled := statusError(codes.ResourceExhausted, "TOO_MANY_REQUESTS", "NOT_APPLIED", after(time.Hour))
		time.AfterFunc(time.Second, cancel)
		a := ask(ctx, &client{answer: always(throttled)}, new(useradminv1.ConfirmSignUpRequest), new(strings.Builder))
		if a.tries != 1 || a.failure.Code != codes.ResourceExhausted {
			t.Errorf("got %+v", a)
		}
	})
}

// A last try that did nothing promises nothing for the tries before it.
func TestReportCountsEveryTry(t *testing.T) {
	g, err := loadGlossary()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		lost := statusError(codes.Unavailable, "COGNITO_RESPONSE_LOST", "UNKNOWN", after(time.Second))
		gone := statusError(codes.NotFound, "USER_NOT_FOUND", "NOT_APPLIED")
		var notices strings.Builder
		a := ask(t.Context(), &client{answer: func(try int) error { return []error{lost, gone}[try-1] }}, new(useradminv1.ConfirmSignUpRequest), &notices)
		r := &report{command: new(confirmCommand), answer: a, glossary: g}
		text := r.failure()
		for _, want := range []string{"Find out     run this command again", "Tries        2; one before the last may have confirmed the user"} {
			if !strings.Contains(text, want) {
				t.Errorf("it does not say %q:\n%s", want, text)
			}
		}
		var out strings.Builder
		if err := r.json(&out); err != nil || !strings.Contains(out.String(), `"not_applied":false`) || !strings.Contains(out.String(), `"earlier_try_may_have_confirmed":true`) {
			t.Errorf("%v, %s", err, out.String())
		}
		if want := "useradmin: COGNITO_RESPONSE_LOST: sending the call again in 1s (try 2 of at most 5)\n"; notices.String() != want {
			t.Errorf("got %q, want %q", notices.String(), want)
		}
	})
}
