package server

import (
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	domain       = "useradmin.v1"
	reasonPrefix = "ERROR_REASON_"
)

// assemble makes the status as it goes onto the wire: ErrorInfo, RequestInfo, then the row's details.
func assemble(v verdict, f *failure) *statuspb.Status {
	details := make([]*anypb.Any, 0, 4)
	details = append(details, errorInfo(v, f))
	details = pack(details, &errdetails.RequestInfo{RequestId: f.requestID})
	if v.delay > 0 {
		details = pack(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(v.delay)})
	}
	if v.row.detail != nil {
		if detail := v.row.detail(f); detail != nil {
			details = pack(details, detail)
		}
	}
	//nolint:gosec // codes are small
	return &statuspb.Status{Code: int32(v.code), Message: v.row.message, Details: details}
}

// pack appends the detail. One that can't be encoded is left out: the status is worth more than it.
func pack(details []*anypb.Any, detail proto.Message) []*anypb.Any {
	packed, err := anypb.New(detail)
	if err != nil {
		return details
	}
	return append(details, packed)
}

// errorInfo is the packed ErrorInfo. It is encoded by hand, since a map costs four allocations an entry.
func errorInfo(v verdict, f *failure) *anypb.Any {
	b := make([]byte, 0, 384)
	b = appendString(b, 1, v.row.reason.String())
	b = appendString(b, 2, domain)
	for _, n := range metadataOf(v, f) {
		b = protowire.AppendTag(b, 3, protowire.BytesType)
		b = protowire.AppendVarint(b, sizeString(n.key)+sizeString(n.value))
		b = appendString(b, 1, n.key)
		b = appendString(b, 2, n.value)
	}
	return &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: b}
}

func appendString(b []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), text)
}

// sizeString is the size of a string field whose number takes one byte.
func sizeString(text string) uint64 {
	return uint64(1 + protowire.SizeBytes(len(text))) //nolint:gosec // sizes are positive
}

// notes are the metadata of an ErrorInfo, each key once.
type notes []struct{ key, value string }

// add leaves out what is not known.
func (n *notes) add(key, value string) {
	if value != "" {
		*n = append(*n, struct{ key, value string }{key, value})
	}
}

func metadataOf(v verdict, f *failure) notes {
	n := make(notes, 0, 10)
	if f.req != nil {
		n.add("outcome", outcomeName(v.outcome))
	}
	if f.asked {
		n.add("attempts", strconv.Itoa(f.cognito.Attempts))
	}
	n.add("exception", f.cognito.Exception)
	n.add("cognitoRequestId", f.cognito.RequestID)
	if f.repeated {
		n.add("repeated", "true")
	}
	if v.row.annotate != nil {
		v.row.annotate(f, &n)
	}
	if f.omitted > 0 {
		n.add("violationsOmitted", strconv.Itoa(f.omitted))
	}
	return n
}

func outcomeName(o cognitoclient.Outcome) string {
	switch o {
	case cognitoclient.NotSent:
		return useradminv1.Outcome_OUTCOME_NOT_SENT.String()
	case cognitoclient.NotApplied:
		return useradminv1.Outcome_OUTCOME_NOT_APPLIED.String()
	default:
		return useradminv1.Outcome_OUTCOME_UNKNOWN.String()
	}
}

// shortReason is the reason as logs and metrics name it.
func shortReason(reason useradminv1.ErrorReason) string {
	return strings.TrimPrefix(reason.String(), reasonPrefix)
}

// badRequest has the violations; nil where there are none to name.
func badRequest(f *failure) proto.Message {
	if len(f.violations) == 0 {
		return nil
	}
	fields := make([]*errdetails.BadRequest_FieldViolation, len(f.violations))
	for i, v := range f.violations {
		fields[i] = &errdetails.BadRequest_FieldViolation{Field: v.path(), Reason: v.reason, Description: v.description}
		if f.terse {
			fields[i].Description = ""
		}
	}
	return &errdetails.BadRequest{FieldViolations: fields}
}
