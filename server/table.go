package server

import (
	"log/slog"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	soon          = 200 * time.Millisecond
	afterThrottle = time.Second // the quota is per second
)

// newContract makes the table for a service that calls the Region.
func newContract(region string) *contract {
	c := &contract{byCause: make([]row, len(cognitoclient.Causes())+1), invalidRequest: row{
		reason: useradminv1.ErrorReason_ERROR_REASON_INVALID_REQUEST, code: codes.InvalidArgument,
		message: "The request breaks a limit of this service; nothing was sent to Cognito.",
		claim:   neverSent,
		detail:  badRequest, annotate: onlyViolation,
	}}
	c.add(requestRows(region))
	c.add(userRows())
	c.add(triggerRows())
	c.add(quotaRows())
	c.add(serviceRows())
	c.add(endRows())
	return c
}

// requestRows are what Cognito says of the request.
func requestRows(region string) map[cognitoclient.Cause]row {
	return map[cognitoclient.Cause]row{
		cognitoclient.InvalidParameter: {
			reason: useradminv1.ErrorReason_ERROR_REASON_INVALID_PARAMETER, code: codes.InvalidArgument,
			message: "Cognito refuses a value of the request.",
			detail:  badRequest, annotate: reasonCode,
		},
		cognitoclient.UserPoolNotFound: {
			reason: useradminv1.ErrorReason_ERROR_REASON_USER_POOL_NOT_FOUND, code: codes.NotFound,
			message: "The user pool does not exist in the Region and account that this service calls.",
			detail:  userPool,
		},
		cognitoclient.NotAuthorized: {
			reason: useradminv1.ErrorReason_ERROR_REASON_NOT_AUTHORIZED, code: codes.PermissionDenied,
			message: "Cognito does not allow this confirmation.",
		},
		cognitoclient.OperationNotEnabled: {
			reason: useradminv1.ErrorReason_ERROR_REASON_OPERATION_NOT_ENABLED, code: codes.FailedPrecondition,
			message: "The user pool is a read-only replica in the Region that this service calls.",
			detail:  precondition("REGION", region),
		},
	}
}

// userRows are what Cognito says of the user.
func userRows() map[cognitoclient.Cause]row {
	return map[cognitoclient.Cause]row{
		cognitoclient.UserNotFound: {
			reason: useradminv1.ErrorReason_ERROR_REASON_USER_NOT_FOUND, code: codes.NotFound,
			message: "The user pool has no such user.",
			detail:  user,
		},
		cognitoclient.UserAlreadyConfirmed: {
			reason: useradminv1.ErrorReason_ERROR_REASON_USER_ALREADY_CONFIRMED, code: codes.FailedPrecondition,
			message: "The user is confirmed already.",
			claim:   unlessRepeated, detail: precondition("USER_STATUS", "user"), annotate: statusConfirmed,
		},
		cognitoclient.UserNotConfirmable: {
			reason: useradminv1.ErrorReason_ERROR_REASON_USER_NOT_CONFIRMABLE, code: codes.FailedPrecondition,
			message: "The user's status does not allow a confirmation.",
			detail:  precondition("USER_STATUS", "user"), annotate: userStatus,
		},
		cognitoclient.UserDisabled: {
			reason: useradminv1.ErrorReason_ERROR_REASON_USER_DISABLED, code: codes.FailedPrecondition,
			message: "The user is disabled.",
			detail:  precondition("USER_STATUS", "user"),
		},
	}
}

