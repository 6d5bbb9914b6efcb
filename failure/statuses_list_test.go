package failure_test

import (
	"maps"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	cognitoAPI   = "cognito-idp.amazonaws.com"
	codeReplaced = "broken: the code was replaced on the way"
)

// sentStatuses is everything in the shared file.
func sentStatuses(c contract) []sent {
	return slices.Concat(refusals(c), failures(c), repeats(c), foreigners(), newcomers(), broken(), retryInfos())
}

// refusals are the service's own, with an outcome that is certain.
func refusals(c contract) []sent {
	return []sent{
		withViolations(c.made("ours: an invalid request", codes.InvalidArgument, useradminv1.ErrorReason_ERROR_REASON_INVALID_REQUEST, "NOT_SENT",
			map[string]string{"attempts": "0", "violation": "", "violationsOmitted": "0"}),
			violation{"user_pool_id", "REQUIRED", "The user pool id is missing."},
			violation{`client_metadata["a\"b"]`, "TOO_LONG", "The value has more than 2,048 code points."}),
		withViolations(c.made("ours: a value that Cognito rejected", codes.InvalidArgument, useradminv1.ErrorReason_ERROR_REASON_INVALID_PARAMETER, "NOT_APPLIED",
			map[string]string{"exception": "InvalidParameterException", "cognitoRequestId": "c-1", "reasonCode": "", "violationsOmitted": "0"}),
			violation{"username", "REFUSED", "Cognito refused the value."}),
		c.made("ours: no such user pool", codes.NotFound, useradminv1.ErrorReason_ERROR_REASON_USER_POOL_NOT_FOUND, "NOT_APPLIED",
			map[string]string{"exception": "ResourceNotFoundException", "cognitoRequestId": "c-1"},
			&errdetails.ResourceInfo{ResourceType: cognitoAPI + "/UserPool", ResourceName: "us-east-1_EXAMPLE01"}),
		c.made("ours: no such user", codes.NotFound, useradminv1.ErrorReason_ERROR_REASON_USER_NOT_FOUND, "NOT_APPLIED",
			map[string]string{"exception": "UserNotFoundException", "cognitoRequestId": "c-1"},
			&errdetails.ResourceInfo{ResourceType: cognitoAPI + "/User"}),
		c.made("ours: already confirmed", codes.FailedPrecondition, useradminv1.ErrorReason_ERROR_REASON_USER_ALREADY_CONFIRMED, "NOT_APPLIED",
			map[string]string{"exception": "NotAuthorizedException", "cognitoRequestId": "c-1", "userStatus": "CONFIRMED"},
			precondition("USER_STATUS", "user")),
		c.made("ours: not authorized", codes.PermissionDenied, useradminv1.ErrorReason_ERROR_REASON_NOT_AUTHORIZED, "NOT_APPLIED",
			map[string]string{"exception": "NotAuthorizedException", "cognitoRequestId": "c-1"}),
		withDelay(c.made("ours: throttled", codes.ResourceExhausted, useradminv1.ErrorReason_ERROR_REASON_TOO_MANY_REQUESTS, "NOT_APPLIED",
			map[string]string{"attempts": "3", "exception": "TooManyRequestsException", "cognitoRequestId": "c-3"},
			retryInfo(1100*time.Millisecond), quota("account", "UserCreation")), 1100),
		c.made("ours: a hard quota", codes.ResourceExhausted, useradminv1.ErrorReason_ERROR_REASON_LIMIT_EXCEEDED, "NOT_APPLIED",
			map[string]string{"exception": "LimitExceededException", "cognitoRequestId": "c-1"}, quota("user_pool", "")),
		withDelay(c.made("ours: Cognito is unreachable", codes.Unavailable, useradminv1.ErrorReason_ERROR_REASON_COGNITO_UNREACHABLE, "NOT_SENT",
			map[string]string{"attempts": "0"}, retryInfo(200*time.Millisecond)), 200),
		c.made("ours: no credentials, UNAVAILABLE without RetryInfo", codes.Unavailable, useradminv1.ErrorReason_ERROR_REASON_COGNITO_CREDENTIALS, "NOT_SENT",
			map[string]string{"attempts": "0"}),
		c.made("ours: the deadline expired before anything was sent", codes.DeadlineExceeded, useradminv1.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, "NOT_SENT",
			map[string]string{"attempts": "0"}),
	}
}

