package cognitoclient

import "fmt"

// Attribution tells who did what a successful call was for.
type Attribution uint8

// The attributions of a success.
const (
	// ByThisCall: an attempt of this call had its effect, and Cognito said so.
	ByThisCall Attribution = iota + 1
	// BeforeThisCall: it was so before this call, or somebody else did it meanwhile; no attempt of this call had an effect.
	BeforeThisCall
	// Unattributed: it is so, but whether by this call or by somebody else is not known.
	Unattributed
)

// Result is what a successful call may claim.
type Result struct {
	Attribution Attribution
	// Attempts counts the attempts that got a connection.
	Attempts int
	// RequestID is Cognito's id of its last response; empty where there is none.
	RequestID string
	// History has the attempts that got a connection, in order.
	History []Attempt
}

// Attempt is one attempt of a call.
type Attempt struct {
	// Cause is why it failed; the zero Cause means that it succeeded.
	Cause Cause
	// RequestID is Cognito's id of its response; empty where there is none.
	RequestID string
}

// Outcome is the effect of a failed call.
type Outcome uint8

// The outcomes; NotSent and NotApplied promise that no attempt of the call had an effect or still can.
const (
	// NotSent: nothing was sent.
	NotSent Outcome = iota + 1
	// NotApplied: Cognito refused.
	NotApplied
	// Applied: the call had its effect and failed afterwards.
	Applied
	// Unknown: it may have had its effect, or still may.
	Unknown
)

// String is the name that the contract, logs and metrics use.
func (o Outcome) String() string {
	switch o {
	case NotSent:
		return "NOT_SENT"
	case NotApplied:
		return "NOT_APPLIED"
	case Applied:
		return "APPLIED"
	default:
		return "UNKNOWN"
	}
}

// Cause is why a call failed. Each cause is one reason of the service's error contract.
type Cause uint8

// The causes. Those up to UnrecognizedException are Cognito's answers.
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
	// Credentials covers missing credentials and refused ones; the outcome tells them apart.
	Credentials
	OperationUnsupported
	UnrecognizedException
	// Unreachable: an attempt got no connection.
	Unreachable
	// ResponseLost: an attempt was sent and no usable response came back.
	ResponseLost
	// PoolBusy: the user pool has its share of the slots for attempts.
	PoolBusy
	// CallerBusy: the caller has its share of a server's calls. Attempts never end with it.
	CallerBusy
	// Unauthenticated, CallerNotAllowed and AuditUnavailable are refusals of a server. Attempts never end with them.
	Unauthenticated
	CallerNotAllowed
	AuditUnavailable
	// Overloaded: no slot is free, or a server has too many calls.
	Overloaded
	// DeadlineExceeded: the call's deadline passed, or too little of it was left for an attempt.
	DeadlineExceeded
	// Cancelled: the caller left.
	Cancelled
	// Stopping: the context was cancelled with a cause of its own, as a server that stops does.
	Stopping
	// Bug: something failed that only a programming error explains.
	Bug

	causes // how many there are, with the zero value
)

// fact is what a cause says of the attempt that ended with it. It is the one place that judges whether an attempt may
// have had its effect.
type fact struct {
	// name is the reason's in the error contract.
	name string
	// applied is whether the attempt may have had its effect.
	applied applied
	// repeat is whether another attempt can help.
	repeat bool
	// load is whether another attempt adds to the load of a Cognito that has too much of it, or is ill.
	load bool
	// stands is whether the cause is reported although an earlier attempt may have had its effect: its outcome is unknown
	// in any case, or it says why the call ended.
	stands bool
}

// applied answers: may the attempt have had its effect, or still have it?
type applied uint8

const (
	never applied = iota
	ifSent
	maybe
	// unlessTriggerBefore: maybe, but never for an operation whose trigger runs before its effect.
	unlessTriggerBefore
)

