package fakecognito_test

import (
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognito.internal/useradmin/internal/fakecognito"
)

// The registry has each operation once, under a name that the SDK knows.
func TestOperations(t *testing.T) {
	names := fakecognito.Operations()
	if !slices.Contains(names, "AdminConfirmSignUp") {
		t.Errorf("operations %q", names)
	}
	client := reflect.TypeFor[*cip.Client]()
	for i, name := range names {
		if _, ok := client.MethodByName(name); !ok || slices.Contains(names[:i], name) {
			t.Errorf("%s: known to the SDK %t, operations %q", name, ok, names)
		}
	}
}

// An operation that is not in the registry is refused, even with the members of one that is.
func TestUnknownOperation(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	_, err := f.client.AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")})
	wantException(t, err, "UnknownOperationException", "", http.StatusBadRequest)
	body := `{"ClientId":"` + clientID + `","Username":"bob","Password":"Passw0rd!"}`
	for target, want := range map[string]string{"SignDown": "UnknownOperationException", "signUp": "UnknownOperationException", "SignUp": ""} {
		r := f.raw(body)
		r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+target)
		if got := f.do(r); got.Type != want {
			t.Errorf("%s: got %d %s", target, got.Status, got.Type)
		}
	}
}