// failures are the service's own, after which the user is or may be confirmed.
func failures(c contract) []sent {
	rejected := map[string]string{
		"exception": "UserLambdaValidationException", "cognitoRequestId": "c-1", "trigger": "PostConfirmation", "userStatus": "", "lambdaError": "no mail today",
	}
	return []sent{
		c.made("ours: the trigger failed, APPLIED", codes.FailedPrecondition, useradminv1.ErrorReason_ERROR_REASON_LAMBDA_REJECTED, "APPLIED",
			with(rejected, "userStatus", "CONFIRMED", "attempts", "2"), precondition("LAMBDA_TRIGGER", "PostConfirmation")),
		c.made("ours: the trigger failed, UNKNOWN", codes.FailedPrecondition, useradminv1.ErrorReason_ERROR_REASON_LAMBDA_REJECTED, "UNKNOWN",
			rejected, precondition("LAMBDA_TRIGGER", "PostConfirmation")),
		c.made("ours: the response was lost", codes.Aborted, useradminv1.ErrorReason_ERROR_REASON_COGNITO_RESPONSE_LOST, "UNKNOWN",
			map[string]string{"userStatus": ""}),
		withDelay(c.made("ours: the response was lost, with allow_confirmed", codes.Unavailable, useradminv1.ErrorReason_ERROR_REASON_COGNITO_RESPONSE_LOST, "UNKNOWN",
			map[string]string{"userStatus": "", "attempts": "3"}, retryInfo(200*time.Millisecond)), 200),
		c.made("ours: an internal error of Cognito", codes.Internal, useradminv1.ErrorReason_ERROR_REASON_COGNITO_INTERNAL_ERROR, "UNKNOWN",
			map[string]string{"attempts": "3", "exception": "InternalErrorException", "cognitoRequestId": "c-3"}),
		c.made("ours: an exception that the service does not know", codes.FailedPrecondition, useradminv1.ErrorReason_ERROR_REASON_UNRECOGNIZED_EXCEPTION, "UNKNOWN",
			map[string]string{"exception": "FutureException", "cognitoRequestId": "c-1"}),
		c.made("ours: cancelled under way", codes.Canceled, useradminv1.ErrorReason_ERROR_REASON_CANCELLED, "UNKNOWN", nil),
		c.made("ours: a bug", codes.Internal, useradminv1.ErrorReason_ERROR_REASON_INTERNAL, "UNKNOWN", map[string]string{"attempts": "0"}),
	}
}

// repeats are the service's own for calls that are marked as a repeat.
func repeats(c contract) []sent {
	confirmed := map[string]string{"repeated": "true", "userStatus": "CONFIRMED", "exception": "NotAuthorizedException", "cognitoRequestId": "c-1"}
	throttled := map[string]string{"repeated": "true", "attempts": "3", "exception": "TooManyRequestsException", "cognitoRequestId": "c-3"}
	return []sent{
		c.made("repeat: already confirmed", codes.FailedPrecondition, useradminv1.ErrorReason_ERROR_REASON_USER_ALREADY_CONFIRMED, "UNKNOWN",
			confirmed, precondition("USER_STATUS", "user")),
		c.made("repeat: throttled", codes.Aborted, useradminv1.ErrorReason_ERROR_REASON_TOO_MANY_REQUESTS, "UNKNOWN",
			throttled, quota("account", "UserCreation")),
		withDelay(c.made("repeat: throttled, with allow_confirmed", codes.ResourceExhausted, useradminv1.ErrorReason_ERROR_REASON_TOO_MANY_REQUESTS, "UNKNOWN",
			throttled, retryInfo(time.Second), quota("account", "UserCreation")), 1000),
		withViolations(c.made("repeat: an invalid request", codes.InvalidArgument, useradminv1.ErrorReason_ERROR_REASON_INVALID_REQUEST, "NOT_SENT",
			map[string]string{"repeated": "true", "attempts": "0", "violation": "REQUIRED", "violationsOmitted": "0"}),
			violation{"username", "REQUIRED", "The username is missing."}),
		c.made("repeat: the trigger failed, APPLIED", codes.FailedPrecondition, useradminv1.ErrorReason_ERROR_REASON_LAMBDA_FAILED, "APPLIED",
			map[string]string{"repeated": "true", "attempts": "2", "exception": "UnexpectedLambdaException", "cognitoRequestId": "c-1", "trigger": "PostConfirmation", "userStatus": "CONFIRMED"},
			precondition("LAMBDA_TRIGGER", "PostConfirmation")),
	}
}

