package fakecognito_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognito.internal/useradmin/internal/fakecognito"
)

func TestSignUp(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	out, err := f.signUp("bob", map[string]string{"email": "bob@example.com", "name": "Bob"})
	if err != nil {
		t.Fatal(err)
	}
	u, attributes, err := f.get("bob")
	if err != nil || u.UserStatus != types.UserStatusTypeUnconfirmed || attributes["email_verified"] != "false" || attributes["name"] != "Bob" {
		t.Errorf("user %+v %v, %v", u, attributes, err)
	}
	if out.UserConfirmed || aws.ToString(out.UserSub) != attributes["sub"] {
		t.Errorf("response %+v", out)
	}
	if got, want := f.kinds(), "received, signed up, received, read"; got != want {
		t.Errorf("journal %q, want %q", got, want)
	}
	if err := f.confirm(aws.ToString(out.UserSub), nil); err != nil {
		t.Error(err)
	}
}

func TestCodeDelivery(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	for name, test := range map[string]struct {
		attributes                     map[string]string
		attribute, medium, destination string
	}{
		"email":    {map[string]string{"email": "new-1@example.com"}, "email", "EMAIL", "n***@e***"},
		"unicode":  {map[string]string{"email": "\u00e9a@\u00fcb.de"}, "email", "EMAIL", "\u00e9***@\u00fc***"},
		"phone":    {map[string]string{"phone_number": "+12065550123"}, "phone_number", "SMS", "+*******0123"},
		"short":    {map[string]string{"phone_number": "+123"}, "phone_number", "SMS", "+123"},
		"both":     {map[string]string{"email": "b@example.com", "phone_number": "+12065550123"}, "phone_number", "SMS", "+*******0123"},
		"neither":  {map[string]string{"name": "Bob"}, "", "", ""},
		"no value": {map[string]string{"email": ""}, "", "", ""},
	} {
		out, err := f.signUp(strings.ReplaceAll(name, " ", "-"), test.attributes)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if test.attribute == "" {
			if out.CodeDeliveryDetails != nil {
				t.Errorf("%s: %+v", name, out.CodeDeliveryDetails)
			}
			continue
		}
		got := out.CodeDeliveryDetails
		if got == nil || aws.ToString(got.AttributeName) != test.attribute || string(got.DeliveryMedium) != test.medium ||
			aws.ToString(got.Destination) != test.destination {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestSignUpRefusals(t *testing.T) {
	pool := testPool()
	pool.AliasAttributes = append(pool.AliasAttributes, "preferred_username")
	f := start(t, fakecognito.Config{}, pool)
	attribute := func(name, value string) func(*cip.SignUpInput) {
		return func(in *cip.SignUpInput) {
			in.UserAttributes = []types.AttributeType{{Name: aws.String(name), Value: aws.String(value)}}
		}
	}
	username := func(name string) func(*cip.SignUpInput) {
		return func(in *cip.SignUpInput) { in.Username = aws.String(name) }
	}
	for _, test := range []struct {
		name, code, message string
		change              func(*cip.SignUpInput)
	}{
		{"client", "ResourceNotFoundException", "User pool client nobody does not exist.",
			func(in *cip.SignUpInput) { in.ClientId = aws.String("nobody") }},
		{"taken username", "UsernameExistsException", "User already exists", username("ada")},
		{"password", "InvalidPasswordException", "Password not long enough",
			func(in *cip.SignUpInput) { in.Password = aws.String("short") }},
		{"spaced username", "InvalidParameterException", "1 validation error detected: Value at 'username' failed", username("b o b")},
		{"long attribute", "InvalidParameterException", "Value at 'userAttributes.1.member.value' failed", attribute("name", strings.Repeat("a", 2049))},
		{"sub", "InvalidParameterException", "non-mutable attribute sub", attribute("sub", "x")},
		{"verified", "NotAuthorizedException", "A client attempted to write unauthorized attribute", attribute("email_verified", "true")},
		{"preferred username", "InvalidParameterException", "Preferred username cannot be provided for unconfirmed account", attribute("preferred_username", "bobby")},
		{"email as username", "InvalidParameterException", "Username cannot be of email format, since user pool is configured for email alias.", username("bob@example.com")},
		{"phone as username", "InvalidParameterException", "Username cannot be of phone number format", username("+12065550199")},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := &cip.SignUpInput{ClientId: aws.String(clientID), Username: aws.String("bob"), Password: aws.String("Passw0rd!")}
			test.change(in)
			_, err := f.client.SignUp(t.Context(), in)
			wantException(t, err, test.code, test.message, http.StatusBadRequest)
		})
	}
	f.finds("bob", "")
}
