package server

import (
	"context"
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
	results := map[cognitoclient.Confirmation]useradminv1.ConfirmSignUpResponse_Result{
		cognitoclient.Confirmed:             useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED,
		cognitoclient.AlreadyConfirmed:      useradminv1.ConfirmSignUpResponse_RESULT_ALREADY_CONFIRMED,
		cognitoclient.ConfirmedUnattributed: useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED_UNATTRIBUTED,
	}
	for confirmation, wanted := range results {
		var got cognitoclient.Request
		e := serve(t, confirmFunc(func(_ context.Context, r cognitoclient.Request) (cognitoclient.Result, error) {
			got = r
			return cognitoclient.Result{Confirmation: confirmation, Attempts: 2, RequestID: "cognito-1"}, nil
		}), Config{})
		req := validRequest()
		req.AllowConfirmed = true
		resp, err := e.ConfirmSignUp(t.Context(), req)
		if err != nil || resp.GetResult() != wanted {
			t.Fatalf("%d: got %v, %v", confirmation, resp, err)
		}
		if got.UserPoolID != req.GetUserPoolId() || got.Username != req.GetUsername() || got.ClientMetadata["campaign"] != "spring" ||
			!got.AllowConfirmed || got.Repeated {
			t.Errorf("the confirmer got %+v", got)
		}
	}
}

func TestResultWithoutConfirmationIsABug(t *testing.T) {
	e := serve(t, confirmFunc(func(context.Context, cognitoclient.Request) (cognitoclient.Result, error) {
		return cognitoclient.Result{}, nil
	}), Config{})
	_, err := e.ConfirmSignUp(t.Context(), validRequest())
	want(t, err, codes.Internal, "INTERNAL", "UNKNOWN")
}

func TestForeignErrorsOfTheConfirmerAreBugs(t *testing.T) {
	for _, foreign := range []error{
		io.ErrUnexpectedEOF, context.Canceled, status.Error(codes.NotFound, "canary"), (*cognitoclient.Error)(nil),
		&cognitoclient.Error{}, &cognitoclient.Error{Cause: 250, Outcome: cognitoclient.NotApplied},
	} {
		e := serve(t, confirmFunc(func(context.Context, cognitoclient.Request) (cognitoclient.Result, error) {
			return cognitoclient.Result{}, foreign
		}), Config{})
		_, err := e.ConfirmSignUp(t.Context(), validRequest())
		want(t, err, codes.Internal, "INTERNAL", "UNKNOWN")
	}
}

func TestInvalidRequestIsNotSent(t *testing.T) {
	e := serve(t, confirmFunc(func(context.Context, cognitoclient.Request) (cognitoclient.Result, error) {
		t.Error("the confirmer was called")
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
		for _, confirmer := range []Confirmer{succeeding(), failing(cognitoclient.Error{Cause: cognitoclient.UserNotFound, Outcome: cognitoclient.NotApplied})} {
			e := serve(t, confirmer, Config{NewRequestID: func() string { return "made" }})
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

func TestRepeated(t *testing.T) {
	for _, c := range []struct {
		key, value string
		repeated   bool
	}{
		{"x-other", "1", false},
		{"grpc-previous-rpc-attempts", "0", false},
		{"grpc-previous-rpc-attempts", "1", true},
		{"grpc-previous-rpc-attempts", "rubbish", true},
		{"x-envoy-attempt-count", "0", false},
		{"x-envoy-attempt-count", "1", false},
		{"x-envoy-attempt-count", "2", true},
	} {
		var got bool
		e := serve(t, confirmFunc(func(_ context.Context, r cognitoclient.Request) (cognitoclient.Result, error) {
			got = r.Repeated
			return cognitoclient.Result{}, &cognitoclient.Error{Cause: cognitoclient.UserDisabled, Outcome: cognitoclient.NotApplied}
		}), Config{})
		ctx := metadata.AppendToOutgoingContext(t.Context(), c.key, c.value)
		for _, req := range []*useradminv1.ConfirmSignUpRequest{validRequest(), {}} {
			_, err := e.ConfirmSignUp(ctx, req)
			if _, told := infoOf(t, err).GetMetadata()["repeated"]; told != c.repeated || got != c.repeated {
				t.Errorf("%s=%s: told %v, request %v", c.key, c.value, told, got)
			}
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, config := range map[string]Config{
		"negative timeout": {CallTimeout: -1}, "calls longer than the grace": {CallTimeout: DefaultConnectionAgeGrace}, "negative limit": {MaxMessageBytes: -1},
		"delay as long as the drain": {DrainDelay: DefaultDrainTimeout},
	} {
		if _, err := New(succeeding(), config); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := New(nil, Config{}); err == nil {
		t.Error("no confirmer was taken")
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
