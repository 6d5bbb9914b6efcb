package fakecognito_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognito.internal/useradmin/internal/fakecognito"
)

func TestConfirm(t *testing.T) {
	f := start(t, fakecognito.Config{NewRequestID: func() string { return "request-7" }}, testPool())
	out, err := f.client.AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{
		UserPoolId: aws.String(poolID), Username: aws.String("ada"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata); id != "request-7" {
		t.Errorf("request id %q", id)
	}
	if got := f.adasStatus(); got != fakecognito.StatusConfirmed {
		t.Errorf("status %s", got)
	}
	wantException(t, f.confirm("ada", nil), "NotAuthorizedException",
		"User cannot be confirmed. Current status is CONFIRMED", http.StatusBadRequest)
}

func TestConfirmRefusals(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	for _, status := range fakecognito.Statuses() {
		if status == fakecognito.StatusUnconfirmed {
			continue
		}
		if err := f.SetStatus(poolID, "ada", status); err != nil {
			t.Fatal(err)
		}
		wantException(t, f.confirm("ada", nil), "NotAuthorizedException",
			"Current status is "+string(status), http.StatusBadRequest)
		if got := f.adasStatus(); got != status {
			t.Errorf("status %s became %s", status, got)
		}
	}
	_ = f.SetStatus(poolID, "ada", fakecognito.StatusUnconfirmed)
	_ = f.SetDisabled(poolID, "ada", true)
	wantException(t, f.confirm("ada", nil), "NotAuthorizedException", "User is disabled.", http.StatusBadRequest)
	_ = f.DeleteUser(poolID, "ada")
	wantException(t, f.confirm("ada", nil), "UserNotFoundException", "User does not exist.", http.StatusBadRequest)

	_, err := f.client.AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{
		UserPoolId: aws.String("us-east-1_Other"), Username: aws.String("ada"),
	})
	wantException(t, err, "ResourceNotFoundException", "User pool us-east-1_Other does not exist.", http.StatusBadRequest)
}

// An administrator's confirmation verifies nothing: the e-mail address finds the user neither before nor after.
func TestConfirmVerifiesNothing(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	if _, err := f.signUp("bob", map[string]string{"email": "bob@example.com"}); err != nil {
		t.Fatal(err)
	}
	wantException(t, f.confirm("bob@example.com", nil), "UserNotFoundException", "User does not exist.", http.StatusBadRequest)
	if err := f.confirm("bob", nil); err != nil {
		t.Fatal(err)
	}
	_, attributes, err := f.get("bob")
	if err != nil || attributes["email_verified"] != "false" {
		t.Errorf("attributes %v, %v", attributes, err)
	}
	f.finds("bob@example.com", "")
}
