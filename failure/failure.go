// Package failure reads what a failed call of useradmin.v1.UserAdmin tells its caller: why it failed, what it did, and
// what to do next.
package failure

import (
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Domain is the domain of the ErrorInfo by which a status that the service made is known.
const Domain = "useradmin.v1"

// Failure is why a call failed, what it did, and what to do next. Make it with Of.
//
// All but Code and Message comes from the service's own status details. Where FromService is false there are none, and
// the outcome is unknown.
type Failure struct {
	// Code is the gRPC code.
	Code codes.Code
	// Message is the status's text, for people and logs; it is not to be parsed.
	Message string
	// FromService tells whether the service made the status. If not, something else did: a proxy, a library, a cut
	// connection, the caller's own deadline.
	FromService bool
	// Reason is why the call failed. It is ERROR_REASON_UNSPECIFIED where FromService is false, or where a newer service
	// gave a reason that this program does not know: then go by Code and Outcome.
	Reason useradminv1.ErrorReason
	// ReasonName is the name of the reason as it was sent, for example ERROR_REASON_USER_NOT_FOUND.
	ReasonName string
	// Outcome is what the call did to the user: OUTCOME_NOT_SENT, OUTCOME_NOT_APPLIED or OUTCOME_UNKNOWN. It speaks of
	// this call alone, see Repeated.
	Outcome useradminv1.Outcome
	// RetryDelay is how long to wait before the same call is sent again, from google.rpc.RetryInfo; 0 without one,
	// and then wait a second or so. One that is out of bounds, or of more than the 292 years of a time.Duration, is none.
	RetryDelay time.Duration
	// Violations are what is wrong with the request, field by field, from google.rpc.BadRequest.
	Violations []Violation
	// RequestID is the service's id of the call, from google.rpc.RequestInfo; its operators find the call by it.
	RequestID string
	// Metadata is the ErrorInfo's; its keys are described at ErrorReason. It is never nil.
	Metadata map[string]string

	retryInfo bool
}

// Violation is one thing that is wrong with the request.
type Violation struct {
	// Field is the field as in the proto, for example username or client_metadata["key"].
	Field string
	// Reason is why, for programs, for example TOO_LONG.
	Reason string
	// Description is why, for people.
	Description string
}

// Of reads the error of a call, also where another error wraps it. It never fails: of an error that is no status it
// makes a Failure that the service did not make. Nil is no failure; of it Of makes one with the code OK.
func Of(err error) Failure {
	s := statusOf(err)
	f := Failure{
		Code:     s.Code(),
		Message:  s.Message(),
		Outcome:  useradminv1.Outcome_OUTCOME_UNKNOWN,
		Metadata: map[string]string{},
	}
	details := s.Proto().GetDetails()
	info := ours(details)
	if info == nil {
		return f
	}
	f.FromService, f.ReasonName = true, info.GetReason()
	f.Reason = useradminv1.ErrorReason(useradminv1.ErrorReason_value[info.GetReason()])
	maps.Copy(f.Metadata, info.GetMetadata())
	f.Outcome = outcome(f.Metadata["outcome"])
	f.RetryDelay, f.retryInfo = retryDelay(details)
	f.RequestID = requestID(details)
	f.Violations = violations(details)
	return f
}

// Retryable tells whether the same call may be sent again as it is, after RetryDelay.
//
// The service says so with RetryInfo or UNAVAILABLE. An UNAVAILABLE that something else made promises nothing.
func (f Failure) Retryable() bool {
	return f.FromService && (f.retryInfo || f.Code == codes.Unavailable)
}

// NotApplied tells whether it is certain that the call did nothing to the user and will do nothing, nor did an earlier
// sending of it.
func (f Failure) NotApplied() bool {
	return f.FromService && !f.OutcomeUnknown() && !f.Repeated()
}

// OutcomeUnknown tells whether the call may have confirmed the user, or still may.
//
// To find out, send the same call with allow_confirmed: OK means that the user is confirmed.
func (f Failure) OutcomeUnknown() bool {
	return f.Outcome != useradminv1.Outcome_OUTCOME_NOT_SENT && f.Outcome != useradminv1.Outcome_OUTCOME_NOT_APPLIED
}

// Repeated tells whether a library or a proxy had sent the same call before. That earlier one may have had an effect.
func (f Failure) Repeated() bool {
	return f.Metadata["repeated"] == "true"
}

// CodeName is the code as the gRPC specification writes it, for example NOT_FOUND.
func (f Failure) CodeName() string {
	if f.Code > codes.Unauthenticated {
		return f.Code.String()
	}
	return code.Code(f.Code).String()
}

// String describes the failure in one line for logs. Its form may change.
func (f Failure) String() string {
	var b strings.Builder
	b.WriteString(f.CodeName())
	if f.ReasonName != "" {
		b.WriteString(" " + f.ReasonName)
	}
	fmt.Fprintf(&b, ": %s (", f.Message)
	if !f.FromService {
		b.WriteString("not made by " + Domain + ", ")
	}
	b.WriteString("outcome " + strings.TrimPrefix(f.Outcome.String(), "OUTCOME_"))
	if f.RequestID != "" {
		b.WriteString(", request id " + f.RequestID)
	}
	b.WriteString(")")
	return oneLine(b.String())
}

// oneLine drops what forges log lines or moves a terminal's cursor; others' statuses may hold anything.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