func (c Cause) fact() fact {
	return [causes]fact{
		InvalidParameter:      {name: "INVALID_PARAMETER"},
		UserPoolNotFound:      {name: "USER_POOL_NOT_FOUND"},
		UserNotFound:          {name: "USER_NOT_FOUND"},
		UserAlreadyConfirmed:  {name: "USER_ALREADY_CONFIRMED"},
		UserNotConfirmable:    {name: "USER_NOT_CONFIRMABLE"},
		UserDisabled:          {name: "USER_DISABLED"},
		NotAuthorized:         {name: "NOT_AUTHORIZED"},
		LambdaRejected:        {name: "LAMBDA_REJECTED", applied: unlessTriggerBefore, stands: true},
		LambdaFailed:          {name: "LAMBDA_FAILED", applied: unlessTriggerBefore, stands: true},
		LambdaResponseInvalid: {name: "LAMBDA_RESPONSE_INVALID", applied: unlessTriggerBefore, stands: true},
		OperationNotEnabled:   {name: "OPERATION_NOT_ENABLED"},
		TooManyRequests:       {name: "TOO_MANY_REQUESTS", repeat: true, load: true},
		LimitExceeded:         {name: "LIMIT_EXCEEDED"},
		TooManyFailedAttempts: {name: "TOO_MANY_FAILED_ATTEMPTS"},
		InternalError:         {name: "COGNITO_INTERNAL_ERROR", applied: maybe, repeat: true, load: true, stands: true},
		Unavailable:           {name: "COGNITO_UNAVAILABLE", applied: maybe, repeat: true, load: true, stands: true},
		AccessDenied:          {name: "COGNITO_ACCESS_DENIED"},
		Credentials:           {name: "COGNITO_CREDENTIALS"},
		OperationUnsupported:  {name: "COGNITO_OPERATION_UNSUPPORTED"},
		UnrecognizedException: {name: "UNRECOGNIZED_EXCEPTION", applied: maybe},
		Unreachable:           {name: "COGNITO_UNREACHABLE", repeat: true, load: true},
		ResponseLost:          {name: "COGNITO_RESPONSE_LOST", applied: maybe, repeat: true},
		PoolBusy:              {name: "POOL_BUSY"},
		CallerBusy:            {name: "CALLER_BUSY"},
		Unauthenticated:       {name: "UNAUTHENTICATED"},
		CallerNotAllowed:      {name: "CALLER_NOT_ALLOWED"},
		AuditUnavailable:      {name: "AUDIT_UNAVAILABLE"},
		Overloaded:            {name: "OVERLOADED"},
		DeadlineExceeded:      {name: "DEADLINE_EXCEEDED", applied: ifSent},
		Cancelled:             {name: "CANCELLED", applied: ifSent, stands: true},
		Stopping:              {name: "SERVER_STOPPING", applied: ifSent, stands: true},
		Bug:                   {name: "INTERNAL", applied: maybe, stands: true},
	}[c]
}

// String is the reason's name in the error contract, which logs and metrics use too.
func (c Cause) String() string {
	if c == 0 || c >= causes {
		return "OK"
	}
	return c.fact().name
}

// Promises reports whether a call that ends with the cause certainly had no effect, unless it is marked as a repeat.
func (c Cause) Promises() bool { return c > 0 && c < causes && c.fact().applied == never }

// Causes lists every cause, so that tests can demand a row for each.
func Causes() []Cause {
	all := make([]Cause, 0, causes-1)
	for c := InvalidParameter; c < causes; c++ {
		all = append(all, c)
	}
	return all
}

// Violation is a constraint that a member of the request violates, as Cognito sees it.
type Violation struct {
	// Member is the request's member, such as userPoolId.
	Member string
	// Reason is one of REQUIRED, TOO_SHORT, TOO_LONG, BAD_FORMAT and REFUSED.
	Reason string
}

// Error is a failed call, and the only type of error that calls return. Its only free text is TriggerError, which is masked
// and meant for callers, not for logs. Everything else is an identifier, a number or fixed words; no value of the request
// is in it.
type Error struct {
	// Operation is Cognito's name of the operation.
	Operation string
	Cause     Cause
	// Outcome is the effect of the whole call.
	Outcome Outcome
	// Exception is the name of Cognito's last exception; empty where there was none.
	Exception string
	// ReasonCode is the reasonCode of an InvalidParameterException.
	ReasonCode string
	// Violations are those that an InvalidParameterException names.
	Violations []Violation
	// UserStatus is the status of the user, where Cognito named it.
	UserStatus string
	// Trigger is the Lambda trigger that Cognito named.
	Trigger string
	// TriggerError is the text with which the trigger failed, at most 512 bytes; ARNs, account ids and the values of the
	// request are masked.
	TriggerError string
	// HTTPStatus is the HTTP status of Cognito's last response; 0 if no attempt was answered.
	HTTPStatus int
	// RequestID is Cognito's id of its last response; empty where there is none.
	RequestID string
	// Attempts counts the attempts that got a connection.
	Attempts int
	// History has the attempts that got a connection, in order.
	History []Attempt
	// Problem says in fixed words why the last attempt has no usable response; empty where it has one.
	Problem string
}

// Error describes the failure for logs.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s, outcome %s, exception %q, HTTP status %d, %d attempts",
		e.Operation, e.Cause, e.Outcome, e.Exception, e.HTTPStatus, e.Attempts)
}

// Refused is the error of a call that ends before any attempt.
func Refused(cause Cause, repeated bool) *Error {
	return fold(&operation{}, request{repeated: repeated}, []attempt{{cause: cause}}).err
}
