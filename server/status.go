package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const pushbackKey = "grpc-retry-pushback-ms"

// claim is what a row may say of a call's effect.
type claim uint8

const (
	// refused rows promise NOT_APPLIED. Where that can't be promised they are not given: COGNITO_RESPONSE_LOST is.
	refused claim = iota
	// neverSent and unsent rows promise NOT_SENT, the latter NOT_APPLIED too, in the same way.
	neverSent
	unsent
	// unlessRepeated and asTold rows say what the confirmer said.
	unlessRepeated
	asTold
	// maybe rows promise nothing.
	maybe
)

func (c claim) promises() bool { return c <= unsent }

// row is one row of the error contract.
type row struct {
	reason  useradminv1.ErrorReason
	message string
	// code becomes ABORTED where it is UNAVAILABLE and the same call may not be sent again.
	code  codes.Code
	claim claim
	// delay is what RetryInfo says where the same call may be sent again; 0 means no RetryInfo.
	delay time.Duration
	// level is the log line's; most failures are the callers' affair.
	level slog.Level
	// detail makes the row's own detail; nil means none.
	detail func(*failure) proto.Message
	// annotate adds the row's own metadata; nil means none.
	annotate func(*failure, *notes)
}

// contract is the table of errors.
type contract struct {
	// byCause is indexed by cognitoclient.Cause.
	byCause        []row
	invalidRequest row
}

func (c *contract) add(rows map[cognitoclient.Cause]row) {
	for cause, row := range rows {
		c.byCause[cause] = row
	}
}

// rows lists all rows in the order of ErrorReason.
func (c *contract) rows() []*row {
	rows := []*row{&c.invalidRequest}
	for _, cause := range cognitoclient.Causes() {
		rows = append(rows, c.row(cause))
	}
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.reason, b.reason) })
	return rows
}

// row is the cause's; a cause without one counts as a bug.
func (c *contract) row(cause cognitoclient.Cause) *row {
	if int(cause) >= len(c.byCause) || c.byCause[cause].code == codes.OK {
		cause = cognitoclient.Bug
	}
	return &c.byCause[cause]
}

// failure is all that a status is made of.
type failure struct {
	// req is nil where the method is not ours: such a call changes nothing, so it has no outcome.
	req       *useradminv1.ConfirmSignUpRequest
	requestID string
	repeated  bool
	// cognito is what the confirmer said; of its fields only Message may hold free text.
	cognito cognitoclient.Error
	// asked says that the error is the confirmer's, so that cognito.Attempts counts something.
	asked bool
	// invalid says that our validation refused the request.
	invalid bool
	// violations are those of the request, found by our validation or by Cognito; omitted counts those left out.
	violations []violation
	omitted    int
	// terse leaves the violations' descriptions out.
	terse bool
	// lambdaError is the trigger's text, fit for callers.
	lambdaError string
	panic       *panicked
}

// newFailure reads the error of a handler. Whatever it does not know is a bug.
func newFailure(c *call, req *useradminv1.ConfirmSignUpRequest, err error) *failure {
	f := &failure{req: req, requestID: c.requestID, repeated: c.repeated}
	var failed *cognitoclient.Error
	var invalid *invalidRequest
	switch {
	case errors.As(err, &invalid):
		f.violations, f.invalid = invalid.violations, true
		f.cognito.Outcome = cognitoclient.NotSent
	case errors.As(err, &failed) && failed != nil:
		f.cognito, f.asked = tidy(*failed), true
		switch failed.Cause {
		case cognitoclient.InvalidParameter:
			f.violations = parseInvalidParameter(failed.Message)
		case cognitoclient.LambdaRejected:
			f.lambdaError = lambdaError(failed.Message, req)
		}
	case errors.As(err, new(stopping)):
		f.cognito.Cause, f.cognito.Outcome = cognitoclient.Stopping, cognitoclient.NotSent
	default:
		f.cognito.Cause = cognitoclient.Bug
		errors.As(err, &f.panic)
	}
	return f
}

// tidy drops what does not look like the code, status or id that it should be: it could be anybody's text.
func tidy(e cognitoclient.Error) cognitoclient.Error {
	e.Exception = orNothing(e.Exception, "_.")
	e.ReasonCode = orNothing(e.ReasonCode, "_.-")
	e.UserStatus = orNothing(e.UserStatus, "_")
	e.RequestID = orNothing(e.RequestID, requestIDMarks)
	return e
}

func orNothing(text, marks string) string {
	if !wellFormed(text, maxRequestID, marks) {
		return ""
	}
	return text
}

// verdict is what the contract says of a failure.
type verdict struct {
	row     *row
	code    codes.Code
	outcome cognitoclient.Outcome
	// delay is RetryInfo's; 0 means that there is none.
	delay time.Duration
}

// judge applies the table. UNAVAILABLE, RESOURCE_EXHAUSTED and RetryInfo come out only where the same call may safely be
// sent again, whatever the confirmer says.
func (c *contract) judge(f *failure) verdict {
	v := verdict{row: c.row(f.cognito.Cause), outcome: f.cognito.Outcome}
	if f.invalid {
		v.row = &c.invalidRequest
	}
	if v.row.claim == maybe || v.outcome != cognitoclient.NotSent && v.outcome != cognitoclient.NotApplied {
		v.outcome = cognitoclient.Unknown
	}
	if v.row.claim.promises() && v.outcome == cognitoclient.Unknown {
		v.row = c.row(cognitoclient.ResponseLost)
	}
	v.code, v.delay = v.row.code, v.row.delay
	if v.code == codes.Unavailable && v.outcome == cognitoclient.Unknown && !f.req.GetAllowConfirmed() {
		v.code, v.delay = codes.Aborted, 0
	}
	return v
}

// pushback is the trailer that tells gRPC clients when to retry: -1 means never, nothing leaves it to them.
func (v verdict) pushback() string {
	switch {
	case v.delay > 0:
		return strconv.FormatInt(v.delay.Milliseconds(), 10)
	case v.code == codes.Aborted || v.code == codes.ResourceExhausted:
		return "-1"
	default:
		return ""
	}
}

// convert is where an error becomes a status, with its trailers. It never touches the headers: an error with headers of
// its own is no longer Trailers-Only, and neither gRPC clients nor Envoy retry it.
func (s *Server) convert(ctx context.Context, req any, err error) error {
	c := callFrom(ctx)
	trailer := metadata.MD{requestIDKey: {c.requestID}}
	confirm, ours := req.(*useradminv1.ConfirmSignUpRequest)
	theirs := statusOf(err)
	switch {
	case err == nil:
	case !ours && theirs != nil:
		err = theirs.Err()
	default:
		f := newFailure(c, confirm, err)
		v := s.contract.judge(f)
		v.delay = jittered(v.delay, s.config.Jitter())
		if pushback := v.pushback(); pushback != "" {
			trailer[pushbackKey] = []string{pushback}
		}
		c.fail(v, f)
		err = s.fit(v, f)
	}
	_ = grpc.SetTrailer(ctx, trailer) // fails only when the caller is gone
	return err
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
