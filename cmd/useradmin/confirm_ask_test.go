package main

import (
	"cmp"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// client is a service without a network. It has ConfirmSignUp only.
type client struct {
	useradminv1.UserAdminClient

	// errs are what the tries fail with, one after the other. The last one repeats; nil is a success.
	errs []error
	// marks are the headers by which each try was marked as a repeat.
	marks []string
}

func (c *client) ConfirmSignUp(ctx context.Context, _ *useradminv1.ConfirmSignUpRequest, _ ...grpc.CallOption) (*useradminv1.ConfirmSignUpResponse, error) {
	headers, _ := metadata.FromOutgoingContext(ctx)
	c.marks = append(c.marks, strings.Join(headers.Get("x-useradmin-repeat"), ","))
	if err := c.errs[min(len(c.marks), len(c.errs))-1]; err != nil {
		return nil, err
	}
	return &useradminv1.ConfirmSignUpResponse{Result: confirmedByCall}, nil
}

const (
	repeats = ": sending the call again in "
	asks    = ": asking whether the user is confirmed in "
)

func TestAsk(t *testing.T) {
	throttled := statusError(codes.ResourceExhausted, "TOO_MANY_REQUESTS", "NOT_APPLIED", after(2*time.Second))
	lost := statusError(codes.Unavailable, "COGNITO_RESPONSE_LOST", "UNKNOWN", after(2*time.Second))
	lambda := statusError(codes.FailedPrecondition, "LAMBDA_FAILED", "UNKNOWN")
	applied := statusError(codes.FailedPrecondition, "LAMBDA_FAILED", "APPLIED")
	gone := statusError(codes.NotFound, "USER_NOT_FOUND", "NOT_APPLIED")
	proxy := statusError(codes.Unavailable, "", "", after(time.Second))
	for name, c := range map[string]askCase{
		"success":                  {errs: []error{nil}},
		"refused":                  {errs: []error{gone}, fails: true},
		"throttled once":           {errs: []error{throttled, nil}, repeats: 1, takes: 2 * time.Second},
		"lost, then throttled":     {errs: []error{lost, throttled, nil}, repeats: 2, takes: 4 * time.Second, doubt: "COGNITO_RESPONSE_LOST"},
		"not for ever":             {errs: []error{throttled}, timeout: time.Hour, repeats: 4, takes: 8 * time.Second, fails: true},
		"no time for it":           {errs: []error{throttled}, timeout: 4 * time.Second, repeats: 1, takes: 2 * time.Second, fails: true},
		"no RetryInfo":             {errs: []error{statusError(codes.Unavailable, "COGNITO_CREDENTIALS", "NOT_SENT")}, fails: true},
		"not the service":          {errs: []error{proxy}, fails: true},
		"unknown, then confirmed":  {errs: []error{lambda, nil}, asks: 1, takes: time.Second, doubt: "LAMBDA_FAILED"},
		"unknown, then unknown":    {errs: []error{lambda}, asks: 1, takes: time.Second, doubt: "LAMBDA_FAILED", fails: true},
		"throttled, then unknown":  {errs: []error{throttled, lambda, throttled, nil}, repeats: 2, asks: 1, takes: 5 * time.Second, doubt: "LAMBDA_FAILED"},
		"unknown, no time to ask":  {errs: []error{lambda}, timeout: time.Second, fails: true},
		"unknown of a strict call": {errs: []error{lambda}, strict: true, fails: true},
		"applied":                  {errs: []error{applied}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.check(t) })
		})
	}
}

// askCase is what a service says, and what the command does then.
type askCase struct {
	errs    []error
	strict  bool
	timeout time.Duration
	repeats int
	asks    int
	takes   time.Duration
	fails   bool
	doubt   string
}

func (c askCase) check(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(c.timeout, time.Minute))
	defer cancel()
	began := time.Now()
	service, notices := &client{errs: c.errs}, new(strings.Builder)
	a := ask(ctx, service, &useradminv1.ConfirmSignUpRequest{AllowConfirmed: !c.strict}, notices)
	if a.tries != 1+c.repeats+c.asks || time.Since(began) != c.takes || (a.err != nil) != c.fails || a.doubt != c.doubt {
		t.Errorf("got %+v in %s, want %+v", a, time.Since(began), c)
	}
	if text := notices.String(); strings.Count(text, repeats) != c.repeats || strings.Count(text, asks) != c.asks {
		t.Errorf("the notices are %q", text)
	}
	doubt := false
	for i, mark := range service.marks {
		if want := map[bool]string{true: "1"}[doubt]; mark != want {
			t.Errorf("try %d was marked %q, want %q", i+1, mark, want)
		}
		err := c.errs[min(i, len(c.errs)-1)]
		doubt = doubt || err != nil && !failure.Of(err).NotApplied()
	}
}

// While it waits it can be interrupted; then the last answer counts.
func TestAskInterruptedWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		throttled := statusError(codes.ResourceExhausted, "TOO_MANY_REQUESTS", "NOT_APPLIED", after(time.Hour))
		time.AfterFunc(time.Second, cancel)
		var notices strings.Builder
		a := ask(ctx, &client{errs: []error{throttled}}, new(useradminv1.ConfirmSignUpRequest), &notices)
		if a.tries != 1 || a.failure.Code != codes.ResourceExhausted || a.doubt != "" || !a.interrupted {
			t.Errorf("got %+v", a)
		}
		if want := "useradmin: interrupted before try 2; what try 1 said:\n"; !strings.HasSuffix(notices.String(), want) {
			t.Errorf("the notices are %q", notices.String())
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
		a := ask(t.Context(), &client{errs: []error{lost, gone}}, new(useradminv1.ConfirmSignUpRequest), &notices)
		r := &report{command: new(confirmCommand), answer: a, glossary: g}
		text := r.failure(textWidth)
		for _, want := range []string{
			"Find out     Run this command again",
			"Tries        2; an earlier one failed with COGNITO_RESPONSE_LOST and the\n               outcome UNKNOWN.\n",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("it does not say %q:\n%s", want, text)
			}
		}
		var out strings.Builder
		if err := r.json(&out); err != nil || !strings.Contains(out.String(), `"not_applied":false`) || !strings.Contains(out.String(), `"earlier_try_may_have_confirmed":true`) {
			t.Errorf("%v, %s", err, out.String())
		}
		if want := "useradmin: COGNITO_RESPONSE_LOST, outcome UNKNOWN: sending the call again in 1s (try 2 of at most 5)\n"; notices.String() != want {
			t.Errorf("got %q, want %q", notices.String(), want)
		}
	})
}
