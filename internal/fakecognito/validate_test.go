package fakecognito_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognito.internal/useradmin/internal/fakecognito"
)

func TestValidation(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	const pattern = ` failed to satisfy constraint: Member must satisfy regular expression pattern: `
	const name = `[\p{L}\p{M}\p{S}\p{N}\p{P}]+`
	long := strings.Repeat("é", 129)
	for _, test := range []struct{ name, pool, user, want string }{
		{"pool", "MyPool", "ada", `1 validation error detected: Value 'MyPool' at 'userPoolId'` + pattern + `[\w-]+_[0-9a-zA-Z]+`},
		{"long pool", "us-east-1_" + strings.Repeat("a", 46), "ada", `1 validation error detected: Value 'us-east-1_` +
			strings.Repeat("a", 46) + `' at 'userPoolId' failed to satisfy constraint: Member must have length less than or equal to 55`},
		{"space", poolID, "a da", `1 validation error detected: Value at 'username'` + pattern + name},
		{"long name", poolID, long, `1 validation error detected: Value at 'username' failed to satisfy constraint: Member must have length less than or equal to 128`},
		{"both", "x", " ", `2 validation errors detected: Value 'x' at 'userPoolId'` + pattern + `[\w-]+_[0-9a-zA-Z]+; Value at 'username'` + pattern + name},
		{"empty name", poolID, "", `2 validation errors detected: Value at 'username'` + pattern + name +
			`; Value at 'username' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{"newline", poolID + "\n", "ada", `1 validation error detected: Value '` + poolID + "\n" + `' at 'userPoolId'` + pattern + `[\w-]+_[0-9a-zA-Z]+`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := f.client.AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{
				UserPoolId: aws.String(test.pool), Username: aws.String(test.user),
			})
			wantException(t, err, "InvalidParameterException", test.want, http.StatusBadRequest)
		})
	}
	for _, user := range []string{strings.Repeat("é", 128), "東京", "a\u0301", "😀", "A"} {
		wantException(t, f.confirm(user, nil), "UserNotFoundException", "User does not exist.", http.StatusBadRequest)
	}
	err := f.confirm("ada", map[string]string{"k": strings.Repeat("a", 131073)})
	wantException(t, err, "InvalidParameterException", "Map value must satisfy constraint", http.StatusBadRequest)
	err = f.confirm("ada", map[string]string{strings.Repeat("a", 131073): ""})
	wantException(t, err, "InvalidParameterException", "Map keys must satisfy constraint", http.StatusBadRequest)
	if err := f.confirm("ada", map[string]string{"": strings.Repeat("é", 131072)}); err != nil {
		t.Error(err)
	}
}