// foreigners are statuses that something else made, or something else had a part in.
func foreigners() []sent {
	proxy := &errdetails.ErrorInfo{Domain: "proxy.example", Reason: "USER_NOT_FOUND", Metadata: map[string]string{"outcome": "NOT_SENT", "repeated": "true"}}
	return []sent{
		foreign("foreign: a proxy's UNAVAILABLE", codes.Unavailable, "upstream connect error or disconnect/reset before headers"),
		foreign("foreign: the caller's deadline", codes.DeadlineExceeded, "Deadline Exceeded"),
		foreign("foreign: no message", codes.Unimplemented, ""),
		foreign("foreign: an ErrorInfo of another domain", codes.Unavailable, "Busy.", proxy, &errdetails.RequestInfo{RequestId: "p-1"}, retryInfo(time.Second),
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "f", Reason: "R", Description: "D"}}}),
		notFound("foreign: an ErrorInfo of another domain before ours", proxy, notFoundInfo()),
		foreign("foreign: RetryInfo without ErrorInfo", codes.ResourceExhausted, "Slow down.", retryInfo(time.Second)),
		foreign("foreign: the domain before the first release", codes.NotFound, "Gone.", &errdetails.ErrorInfo{
			Domain: "useradmin.v1", Reason: "ERROR_REASON_USER_NOT_FOUND", Metadata: map[string]string{"outcome": "OUTCOME_NOT_APPLIED"},
		}),
		foreign("foreign: the domain in upper case", codes.NotFound, "Gone.", &errdetails.ErrorInfo{
			Domain: "USERADMIN.COGNITO.INTERNAL", Reason: "USER_NOT_FOUND", Metadata: map[string]string{"outcome": "NOT_APPLIED"},
		}),
		foreign("foreign: an empty ErrorInfo", codes.NotFound, "Gone.", &errdetails.ErrorInfo{}),
	}
}

// newcomers are statuses that a newer service may send.
func newcomers() []sent {
	return []sent{
		notFound("future: an unknown reason", infoOf("LOST_TOMORROW", "outcome", "NOT_APPLIED")).reads(func(r *reading) {
			r.Reason, r.ReasonName = "UNSPECIFIED", "LOST_TOMORROW"
			r.Text = "NOT_FOUND LOST_TOMORROW: Gone. (outcome NOT_APPLIED)"
		}),
		notFound("future: an unknown outcome", infoOf("USER_NOT_FOUND", "outcome", "HALF_APPLIED")).reads(outcomeUnknown),
		notFound("future: no outcome", infoOf("USER_NOT_FOUND")).reads(outcomeUnknown),
		notFound("future: the outcome UNSPECIFIED", infoOf("USER_NOT_FOUND", "outcome", "UNSPECIFIED")).reads(outcomeUnknown),
		notFound("future: names with their prefixes", infoOf("ERROR_REASON_USER_NOT_FOUND", "outcome", "OUTCOME_NOT_APPLIED")).reads(outcomeUnknown, func(r *reading) {
			r.Reason, r.ReasonName = "UNSPECIFIED", "ERROR_REASON_USER_NOT_FOUND"
			r.Text = "NOT_FOUND ERROR_REASON_USER_NOT_FOUND: Gone. (outcome UNKNOWN)"
		}),
		notFound("future: the reason UNSPECIFIED", infoOf("UNSPECIFIED", "outcome", "NOT_APPLIED")).reads(func(r *reading) {
			r.Reason, r.ReasonName = "UNSPECIFIED", "UNSPECIFIED"
			r.Text = "NOT_FOUND UNSPECIFIED: Gone. (outcome NOT_APPLIED)"
		}),
		notFound("future: no reason", infoOf("", "outcome", "NOT_APPLIED")).reads(func(r *reading) {
			r.Reason, r.ReasonName, r.Text = "UNSPECIFIED", "", "NOT_FOUND: Gone. (outcome NOT_APPLIED)"
		}),
		notFound("future: an unknown type of detail",
			&anypb.Any{TypeUrl: "type.googleapis.com/useradmin.v9.Detail", Value: []byte{0xff, 0xff}}, notFoundInfo(), &errdetails.Help{}),
		notFound("future: further keys", infoOf("USER_NOT_FOUND", "outcome", "NOT_APPLIED", "repeated", "no", "color", "gr\u00fcn")),
		notFound("future: RetryInfo with another code", notFoundInfo(), retryInfo(time.Minute)).reads(delayed(60_000)),
		{
			name: "future: a code that gRPC does not have", code: 99, message: "Odd.",
			details: []proto.Message{infoOf("USER_NOT_FOUND", "outcome", "NOT_APPLIED")},
			want:    fromService(codes.Unknown, "USER_NOT_FOUND", "NOT_APPLIED", "Odd.", map[string]string{"outcome": "NOT_APPLIED"}),
		},
		foreign("foreign: a code that gRPC does not have", 77, "Odd."),
	}
}

