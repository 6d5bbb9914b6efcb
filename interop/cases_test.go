//go:build interop

package interop

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/fakecognito"
)

// The RPCs. TestCasesAreComplete demands a case for each.
const confirmSignUp = "ConfirmSignUp"

// testCase is one way in which a call can end, with the largest answer that it can have.
type testCase struct {
	name string
	// method is the RPC.
	method string
	// message is the request of a case that generic callers alone send; its fields user_pool_id and username are set
	// where they are empty. Nil means the ConfirmSignUpRequest that the fields below describe, for every caller.
	message proto.Message
	// pool is usualPool if it is empty.
	pool string
	// username replaces the one that names case, caller and path.
	username   string
	metadata   map[string]string
	allow      bool
	deadlineMS int
	headers    map[string]string
	// faults are what the embedded Cognito does with the attempts of a call, one each; every call begins anew.
	faults []fakecognito.Fault
}

// The longest texts: every byte of a non-ASCII message is percent-encoded, each byte of the details costs a third more.
var (
	longLambdaText = strings.Repeat("Ünïcødé 世界 🌍 “quoted” <tag> 100 % ", 30)
	longPool       = region + "_" + strings.Repeat("Ab3", 15) // 55 characters
	longException  = strings.Repeat("Longest", 9) + "E"       // 64 characters, the most that the service passes on
	longKey        = strings.Repeat("é世", 65)                 // 130 characters
)

// cases has every reason that can reach a caller, and every result. CANCELLED can't: its caller is gone. An RPC that
// joins adds a line with its cases.
func cases() []testCase {
	confirm := slices.Concat(resultCases(), requestCases(), userCases(), triggerCases(), quotaCases(), serviceCases(), endCases())
	return slices.Concat(
		casesOf(confirmSignUp, slices.Concat(confirm, markedCases(confirm), genericCases())),
	)
}

func casesOf(method string, cases []testCase) []testCase {
	for i := range cases {
		cases[i].method = method
	}
	return cases
}

const (
	repeatHeader = "x-useradmin-repeat"
	markedPrefix = "marked-"
)

// marked is the case with the mark that callers set who send a call again themselves.
func (c testCase) marked() testCase {
	c.name, c.headers = c.markedName(), map[string]string{repeatHeader: "1"}
	return c
}

func (c testCase) isMarked() bool { return strings.HasPrefix(c.name, markedPrefix) }

func (c testCase) markedName() string { return markedPrefix + strings.TrimPrefix(c.name, markedPrefix) }

// markedCases prove that the mark arrives. They include each case that ends with UNAVAILABLE: proxies that repeat such a
// call mark it themselves, so what arrives is the answer to the marked one.
func markedCases(unmarked []testCase) []testCase {
	chosen := map[string]bool{
		"confirmed": true, "already-confirmed-allowed": true, "invalid-request-one-violation": true, "user-not-found": true,
		"user-already-confirmed": true, "lambda-rejected-applied": true, "lambda-failed": true, "too-many-requests": true,
		"too-many-requests-allowed": true, "cognito-unavailable": true, "cognito-unavailable-allowed": true,
		"cognito-credentials-refused": true, "cognito-credentials-missing": true, "cognito-unreachable": true,
		"cognito-response-lost-fold-allowed": true, "overloaded": true, "audit-unavailable": true, "unauthenticated": true,
		"caller-not-allowed": true, "pool-busy": true, "deadline-too-short": true, "server-stopping-allowed": true,
	}
	var all []testCase
	for _, c := range unmarked {
		if chosen[c.name] {
			all = append(all, c.marked())
		}
	}
	return all
}

// genericCases show how an RPC that joins later brings its cases.
func genericCases() []testCase {
	return []testCase{
		{name: "generic-confirmed", message: &useradminv1.ConfirmSignUpRequest{}, faults: []fakecognito.Fault{succeed()}},
		{name: "generic-user-not-found", message: &useradminv1.ConfirmSignUpRequest{}, faults: throw("UserNotFoundException", "")},
	}
}

