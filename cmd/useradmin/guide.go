package main

import (
	"fmt"
	"strings"
)

// example is a command to paste, and what it leads to: the first word of says is the result or the reason.
type example struct{ args, says string }

func workingExamples() []example {
	return []example{
		{"new-1 --metadata source=form", "CONFIRMED. The pool's trigger runs: its event, with the metadata in it, is printed here."},
		{"confirmed", "ALREADY_CONFIRMED. The command sets allow_confirmed unless --strict is given."},
		{"throttled-once", "CONFIRMED. Cognito throttles the first attempt, and the service makes a second one."},
		{"trigger-slow", "CONFIRMED, after " + devSlowTrigger.String() + ": Cognito waits for the trigger."},
		{"answer-lost", "CONFIRMED_UNATTRIBUTED. The first response is lost; the second says that the user is confirmed."},
	}
}

func failingExamples() []example {
	return []example{
		{"confirmed --strict", "USER_ALREADY_CONFIRMED. Without allow_confirmed that is an error, as it is in Cognito."},
		{"force-change-password", "USER_NOT_CONFIRMABLE. The user's status is FORCE_CHANGE_PASSWORD."},
		{"disabled", "USER_DISABLED"},
		{"nobody", "USER_NOT_FOUND"},
		{"trigger-rejects", "LAMBDA_REJECTED, outcome APPLIED: Cognito confirms the user, then the trigger fails."},
		{"throttled --timeout 2s", "TOO_MANY_REQUESTS. The command sends the call again after the delay in RetryInfo, while its time allows."},
		{"answers-lost --strict", "COGNITO_RESPONSE_LOST, outcome UNKNOWN: every response is lost. Without --strict repeating the call is safe."},
		{"'not a username'", "INVALID_REQUEST, with every violation."},
	}
}

// trapExamples belong together: the second shows that the first did not confirm the user.
func trapExamples() []example {
	return []example{
		{devAlias, "ALREADY_CONFIRMED, which is true of owner and says nothing about trap."},
		{"trap", "CONFIRMED. Until now this user was not."},
	}
}

const (
	trapText = `The alias trap: trap signed up with the e-mail address ` + devAlias + `, but owner has verified it. An alias finds the
user who has verified it, so name the user to confirm by the username or the sub that SignUp returned.`

	grpcurlRequest = `{"user_pool_id":"` + devPool + `","username":"new-2","allow_confirmed":true}`

	// defaultTarget is where the command confirm calls unless it is told otherwise.
	defaultTarget = "127.0.0.1:50051"
)

// guide is what dev prints when it starts.
func guide(target, endpoint string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "useradmin serves on %s, in front of an embedded Cognito on %s.\n", target, endpoint)
	b.WriteString("Stop it with Ctrl-C; a restart resets every user. Paste what you like into a second terminal.\n")
	if target != defaultTarget {
		fmt.Fprintf(&b, "\n  export USERADMIN_ADDRESS=%s\n", target)
	}
	list := func(title string, examples []example) {
		fmt.Fprintf(&b, "\n%s\n\n", title)
		for _, e := range examples {
			fmt.Fprintf(&b, "  go run ./cmd/useradmin confirm %s %s\n      %s\n", devPool, e.args, e.says)
		}
	}
	list("What works:", workingExamples())
	list(`What fails, and why ("go run ./cmd/useradmin explain REASON" says more):`, failingExamples())
	list(trapText, trapExamples())
	fmt.Fprintf(&b, `
Any gRPC client can call it, grpcurl for example ("go tool -modfile=tools/go.mod grpcurl" builds and runs it):

  grpcurl -plaintext -d '%s' %s useradmin.v1.UserAdmin/ConfirmSignUp
  grpcurl -plaintext %s describe useradmin.v1.UserAdmin.ConfirmSignUp

The embedded Cognito speaks AWS's protocol, so the AWS CLI and SDKs can look at users and sign up new ones:

  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_DEFAULT_REGION=%s
  aws --endpoint-url %s cognito-idp admin-get-user --user-pool-id %s --username trap
  aws --endpoint-url %s cognito-idp sign-up --client-id %s --username new-4 --password Example-1 --user-attributes Name=email,Value=new-4@example.com

`, grpcurlRequest, target, target, devAccessKeyID, devSecretAccessKey, devRegion,
		endpoint, devPool, endpoint, devClientID)
	return b.String()
}
