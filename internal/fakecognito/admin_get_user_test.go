package fakecognito_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognito.internal/useradmin/internal/fakecognito"
)

func TestGetUser(t *testing.T) {
	pool := testPool()
	pool.Users[0].Status, pool.Users[0].Disabled = fakecognito.StatusResetRequired, true
	pool.Users[0].Attributes = map[string]string{"email": "ada@example.com", "phone_number": "+12065550100", "phone_number_verified": "true"}
	now := time.Now()
	f := start(t, fakecognito.Config{Now: func() time.Time { return now }}, pool)
	u, attributes, err := f.get("ada")
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(u.Username) != "ada" || u.Enabled || u.UserStatus != types.UserStatusTypeResetRequired ||
		!u.UserCreateDate.Equal(now.Truncate(time.Millisecond)) || !u.UserLastModifiedDate.Equal(*u.UserCreateDate) {
		t.Errorf("got %+v", u)
	}
	want := map[string]string{
		"sub": adasSub, "email": "ada@example.com", "email_verified": "false",
		"phone_number": "+12065550100", "phone_number_verified": "true",
	}
	if !maps.Equal(attributes, want) {
		t.Errorf("attributes %v, want %v", attributes, want)
	}
	f.finds("bob", "")
	_, err = f.client.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String("eu-west-1_x"), Username: aws.String("ada")})
	wantException(t, err, "ResourceNotFoundException", "User pool eu-west-1_x does not exist.", http.StatusBadRequest)
	_, err = f.client.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String("x"), Username: aws.String("a b")})
	wantException(t, err, "InvalidParameterException", "2 validation errors detected", http.StatusBadRequest)
}
