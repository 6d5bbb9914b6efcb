package cognitoclient

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
)

// exception is one that this package knows: the name as AWS spells it, and what it means.
type exception struct {
	name  string
	cause Cause
}

// exceptions are the known ones by their names in lower case, since AWS compares names without case. Those that the
// operations declare are named by the SDK's types, so that the compiler checks them; the others arrive although no model declares them.
func exceptions() map[string]exception {
	known := map[string]exception{}
	add := func(cause Cause, names ...string) {
		for _, name := range names {
			known[strings.ToLower(name)] = exception{name, cause}
		}
	}
	// withSuffix adds both spellings in which AWS's front doors send them.
	withSuffix := func(cause Cause, names ...string) {
		for _, name := range names {
			add(cause, name, name+"Exception")
		}
	}
	add(InvalidParameter, declared[*types.InvalidParameterException](), "ValidationError")
	add(UserPoolNotFound, declared[*types.ResourceNotFoundException]())
	add(UserNotFound, declared[*types.UserNotFoundException]())
	add(NotAuthorized, declared[*types.NotAuthorizedException]())
	add(LambdaRejected, declared[*types.UserLambdaValidationException]())
	add(LambdaFailed, declared[*types.UnexpectedLambdaException]())
	add(LambdaResponseInvalid, declared[*types.InvalidLambdaResponseException]())
	add(OperationNotEnabled, declared[*types.OperationNotEnabledException]())
	add(TooManyRequests, declared[*types.TooManyRequestsException](), "RequestLimitExceeded")
	add(LimitExceeded, declared[*types.LimitExceededException]())
	add(TooManyFailedAttempts, declared[*types.TooManyFailedAttemptsException]())
	add(InternalError, declared[*types.InternalErrorException](), "InternalFailure")
	add(Credentials, "InvalidClientTokenId", "SignatureDoesNotMatch")
	add(OperationUnsupported, "InvalidAction")

	withSuffix(InvalidParameter, "Validation", "RequestEntityTooLarge")
	withSuffix(TooManyRequests, "Throttling", "Throttled", "RequestThrottled")
	withSuffix(Unavailable, "ServiceUnavailable", "RequestTimeout")
	withSuffix(AccessDenied, "AccessDenied", "OptInRequired")
	withSuffix(Credentials, "ExpiredToken", "UnrecognizedClient", "InvalidSignature", "IncompleteSignature",
		"MissingAuthenticationToken", "RequestExpired")
	withSuffix(OperationUnsupported, "UnknownOperation", "Serialization")
	return known
}

// Exceptions are the names of all known exceptions, as AWS spells them.
func Exceptions() []string {
	var names []string
	for known := range maps.Values(exceptions()) {
		names = append(names, known.name)
	}
	slices.Sort(names)
	return names
}

// CausesOf returns what an exception of that name, in any case, can mean; nothing if it is not known. Where there are
// several, Cognito's message tells which one.
func CausesOf(name string) []Cause {
	known, ok := exceptions()[strings.ToLower(name)]
	switch {
	case !ok:
		return nil
	case known.cause == NotAuthorized:
		return []Cause{UserAlreadyConfirmed, UserNotConfirmable, UserDisabled, NotAuthorized}
	default:
		return []Cause{known.cause}
	}
}

// declared is the name of an exception that the SDK declares; ErrorCode works on a nil receiver.
func declared[E smithy.APIError]() string {
	var exception E
	return exception.ErrorCode()
}

func isExpiredToken(name string) bool { return strings.HasPrefix(name, "ExpiredToken") }

// statusCause is the cause that the HTTP status of a response without an exception stands for.
func statusCause(status int) Cause {
	switch {
	case status == http.StatusRequestEntityTooLarge:
		return InvalidParameter
	case status == http.StatusTooManyRequests:
		return TooManyRequests
	case status == http.StatusInternalServerError:
		return InternalError
	case status == http.StatusNotImplemented:
		return OperationUnsupported
	case status == http.StatusRequestTimeout, status > 500:
		return Unavailable
	default:
		return UnrecognizedException
	}
}
