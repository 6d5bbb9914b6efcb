package fakecognito_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

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

func TestConfirmByAlias(t *testing.T) {
	for _, alias := range []string{"ada@example.com", "+12065550100", "11111111-2222-4333-8444-555555555555"} {
		f := start(t, fakecognito.Config{}, testPool())
		if err := f.confirm(alias, nil); err != nil {
			t.Errorf("%s: %v", alias, err)
		}
		if got := f.adasStatus(); got != fakecognito.StatusConfirmed {
			t.Errorf("%s: status %s", alias, got)
		}
	}
}

func TestUsernameCase(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	wantException(t, f.confirm("Ada", nil), "UserNotFoundException", "User does not exist.", http.StatusBadRequest)
	pool := testPool()
	pool.CaseInsensitive = true
	f = start(t, fakecognito.Config{}, pool)
	if err := f.confirm("ADA@example.COM", nil); err != nil {
		t.Error(err)
	}
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

func TestReplica(t *testing.T) {
	pool := testPool()
	pool.ReadOnlyReplica = true
	f := start(t, fakecognito.Config{}, pool)
	err := f.confirm("ada", nil)
	wantException(t, err, "OperationNotEnabledException", "", http.StatusBadRequest)
	if _, ok := errors.AsType[*types.OperationNotEnabledException](err); !ok {
		t.Errorf("%T", err)
	}
	_, err = f.client.SignUp(t.Context(), signUpBob())
	wantException(t, err, "OperationNotEnabledException", "", http.StatusBadRequest)
	if _, err := f.client.AdminGetUser(t.Context(), getAda()); err != nil {
		t.Error(err)
	}
}

func getAda() *cip.AdminGetUserInput {
	return &cip.AdminGetUserInput{UserPoolId: aws.String(poolID), Username: aws.String("ada")}
}

func TestGetUser(t *testing.T) {
	pool := testPool()
	pool.Users[0].Created = time.Unix(1700000000, int64(123*time.Millisecond))
	pool.Users[0].Status = fakecognito.StatusResetRequired
	pool.Users[0].Disabled = true
	f := start(t, fakecognito.Config{}, pool)
	u, err := f.client.AdminGetUser(t.Context(), getAda())
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]string{}
	for _, a := range u.UserAttributes {
		attributes[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	if aws.ToString(u.Username) != "ada" || u.Enabled || u.UserStatus != types.UserStatusTypeResetRequired ||
		!u.UserCreateDate.Equal(pool.Users[0].Created) || len(attributes) != 3 ||
		attributes["email"] != "ada@example.com" || attributes["sub"] != pool.Users[0].Sub {
		t.Errorf("got %+v %v", u, attributes)
	}
	in := getAda()
	in.Username = aws.String("bob")
	_, err = f.client.AdminGetUser(t.Context(), in)
	wantException(t, err, "UserNotFoundException", "User does not exist.", http.StatusBadRequest)
	in.UserPoolId = aws.String("eu-west-1_x")
	_, err = f.client.AdminGetUser(t.Context(), in)
	wantException(t, err, "ResourceNotFoundException", "User pool eu-west-1_x does not exist.", http.StatusBadRequest)
}

func signUpBob() *cip.SignUpInput {
	return &cip.SignUpInput{
		ClientId: aws.String(clientID), Username: aws.String("bob"), Password: aws.String("Passw0rd!"),
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("bob@example.com")}},
	}
}

func TestSignUp(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	out, err := f.client.SignUp(t.Context(), signUpBob())
	if err != nil {
		t.Fatal(err)
	}
	u, ok := f.User(poolID, "bob@example.com")
	if !ok || u.Username != "bob" || u.Status != fakecognito.StatusUnconfirmed || u.Attributes["email_verified"] != "false" {
		t.Errorf("user %+v", u)
	}
	if out.UserConfirmed || aws.ToString(out.UserSub) != u.Sub {
		t.Errorf("answer %+v", out)
	}
	if err := f.confirm("bob", nil); err != nil {
		t.Error(err)
	}
}

