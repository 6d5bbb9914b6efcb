package cognitoclient

import "fmt"

// Request is one call to confirm a user's sign-up.
type Request struct {
	// UserPoolID is the id of the user pool.
	UserPoolID string
	// Username is the user's name or an alias; it goes to Cognito as it is.
	Username string
	// ClientMetadata goes to the pool's PostConfirmation trigger; it may be nil.
	ClientMetadata map[string]string
	// AllowConfirmed makes a user who is confirmed already a success.
	AllowConfirmed bool
	// Repeated says that a library or a proxy had sent this call before, so that an earlier try may have confirmed
	// the user.
	Repeated bool
}

// Confirmation tells who confirmed a user.
type Confirmation uint8

// The ways in which a successful call found or made the user confirmed.
const (
	// Confirmed: an attempt of this call confirmed the user.
	Confirmed Confirmation = iota + 1
	// AlreadyConfirmed: the user had been confirmed before this call.
	AlreadyConfirmed
	// ConfirmedUnattributed: the user is confirmed, whether by this call or by somebody else can't be known.
	ConfirmedUnattributed
)

// Result is what a successful call may claim.
type Result struct {
	// Confirmation tells who confirmed the user.
	Confirmation Confirmation
	// Attempts counts the attempts that got a connection.
	Attempts int
	// RequestID is Cognito's id of its last answer; empty where there is none.
	RequestID string
}

// Outcome is the effect of a failed call on the user.
type Outcome uint8

// The outcomes; NotSent and NotApplied promise that no attempt of the call took effect or still can.
const (
	// NotSent: nothing went out.
	NotSent Outcome = iota + 1
	// NotApplied: Cognito said no.
	NotApplied
	// Unknown: it can't be told.
	Unknown
)

// String names the outcome in lower snake case, as logs do.
func (o Outcome) String() string {
	switch o {
	case NotSent:
		return "not_sent"
	case NotApplied:
		return "not_applied"
	default:
		return "unknown"
	}
}

// Cause is what a call failed of. Each cause is one row of the service's error contract.
type Cause uint8

// The causes. Those up to UnrecognizedException are answers of Cognito's.
const (
	InvalidParameter Cause = iota + 1
	UserPoolNotFound
	UserNotFound
	UserAlreadyConfirmed
	UserNotConfirmable
	UserDisabled
	NotAuthorized
	LambdaRejected
	LambdaFailed
	LambdaResponseInvalid
	OperationNotEnabled
	TooManyRequests
	LimitExceeded
	TooManyFailedAttempts
	InternalError
	Unavailable
	AccessDenied
	// CredentialsRefused also covers credentials that could not be had at all; the outcome tells them apart.
	CredentialsRefused
	OperationUnsupported
	UnrecognizedException
	// Unreachable: no connection could be had.
	Unreachable
	// ResponseLost: an attempt was sent and no usable answer of its came.
	ResponseLost
	// DeadlineExceeded: the call's deadline passed, or too little of it was left for an attempt.
	DeadlineExceeded
	// Cancelled: the caller left.
	Cancelled
	// Stopping: the context was cancelled with a cause of its own, as a server does that stops.
	Stopping
	// Bug: an attempt failed before it was sent in a way that only a programming error explains.
	Bug

	causes // how many there are, with the zero value
)

// Causes lists every cause, for tables that must have a row for each.
func Causes() []Cause {
	all := make([]Cause, 0, causes-1)
	for c := InvalidParameter; c < causes; c++ {
		all = append(all, c)
	}
	return all
}

// String names the cause in lower snake case, as metrics and logs do.
func (c Cause) String() string {
	names := [causes]string{
		InvalidParameter: "invalid_parameter", UserPoolNotFound: "user_pool_not_found", UserNotFound: "user_not_found",
		UserAlreadyConfirmed: "user_already_confirmed", UserNotConfirmable: "user_not_confirmable",
		UserDisabled: "user_disabled", NotAuthorized: "not_authorized", LambdaRejected: "lambda_rejected",
		LambdaFailed: "lambda_failed", LambdaResponseInvalid: "lambda_response_invalid",
		OperationNotEnabled: "operation_not_enabled", TooManyRequests: "too_many_requests",
		LimitExceeded: "limit_exceeded", TooManyFailedAttempts: "too_many_failed_attempts",
		InternalError: "internal_error", Unavailable: "unavailable", AccessDenied: "access_denied",
		CredentialsRefused: "credentials_refused", OperationUnsupported: "operation_unsupported",
		UnrecognizedException: "unrecognized_exception", Unreachable: "unreachable", ResponseLost: "response_lost",
		DeadlineExceeded: "deadline_exceeded", Cancelled: "cancelled", Stopping: "stopping", Bug: "bug",
	}
	if c >= causes || c == 0 {
		return "none"
	}
	return names[c]
}

// Error is a failed call. It is the only type of error that ConfirmSignUp returns.
type Error struct {
	// Cause is what the call failed of.
	Cause Cause
	// Outcome is the effect of the whole call.
	Outcome Outcome
	// Exception is the name of Cognito's last exception; empty where none was answered.
	Exception string
	// Message is Cognito's text for Exception. It may hold names, ARNs and account ids: parse it, never show it.
	Message string
	// ReasonCode is the reasonCode of an InvalidParameterException.
	ReasonCode string
	// UserStatus is the status of the user, where Cognito named it.
	UserStatus string
	// HTTPStatus is the HTTP status of Cognito's last answer; 0 if no attempt was answered.
	HTTPStatus int
	// RequestID is Cognito's id of its last answer; empty where there is none.
	RequestID string
	// Attempts counts the attempts that got a connection.
	Attempts int
	// Problem says in fixed words, fit for logs, why the last attempt has no answer; empty where it has one.
	Problem string
}

// Error describes the failure without any text of Cognito's, so that it is fit for logs.
func (e *Error) Error() string {
	return fmt.Sprintf("confirm sign-up: %s, outcome %s, exception %q, HTTP status %d, %d attempts",
		e.Cause, e.Outcome, e.Exception, e.HTTPStatus, e.Attempts)
}
