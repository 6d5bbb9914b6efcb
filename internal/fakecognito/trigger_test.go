package fakecognito_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognito.internal/useradmin/internal/fakecognito"
)

func echo(_ context.Context, event fakecognito.Event) (any, error) { return event, nil }

func TestEvent(t *testing.T) {
	var got fakecognito.Event
	pool := testPool()
	pool.PostConfirmation = func(ctx context.Context, event fakecognito.Event) (any, error) {
		got = event
		return echo(ctx, event)
	}
	f := start(t, fakecognito.Config{}, pool)
	if err := f.confirm("ada@example.com", map[string]string{"tenant": "a&b"}); err != nil {
		t.Fatal(err)
	}
	version := got.CallerContext.AWSSDKVersion
	if want := "aws-sdk-go-v2-" + aws.SDKVersion; version != want {
		t.Errorf("SDK version %q, want %q", version, want)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"version":"1","region":"us-east-1","userPoolId":"us-east-1_TestPool1","userName":"ada",` +
		`"callerContext":{"awsSdkVersion":"aws-sdk-go-v2-` + aws.SDKVersion + `","clientId":"CLIENT_ID_NOT_APPLICABLE"},` +
		`"triggerSource":"PostConfirmation_ConfirmSignUp","request":{"userAttributes":{"cognito:user_status":"CONFIRMED",` +
		`"email":"ada@example.com","email_verified":"true","phone_number":"+12065550100","phone_number_verified":"true","sub":"11111111-2222-4333-8444-555555555555"},` +
		`"clientMetadata":{"tenant":"a\u0026b"}},"response":{}}`
	if string(text) != want {
		t.Errorf("event %s\nwant  %s", text, want)
	}
}

// A client that is not an SDK of AWS is an unknown SDK to the trigger; the journal has its whole User-Agent.
func TestEventOfOtherClients(t *testing.T) {
	for userAgent, want := range map[string]string{
		"useradmin/v1.2.3 request/NOVEII2QC3": "aws-sdk-unknown-unknown",
		"aws-sdk-go-v2":                       "aws-sdk-unknown-unknown",
		"":                                    "aws-sdk-unknown-unknown",
		"aws-sdk-js/3.1.0 ua/2.1":             "aws-sdk-js-3.1.0",
	} {
		var got fakecognito.Event
		pool := testPool()
		pool.PostConfirmation = func(ctx context.Context, event fakecognito.Event) (any, error) {
			got = event
			return echo(ctx, event)
		}
		f := start(t, fakecognito.Config{}, pool)
		r := f.raw(goodBody)
		r.Header.Set("User-Agent", userAgent)
		if answer := f.do(r); answer.Status != http.StatusOK || got.CallerContext.AWSSDKVersion != want {
			t.Errorf("%q: got %d %q, want %q", userAgent, answer.Status, got.CallerContext.AWSSDKVersion, want)
		}
		if received := f.Journal()[1]; received.Request.UserAgent != userAgent {
			t.Errorf("journal %+v", received)
		}
	}
}

func TestTriggerOutcomes(t *testing.T) {
	const unrecognizable, rejected = "Unrecognizable lambda output", "UserLambdaValidationException"
	for _, test := range []struct {
		name    string
		trigger func(fakecognito.Event) (any, error)
		code    string
		message string
	}{
		{"echo", func(e fakecognito.Event) (any, error) { return e, nil }, "", ""},
		{"pointer", func(e fakecognito.Event) (any, error) { return &e, nil }, "", ""},
		{"raw", func(fakecognito.Event) (any, error) { return json.RawMessage(`{"response":{}}`), nil }, "", ""},
		{"error", func(fakecognito.Event) (any, error) { return nil, errors.New("not on the list") }, rejected, "PostConfirmation failed with error not on the list."},
		{"crash", func(fakecognito.Event) (any, error) { runtime.Goexit(); return nil, nil }, "UnexpectedLambdaException", "Runtime exited"},
		{"nothing", func(fakecognito.Event) (any, error) { return nil, nil }, "InvalidLambdaResponseException", unrecognizable},
		{"text", func(fakecognito.Event) (any, error) { return "ok", nil }, "InvalidLambdaResponseException", unrecognizable},
		{"empty object", func(fakecognito.Event) (any, error) { return struct{}{}, nil }, "InvalidLambdaResponseException", unrecognizable},
		{"no JSON", func(fakecognito.Event) (any, error) { return json.RawMessage(`{`), nil }, "InvalidLambdaResponseException", "Invalid lambda function output : Invalid JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pool := testPool()
			var f *fixture
			pool.PostConfirmation = func(_ context.Context, e fakecognito.Event) (any, error) {
				if got := f.adasStatus(); got != fakecognito.StatusConfirmed {
					t.Errorf("trigger ran at status %s", got)
				}
				return test.trigger(e)
			}
			f = start(t, fakecognito.Config{}, pool)
			err := f.confirm("ada", nil)
			want := "received, confirmed, triggered"
			if test.code == "" {
				if err != nil {
					t.Error(err)
				}
			} else {
				wantException(t, err, test.code, test.message, http.StatusBadRequest)
				want += ", trigger failed"
			}
			if got := f.kinds(); got != want {
				t.Errorf("journal %q, want %q", got, want)
			}
			if got := f.adasStatus(); got != fakecognito.StatusConfirmed {
				t.Errorf("status %s", got)
			}
		})
	}
}

func TestTriggerTimeLimit(t *testing.T) {
	pool := testPool()
	pool.PostConfirmation = func(ctx context.Context, _ fakecognito.Event) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	bubble(t, pool, func(t *testing.T, f *fixture) {
		begin := time.Now()
		wantException(t, f.confirm("ada", nil), "UnexpectedLambdaException",
			"PostConfirmation invocation failed due to error Socket timeout while invoking Lambda function.", http.StatusBadRequest)
		if took := time.Since(begin); took != 15*time.Second {
			t.Errorf("took %s", took)
		}
		if got, want := f.kinds(), "received, confirmed, triggered, triggered, triggered, trigger failed"; got != want {
			t.Errorf("journal %q", got)
		}
	})
}

func TestTriggerSecondTry(t *testing.T) {
	pool := testPool()
	var runs atomic.Int32
	pool.PostConfirmation = func(_ context.Context, e fakecognito.Event) (any, error) {
		if runs.Add(1) == 1 {
			time.Sleep(6 * time.Second) // ignores its context and returns too late
			return nil, errors.New("lost")
		}
		return e, nil
	}
	bubble(t, pool, func(t *testing.T, f *fixture) {
		begin := time.Now()
		if err := f.confirm("ada", nil); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != 5*time.Second || runs.Load() != 2 {
			t.Errorf("took %s, %d runs", took, runs.Load())
		}
		f.Settle()
		if took := time.Since(begin); took != 6*time.Second {
			t.Errorf("settled after %s", took)
		}
	})
}

func TestTriggerOutlivesClient(t *testing.T) {
	pool := testPool()
	ran := false
	pool.PostConfirmation = func(ctx context.Context, e fakecognito.Event) (any, error) {
		time.Sleep(4 * time.Second)
		ran = ctx.Err() == nil
		return e, nil
	}
	bubble(t, pool, func(t *testing.T, f *fixture) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.confirmContext(ctx, "ada", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		f.Settle()
		if !ran {
			t.Error("trigger was cut with its client")
		}
	})
}

func TestCloseEndsTriggers(t *testing.T) {
	pool := testPool()
	pool.PostConfirmation = func(ctx context.Context, _ fakecognito.Event) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	bubble(t, pool, func(t *testing.T, f *fixture) {
		begin := time.Now()
		go func() { _ = f.confirm("ada", nil) }()
		synctest.Wait()
		f.Close()
		if took := time.Since(begin); took != 0 {
			t.Errorf("took %s", took)
		}
	})
}