func TestSignUpRefusals(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	for _, test := range []struct {
		name, code, message string
		change              func(*cip.SignUpInput)
	}{
		{"client", "ResourceNotFoundException", "User pool client nobody does not exist.",
			func(in *cip.SignUpInput) { in.ClientId = aws.String("nobody") }},
		{"username", "UsernameExistsException", "User already exists",
			func(in *cip.SignUpInput) { in.Username = aws.String("ada") }},
		{"email", "UsernameExistsException", "An account with the given email",
			func(in *cip.SignUpInput) { in.UserAttributes[0].Value = aws.String("ada@example.com") }},
		{"password", "InvalidPasswordException", "Password not long enough",
			func(in *cip.SignUpInput) { in.Password = aws.String("short") }},
		{"spaced username", "InvalidParameterException", "1 validation error detected: Value at 'username' failed",
			func(in *cip.SignUpInput) { in.Username = aws.String("b o b") }},
		{"attribute", "InvalidParameterException", "non-mutable attribute sub",
			func(in *cip.SignUpInput) { in.UserAttributes[0].Name = aws.String("sub") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := signUpBob()
			test.change(in)
			_, err := f.client.SignUp(t.Context(), in)
			wantException(t, err, test.code, test.message, http.StatusBadRequest)
		})
	}
	if _, ok := f.User(poolID, "bob"); ok {
		t.Error("refused sign-up made a user")
	}
}

func TestQuota(t *testing.T) {
	now := time.Now()
	pool := testPool()
	pool.UserCreationRate = 2
	f := start(t, fakecognito.Config{Now: func() time.Time { return now }}, pool)
	if _, err := f.client.SignUp(t.Context(), signUpBob()); err != nil {
		t.Fatal(err)
	}
	if err := f.confirm("bob", nil); err != nil {
		t.Fatal(err)
	}
	wantException(t, f.confirm("ada", nil), "TooManyRequestsException", "Rate exceeded", http.StatusBadRequest)
	if _, err := f.client.AdminGetUser(t.Context(), getAda()); err != nil {
		t.Errorf("another category: %v", err)
	}
	now = now.Add(500 * time.Millisecond)
	if err := f.confirm("ada", nil); err != nil {
		t.Errorf("half a second later: %v", err)
	}
	wantException(t, f.confirm("ada", nil), "TooManyRequestsException", "Rate exceeded", http.StatusBadRequest)
}

func TestThirdParties(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	if err := f.Confirm(poolID, "ada"); err != nil {
		t.Fatal(err)
	}
	if err := f.Confirm(poolID, "ada"); !errors.Is(err, fakecognito.ErrStatus) {
		t.Errorf("second confirmation: %v", err)
	}
	if err := f.SetDisabled("us-east-1_x", "ada", true); !errors.Is(err, fakecognito.ErrNoPool) {
		t.Errorf("no pool: %v", err)
	}
	if err := f.DeleteUser(poolID, "bob"); !errors.Is(err, fakecognito.ErrNoUser) {
		t.Errorf("no user: %v", err)
	}
	if err := f.AddUser(poolID, fakecognito.User{Username: "ada@example.com"}); !errors.Is(err, fakecognito.ErrTaken) {
		t.Errorf("another's alias: %v", err)
	}
	if err := f.AddPool(fakecognito.Pool{ID: poolID}); !errors.Is(err, fakecognito.ErrTaken) {
		t.Errorf("pool twice: %v", err)
	}
	if err := f.AddPool(fakecognito.Pool{ID: "pool"}); err == nil {
		t.Error("bad pool id taken")
	}
	if err := f.AddUser(poolID, fakecognito.User{Username: "a b"}); err == nil {
		t.Error("bad username taken")
	}
	before, _ := f.User(poolID, "ada")
	if err := f.DeleteUser(poolID, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.User(poolID, before.Sub); ok {
		t.Error("alias outlived the user")
	}
	if err := f.AddUser(poolID, fakecognito.User{Username: "ada"}); err != nil {
		t.Fatal(err)
	}
	after, _ := f.User(poolID, "ada")
	if after.Sub == before.Sub || after.Status != fakecognito.StatusUnconfirmed {
		t.Errorf("second life %+v", after)
	}
	if got, want := f.kinds(), "changed, deleted"; got != want {
		t.Errorf("journal %q, want %q", got, want)
	}
}