// triggerRows are what Cognito says of the pool's trigger, which runs once the user is confirmed.
func triggerRows() map[cognitoclient.Cause]row {
	return map[cognitoclient.Cause]row{
		cognitoclient.LambdaRejected: {
			reason: useradminv1.ErrorReason_ERROR_REASON_LAMBDA_REJECTED, code: codes.FailedPrecondition,
			message: "The user pool's trigger threw an error; the user is probably confirmed already, and a retry does not run the trigger again.",
			claim:   maybe, detail: lambdaTrigger, annotate: lambdaText,
		},
		cognitoclient.LambdaFailed: {
			reason: useradminv1.ErrorReason_ERROR_REASON_LAMBDA_FAILED, code: codes.FailedPrecondition,
			message: "Cognito could not run the user pool's trigger, or it took too long; the user is probably confirmed already, and a retry does not run the trigger again.",
			claim:   maybe, detail: lambdaTrigger, annotate: trigger,
		},
		cognitoclient.LambdaResponseInvalid: {
			reason: useradminv1.ErrorReason_ERROR_REASON_LAMBDA_RESPONSE_INVALID, code: codes.FailedPrecondition,
			message: "Cognito does not understand what the user pool's trigger answered; the user is probably confirmed already, and a retry does not run the trigger again.",
			claim:   maybe, detail: lambdaTrigger, annotate: trigger,
		},
	}
}

// quotaRows are quotas.
func quotaRows() map[cognitoclient.Cause]row {
	return map[cognitoclient.Cause]row{
		cognitoclient.TooManyRequests: {
			reason: useradminv1.ErrorReason_ERROR_REASON_TOO_MANY_REQUESTS, code: codes.ResourceExhausted,
			message: "Cognito throttles sign-up operations of this account and Region; send the same call again after the delay.",
			delay:   afterThrottle, detail: quota("UserCreation"),
		},
		cognitoclient.LimitExceeded: {
			reason: useradminv1.ErrorReason_ERROR_REASON_LIMIT_EXCEEDED, code: codes.ResourceExhausted,
			message: "A hard quota of the user pool is used up; a retry within seconds can't help.",
			detail:  quota("user_pool"),
		},
		cognitoclient.TooManyFailedAttempts: {
			reason: useradminv1.ErrorReason_ERROR_REASON_TOO_MANY_FAILED_ATTEMPTS, code: codes.ResourceExhausted,
			message: "Cognito has locked out the user for a while.",
			detail:  quota("user"),
		},
	}
}

// serviceRows are what Cognito says of itself and of this service.
func serviceRows() map[cognitoclient.Cause]row {
	return map[cognitoclient.Cause]row{
		cognitoclient.InternalError: {
			reason: useradminv1.ErrorReason_ERROR_REASON_COGNITO_INTERNAL_ERROR, code: codes.Internal,
			message: "Cognito had an internal error; the same call with allow_confirmed finds out whether the user is confirmed.",
			claim:   maybe,
			level:   slog.LevelWarn,
		},
		cognitoclient.Unavailable: {
			reason: useradminv1.ErrorReason_ERROR_REASON_COGNITO_UNAVAILABLE, code: codes.Unavailable,
			message: "Cognito is unavailable; the same call with allow_confirmed finds out whether the user is confirmed.",
			claim:   maybe, delay: soon,
			level: slog.LevelWarn,
		},
		cognitoclient.AccessDenied: {
			reason: useradminv1.ErrorReason_ERROR_REASON_COGNITO_ACCESS_DENIED, code: codes.PermissionDenied,
			message: "The AWS identity of this service lacks the right to confirm users of this user pool; its operator must grant cognito-idp:AdminConfirmSignUp.",
			level:   slog.LevelWarn,
		},
		cognitoclient.CredentialsRefused: {
			reason: useradminv1.ErrorReason_ERROR_REASON_COGNITO_CREDENTIALS, code: codes.Unavailable,
			message: "The AWS credentials of this service are missing, expired or refused.",
			claim:   unsent,
			level:   slog.LevelWarn,
		},
		cognitoclient.OperationUnsupported: {
			reason: useradminv1.ErrorReason_ERROR_REASON_COGNITO_OPERATION_UNSUPPORTED, code: codes.Unimplemented,
			message: "What is behind this service's endpoint does not know the operation: it is no Cognito.",
			level:   slog.LevelWarn,
		},
		cognitoclient.UnrecognizedException: {
			reason: useradminv1.ErrorReason_ERROR_REASON_UNRECOGNIZED_EXCEPTION, code: codes.FailedPrecondition,
			message: "Cognito answered an exception that this service does not know; the same call with allow_confirmed finds out whether the user is confirmed.",
			claim:   maybe, level: slog.LevelWarn,
		},
	}
}