// succeed is a success with the longest id.
func succeed() fakecognito.Fault {
	return fakecognito.Fault{
		Effect: fakecognito.EffectNever, Answer: fakecognito.AnswerBody, Status: http.StatusOK, Body: "{}",
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Requestid": {cognitoID}},
	}
}

func throw(name, message string) []fakecognito.Fault {
	return []fakecognito.Fault{fakecognito.Throw(name, message)}
}

func statusIs(s string) []fakecognito.Fault {
	return throw("NotAuthorizedException", "User cannot be confirmed. Current status is "+s)
}

func resultCases() []testCase {
	return []testCase{
		{name: "confirmed", faults: []fakecognito.Fault{succeed()}, metadata: map[string]string{"Schlüssel 世界": longLambdaText}},
		{name: "confirmed-after-trigger-failure", faults: append(throw("UserLambdaValidationException", postConfirmation), succeed())},
		{name: "already-confirmed-allowed", allow: true, faults: statusIs("CONFIRMED")},
		{name: "confirmed-unattributed", pool: twicePool, faults: append([]fakecognito.Fault{fakecognito.ResetBeforeReading()}, statusIs("CONFIRMED")...)},
	}
}

func requestCases() []testCase {
	many := map[string]string{"": "a key is missing"}
	for i := range 64 {
		many[fmt.Sprintf("%02d%s", i, longKey)] = "v"
	}
	sixteen := map[string]string{}
	for i := range 16 {
		sixteen[fmt.Sprintf("%c%s", 'a'+i, strings.Repeat("k", 129))] = "v"
	}
	refusals := make([]string, 16)
	for i := range refusals {
		refusals[i] = fmt.Sprintf("Value '%s' at 'clientMetadata.%d' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+ Ünïcødé", longLambdaText[:20], i)
	}
	return []testCase{
		{name: "invalid-request-all-violations", pool: "ü" + strings.Repeat("x", 60), username: "no spaces " + strings.Repeat("世", 128), metadata: many},
		{name: "invalid-request-16-violations", metadata: sixteen},
		{name: "invalid-request-one-violation", username: "two words"},
		{name: "invalid-parameter-16-violations", faults: []fakecognito.Fault{{
			Effect: fakecognito.EffectNever, Answer: fakecognito.AnswerException, Exception: fakecognito.Exception{
				Name: "InvalidParameterException", ReasonCode: longException,
				Message: "16 validation errors detected: " + strings.Join(refusals, "; "),
			},
		}}},
		{name: "invalid-parameter-without-fields", faults: throw("InvalidParameterException", "Something is wrong.")},
		{name: "user-pool-not-found", pool: longPool, faults: throw("ResourceNotFoundException", "")},
	}
}

func userCases() []testCase {
	return []testCase{
		{name: "user-not-found", faults: throw("UserNotFoundException", "")},
		{name: "user-already-confirmed", faults: statusIs("CONFIRMED")},
		{name: "user-not-confirmable", faults: statusIs("FORCE_CHANGE_PASSWORD")},
		{name: "user-not-confirmable-2018", faults: throw("NotAuthorizedException", "User cannot confirm because user status is not UNCONFIRMED.")},
		{name: "user-disabled", faults: throw("NotAuthorizedException", "User is disabled.")},
		{name: "not-authorized", faults: throw("NotAuthorizedException", "No.")},
	}
}

const postConfirmation = "PostConfirmation failed with error no."

