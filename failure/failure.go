// Package failure reads what a failed call of useradmin.v1.UserAdmin tells its caller: why it failed, what it did, and
// what to do next.
//
// Send a call again where Retryable reports true, and after OutcomeUnknown to find out; mark every repeat with
// MarkRepeat.
package failure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Domain is the domain of the ErrorInfo in every status that the service makes.
const Domain = "useradmin.cognito.internal"

// RepeatHeader with the value RepeatValue marks a call as a repeat. MarkRepeat sets it.
const (
	RepeatHeader = "x-useradmin-repeat"
	RepeatValue  = "1"
)

// MarkRepeat returns a context for a call that its caller sends again.
//
// The service then says what the call and its earlier sendings did together. gRPC marks its own retries. Marking a
// context twice is the same as marking it once.
func MarkRepeat(ctx context.Context) context.Context {
	if outgoing, _ := metadata.FromOutgoingContext(ctx); slices.Contains(outgoing.Get(RepeatHeader), RepeatValue) {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, RepeatHeader, RepeatValue)
}

// Failure is why a call failed, what it did, and what to do next. Make it with Of.
//
// All fields but Code and Message come from the details of a status that the service made. Where FromService is false
// they are empty, and the outcome is unknown.
type Failure struct {
	// Code is the gRPC code. It is Unknown in place of a code that gRPC does not have.
	Code codes.Code
	// Message is the text of the status, for people and logs; do not parse it.
	Message string
	// FromService reports whether the service made the status. Otherwise a proxy, a library, a cut connection or the
	// caller's own deadline did.
	FromService bool
	// Reason is why the call failed. It is ERROR_REASON_UNSPECIFIED where FromService is false, or where this program
	// does not know the reason: then go by Code and Outcome.
	Reason useradminv1.ErrorReason
	// ReasonName is the name of the reason as it was sent, for example USER_NOT_FOUND.
	ReasonName string
	// Outcome is what the call did to the user. It is never OUTCOME_UNSPECIFIED: an outcome that is missing, or that
	// this program does not know, is OUTCOME_UNKNOWN.
	Outcome useradminv1.Outcome
	// RetryDelay is how long to wait before sending the same call again, from google.rpc.RetryInfo. It is 0 without a
	// valid RetryInfo: then wait about a second. It is never negative, and at most the 292 years of a time.Duration.
	RetryDelay time.Duration
	// Violations are the faults of the request, field by field, from google.rpc.BadRequest.
	Violations []Violation
	// RequestID is the service's id of the call, from google.rpc.RequestInfo. The service logs it.
	RequestID string
	// Metadata is the ErrorInfo's; its keys are described at ErrorReason. It is never nil.
	Metadata map[string]string

	retryInfo bool
}

// Violation is one fault of the request.
type Violation struct {
	// Field is the field as in the proto, for example username or client_metadata["key"].
	Field string
	// Reason is why, for programs, for example TOO_LONG.
	Reason string
	// Description is why, for people.
	Description string
}

// Of reads the error of a call, also where another error wraps it. It never fails: an error without a status becomes a
// Failure that the service did not make, and nil becomes one with the code OK.
func Of(err error) Failure {
	s := statusOf(err)
	f := Failure{
		Code:     known(s.Code()),
		Message:  s.Message(),
		Outcome:  useradminv1.Outcome_OUTCOME_UNKNOWN,
		Metadata: map[string]string{},
	}
	details := s.Proto().GetDetails()
	info := ours(details)
	if info == nil {
		return f
	}
	f.FromService = true
	f.Reason, f.ReasonName = reason(info.GetReason()), info.GetReason()
	maps.Copy(f.Metadata, info.GetMetadata())
	f.Outcome = outcome(f.Metadata["outcome"])
	f.RetryDelay, f.retryInfo = retryDelay(details)
	f.RequestID = requestID(details)
	f.Violations = violations(details)
	return f
}

// Retryable reports whether it is safe to send the same call again, marked as a repeat, after RetryDelay.
//
// The service says so with RetryInfo or UNAVAILABLE. An UNAVAILABLE from something else promises nothing.
func (f Failure) Retryable() bool {
	return f.FromService && (f.retryInfo || f.Code == codes.Unavailable)
}

// NotApplied reports whether the call certainly had no effect and will have none.
func (f Failure) NotApplied() bool {
	return f.FromService &&
		(f.Outcome == useradminv1.Outcome_OUTCOME_NOT_SENT || f.Outcome == useradminv1.Outcome_OUTCOME_NOT_APPLIED)
}

// Applied reports whether the call had its effect and failed afterwards, for example because the pool's trigger failed.
// Another call does not run the trigger again.
func (f Failure) Applied() bool {
	return f.Outcome == useradminv1.Outcome_OUTCOME_APPLIED
}

// OutcomeUnknown reports whether the call may have had its effect, or may still have it.
//
// The comment of each RPC says under Unknown how to find out: after ConfirmSignUp, send the same call with
// allow_confirmed, marked as a repeat; OK means that the user is confirmed.
func (f Failure) OutcomeUnknown() bool {
	return f.Outcome == useradminv1.Outcome_OUTCOME_UNKNOWN
}

// Repeated reports whether the call was marked as a repeat. The outcome then covers its earlier sendings too.
func (f Failure) Repeated() bool {
	return f.Metadata["repeated"] == "true"
}

// CodeName is the code as the gRPC specification spells it, for example NOT_FOUND.
func (f Failure) CodeName() string {
	if f.Code > codes.Unauthenticated {
		return code.Code_UNKNOWN.String()
	}
	return code.Code(f.Code).String()
}

// String describes the failure in one printable line for logs. Its form may change.
func (f Failure) String() string {
	var b strings.Builder
	b.WriteString(f.CodeName())
	if f.ReasonName != "" {
		b.WriteString(" " + f.ReasonName)
	}
	fmt.Fprintf(&b, ": %s (", f.Message)
	if !f.FromService {
		b.WriteString("not made by useradmin, ")
	}
	b.WriteString("outcome " + strings.TrimPrefix(f.Outcome.String(), "OUTCOME_"))
	if f.RequestID != "" {
		b.WriteString(", request id " + f.RequestID)
	}
	b.WriteString(")")
	return oneLine(b.String())
}

// oneLine replaces what could forge log lines or move a terminal's cursor; the text of a proxy may contain anything.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
