//go:build interop

package interop

import (
	"fmt"
	"strings"
	"time"

	"cognito.internal/useradmin/internal/fakecognito"
)

// testCase is one way in which a call can end, at its worst.
type testCase struct {
	name string
	// pool is usualPool if it is empty.
	pool string
	// username replaces the one that names case, caller and path.
	username   string
	metadata   map[string]string
	allow      bool
	deadlineMS int
	// faults are what the embedded Cognito does, attempt by attempt and over again.
	faults []fakecognito.Fault
}

// Texts at their worst: every byte of a non-ASCII message is percent-encoded, in the details each costs a third more.
var (
	longLambdaText = strings.Repeat("Ünïcødé 世界 🌍 “quoted” <tag> 100 % ", 30)
	longPool       = region + "_" + strings.Repeat("Ab3", 15) // 55 characters
	longException  = strings.Repeat("Longest", 9) + "E"       // 64 characters, the most that are let through
	longKey        = strings.Repeat("é世", 65)                 // 130 characters
)

// cases has every reason that can reach a caller, and every result. CANCELLED can't: its caller is gone.
func cases() []testCase {
	var all []testCase
	for _, part := range [][]testCase{resultCases(), requestCases(), userCases(), triggerCases(), quotaCases(), serviceCases(), endCases()} {
		all = append(all, part...)
	}
	return all
}

func throw(name, message string) []fakecognito.Fault {
	return []fakecognito.Fault{fakecognito.Throw(name, message)}
}

func statusIs(s string) []fakecognito.Fault {
	return throw("NotAuthorizedException", "User cannot be confirmed. Current status is "+s)
}

func resultCases() []testCase {
	ok := fakecognito.Fault{
		Effect: fakecognito.EffectNever, Answer: fakecognito.AnswerBody, Status: 200, Body: "{}",
		Header: map[string][]string{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Requestid": {cognitoID}},
	}
	return []testCase{
		{name: "confirmed", faults: []fakecognito.Fault{ok}, metadata: map[string]string{"Schlüssel 世界": longLambdaText}},
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

func triggerCases() []testCase {
	return []testCase{
		{name: "lambda-rejected-longest", faults: throw("UserLambdaValidationException", "PostConfirmation failed with error "+longLambdaText+".")},
		{name: "lambda-rejected-masked", faults: throw("UserLambdaValidationException", "PostConfirmation failed with error 210987654321 may not call arn:aws:iam::210987654321:role/x\r\ngrpc-status: 0.")},
		{name: "lambda-failed", faults: throw("UnexpectedLambdaException", "VerifyAuthChallengeResponse invocation failed due to error AccessDeniedException.")},
		{name: "lambda-response-invalid", faults: throw("InvalidLambdaResponseException", "")},
	}
}

func quotaCases() []testCase {
	return []testCase{
		{name: "too-many-requests", faults: throw("TooManyRequestsException", "")},
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
	}
}

func endCases() []testCase {
	hang := []fakecognito.Fault{fakecognito.Hang()}
	lost := append([]fakecognito.Fault{fakecognito.ResetBeforeReading()}, statusIs("FORCE_CHANGE_PASSWORD")...)
	return []testCase{
		{name: "cognito-unreachable", pool: refusedPool},
		{name: "cognito-response-lost", faults: []fakecognito.Fault{fakecognito.ResetBeforeReading()}},
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