// triggerCases: where Cognito names PostConfirmation, the service asks once more.
func triggerCases() []testCase {
	longest := throw("UserLambdaValidationException", "PostConfirmation failed with error "+longLambdaText+".")
	masked := throw("UserLambdaValidationException", "PostConfirmation failed with error 210987654321 may not call arn:aws:iam::210987654321:role/x\r\ngrpc-status: 0.")
	failed := throw("UnexpectedLambdaException", "PostConfirmation invocation failed due to error AccessDeniedException.")
	invalid := throw("InvalidLambdaResponseException", "PostConfirmation returned an invalid response.")
	other := throw("UnexpectedLambdaException", "VerifyAuthChallengeResponse invocation failed due to error AccessDeniedException.")
	return []testCase{
		{name: "lambda-rejected-applied", faults: append(longest, statusIs("CONFIRMED")...)},
		{name: "lambda-rejected-applied-allowed", allow: true, faults: append(masked, statusIs("CONFIRMED")...)},
		{name: "lambda-rejected-unknown", faults: append(masked, throw("TooManyRequestsException", "")...)},
		{name: "lambda-rejected-without-trigger", faults: throw("UserLambdaValidationException", "No.")},
		{name: "lambda-failed-applied", faults: append(failed, statusIs("CONFIRMED")...)},
		{name: "lambda-failed", faults: other},
		{name: "lambda-response-invalid-applied", faults: append(invalid, statusIs("CONFIRMED")...)},
		{name: "lambda-response-invalid-without-trigger", faults: throw("InvalidLambdaResponseException", "")},
	}
}

func quotaCases() []testCase {
	return []testCase{
		{name: "too-many-requests", faults: throw("TooManyRequestsException", "")},
		{name: "too-many-requests-allowed", allow: true, faults: throw("TooManyRequestsException", "")},
		{name: "limit-exceeded", faults: throw("LimitExceededException", "")},
		{name: "too-many-failed-attempts", faults: throw("TooManyFailedAttemptsException", "")},
	}
}

func serviceCases() []testCase {
	unavailable := throw("ServiceUnavailableException", "")
	return []testCase{
		{name: "operation-not-enabled", faults: throw("OperationNotEnabledException", "")},
		{name: "cognito-internal-error", faults: throw("InternalErrorException", "")},
		{name: "cognito-unavailable", faults: unavailable},
		{name: "cognito-unavailable-allowed", allow: true, faults: unavailable},
		{name: "cognito-access-denied", faults: throw("AccessDeniedException", "")},
		{name: "cognito-credentials-refused", faults: throw("ExpiredTokenException", "")},
		{name: "cognito-credentials-missing", pool: barePool},
		{name: "cognito-operation-unsupported", faults: throw("UnknownOperationException", "")},
		{name: "unrecognized-exception", faults: throw(longException, "")},
		{name: "internal", pool: panicPool},
		{name: "pool-busy", pool: busyPool},
		{name: "caller-busy", pool: busyCallerPool},
		{name: "overloaded", pool: fullPool},
		{name: "unauthenticated", pool: unprovenPool},
		{name: "caller-not-allowed", pool: deniedPool},
		{name: "audit-unavailable", pool: unauditedPool},
	}
}

func endCases() []testCase {
	hang := []fakecognito.Fault{fakecognito.Hang()}
	lost := append([]fakecognito.Fault{fakecognito.ResetBeforeReading()}, statusIs("FORCE_CHANGE_PASSWORD")...)
	contradiction := []fakecognito.Fault{{
		Effect: fakecognito.EffectNever, Answer: fakecognito.AnswerBody, Status: http.StatusBadRequest,
		Body: `{"__type":"NotAuthorizedException","message":"User is disabled."}`,
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Requestid": {cognitoID}, "X-Amzn-Errortype": {"UserNotFoundException"},
		},
	}}
	return []testCase{
		{name: "cognito-unreachable", pool: refusedPool},
		{name: "cognito-response-lost", faults: []fakecognito.Fault{fakecognito.ResetBeforeReading()}},
		{name: "cognito-response-lost-contradiction", faults: contradiction},
		{name: "cognito-response-lost-fold", pool: twicePool, faults: lost},
		{name: "cognito-response-lost-fold-allowed", pool: twicePool, allow: true, faults: lost},
		{name: "deadline-exceeded", deadlineMS: 2500, faults: hang},
		{name: "deadline-too-short", deadlineMS: 140},
		{name: "server-stopping", pool: stopPool, faults: hang},
		{name: "server-stopping-allowed", pool: stopPool, allow: true, faults: hang},
	}
}

// slowest is longer than any call of the cases takes.
const slowest = 10 * time.Second
