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
		Domain: failure.Domain, Reason: "ERROR_REASON_COGNITO_RESPONSE_LOST",
		Metadata: map[string]string{"outcome": "OUTCOME_NOT_APPLIED", "repeated": "true"},
	}
	for _, err := range []error{
		withDetails(codes.Unavailable, info, &errdetails.RequestInfo{RequestId: "7d3f"}, retryInfo(time.Second)),
		withDetails(codes.InvalidArgument, info, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "username", Reason: "TOO_LONG", Description: "Too long."},
		}}),
		withDetails(codes.NotFound, &errdetails.ErrorInfo{Domain: "proxy.example"}, info),
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
			t.Errorf("a status of somebody else's promises something: %+v", got)
		}
		if got.NotApplied() && (got.OutcomeUnknown() || got.Repeated()) {
			t.Errorf("not applied, and perhaps it is: %+v", got)
		}
		text := got.String()
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("not fit for a log: %q", text)
		}
	})
}
