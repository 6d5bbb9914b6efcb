package failure_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

// sent is a status before it is encoded.
type sent struct {
	name    string
	code    codes.Code
	message string
	details []proto.Message
	// bytes replace what code, message and details encode to.
	bytes func(encoded []byte) []byte
	want  reading
}

func statuses(t *testing.T) []encoded {
	t.Helper()
	comments, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	var all []encoded
	for _, s := range sentStatuses(contract{comments}) {
		if names[s.name] {
			t.Errorf("two statuses have the name %q", s.name)
		}
		names[s.name] = true
		all = append(all, s.encode(t))
	}
	return all
}

func (s sent) encode(t *testing.T) encoded {
	t.Helper()
	c := encoded{Name: s.name, Code: uint32(s.code), Message: s.message, Want: s.want}
	if s.details != nil {
		c.Status = marshal(t, statusProto(s.code, s.message, s.details...))
	}
	if s.bytes != nil {
		c.Status = s.bytes(c.Status)
	}
	return c
}

// statusProto packs the details; those that are packed already stay as they are.
func statusProto(code codes.Code, message string, details ...proto.Message) *spb.Status {
	s := status.New(code, message).Proto()
	for _, detail := range details {
		packed, ok := detail.(*anypb.Any)
		if !ok {
			packed = new(anypb.Any)
			if err := anypb.MarshalFrom(packed, detail, proto.MarshalOptions{Deterministic: true}); err != nil {
				panic(err)
			}
		}
		s.Details = append(s.Details, packed)
	}
	return s
}

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// contract is the proto comments: the source of every message of the service.
type contract struct {
	comments *schema.Schema
}

// message is the first paragraph of the comment at the reason and the `Do` for the outcome, or else the RPC's `Unknown`.
func (c contract) message(reason useradminv1.ErrorReason, outcome string) string {
	comment := c.comments.Comment(protoreflect.FullName("useradmin.v1." + reason.String()))
	what, rest, _ := strings.Cut(comment, "\n\n")
	what = strings.ReplaceAll(what, "\n", " ")
	for line := range strings.Lines(rest) {
		label, do, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if label == "Do" && outcome != "UNKNOWN" || strings.HasPrefix(label, "Do (") && slices.Contains(outcomesIn(label), outcome) {
			return what + " " + do
		}
	}
	if outcome != "UNKNOWN" {
		return what
	}
	_, unknown, _ := strings.Cut(c.comments.Comment("useradmin.v1.UserAdmin.ConfirmSignUp"), "Unknown: ")
	unknown, _, _ = strings.Cut(unknown, "\n\n")
	return what + " " + strings.ReplaceAll(unknown, "\n", " ")
}

// outcomesIn are those of a label such as `Do (NOT_SENT, NOT_APPLIED)`.
func outcomesIn(label string) []string {
	return strings.Split(strings.TrimSuffix(strings.TrimPrefix(label, "Do ("), ")"), ", ")
}

// made is a status as the service sends it: ErrorInfo, RequestInfo, then the further details.
func (c contract) made(name string, code codes.Code, reason useradminv1.ErrorReason, outcome string, keys map[string]string, details ...proto.Message) sent {
	short := strings.TrimPrefix(reason.String(), "ERROR_REASON_")
	metadata := map[string]string{"outcome": outcome, "attempts": "1", "exception": "", "cognitoRequestId": "", "repeated": "false"}
	maps.Copy(metadata, keys)
	s := sent{name: name, code: code, message: c.message(reason, outcome)}
	s.details = append([]proto.Message{
		&errdetails.ErrorInfo{Domain: failure.Domain, Reason: short, Metadata: metadata},
		&errdetails.RequestInfo{RequestId: "7d3f"},
	}, details...)
	s.want = fromService(code, short, outcome, s.message, metadata)
	s.want.RequestID = "7d3f"
	s.want.Text = strings.TrimSuffix(s.want.Text, ")") + ", request id 7d3f)"
	return s
}

// fromService is what is read from a status of the service that has nothing but an ErrorInfo.
func fromService(code codes.Code, reason, outcome, message string, metadata map[string]string) reading {
	return reading{
		CodeName: codeName(code), FromService: true, Reason: reason, ReasonName: reason, Outcome: outcome,
		NotApplied: outcome == "NOT_SENT" || outcome == "NOT_APPLIED", Applied: outcome == "APPLIED", OutcomeUnknown: outcome == "UNKNOWN",
		Repeated: metadata["repeated"] == "true", Retryable: code == codes.Unavailable,
		Message: message, Violations: []violation{}, Metadata: metadata,
		Text: fmt.Sprintf("%s %s: %s (outcome %s)", codeName(code), reason, message, outcome),
	}
}

// foreign is a status that the service did not make.
func foreign(name string, c codes.Code, message string, details ...proto.Message) sent {
	return sent{name: name, code: c, message: message, details: details, want: reading{
		CodeName: codeName(c), Reason: "UNSPECIFIED", Outcome: "UNKNOWN", OutcomeUnknown: true,
		Message: message, Violations: []violation{}, Metadata: map[string]string{},
		Text: fmt.Sprintf("%s: %s (not made by useradmin, outcome UNKNOWN)", codeName(c), message),
	}}
}

// reads changes what is read from the status.
func (s sent) reads(changes ...func(*reading)) sent {
	for _, change := range changes {
		change(&s.want)
	}
	return s
}

// garbage is a detail of the type of m that can't be decoded.
func garbage(m proto.Message) *anypb.Any {
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()), Value: []byte("\xff\xff\xff")}
}

// codeName is UNKNOWN for what gRPC does not have.
func codeName(c codes.Code) string {
	if c > codes.Unauthenticated {
		c = codes.Unknown
	}
	return code.Code(c).String()
}
