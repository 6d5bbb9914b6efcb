package failure_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	notSent    = useradminv1.Outcome_OUTCOME_NOT_SENT
	notApplied = useradminv1.Outcome_OUTCOME_NOT_APPLIED
	unknown    = useradminv1.Outcome_OUTCOME_UNKNOWN
)

// TestOfEveryCause has the service make a status of everything that can happen to a call.
func TestOfEveryCause(t *testing.T) {
	var cause cognitoclient.Cause
	outcome := cognitoclient.Unknown
	conn := dialed(t, func(context.Context, cognitoclient.Request) (cognitoclient.Result, error) {
		return cognitoclient.Result{}, &cognitoclient.Error{Cause: cause, Outcome: outcome, Attempts: 2, Exception: "Example", RequestID: "c-1"}
	})
	seen := map[useradminv1.ErrorReason]bool{}
	for _, outcome = range []cognitoclient.Outcome{cognitoclient.NotSent, cognitoclient.NotApplied, cognitoclient.Unknown} {
		for _, cause = range cognitoclient.Causes() {
			_, err := useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), request())
			f := failure.Of(err)
			seen[f.Reason] = true
			if !f.FromService || f.Code == codes.OK || f.Reason == 0 || f.ReasonName != f.Reason.String() ||
				f.RequestID != "7d3f" || f.Message == "" || f.Metadata["attempts"] != "2" || f.Outcome.String() != f.Metadata["outcome"] {
				t.Errorf("%s, %s: %+v", cause, outcome, f)
			}
			if f.NotApplied() == f.OutcomeUnknown() {
				t.Errorf("%s, %s: NotApplied and OutcomeUnknown are both %t", cause, outcome, f.NotApplied())
			}
			if outcome == cognitoclient.Unknown && f.NotApplied() {
				t.Errorf("%s: the promise that nothing happened was made up", cause)
			}
		}
	}
	// INVALID_REQUEST and UNSPECIFIED are not caused by Cognito.
	if want := len(useradminv1.ErrorReason_name) - 2; len(seen) != want {
		t.Errorf("%d reasons, want %d: %v", len(seen), want, seen)
	}
}

func TestOfRetryInfo(t *testing.T) {
	client, stop := serve(
		cognitoclient.Error{Cause: cognitoclient.TooManyRequests, Outcome: cognitoclient.NotApplied},
		cognitoclient.Error{Cause: cognitoclient.LimitExceeded, Outcome: cognitoclient.NotApplied},
		cognitoclient.Error{Cause: cognitoclient.ResponseLost, Outcome: cognitoclient.Unknown},
		cognitoclient.Error{Cause: cognitoclient.ResponseLost, Outcome: cognitoclient.Unknown},
		cognitoclient.Error{Cause: cognitoclient.CredentialsRefused, Outcome: cognitoclient.NotSent},
	)
	t.Cleanup(stop)
	for _, want := range []struct {
		allow      bool
		code       codes.Code
		delay      time.Duration
		retryable  bool
		notApplied bool
	}{
		{false, codes.ResourceExhausted, time.Second, true, true},
		{true, codes.ResourceExhausted, 0, false, true},
		{false, codes.Aborted, 0, false, false},
		{true, codes.Unavailable, 200 * time.Millisecond, true, false},
		{true, codes.Unavailable, 0, true, true},
	} {
		r := request()
		r.AllowConfirmed = want.allow
		_, err := client.ConfirmSignUp(t.Context(), r)
		f := failure.Of(err)
		if f.Code != want.code || f.RetryDelay != want.delay || f.Retryable() != want.retryable || f.NotApplied() != want.notApplied {
			t.Errorf("%s has delay %s, retryable %t, not applied %t; want %+v", f, f.RetryDelay, f.Retryable(), f.NotApplied(), want)
		}
	}
}

// TestOfStatusesOfTheLibrary calls the real service in ways that it never gets to see.
func TestOfStatusesOfTheLibrary(t *testing.T) {
	conn := dialed(t, func(ctx context.Context, _ cognitoclient.Request) (cognitoclient.Result, error) {
		<-ctx.Done()
		return cognitoclient.Result{}, ctx.Err()
	})
	client := useradminv1.NewUserAdminClient(conn)
	large := request()
	large.Username = strings.Repeat("x", 1<<20)
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
		t.Run(name, func(t *testing.T) { foreign(t, c.call(), c.code) })
	}
}

