package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// answer is an error as it leaves: the status and the trailers.
type answer struct {
	*status.Status
	trailer metadata.MD
}

// stream keeps the trailers of a call that has no connection.
type stream struct{ md metadata.MD }

func (*stream) Method() string { return useradminv1.UserAdmin_ConfirmSignUp_FullMethodName }

func (*stream) SetHeader(metadata.MD) error { return fmt.Errorf("headers were set") }

func (*stream) SendHeader(metadata.MD) error { return fmt.Errorf("headers were sent") }

func (s *stream) SetTrailer(md metadata.MD) error {
	s.md = metadata.Join(s.md, md)
	return nil
}

// convertError does what the chain does with the error of a call.
func convertError(tb testing.TB, s *Server, r *record, req *useradminv1.ConfirmSignUpRequest, err error) answer {
	tb.Helper()
	if r.rpc == nil {
		r.rpc = s.rpcs[useradminv1.UserAdmin_ConfirmSignUp_FullMethodName]
	}
	kept := &stream{}
	ctx := grpc.NewContextWithServerTransportStream(context.WithValue(context.Background(), recordKey{}, r), kept)
	st, ok := status.FromError(s.convert(ctx, req, err))
	if !ok || st.Code() == codes.OK {
		tb.Fatalf("%v became no status: %v", err, st)
	}
	return answer{st, kept.md}
}

// headerList is the size of the header list of a Trailers-Only answer as HTTP/2 counts it.
func (a answer) headerList(tb testing.TB) int {
	tb.Helper()
	serialized, err := proto.Marshal(a.Proto())
	if err != nil {
		tb.Fatal(err)
	}
	list := map[string]string{
		":status": "200", "content-type": "application/grpc", "grpc-status": fmt.Sprint(int(a.Code())),
		"grpc-message": percentEncoded(a.Message()), "grpc-status-details-bin": base64.RawStdEncoding.EncodeToString(serialized),
	}
	for key, values := range a.trailer {
		list[key] = strings.Join(values, ",")
	}
	size := 0
	for key, value := range list {
		size += len(key) + len(value) + 32
	}
	return size
}

func percentEncoded(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// check asserts what holds for every status of ours.
func (a answer) check(tb testing.TB) {
	tb.Helper()
	if size := proto.Size(a.Proto()); size > maxStatus {
		tb.Errorf("the status has %d bytes", size)
	}
	if size := a.headerList(tb); size >= 4096 {
		tb.Errorf("the header list has %d bytes", size)
	}
	if len(a.Message()) > 256 || a.Message() == "" || !utf8.ValidString(a.Message()) {
		tb.Errorf("message %q", a.Message())
	}
	var types []string
	for _, packed := range a.Proto().GetDetails() {
		types = append(types, strings.TrimPrefix(packed.GetTypeUrl(), "type.googleapis.com/google.rpc."))
		if _, err := packed.UnmarshalNew(); err != nil {
			tb.Errorf("%s: %v", packed.GetTypeUrl(), err)
		}
	}
	if len(types) < 2 || types[0] != "ErrorInfo" || types[1] != "RequestInfo" {
		tb.Errorf("details %v", types)
	}
	if slices.Sort(types); len(slices.Compact(slices.Clone(types))) != len(types) {
		tb.Errorf("a type occurs twice in %v", types)
	}
	retry := slices.Contains(types, "RetryInfo")
	info := infoOf(tb, a.Err())
	if packed := a.Proto().GetDetails()[0]; len(packed.GetValue()) != proto.Size(info) {
		tb.Errorf("%v is encoded in %d bytes: a key occurs twice", info, len(packed.GetValue()))
	}
	safe := info.GetMetadata()["outcome"] != "UNKNOWN"
	for _, key := range []string{"outcome", "attempts", "exception", "cognitoRequestId", "repeated"} {
		if _, there := info.GetMetadata()[key]; !there {
			tb.Errorf("no %s in %v", key, info)
		}
	}
	pushback := strings.Join(a.trailer.Get(pushbackKey), ",")
	wanted := ""
	if retry {
		wanted = fmt.Sprint(detail[*errdetails.RetryInfo](tb, a.Err()).GetRetryDelay().AsDuration().Milliseconds())
	} else if a.Code() == codes.Aborted || a.Code() == codes.ResourceExhausted {
		wanted = "-1"
	}
	if pushback != wanted {
		tb.Errorf("pushback %q, want %q", pushback, wanted)
	}
	if retry && a.Code() != codes.Unavailable && a.Code() != codes.ResourceExhausted {
		tb.Errorf("RetryInfo with %s", a.Code())
	}
	if a.Code() == codes.Aborted && safe {
		tb.Error("ABORTED with a promise")
	}
}

// told says whether the status invites to send the same call again.
func (a answer) told() bool {
	return a.Code() == codes.Unavailable || a.Code() == codes.ResourceExhausted
}

func sampleError(cause cognitoclient.Cause, outcome cognitoclient.Outcome) *cognitoclient.Error {
	e := &cognitoclient.Error{Cause: cause, Outcome: outcome, Attempts: 1, HTTPStatus: 400, RequestID: "5d6e7f80-cognito"}
	if outcome == cognitoclient.NotSent {
		e.Attempts, e.HTTPStatus, e.RequestID = 0, 0, ""
		return e
	}
	e.Exception = "SomeException"
	switch cause {
	case cognitoclient.InvalidParameter:
		e.Violations = []cognitoclient.Violation{{Member: "userPoolId", Reason: "BAD_FORMAT"}, {Member: "username", Reason: "TOO_LONG"}}
		e.ReasonCode = "SomeReason"
	case cognitoclient.UserAlreadyConfirmed:
		e.UserStatus = "CONFIRMED"
	case cognitoclient.UserNotConfirmable, cognitoclient.ResponseLost:
		e.UserStatus = "FORCE_CHANGE_PASSWORD"
	case cognitoclient.LambdaRejected, cognitoclient.LambdaFailed, cognitoclient.LambdaResponseInvalid:
		e.Trigger = "PostConfirmation"
		if outcome == cognitoclient.Applied {
			e.UserStatus = "CONFIRMED"
		}
	}
	if cause == cognitoclient.LambdaRejected {
		e.TriggerError = "no welcome mail for [masked], see [masked]"
	}
	return e
}