// endRows are how a call ends without an answer.
func endRows() map[cognitoclient.Cause]row {
	return map[cognitoclient.Cause]row{
		cognitoclient.Unreachable: {
			reason: useradminv1.ErrorReason_ERROR_REASON_COGNITO_UNREACHABLE, code: codes.Unavailable,
			message: "No connection to Cognito could be had; send the same call again after the delay.",
			claim:   unsent,
			delay:   soon,
			level:   slog.LevelWarn,
		},
		cognitoclient.ResponseLost: {
			reason: useradminv1.ErrorReason_ERROR_REASON_COGNITO_RESPONSE_LOST, code: codes.Unavailable,
			message: "The call was sent to Cognito and its answer was lost; the same call with allow_confirmed finds out whether the user is confirmed.",
			claim:   maybe, delay: soon, annotate: userStatus,
			level: slog.LevelWarn,
		},
		cognitoclient.DeadlineExceeded: {
			reason: useradminv1.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, code: codes.DeadlineExceeded,
			message: "The caller's deadline, less the time that the answer needs to get home, is over.",
			claim:   asTold,
		},
		cognitoclient.Cancelled: {
			reason: useradminv1.ErrorReason_ERROR_REASON_CANCELLED, code: codes.Canceled,
			message: "The caller cancelled the call.",
			claim:   asTold,
		},
		cognitoclient.Stopping: {
			reason: useradminv1.ErrorReason_ERROR_REASON_SERVER_STOPPING, code: codes.Unavailable,
			message: "The service stopped while the call was under way.",
			claim:   asTold, delay: soon,
		},
		cognitoclient.Bug: {
			reason: useradminv1.ErrorReason_ERROR_REASON_INTERNAL, code: codes.Internal,
			message: "The service has a bug; please report it with the request id.",
			claim:   maybe, level: slog.LevelError,
		},
	}
}

func userPool(f *failure) proto.Message {
	return &errdetails.ResourceInfo{ResourceType: "cognito.UserPool", ResourceName: f.req.GetUserPoolId()}
}

func user(*failure) proto.Message {
	return &errdetails.ResourceInfo{ResourceType: "cognito.User"}
}

func precondition(kind, subject string) func(*failure) proto.Message {
	return func(*failure) proto.Message { return preconditionFailure(kind, subject) }
}

func preconditionFailure(kind, subject string) proto.Message {
	return &errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{Type: kind, Subject: subject}}}
}

func lambdaTrigger(f *failure) proto.Message {
	return preconditionFailure("LAMBDA_TRIGGER", triggerName(f.cognito.Message))
}

func quota(subject string) func(*failure) proto.Message {
	return func(*failure) proto.Message {
		return &errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: subject}}}
	}
}

func onlyViolation(f *failure, n *notes) {
	if len(f.violations) == 1 && f.omitted == 0 {
		n.add("violation", f.violations[0].reason)
	}
}

func reasonCode(f *failure, n *notes) { n.add("reasonCode", f.cognito.ReasonCode) }

func userStatus(f *failure, n *notes) { n.add("userStatus", f.cognito.UserStatus) }

func statusConfirmed(_ *failure, n *notes) { n.add("userStatus", "CONFIRMED") }

func trigger(f *failure, n *notes) { n.add("trigger", triggerName(f.cognito.Message)) }

func lambdaText(f *failure, n *notes) {
	trigger(f, n)
	n.add("lambdaError", f.lambdaError)
}