func TestOfForeignErrors(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code codes.Code
	}{
		"of a proxy":                 {status.Error(codes.Unavailable, "upstream connect error"), codes.Unavailable},
		"of a proxy, with details":   {withDetails(codes.Unavailable, &errdetails.ErrorInfo{Reason: "X", Domain: "proxy.example"}, retryInfo(time.Second)), codes.Unavailable},
		"of a domain in upper case":  {withDetails(codes.NotFound, &errdetails.ErrorInfo{Reason: "X", Domain: "USERADMIN.V1"}), codes.NotFound},
		"without ErrorInfo":          {withDetails(codes.Unavailable, retryInfo(time.Second)), codes.Unavailable},
		"no status":                  {errors.New("example"), codes.Unknown},
		"a context's":                {fmt.Errorf("wrapped: %w", context.DeadlineExceeded), codes.DeadlineExceeded},
		"another context's":          {context.Canceled, codes.Canceled},
		"a status that is nil":       {carrier{nil}, codes.Unknown},
		"a status that is OK":        {carrier{status.New(codes.OK, "fine")}, codes.Unknown},
		"an empty status":            {carrier{&status.Status{}}, codes.Unknown},
		"a code of nowhere":          {carrier{status.New(99, "odd")}, 99},
		"a detail that is nil":       {carrier{status.FromProto(&spb.Status{Code: 5, Details: []*anypb.Any{nil}})}, codes.NotFound},
		"an ErrorInfo of garbage":    {carrier{status.FromProto(&spb.Status{Code: 5, Details: []*anypb.Any{garbage(&errdetails.ErrorInfo{})}})}, codes.NotFound},
		"joined with something else": {errors.Join(errors.New("example"), status.Error(codes.Aborted, "a")), codes.Aborted},
	} {
		t.Run(name, func(t *testing.T) { foreign(t, c.err, c.code) })
	}
}

func TestOfNil(t *testing.T) {
	foreign(t, nil, codes.OK)
}

// foreign checks that the failure promises nothing.
func foreign(t *testing.T, err error, code codes.Code) {
	t.Helper()
	f := failure.Of(err)
	want := failure.Failure{Code: code, Message: f.Message, Outcome: unknown, Metadata: map[string]string{}}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("got %+v, want %+v", f, want)
	}
	if f.Retryable() || f.NotApplied() || f.Repeated() || !f.OutcomeUnknown() {
		t.Errorf("a status of somebody else's promises something: %s", f)
	}
	if text := f.String(); !strings.Contains(text, "(not made by useradmin.v1, outcome UNKNOWN)") {
		t.Errorf("%q does not say who did not make it", text)
	}
}

func TestOfWrappedStatus(t *testing.T) {
	_, err := lost(t)
	f := failure.Of(fmt.Errorf("sign-up of somebody: %w", err))
	if !f.FromService || strings.Contains(f.Message, "sign-up") {
		t.Errorf("got %s", f)
	}
}

func TestOfStatusesOfTheFuture(t *testing.T) {
	info := func(more ...string) *errdetails.ErrorInfo {
		metadata := map[string]string{"outcome": "OUTCOME_NOT_APPLIED"}
		for i := 0; i < len(more); i += 2 {
			metadata[more[i]] = more[i+1]
		}
		return &errdetails.ErrorInfo{Domain: failure.Domain, Reason: "ERROR_REASON_USER_NOT_FOUND", Metadata: metadata}
	}
	newReason := info()
	newReason.Reason = "ERROR_REASON_OF_TOMORROW"
	for name, c := range map[string]struct {
		err        error
		reason     string
		outcome    useradminv1.Outcome
		retryable  bool
		notApplied bool
		delay      time.Duration
	}{
		"unknown reason":          {withDetails(codes.NotFound, newReason), "ERROR_REASON_UNSPECIFIED", notApplied, false, true, 0},
		"unknown outcome":         {withDetails(codes.NotFound, info("outcome", "OUTCOME_HALF")), "ERROR_REASON_USER_NOT_FOUND", unknown, false, false, 0},
		"outcome unspecified":     {withDetails(codes.NotFound, info("outcome", "OUTCOME_UNSPECIFIED")), "ERROR_REASON_USER_NOT_FOUND", unknown, false, false, 0},
		"not sent":                {withDetails(codes.NotFound, info("outcome", "OUTCOME_NOT_SENT")), "ERROR_REASON_USER_NOT_FOUND", notSent, false, true, 0},
		"repeated":                {withDetails(codes.NotFound, info("repeated", "true")), "ERROR_REASON_USER_NOT_FOUND", notApplied, false, false, 0},
		"repeated differently":    {withDetails(codes.NotFound, info("repeated", "false")), "ERROR_REASON_USER_NOT_FOUND", notApplied, false, true, 0},
		"unknown detail":          {withDetails(codes.NotFound, &emptypb.Empty{}, info()), "ERROR_REASON_USER_NOT_FOUND", notApplied, false, true, 0},
		"a proxy's ErrorInfo too": {withDetails(codes.NotFound, &errdetails.ErrorInfo{Domain: "proxy.example", Reason: "X"}, info()), "ERROR_REASON_USER_NOT_FOUND", notApplied, false, true, 0},
		"two of ours":             {withDetails(codes.NotFound, info(), newReason), "ERROR_REASON_USER_NOT_FOUND", notApplied, false, true, 0},
		"RetryInfo on a new code": {withDetails(codes.NotFound, info(), retryInfo(time.Minute)), "ERROR_REASON_USER_NOT_FOUND", notApplied, true, true, time.Minute},
		"RetryInfo without delay": {withDetails(codes.NotFound, info(), &errdetails.RetryInfo{}), "ERROR_REASON_USER_NOT_FOUND", notApplied, true, true, 0},
		"RetryInfo of the past":   {withDetails(codes.NotFound, info(), retryInfo(-time.Minute)), "ERROR_REASON_USER_NOT_FOUND", notApplied, true, true, 0},
		"RetryInfo out of bounds": {withDetails(codes.NotFound, info(), &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: math.MaxInt64}}), "ERROR_REASON_USER_NOT_FOUND", notApplied, false, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := failure.Of(c.err)
			if !f.FromService || f.Reason.String() != c.reason || f.Outcome != c.outcome || f.RetryDelay != c.delay {
				t.Errorf("got %+v", f)
			}
			if f.Retryable() != c.retryable || f.NotApplied() != c.notApplied {
				t.Errorf("retryable %t, not applied %t", f.Retryable(), f.NotApplied())
			}
		})
	}
	if f := failure.Of(withDetails(codes.NotFound, newReason)); f.ReasonName != "ERROR_REASON_OF_TOMORROW" ||
		!strings.HasPrefix(f.String(), "NOT_FOUND ERROR_REASON_OF_TOMORROW: ") {
		t.Errorf("the reason's text is lost: %s", f)
	}
}