// broken are statuses that something on the way has damaged, or that nobody should send.
func broken() []sent {
	garbled := foreign("broken: bytes that are not a status", codes.Unavailable, "Garbled.")
	garbled.bytes = func([]byte) []byte { return []byte("\xff\x00garbage") }
	truncated := foreign("broken: a truncated status", codes.NotFound, "Gone.", notFoundInfo(), retryInfo(time.Second))
	truncated.bytes = func(whole []byte) []byte { return whole[:len(whole)-3] }
	replaced := foreign(codeReplaced, codes.Unavailable, "Gone.", notFoundInfo(), retryInfo(time.Second))
	replaced.bytes = func(whole []byte) []byte {
		// The code is the first field: tag, value.
		return append([]byte{whole[0], byte(codes.NotFound)}, whole[2:]...)
	}
	return []sent{
		garbled, truncated, replaced,
		foreign("broken: an ErrorInfo of garbage", codes.NotFound, "Gone.", garbage(&errdetails.ErrorInfo{}), retryInfo(time.Second)),
		notFound("broken: garbage beside good details", garbage(&errdetails.ErrorInfo{}), garbage(&errdetails.RetryInfo{}), garbage(&errdetails.RequestInfo{}),
			garbage(&errdetails.BadRequest{}), notFoundInfo(), retryInfo(time.Second)).reads(delayed(1000)),
		notFound("broken: two ErrorInfos of ours", notFoundInfo(), infoOf("INTERNAL", "outcome", "UNKNOWN")),
		notFound("broken: details more than once", notFoundInfo(), &errdetails.RequestInfo{RequestId: "1"}, &errdetails.RequestInfo{RequestId: "2"},
			retryInfo(time.Second), retryInfo(time.Minute), badRequest(violation{"a", "A", "First."}), badRequest(violation{"b", "B", "Second."})).
			reads(delayed(1000), func(r *reading) {
				r.RequestID, r.Text = "1", "NOT_FOUND USER_NOT_FOUND: Gone. (outcome NOT_APPLIED, request id 1)"
				r.Violations = []violation{{"a", "A", "First."}, {"b", "B", "Second."}}
			}),
		foreign("broken: control characters in the message", codes.Unavailable, "a\r\nb\x1b[2Jc\u202ed\u00a0\u2028e\U000e0001f\ufffd \U0001f600").reads(func(r *reading) {
			r.Text = "UNAVAILABLE: a  b [2Jc d  e f\ufffd \U0001f600 (not made by useradmin, outcome UNKNOWN)"
		}),
		notFound("broken: control characters in the details", infoOf("A\nB", "outcome", "NOT_APPLIED"), &errdetails.RequestInfo{RequestId: "1\n2"}).reads(func(r *reading) {
			r.Reason, r.ReasonName, r.RequestID = "UNSPECIFIED", "A\nB", "1\n2"
			r.Text = "NOT_FOUND A B: Gone. (outcome NOT_APPLIED, request id 1 2)"
		}),
	}
}

