package failure_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/failure"
)

// FuzzOf reads any bytes as a google.rpc.Status, as they come in grpc-status-details-bin.
func FuzzOf(f *testing.F) {
	info := &errdetails.ErrorInfo{
		Domain: failure.Domain, Reason: "COGNITO_RESPONSE_LOST",
		Metadata: map[string]string{"outcome": "NOT_APPLIED", "repeated": "true"},
	}
	for _, err := range []error{
		statusError(codes.Unavailable, "Example.", info, &errdetails.RequestInfo{RequestId: "7d3f"}, retryInfo(time.Second)),
		statusError(codes.InvalidArgument, "Example.", info, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "username", Reason: "TOO_LONG", Description: "Too long."},
		}}),
		statusError(codes.NotFound, "Example.", &errdetails.ErrorInfo{Domain: "proxy.example"}, info),
	} {
		raw, err := proto.Marshal(status.Convert(err).Proto())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(nil))
	f.Add([]byte("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")) // the code -1
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s spb.Status
		if proto.Unmarshal(raw, &s) != nil {
			return
		}
		got := failure.Of(carrier{status.FromProto(&s)})
		if got.Code == codes.OK || got.Metadata == nil || got.RetryDelay < 0 {
			t.Errorf("got %+v", got)
		}
		if !got.FromService && (got.Retryable() || got.NotApplied() || got.Reason != 0 || got.Outcome != unknown || got.RetryDelay != 0) {
			t.Errorf("a status that the service did not make promises something: %+v", got)
		}
		if claims := count(got.NotApplied(), got.Applied(), got.OutcomeUnknown()); claims != 1 {
			t.Errorf("%d claims about the outcome, want 1: %+v", claims, got)
		}
		text := got.String()
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("not a printable line: %q", text)
		}
	})
}

func count(claims ...bool) int {
	var n int
	for _, claim := range claims {
		if claim {
			n++
		}
	}
	return n
}
