package server

import (
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

const (
	soon          = 200 * time.Millisecond
	afterThrottle = time.Second // the quota is per second
)

// row is one row of the error contract.
type row struct {
	// code becomes ABORTED where it invites to send the same call again and that is not safe.
	code codes.Code
	// says is what happened. do is what to do if the call had no effect, applied if it had its effect. After UNKNOWN, the
	// RPC's own text (rpc.unknown) follows instead. A test compares all of it with the proto's comments.
	says, do, applied string
	// delay is RetryInfo's, where the same call may be sent again; 0 means no RetryInfo.
	delay time.Duration
	// detail makes the row's own detail; nil means none.
	detail func(*failure) proto.Message
	// keys adds the row's own metadata, what is empty included; nil means none.
	keys func(*failure, *pairs)
	// level is the log line's; most failures do not concern the operator.
	level slog.Level
}

// invites reports whether the code invites to send the same call again.
func (r *row) invites() bool {
	return r.code == codes.Unavailable || r.code == codes.ResourceExhausted
}

// reasonOf is the reason of a cause: they have the same names. A cause without a reason is a bug.
func reasonOf(cause cognitoclient.Cause) useradminv1.ErrorReason {
	if reason := useradminv1.ErrorReason(useradminv1.ErrorReason_value[schema.ReasonPrefix+cause.String()]); reason != 0 {
		return reason
	}
	return useradminv1.ErrorReason_ERROR_REASON_INTERNAL
}

// contract is the error contract, indexed by reason. RPCs may have rows of their own instead.
//
//nolint:funlen // one literal shows the contract
func contract() []row {
	return []row{
		useradminv1.ErrorReason_ERROR_REASON_INVALID_REQUEST: {
			code:   codes.InvalidArgument,
			says:   "The request violates a limit of this service; nothing was sent to Cognito.",
			do:     "Fix the fields that the details name, then send the call again.",
			detail: badRequest, keys: requestKeys,
		},
		useradminv1.ErrorReason_ERROR_REASON_INVALID_PARAMETER: {
			code:   codes.InvalidArgument,
			says:   "Cognito rejected a value of the request.",
			do:     "Fix the value; sending the same call again cannot help.",
			detail: badRequest, keys: parameterKeys,
		},
		useradminv1.ErrorReason_ERROR_REASON_USER_POOL_NOT_FOUND: {
			code:   codes.NotFound,
			says:   "The user pool does not exist in the AWS Region and account that this service calls.",
			do:     "Check the pool id, and that this service runs for the pool's Region and account.",
			detail: userPool,
		},
		useradminv1.ErrorReason_ERROR_REASON_USER_NOT_FOUND: {
			code:   codes.NotFound,
			says:   "The user pool has no such user.",
			do:     "Check the username and its case; use the username or the sub that SignUp returned, not an unverified alias.",
			detail: user,
		},
		useradminv1.ErrorReason_ERROR_REASON_USER_ALREADY_CONFIRMED: {
			code:   codes.FailedPrecondition,
			says:   "The user is already confirmed.",
			do:     "If a confirmed user is what you want, set allow_confirmed to get OK instead.",
			detail: precondition("USER_STATUS", "user"), keys: userStatus,
		},
		useradminv1.ErrorReason_ERROR_REASON_USER_NOT_CONFIRMABLE: {
			code:   codes.FailedPrecondition,
			says:   "The user's status does not allow a confirmation.",
			do:     "Act on the status: FORCE_CHANGE_PASSWORD needs a first password, RESET_REQUIRED a new one.",
			detail: precondition("USER_STATUS", "user"), keys: userStatus,
		},
		useradminv1.ErrorReason_ERROR_REASON_USER_DISABLED: {
			code:   codes.FailedPrecondition,
			says:   "The user is disabled.",
			do:     "Enable the user first, if that is right.",
			detail: precondition("USER_ENABLED", "user"),
		},
		useradminv1.ErrorReason_ERROR_REASON_NOT_AUTHORIZED: {
			code: codes.PermissionDenied,
			says: "Cognito refused the operation for a reason that this service does not recognize.",
			do:   "Report it to the operator of this service; sending the same call again cannot help.",
		},
		useradminv1.ErrorReason_ERROR_REASON_LAMBDA_REJECTED: {
			code:    codes.FailedPrecondition,
			says:    "The user pool's Lambda trigger returned an error.",
			applied: "This call's trigger ran and failed, and the user is CONFIRMED now: do the trigger's work yourself, since no other call runs it.",
			detail:  lambdaTrigger, keys: rejectionKeys,
		},
		useradminv1.ErrorReason_ERROR_REASON_LAMBDA_FAILED: {
			code:    codes.FailedPrecondition,
			says:    "Cognito could not run the user pool's Lambda trigger to its end.",
			applied: "This call's trigger failed, and the user is CONFIRMED now: do the trigger's work yourself, since no other call runs it.",
			detail:  lambdaTrigger, keys: triggerKeys,
		},
		useradminv1.ErrorReason_ERROR_REASON_LAMBDA_RESPONSE_INVALID: {
			code:    codes.FailedPrecondition,
			says:    "Cognito could not read the response of the user pool's Lambda trigger.",
			applied: "This call's trigger ran and failed, and the user is CONFIRMED now: check the trigger's work, since no other call runs it.",
			detail:  lambdaTrigger, keys: triggerKeys,
		},
		useradminv1.ErrorReason_ERROR_REASON_OPERATION_NOT_ENABLED: {
			code:   codes.FailedPrecondition,
			says:   "Cognito does not offer this operation in this Region or for this user pool's configuration; a replica Region is one cause.",
			do:     "Call the primary Region, or check the pool's settings.",
			detail: operationEnabled,
		},
		useradminv1.ErrorReason_ERROR_REASON_TOO_MANY_REQUESTS: {
			code:  codes.ResourceExhausted,
			says:  "Cognito throttled the call: the account's request rate for such operations is used up.",
			do:    "Send the same call again after the delay in RetryInfo.",
			delay: afterThrottle, detail: requestRate,
		},
		useradminv1.ErrorReason_ERROR_REASON_LIMIT_EXCEEDED: {
			code:   codes.ResourceExhausted,
			says:   "A hard quota of the user pool is used up.",
			do:     "Report it to the operator of this service; sending the call again within seconds cannot help.",
			detail: quota("user_pool"),
		},
		useradminv1.ErrorReason_ERROR_REASON_TOO_MANY_FAILED_ATTEMPTS: {
			code:   codes.ResourceExhausted,
			says:   "Cognito has locked out the user for a while.",
			do:     "Send the call again much later.",
			detail: quota("user"),
		},
		useradminv1.ErrorReason_ERROR_REASON_COGNITO_INTERNAL_ERROR: {
			code:  codes.Internal,
			says:  "Cognito had an internal error.",
			level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_COGNITO_UNREACHABLE: {
			code:  codes.Unavailable,
			says:  "This service could not connect to Cognito.",
			do:    "Send the same call again after the delay in RetryInfo.",
			delay: soon, level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_COGNITO_UNAVAILABLE: {
			code:  codes.Unavailable,
			says:  "Cognito reported that it is unavailable.",
			delay: soon, level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_COGNITO_RESPONSE_LOST: {
			code:  codes.Unavailable,
			says:  "The call was sent to Cognito and no usable response came back.",
			delay: soon, keys: userStatus, level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_COGNITO_ACCESS_DENIED: {
			code:  codes.FailedPrecondition,
			says:  "This service's own AWS identity lacks the right to call this operation on this user pool.",
			do:    "Ask the operator of this service to allow the operation on the pool in its IAM policy.",
			level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_COGNITO_CREDENTIALS: {
			code:  codes.Unavailable,
			says:  "This service's own AWS credentials are missing, expired or refused.",
			do:    "Tell the operator of this service; another replica may be able to serve the same call.",
			level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_COGNITO_OPERATION_UNSUPPORTED: {
			code:  codes.FailedPrecondition,
			says:  "The configured Cognito endpoint does not support this operation.",
			do:    "Tell the operator of this service; sending the same call again cannot help.",
			level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_UNRECOGNIZED_EXCEPTION: {
			code:  codes.FailedPrecondition,
			says:  "Cognito returned an exception that this service does not know.",
			level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED: {
			code: codes.DeadlineExceeded,
			says: "The deadline expired; part of it is reserved for returning the response.",
			do:   "Nothing was changed; send the call with a longer deadline, for example 20 seconds.",
		},
		useradminv1.ErrorReason_ERROR_REASON_CANCELLED: {
			code: codes.Canceled,
			says: "The caller cancelled the call.",
			do:   "Nothing was changed.",
		},
		useradminv1.ErrorReason_ERROR_REASON_SERVER_STOPPING: {
			code:  codes.Unavailable,
			says:  "This service stopped during the call.",
			do:    "Nothing was changed; send the same call again after the delay in RetryInfo.",
			delay: soon,
		},
		useradminv1.ErrorReason_ERROR_REASON_INTERNAL: {
			code:  codes.Internal,
			says:  "This service has a bug; please report it with the request id.",
			level: slog.LevelError,
		},
		useradminv1.ErrorReason_ERROR_REASON_POOL_BUSY: {
			code:  codes.ResourceExhausted,
			says:  "The user pool has its share of this service's requests to Cognito under way, and this call got no slot in time.",
			do:    "Send the same call again after the delay in RetryInfo; if this goes on, the pool's trigger is slow or the pool gets too many calls.",
			delay: soon, detail: share("user_pool"), level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_CALLER_BUSY: {
			code:  codes.ResourceExhausted,
			says:  "The caller, or its connection, has its share of the calls that this service carries at once.",
			do:    "Send the same call again after the delay in RetryInfo, with fewer calls at once.",
			delay: soon, detail: share("caller"),
		},
		useradminv1.ErrorReason_ERROR_REASON_OVERLOADED: {
			code:  codes.Unavailable,
			says:  "This service carries as many calls as it can.",
			do:    "Send the same call again after the delay in RetryInfo; another replica may have room.",
			delay: soon, level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_UNAUTHENTICATED: {
			code:  codes.Unauthenticated,
			says:  "The call does not prove who makes it, and this service asks for proof.",
			do:    "Call through the sidecar, or with a valid client certificate that has exactly one SPIFFE ID, as this service is configured.",
			level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_CALLER_NOT_ALLOWED: {
			code:  codes.PermissionDenied,
			says:  "The policy of this service does not allow the caller to make this call.",
			do:    "Ask the operators of this service to change its policy, or do not make this call.",
			level: slog.LevelWarn,
		},
		useradminv1.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE: {
			code:  codes.Unavailable,
			says:  "This service could not write the call to its audit log, so it did not make it.",
			do:    "Send the same call again after the delay in RetryInfo; another replica may be able to write.",
			delay: soon, level: slog.LevelError,
		},
	}
}
