package server

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

const pushbackKey = "grpc-retry-pushback-ms"

// convert is where an error becomes a status, with its trailers. It never touches the headers: an error with headers of
// its own is no longer Trailers-Only, and neither gRPC clients nor Envoy retry it.
func (s *Server) convert(ctx context.Context, req any, err error) error {
	r := recordOf(ctx)
	trailer := metadata.MD{requestIDKey: {r.requestID}}
	theirs := statusOf(err)
	switch {
	case err == nil:
	case r.rpc == nil && theirs != nil:
		err = theirs.Err()
	default:
		f := s.newFailure(ctx, r, req, err)
		if pushback := f.pushback(); pushback != "" {
			trailer[pushbackKey] = []string{pushback}
		}
		r.fail(f)
		err = s.fit(f)
	}
	_ = grpc.SetTrailer(ctx, trailer) // fails only when the caller is gone
	return err
}

// failure is a failed call as the contract has it: all that its status is made of.
type failure struct {
	row     *row
	code    codes.Code
	outcome cognitoclient.Outcome
	// delay is RetryInfo's; 0 means that there is none.
	delay time.Duration

	// rpc is nil where the method is not UserAdmin's: such a call has no outcome.
	rpc       *rpc
	req       proto.Message
	name      useradminv1.ErrorReason
	region    string
	requestID string
	repeated  bool
	// cognito is what is known of Cognito's part.
	cognito cognitoclient.Error
	// violations are those of the request, found by our validation or by Cognito; omitted counts those left out.
	violations []violation
	omitted    int
	// bare leaves the violations' descriptions out.
	bare bool
	// panic is set where a handler panicked.
	panic *panicked
}

// newFailure reads the error of a handler and applies the contract. Whatever it does not know is a bug.
func (s *Server) newFailure(ctx context.Context, r *record, req any, err error) *failure {
	f := &failure{rpc: r.rpc, region: s.config.Region, requestID: r.requestID, repeated: r.repeated}
	f.req, _ = req.(proto.Message)
	var failed *cognitoclient.Error
	var invalid *invalidRequest
	switch {
	case errors.As(err, &invalid):
		// NOT_SENT holds for a repeat too: its first sending was refused for the same violations.
		f.name, f.violations, f.outcome = useradminv1.ErrorReason_ERROR_REASON_INVALID_REQUEST, invalid.violations, cognitoclient.NotSent
	case errors.As(err, &failed) && failed != nil:
		f.cognito = *failed
		f.violations = f.named(failed.Violations)
	case errors.As(err, new(stopping)):
		f.cognito = *cognitoclient.Refused(cognitoclient.Stopping, r.repeated)
	default:
		f.cognito = *cognitoclient.Refused(cognitoclient.Bug, r.repeated)
		errors.As(err, &f.panic)
	}
	if f.name == 0 {
		f.name = reasonOf(lateCancellation(ctx, f.cognito.Cause))
		f.outcome = f.cognito.Outcome
	}
	s.applyContract(f)
	return f
}

// applyContract finds the row, the code and the delay. Codes that invite to send the same call again, and RetryInfo, come out only where that
// is safe, whatever cognitoclient says.
func (s *Server) applyContract(f *failure) {
	f.row = f.rpc.row(s.contract, f.name)
	told := f.outcome == cognitoclient.NotSent || f.outcome == cognitoclient.NotApplied ||
		f.outcome == cognitoclient.Applied && f.row.applied != ""
	unknown := !told || f.name == useradminv1.ErrorReason_ERROR_REASON_INTERNAL // a bug promises nothing
	if unknown {
		f.outcome = cognitoclient.Unknown
	}
	// The cause promises that there was no effect, the outcome does not: do not state a reason that would promise it.
	if unknown && f.cognito.Cause.Promises() && !f.repeated {
		f.name = useradminv1.ErrorReason_ERROR_REASON_COGNITO_RESPONSE_LOST
		f.row = f.rpc.row(s.contract, f.name)
	}
	f.code, f.delay = f.row.code, f.row.delay
	switch {
	case f.row.invites() && unknown && !f.rpc.repeatable(f.req):
		f.code, f.delay = codes.Aborted, 0
	case f.delay > 0:
		f.delay = jittered(f.delay, s.config.Jitter())
	}
}

// reason is the reason's name as it is sent, logged and counted.
func (f *failure) reason() string { return f.name.String()[len(schema.ReasonPrefix):] }

// message is what happened and what to do.
func (f *failure) message() string {
	todo := f.row.do
	switch {
	case f.outcome == cognitoclient.Applied:
		todo = f.row.applied
	case f.outcome == cognitoclient.Unknown && f.rpc != nil:
		todo = f.rpc.unknown
	}
	if todo == "" {
		return f.row.says
	}
	return f.row.says + " " + todo
}

// pushback is the trailer that tells gRPC clients when to retry: -1 means never, nothing leaves it to them.
func (f *failure) pushback() string {
	switch {
	case f.delay > 0:
		return strconv.FormatInt(f.delay.Milliseconds(), 10)
	case f.code == codes.Aborted || f.code == codes.ResourceExhausted:
		return "-1"
	default:
		return ""
	}
}

// statusOf is the status of a library's error, without the text of what wraps it; nil if there is none.
func statusOf(err error) *status.Status {
	var carrier interface{ GRPCStatus() *status.Status }
	switch {
	case errors.As(err, &carrier):
		return carrier.GRPCStatus()
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err)
	default:
		return nil
	}
}

// jittered spreads the delay by 20 % to both sides, in whole milliseconds.
func jittered(delay time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(delay) * (0.8 + 0.4*jitter)).Round(time.Millisecond)
}
