package fakecognito

import (
	"net/http"
	"strings"
)

// Exception is an error response of Cognito or of AWS's front end before it.
type Exception struct {
	// Name is the exception's code, such as "UserNotFoundException".
	Name string
	// Message is the member message; it is left out if it is empty.
	Message string
	// ReasonCode is the member reasonCode; it is left out if it is empty.
	ReasonCode string
	// Status is the HTTP status.
	Status int
}

// Error returns the exception's name and message.
func (e *Exception) Error() string {
	if e.Message == "" {
		return e.Name
	}
	return e.Name + ": " + e.Message
}

// The exceptions that the server returns without a fault.
const (
	aliasExists          = "AliasExistsException"
	usernameExists       = "UsernameExistsException"
	incompleteSignature  = "IncompleteSignatureException"
	invalidLambda        = "InvalidLambdaResponseException"
	invalidParameter     = "InvalidParameterException"
	invalidPassword      = "InvalidPasswordException"
	invalidSignature     = "InvalidSignatureException"
	missingToken         = "MissingAuthenticationTokenException"
	notAuthorized        = "NotAuthorizedException"
	requestTooLarge      = "RequestEntityTooLargeException"
	resourceNotFound     = "ResourceNotFoundException"
	serialization        = "SerializationException"
	unexpectedLambda     = "UnexpectedLambdaException"
	unknownOperation     = "UnknownOperationException"
	unrecognizedClient   = "UnrecognizedClientException"
	userLambdaValidation = "UserLambdaValidationException"
	userNotFound         = "UserNotFoundException"
)

// accessDeniedText has everything that a caller must never see: an account, a role, a resource.
const accessDeniedText = "User: arn:aws:sts::123456789012:assumed-role/useradmin/i-0123456789abcdef0 " +
	"is not authorized to perform: cognito-idp:AdminConfirmSignUp on resource: " +
	"arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_EXAMPLE " +
	"because no identity-based policy allows the cognito-idp:AdminConfirmSignUp action"

const (
	expiredText = "The security token included in the request is expired"
	invalidText = "The security token included in the request is invalid."
	refusedText = "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)

// exceptions returns every exception that AWS is known to return, with its HTTP status and its usual message. The first
// twelve are those that AdminConfirmSignUp declares.
func exceptions() []Exception {
	const bad = http.StatusBadRequest
	return []Exception{
		{Name: resourceNotFound, Status: bad, Message: "User pool us-east-1_EXAMPLE does not exist."},
		{Name: invalidParameter, Status: bad, Message: "1 validation error detected: Value at 'username' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{Name: userNotFound, Status: bad, Message: "User does not exist."},
		{Name: notAuthorized, Status: bad, Message: "User cannot be confirmed. Current status is CONFIRMED"},
		{Name: userLambdaValidation, Status: bad, Message: "PostConfirmation failed with error rejected."},
		{Name: unexpectedLambda, Status: bad, Message: "PostConfirmation invocation failed due to error AccessDeniedException."},
		{Name: invalidLambda, Status: bad, Message: "Unrecognizable lambda output"},
		{Name: "TooManyRequestsException", Status: bad, Message: "Rate exceeded"},
		{Name: "LimitExceededException", Status: bad, Message: "Attempt limit exceeded, please try after some time."},
		{Name: "TooManyFailedAttemptsException", Status: bad, Message: "Too many failed attempts."},
		{Name: "OperationNotEnabledException", Status: bad, Message: "Operation is not enabled for this user pool in this Region."},
		{Name: "InternalErrorException", Status: http.StatusInternalServerError, Message: "Internal server error."},

		{Name: aliasExists, Status: bad, Message: "An account with the given email already exists."},
		{Name: usernameExists, Status: bad, Message: "User already exists"},
		{Name: invalidPassword, Status: bad, Message: "Password did not conform with policy: Password not long enough"},

		{Name: "AccessDenied", Status: bad, Message: accessDeniedText},
		{Name: "AccessDeniedException", Status: bad, Message: accessDeniedText},
		{Name: "ExpiredToken", Status: bad, Message: expiredText},
		{Name: "ExpiredTokenException", Status: bad, Message: expiredText},
		{Name: "UnrecognizedClient", Status: bad, Message: invalidText},
		{Name: unrecognizedClient, Status: bad, Message: invalidText},
		{Name: "InvalidClientTokenId", Status: http.StatusForbidden, Message: invalidText},
		{Name: "InvalidSignature", Status: bad, Message: refusedText},
		{Name: invalidSignature, Status: bad, Message: refusedText},
		{Name: "SignatureDoesNotMatch", Status: http.StatusForbidden, Message: refusedText},
		{Name: "IncompleteSignature", Status: bad, Message: "Authorization header requires 'Signature' parameter."},
		{Name: incompleteSignature, Status: bad, Message: "Authorization header requires 'Signature' parameter."},
		{Name: "MissingAuthenticationToken", Status: bad, Message: "Missing Authentication Token"},
		{Name: missingToken, Status: bad, Message: "Missing Authentication Token"},
		{Name: "RequestExpired", Status: bad, Message: "Request has expired."},
		{Name: "RequestExpiredException", Status: bad, Message: "Request has expired."},
		{Name: "OptInRequired", Status: http.StatusForbidden, Message: "The AWS Access Key Id needs a subscription for the service"},
		{Name: "OptInRequiredException", Status: http.StatusForbidden, Message: "The AWS Access Key Id needs a subscription for the service"},
		{Name: "Throttling", Status: bad, Message: "Rate exceeded"},
		{Name: "ThrottlingException", Status: bad, Message: "Rate exceeded"},
		{Name: "ThrottledException", Status: bad, Message: "Rate exceeded"},
		{Name: "RequestThrottled", Status: bad, Message: "Rate exceeded"},
		{Name: "RequestThrottledException", Status: bad, Message: "Rate exceeded"},
		{Name: "RequestLimitExceeded", Status: http.StatusServiceUnavailable, Message: "Request limit exceeded."},
		{Name: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Message: "Service Unavailable"},
		{Name: "ServiceUnavailableException", Status: http.StatusServiceUnavailable, Message: "Service Unavailable"},
		{Name: "InternalFailure", Status: http.StatusInternalServerError},
		{Name: "RequestTimeout", Status: http.StatusRequestTimeout, Message: "Request timed out"},
		{Name: "RequestTimeoutException", Status: http.StatusRequestTimeout, Message: "Request timed out"},
		{Name: serialization, Status: bad},
		{Name: unknownOperation, Status: bad},
		{Name: "InvalidAction", Status: bad, Message: "The action or operation requested is invalid."},
		{Name: "ValidationException", Status: bad, Message: "1 validation error detected"},
		{Name: "ValidationError", Status: bad, Message: "1 validation error detected"},
		{Name: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge},
		{Name: requestTooLarge, Status: http.StatusRequestEntityTooLarge},
	}
}

// exception returns the row of that name, with its own message unless another one is given. The name may have AWS's
// prefix up to '#' and its suffix from ':'. A name without a row has status 400.
func exception(name, message string) *Exception {
	bare := name[strings.IndexByte(name, '#')+1:]
	bare, _, _ = strings.Cut(bare, ":")
	found := Exception{Status: http.StatusBadRequest}
	for _, row := range exceptions() {
		if strings.EqualFold(row.Name, bare) {
			found = row
			break
		}
	}
	found.Name = name
	if message != "" {
		found.Message = message
	}
	return &found
}
