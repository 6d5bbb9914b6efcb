package failure_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Statuses that arrive from a server are in callers/testdata/statuses.json: see TestOfStatuses.

// TestOfStatusesOfTheLibrary makes calls that fail before the service sees them.
func TestOfStatusesOfTheLibrary(t *testing.T) {
	conn, stop := dial(&service{})
	t.Cleanup(stop)
	client := useradminv1.NewUserAdminClient(conn)
	large := request()
	large.Username = strings.Repeat("x", maxMessage)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	for name, c := range map[string]struct {
		call func() error
		code codes.Code
	}{
		"unknown method": {func() error {
			return conn.Invoke(t.Context(), "/useradmin.v1.UserAdmin/Delete", request(), new(emptypb.Empty))
		}, codes.Unimplemented},
		"unknown service": {func() error {
			return conn.Invoke(t.Context(), "/useradmin.v2.UserAdmin/ConfirmSignUp", request(), new(emptypb.Empty))
		}, codes.Unimplemented},
		"oversized": {func() error {
			_, err := client.ConfirmSignUp(t.Context(), large)
			return err
		}, codes.ResourceExhausted},
		"cancelled before": {func() error {
			_, err := client.ConfirmSignUp(cancelled, request())
			return err
		}, codes.Canceled},
		"no time left": {func() error {
			_, err := client.ConfirmSignUp(expired, request())
			return err
		}, codes.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) { checkForeign(t, c.call(), c.code) })
	}
}

func TestOfForeignErrors(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code codes.Code
	}{
		"nil":                        {nil, codes.OK},
		"no status":                  {errors.New("example"), codes.Unknown},
		"a context's":                {fmt.Errorf("wrapped: %w", context.DeadlineExceeded), codes.DeadlineExceeded},
		"another context's":          {context.Canceled, codes.Canceled},
		"a status that is nil":       {carrier{nil}, codes.Unknown},
		"a status that is OK":        {carrier{status.New(codes.OK, "fine")}, codes.Unknown},
		"an empty status":            {carrier{&status.Status{}}, codes.Unknown},
		"a detail that is nil":       {carrier{status.FromProto(&spb.Status{Code: 5, Details: []*anypb.Any{nil}})}, codes.NotFound},
		"a code gRPC does not have":  {carrier{status.New(99, "odd")}, codes.Unknown},
		"joined with something else": {errors.Join(errors.New("example"), status.Error(codes.Aborted, "a")), codes.Aborted},
	} {
		t.Run(name, func(t *testing.T) { checkForeign(t, c.err, c.code) })
	}
}

// checkForeign checks that the failure promises nothing.
func checkForeign(t *testing.T, err error, code codes.Code) {
	t.Helper()
	f := failure.Of(err)
	want := failure.Failure{Code: code, Message: f.Message, Outcome: unknown, Metadata: map[string]string{}}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("got %+v, want %+v", f, want)
	}
	if f.Retryable() || f.NotApplied() || f.Applied() || f.Repeated() || !f.OutcomeUnknown() {
		t.Errorf("a status that the service did not make promises something: %s", f)
	}
	if text := f.String(); !strings.Contains(text, "(not made by useradmin, outcome UNKNOWN)") {
		t.Errorf("%q does not say that the service did not make it", text)
	}
}

func TestOfWrappedStatus(t *testing.T) {
	err := fmt.Errorf("sign-up of somebody: %w", statusError(codes.NotFound, "Gone.", notFoundInfo()))
	if f := failure.Of(err); !f.FromService || f.Message != "Gone." {
		t.Errorf("got %s", f)
	}
}

func TestMetadataIsACopy(t *testing.T) {
	err := statusError(codes.NotFound, "Gone.", notFoundInfo())
	failure.Of(err).Metadata["outcome"] = "UNKNOWN"
	if f := failure.Of(err); f.Metadata["outcome"] != "NOT_APPLIED" {
		t.Errorf("changing one failure's metadata changed another's: %s", f)
	}
}

// What Of never returns, but a program can put together.
func TestFailureMadeByHand(t *testing.T) {
	f := failure.Failure{Code: 99, Message: "a\xffb", Outcome: useradminv1.Outcome_OUTCOME_NOT_APPLIED}
	if f.NotApplied() {
		t.Error("a promise that the service did not make")
	}
	if got, want := f.String(), "UNKNOWN: a\ufffdb (not made by useradmin, outcome NOT_APPLIED)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMarkRepeat(t *testing.T) {
	calls := &service{}
	conn, stop := dial(calls)
	t.Cleanup(stop)
	first := metadata.AppendToOutgoingContext(t.Context(), "x-example", "kept")
	for _, ctx := range []context.Context{first, failure.MarkRepeat(first), failure.MarkRepeat(failure.MarkRepeat(first))} {
		if _, err := useradminv1.NewUserAdminClient(conn).ConfirmSignUp(ctx, request()); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range [][]string{nil, {"1"}, {"1"}} {
		if got := calls.headers[i].Get("x-useradmin-repeat"); !slices.Equal(got, want) || !slices.Equal(calls.headers[i].Get("x-example"), []string{"kept"}) {
			t.Errorf("call %d arrived with the mark %q, want %q; headers %v", i, got, want, calls.headers[i])
		}
	}
}

// carrier is somebody else's error that carries a status.
type carrier struct{ s *status.Status }

func (c carrier) Error() string              { return "carrier" }
func (c carrier) GRPCStatus() *status.Status { return c.s }
