package cognitoclient

import (
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
)

// exceptionCauses maps the names of exceptions, as key makes them, to their causes. The declared ones are named by
// the SDK's types, so that the compiler checks them; the others arrive all the same.
func exceptionCauses() map[string]Cause {
	return map[string]Cause{
		name[*types.InvalidParameterException]():      InvalidParameter,
		name[*types.ResourceNotFoundException]():      UserPoolNotFound,
		name[*types.UserNotFoundException]():          UserNotFound,
		name[*types.NotAuthorizedException]():         NotAuthorized,
		name[*types.UserLambdaValidationException]():  LambdaRejected,
		name[*types.UnexpectedLambdaException]():      LambdaFailed,
		name[*types.InvalidLambdaResponseException](): LambdaResponseInvalid,
		name[*types.OperationNotEnabledException]():   OperationNotEnabled,
		name[*types.TooManyRequestsException]():       TooManyRequests,
		name[*types.LimitExceededException]():         LimitExceeded,
		name[*types.TooManyFailedAttemptsException](): TooManyFailedAttempts,
		name[*types.InternalErrorException]():         InternalError,

		"validation":                 InvalidParameter,
		"validationerror":            InvalidParameter,
		"requestentitytoolarge":      InvalidParameter,
		"throttled":                  TooManyRequests,
		"requestlimitexceeded":       TooManyRequests,
		"internalfailure":            InternalError,
		"serviceunavailable":         Unavailable,
		"requesttimeout":             Unavailable,
		"accessdenied":               AccessDenied,
		"optinrequired":              AccessDenied,
		"expiredtoken":               CredentialsRefused,
		"unrecognizedclient":         CredentialsRefused,
		"invalidclienttokenid":       CredentialsRefused,
		"invalidsignature":           CredentialsRefused,
		"signaturedoesnotmatch":      CredentialsRefused,
		"incompletesignature":        CredentialsRefused,
		"missingauthenticationtoken": CredentialsRefused,
		"requestexpired":             CredentialsRefused,
		"unknownoperation":           OperationUnsupported,
		"invalidaction":              OperationUnsupported,
		"serialization":              OperationUnsupported,
	}
}

// name is the key of a declared exception; ErrorCode works on a nil receiver.
func name[E smithy.APIError]() string {
	var exception E
	return key(exception.ErrorCode())
}

// key makes names comparable: they arrive in any case, many with and without the suffix.
func key(exception string) string {
	return strings.TrimSuffix(strings.ToLower(exception), "exception")
}

// causeOf is the cause that an exception stands for, or zero if it is not known.
func (c *Client) causeOf(exception string) Cause {
	k := key(exception)
	if cause, ok := c.exceptions[k]; ok {
		return cause
	}
	if strings.HasPrefix(k, "throttling") || strings.HasPrefix(k, "requestthrottled") {
		return TooManyRequests
	}
	return 0
}

// statusCause is the cause that the HTTP status of an answer stands for whose exception is missing or not known.
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
	case status > 500:
		return Unavailable
	default:
		return UnrecognizedException
	}
}

// refusal tells apart what NotAuthorizedException means: mostly that the user's status is not UNCONFIRMED.
func refusal(message string) (cause Cause, userStatus string) {
	const marker = "Current status is "
	if _, rest, found := strings.Cut(message, marker); found {
		userStatus = statusName(rest)
	}
	switch {
	case userStatus == string(types.UserStatusTypeConfirmed):
		return UserAlreadyConfirmed, userStatus
	case userStatus != "", strings.Contains(message, "status is not UNCONFIRMED"):
		return UserNotConfirmable, userStatus
	case strings.HasPrefix(message, "User is disabled"):
		return UserDisabled, ""
	default:
		return NotAuthorized, ""
	}
}

// statusName is the upper-case name that the text begins with; longer ones than any status are no name.
func statusName(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') })
	if end < 0 {
		end = len(text)
	}
	if end > 64 {
		return ""
	}
	return text[:end]
}
