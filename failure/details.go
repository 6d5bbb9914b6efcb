package failure

import (
	"errors"
	"iter"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// statusOf is the status that the error carries. Unlike status.FromError it leaves out the text of what wraps it.
func statusOf(err error) *status.Status {
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) {
		return status.FromContextError(err)
	}
	s := carrier.GRPCStatus()
	if s.Code() == codes.OK {
		// An error is a failure even if its status says OK.
		return status.New(codes.Unknown, err.Error())
	}
	return s
}

// ours is the first ErrorInfo of the service's domain, nil if there is none. Proxies may add their own.
func ours(details []*anypb.Any) *errdetails.ErrorInfo {
	for info := range decoded[errdetails.ErrorInfo](details) {
		if info.GetDomain() == Domain {
			return info
		}
	}
	return nil
}

// reason is the value of a name without its prefix, ERROR_REASON_UNSPECIFIED if this program does not know it.
func reason(name string) useradminv1.ErrorReason {
	return useradminv1.ErrorReason(useradminv1.ErrorReason_value["ERROR_REASON_"+name])
}

// outcome is the value of a name without its prefix. One that this program does not know promises nothing.
func outcome(name string) useradminv1.Outcome {
	value := useradminv1.Outcome(useradminv1.Outcome_value["OUTCOME_"+name])
	if value == useradminv1.Outcome_OUTCOME_UNSPECIFIED {
		return useradminv1.Outcome_OUTCOME_UNKNOWN
	}
	return value
}

// retryDelay also reports whether there is a valid RetryInfo, since a delay of 0 is one.
func retryDelay(details []*anypb.Any) (time.Duration, bool) {
	for info := range decoded[errdetails.RetryInfo](details) {
		delay := info.GetRetryDelay()
		if delay != nil && !delay.IsValid() {
			return 0, false
		}
		return max(delay.AsDuration(), 0), true
	}
	return 0, false
}

// known is the code, or Unknown in place of one that gRPC does not have.
func known(code codes.Code) codes.Code {
	if code > codes.Unauthenticated {
		return codes.Unknown
	}
	return code
}

func requestID(details []*anypb.Any) string {
	for info := range decoded[errdetails.RequestInfo](details) {
		return info.GetRequestId()
	}
	return ""
}

func violations(details []*anypb.Any) []Violation {
	var all []Violation
	for request := range decoded[errdetails.BadRequest](details) {
		for _, v := range request.GetFieldViolations() {
			all = append(all, Violation{Field: v.GetField(), Reason: v.GetReason(), Description: v.GetDescription()})
		}
	}
	return all
}

// message is a pointer to M, a generated message.
type message[M any] interface {
	*M
	proto.Message
}

// decoded yields the details of a type and skips those that can't be decoded.
func decoded[M any, P message[M]](details []*anypb.Any) iter.Seq[P] {
	return func(yield func(P) bool) {
		for _, detail := range details {
			m := P(new(M))
			if detail.MessageIs(m) && detail.UnmarshalTo(m) == nil && !yield(m) {
				return
			}
		}
	}
}
