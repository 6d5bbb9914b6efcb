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

func TestOperations(t *testing.T) {
	if got, want := fakecognito.Operations(), []string{"AdminConfirmSignUp", "AdminGetUser", "SignUp"}; !slices.Equal(got, want) {
		t.Errorf("operations %q, want %q", got, want)
	}
	client := reflect.TypeFor[*cip.Client]()
	for _, name := range fakecognito.Operations() {
		if _, ok := client.MethodByName(name); !ok {
			t.Errorf("the SDK has no operation %s", name)
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