// The same table as in callers/.
func TestOfRetryDelays(t *testing.T) {
	for _, c := range []struct {
		seconds int64
		nanos   int32
		delay   time.Duration
		valid   bool
	}{
		{400_000_000_000, 0, 0, false},
		{1 << 62, 0, 0, false},
		{1, -5, 0, false},
		{-1, 5, 0, false},
		{0, 2_000_000_000, 0, false},
		{-1, 0, 0, true},
		{-1, -5, 0, true},
		{-315_576_000_000, 0, 0, true},
		{0, 0, 0, true},
		{1, 500_000_000, 1500 * time.Millisecond, true},
		// It is valid, but a time.Duration can't hold it; the other languages' types can.
		{315_576_000_000, 0, 0, false},
		{9_223_372_036, 0, 9_223_372_036 * time.Second, true},
	} {
		f := failure.Of(withDetails(codes.ResourceExhausted, &errdetails.ErrorInfo{Domain: failure.Domain},
			&errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: c.seconds, Nanos: c.nanos}}))
		if f.RetryDelay != c.delay || f.Retryable() != c.valid {
			t.Errorf("%d s %d ns: got %s, retryable %t", c.seconds, c.nanos, f.RetryDelay, f.Retryable())
		}
	}
}

func TestStringIsOneLine(t *testing.T) {
	f := failure.Of(status.Error(codes.Unavailable, "a\r\nb\x1b[2Jc\u202ed\xff"))
	if got, want := f.String(), "UNAVAILABLE: a  b [2Jc d\ufffd (not made by useradmin.v1, outcome UNKNOWN)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func lost(t *testing.T) (*useradminv1.ConfirmSignUpResponse, error) {
	t.Helper()
	client, stop := serve(cognitoclient.Error{Cause: cognitoclient.ResponseLost, Outcome: cognitoclient.Unknown})
	t.Cleanup(stop)
	return client.ConfirmSignUp(t.Context(), request())
}

func dialed(t *testing.T, confirm confirmFunc) *grpc.ClientConn {
	t.Helper()
	conn, stop, err := connect(confirm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return conn
}

// carrier is somebody else's error that carries a status.
type carrier struct{ s *status.Status }

func (c carrier) Error() string              { return "carrier" }
func (c carrier) GRPCStatus() *status.Status { return c.s }

func withDetails(code codes.Code, details ...proto.Message) error {
	s := status.New(code, "example").Proto()
	for _, detail := range details {
		packed, err := anypb.New(detail)
		if err != nil {
			panic(err)
		}
		s.Details = append(s.Details, packed)
	}
	return status.ErrorProto(s)
}

func retryInfo(delay time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}

func garbage(m proto.Message) *anypb.Any {
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()), Value: []byte("\xff\xff\xff")}
}
