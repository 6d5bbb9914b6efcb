package main

import (
	"fmt"
	"strings"
)

// example is a call to paste, and what comes of it.
type example struct{ request, says string }

func workingExamples() []example {
	return []example{
		{request("new-1", `"client_metadata":{"source":"sign-up form"}`), "RESULT_CONFIRMED; the trigger's event is printed here, with the client metadata in it"},
		{request("confirmed", `"allow_confirmed":true`), "RESULT_ALREADY_CONFIRMED"},
		{request("answer-lost"), "RESULT_CONFIRMED_UNATTRIBUTED: the first answer is lost on the way, the second says that the user is confirmed"},
	}
}

func failingExamples() []example {
	return []example{
		{request("confirmed"), "USER_ALREADY_CONFIRMED: without allow_confirmed that is an error, as it is for Cognito"},
		{request("force-change-password"), "USER_NOT_CONFIRMABLE: the user's status is FORCE_CHANGE_PASSWORD"},
		{request("disabled"), "USER_DISABLED"},
		{request("nobody"), "USER_NOT_FOUND"},
		{request("trigger-rejects"), "LAMBDA_REJECTED: the trigger throws, and the user is confirmed all the same"},
		{request("throttled"), "TOO_MANY_REQUESTS, with the delay after which to send it again"},
		{request("answers-lost"), "COGNITO_RESPONSE_LOST: outcome UNKNOWN; with \"allow_confirmed\":true it would be UNAVAILABLE, safe to repeat"},
		{request("not a username"), "INVALID_REQUEST, with every violation"},
	}
}

func request(username string, more ...string) string {
	members := append([]string{`"user_pool_id":"` + devPool + `"`, `"username":"` + username + `"`}, more...)
	return "{" + strings.Join(members, ",") + "}"
}

// guide is what dev prints at its start.
func guide(target, endpoint string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "useradmin serves on %s, in front of an embedded Cognito on %s. Stop it with Ctrl-C.\n", target, endpoint)
	list := func(title string, examples []example) {
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, e := range examples {
			fmt.Fprintf(&b, "\n  # %s\n  grpcurl -plaintext -d '%s' %s useradmin.v1.UserAdmin/ConfirmSignUp\n", e.says, e.request, target)
		}
	}
	list("Calls that work:", workingExamples())
	list("Calls that fail, and why:", failingExamples())
	fmt.Fprintf(&b, `
No grpcurl? "go tool -modfile=tools/go.mod grpcurl" builds and runs it. The whole interface with its comments:

  grpcurl -plaintext %s describe useradmin.v1.UserAdmin.ConfirmSignUp

The embedded Cognito speaks AWS's protocol, so the AWS CLI and SDKs can look at the users and make new ones:

  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_DEFAULT_REGION=%s
  aws --endpoint-url %s cognito-idp admin-get-user --user-pool-id %s --username new-1
  aws --endpoint-url %s cognito-idp sign-up --client-id %s --username new-4 --password Example-1

`, target, devAccessKeyID, devSecretAccessKey, devRegion, endpoint, devPool, endpoint, devClientID)
	return b.String()
}
