package server

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

func TestConfirms(t *testing.T) {
	results := map[cognitoclient.Attribution]useradminv1.ConfirmSignUpResponse_Result{
		cognitoclient.ByThisCall:     useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED,
		cognitoclient.BeforeThisCall: useradminv1.ConfirmSignUpResponse_RESULT_ALREADY_CONFIRMED,
		cognitoclient.Unattributed:   useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED_UNATTRIBUTED,
	}
	for attribution, wanted := range results {
		var got cognitoclient.ConfirmSignUp
		e := serve(t, confirming(func(_ context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			got = r
			return cognitoclient.Result{Attribution: attribution, Attempts: 2, RequestID: "cognito-1"}, nil
		}), Config{NewRequestID: func() string { return "made" }})
		req := validRequest()
		req.AllowConfirmed = true
		resp, err := e.ConfirmSignUp(t.Context(), req)
		if err != nil || resp.GetResult() != wanted {
			t.Fatalf("%d: got %v, %v", attribution, resp, err)
		}
		if got.UserPoolID != req.GetUserPoolId() || got.Username != req.GetUsername() || got.ClientMetadata["campaign"] != "spring" ||
			!got.AllowConfirmed || got.Repeated || got.ID != "made" {
			t.Errorf("Cognito got %+v", got)
		}
	}
}

func TestResultWithoutAttributionIsABug(t *testing.T) {
	e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		return cognitoclient.Result{}, nil
	}), Config{})
	_, err := e.ConfirmSignUp(t.Context(), validRequest())
	want(t, err, codes.Internal, "INTERNAL", "UNKNOWN")
}

func TestForeignErrorsAreBugs(t *testing.T) {
	for _, foreign := range []error{
		io.ErrUnexpectedEOF, context.Canceled, status.Error(codes.NotFound, "canary"), (*cognitoclient.Error)(nil),
		&cognitoclient.Error{}, &cognitoclient.Error{Cause: 250, Outcome: cognitoclient.NotApplied},
	} {
		e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			return cognitoclient.Result{}, foreign
		}), Config{})
		_, err := e.ConfirmSignUp(t.Context(), validRequest())
		want(t, err, codes.Internal, "INTERNAL", "UNKNOWN")
	}
}

func TestInvalidRequestIsNotSent(t *testing.T) {
	e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		t.Error("Cognito was called")
		return cognitoclient.Result{}, nil
	}), Config{})
	_, err := e.ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{Username: "a b"})
	want(t, err, codes.InvalidArgument, "INVALID_REQUEST", "NOT_SENT")
	if bad := detail[*errdetails.BadRequest](t, err); len(bad.GetFieldViolations()) != 2 {
		t.Errorf("got %v", status.Convert(err).Details())
	}
}

func TestRequestID(t *testing.T) {
	long := strings.Repeat("a", 64)
	for given, wanted := range map[string]string{
		"": "made", "abc-1._:Z": "abc-1._:Z", long: long, long + "a": "made", "a b": "made", "a\"b": "made", "ä": "made",
	} {
		for _, cognito := range []Cognito{succeeding(), failing(cognitoclient.Error{Cause: cognitoclient.UserNotFound, Outcome: cognitoclient.NotApplied})} {
			e := serve(t, cognito, Config{NewRequestID: func() string { return "made" }})
			ctx := t.Context()
			if given != "" && given != "ä" {
				ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", given)
			}
			var header, trailer metadata.MD
			_, err := e.ConfirmSignUp(ctx, validRequest(), grpc.Header(&header), grpc.Trailer(&trailer))
			if got := trailer.Get("x-request-id"); len(got) != 1 || got[0] != wanted {
				t.Errorf("%q: trailer %v", given, got)
			}
			if err == nil {
				continue
			}
			if got := detail[*errdetails.RequestInfo](t, err).GetRequestId(); got != wanted {
				t.Errorf("%q: RequestInfo %q", given, got)
			}
			if !strings.Contains(e.log.String(), `"request_id":"`+wanted+`"`) {
				t.Errorf("%q: log %s", given, e.log)
			}
		}
	}
}

// Any value of any mark makes a call a repeat. A repeat promises nothing and never invites, but for a request that was
// refused for its own faults, and for what certainly happened.
func TestRepeated(t *testing.T) {
	for _, c := range []struct {
		pairs    []string
		repeated bool
	}{
		{[]string{"x-other", "1"}, false},
		{[]string{"grpc-previous-rpc-attempts", "0"}, false},
		{[]string{"grpc-previous-rpc-attempts", "1"}, true},
		{[]string{"grpc-previous-rpc-attempts", "0", "grpc-previous-rpc-attempts", "1"}, true},
		{[]string{"grpc-previous-rpc-attempts", "rubbish"}, true},
		{[]string{"x-envoy-attempt-count", "0"}, false},
		{[]string{"x-envoy-attempt-count", "1"}, false},
		{[]string{"x-envoy-attempt-count", "2"}, true},
		{[]string{"x-envoy-attempt-count", "1", "x-envoy-attempt-count", "2"}, true},
		{[]string{"x-useradmin-repeat", "0"}, false},
		{[]string{"x-useradmin-repeat", "1"}, true},
		{[]string{"x-useradmin-repeat", "0", "x-useradmin-repeat", "1"}, true},
	} {
		var got bool
		e := serve(t, confirming(func(_ context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			got = r.Repeated
			return cognitoclient.Result{}, cognitoclient.Refused(cognitoclient.Unreachable, r.Repeated)
		}), Config{})
		ctx := metadata.AppendToOutgoingContext(t.Context(), c.pairs...)
		_, err := e.ConfirmSignUp(ctx, validRequest())
		if told := infoOf(t, err).GetMetadata()["repeated"]; told != fmt.Sprint(c.repeated) || got != c.repeated {
			t.Errorf("%v: told %v, request %v", c.pairs, told, got)
		}
		if c.repeated {
			want(t, err, codes.Aborted, "COGNITO_UNREACHABLE", "UNKNOWN")
		} else {
			want(t, err, codes.Unavailable, "COGNITO_UNREACHABLE", "NOT_SENT")
		}
		_, err = e.ConfirmSignUp(ctx, &useradminv1.ConfirmSignUpRequest{})
		want(t, err, codes.InvalidArgument, "INVALID_REQUEST", "NOT_SENT")
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, config := range map[string]Config{
		"negative timeout": {CallTimeout: -1}, "calls longer than the grace": {CallTimeout: MaxCallTimeout},
		"delay as long as the drain": {DrainDelay: DefaultDrainTimeout},
	} {
		if _, err := New(succeeding(), config); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := New(nil, Config{}); err == nil {
		t.Error("no Cognito was accepted")
	}
	if _, err := New(succeeding(), Config{}); err != nil {
		t.Errorf("the zero config was refused: %v", err)
	}
	registry := prometheus.NewRegistry()
	if _, err := New(succeeding(), Config{Registerer: registry}); err != nil {
		t.Error(err)
	}
	if _, err := New(succeeding(), Config{Registerer: registry}); err == nil {
		t.Error("metrics were registered twice")
	}
}