// retryInfos try the bounds of google.protobuf.Duration.
func retryInfos() []sent {
	throttled := func(name string, delay *durationpb.Duration) sent {
		info := infoOf("TOO_MANY_REQUESTS", "outcome", "NOT_APPLIED")
		return sent{
			name: "RetryInfo: " + name, code: codes.ResourceExhausted, message: "Slow.",
			details: []proto.Message{info, &errdetails.RetryInfo{RetryDelay: delay}},
			want:    fromService(codes.ResourceExhausted, info.GetReason(), "NOT_APPLIED", "Slow.", info.GetMetadata()),
		}
	}
	return []sent{
		throttled("no delay", nil).reads(delayed(0)),
		throttled("zero", &durationpb.Duration{}).reads(delayed(0)),
		throttled("parts of a millisecond", &durationpb.Duration{Nanos: 183_956_789}).reads(delayed(183)),
		throttled("the longest", &durationpb.Duration{Seconds: 315_576_000_000}).reads(delayed(315_576_000_000_000)),
		throttled("longer than the longest", &durationpb.Duration{Seconds: 315_576_000_001}),
		throttled("the largest number", &durationpb.Duration{Seconds: 1<<63 - 1}),
		throttled("negative", &durationpb.Duration{Seconds: -1, Nanos: -5}).reads(delayed(0)),
		throttled("the most negative", &durationpb.Duration{Seconds: -315_576_000_000}).reads(delayed(0)),
		throttled("below the most negative", &durationpb.Duration{Seconds: -315_576_000_001}),
		throttled("too many nanoseconds", &durationpb.Duration{Nanos: 1_000_000_000}),
		throttled("mixed signs", &durationpb.Duration{Seconds: 1, Nanos: -5}),
		throttled("mixed signs, negative", &durationpb.Duration{Seconds: -1, Nanos: 5}),
	}
}

func with(metadata map[string]string, more ...string) map[string]string {
	all := maps.Clone(metadata)
	for pair := range slices.Chunk(more, 2) {
		all[pair[0]] = pair[1]
	}
	return all
}

func withDelay(s sent, milliseconds int64) sent {
	return s.reads(delayed(milliseconds))
}

func withViolations(s sent, violations ...violation) sent {
	s.details = append(s.details, badRequest(violations...))
	s.want.Violations = violations
	return s
}

func badRequest(violations ...violation) *errdetails.BadRequest {
	var request errdetails.BadRequest
	for _, v := range violations {
		request.FieldViolations = append(request.FieldViolations,
			&errdetails.BadRequest_FieldViolation{Field: v.Field, Reason: v.Reason, Description: v.Description})
	}
	return &request
}

func precondition(kind, subject string) *errdetails.PreconditionFailure {
	return &errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
		{Type: kind, Subject: subject, Description: "An example."},
	}}
}

func quota(subject, id string) *errdetails.QuotaFailure {
	return &errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{
		{Subject: subject, ApiService: cognitoAPI, QuotaId: id, Description: "An example."},
	}}
}

func retryInfo(delay time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}

func infoOf(reason string, metadata ...string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Domain: failure.Domain, Reason: reason, Metadata: with(map[string]string{}, metadata...)}
}

func notFoundInfo() *errdetails.ErrorInfo {
	return infoOf("USER_NOT_FOUND", "outcome", "NOT_APPLIED")
}

// notFound is a NOT_FOUND of the service, read as the first ErrorInfo of its domain says.
func notFound(name string, details ...proto.Message) sent {
	var metadata map[string]string
	for _, detail := range details {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == failure.Domain {
			metadata = info.GetMetadata()
			break
		}
	}
	return sent{
		name: name, code: codes.NotFound, message: "Gone.", details: details,
		want: fromService(codes.NotFound, "USER_NOT_FOUND", "NOT_APPLIED", "Gone.", metadata),
	}
}

// outcomeUnknown and delayed change what is read from a status.
func outcomeUnknown(r *reading) {
	r.Outcome, r.OutcomeUnknown, r.NotApplied = "UNKNOWN", true, false
	r.Text = "NOT_FOUND USER_NOT_FOUND: Gone. (outcome UNKNOWN)"
}

func delayed(milliseconds int64) func(*reading) {
	return func(r *reading) {
		r.Retryable, r.RetryDelayMS = true, &milliseconds
	}
}
