package fakecognito_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"cognito.internal/useradmin/internal/fakecognito"
)

const (
	poolID   = "us-east-1_TestPool1"
	clientID = "3n4b5urk1ft4fl3mg5e62d9ado"
	adasSub  = "11111111-2222-4333-8444-555555555555"
)

// fixture is a server on loopback and an SDK client of it.
type fixture struct {
	*fakecognito.Server
	t      *testing.T
	url    string
	http   *http.Client
	client *cip.Client
}

func testPool() fakecognito.Pool {
	return fakecognito.Pool{
		ID: poolID, ClientID: clientID, AliasAttributes: []string{"email", "phone_number"},
		Users: []fakecognito.User{{
			Username: "ada", Sub: adasSub,
			Attributes: map[string]string{
				"email": "ada@example.com", "email_verified": "true",
				"phone_number": "+12065550100", "phone_number_verified": "true",
			},
		}},
	}
}

func start(t *testing.T, config fakecognito.Config, pool fakecognito.Pool) *fixture {
	t.Helper()
	fake := fakecognito.New(config)
	if err := fake.AddPool(pool); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fake)
	transport := &http.Transport{}
	t.Cleanup(func() {
		fake.Close()
		transport.CloseIdleConnections()
		server.Close()
	})
	f := &fixture{
		Server: fake, t: t, url: server.URL,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	f.client = newClient(f.url, f.http, nil)
	return f
}

func newClient(url string, client *http.Client, adjust func(*cip.Options)) *cip.Client {
	options := cip.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(url),
		HTTPClient:   client,
		Retryer:      aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(
			fakecognito.DefaultAccessKeyID, fakecognito.DefaultSecretAccessKey, ""),
	}
	if adjust != nil {
		adjust(&options)
	}
	return cip.New(options)
}

// confirm calls AdminConfirmSignUp.
func (f *fixture) confirm(name string, metadata map[string]string) error {
	return f.confirmContext(context.Background(), name, metadata)
}

func (f *fixture) confirmContext(ctx context.Context, name string, metadata map[string]string) error {
	_, err := f.client.AdminConfirmSignUp(ctx, &cip.AdminConfirmSignUpInput{
		UserPoolId: aws.String(poolID), Username: aws.String(name), ClientMetadata: metadata,
	})
	return err
}

// signUp calls SignUp.
func (f *fixture) signUp(name string, attributes map[string]string) (*cip.SignUpOutput, error) {
	in := &cip.SignUpInput{ClientId: aws.String(clientID), Username: aws.String(name), Password: aws.String("Passw0rd!")}
	for key, value := range attributes {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: aws.String(key), Value: aws.String(value)})
	}
	return f.client.SignUp(context.Background(), in)
}

// get calls AdminGetUser and returns the user with its attributes.
func (f *fixture) get(name string) (*cip.AdminGetUserOutput, map[string]string, error) {
	out, err := f.client.AdminGetUser(context.Background(), &cip.AdminGetUserInput{
		UserPoolId: aws.String(poolID), Username: aws.String(name),
	})
	if err != nil {
		return nil, nil, err
	}
	attributes := map[string]string{}
	for _, a := range out.UserAttributes {
		attributes[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	return out, attributes, nil
}

// finds checks whose user a name finds; an empty owner means nobody's.
func (f *fixture) finds(name, owner string) {
	f.t.Helper()
	out, _, err := f.get(name)
	if owner == "" {
		wantException(f.t, err, "UserNotFoundException", "User does not exist.", http.StatusBadRequest)
		return
	}
	if err != nil || aws.ToString(out.Username) != owner {
		f.t.Errorf("%s finds %+v, %v, want %s", name, out, err, owner)
	}
}

// adasStatus is the status in ada's last entry in the journal.
func (f *fixture) adasStatus() fakecognito.Status {
	f.t.Helper()
	for _, e := range slices.Backward(f.Journal()) {
		if e.Username == "ada" {
			return e.Status
		}
	}
	f.t.Fatal("no user ada")
	return ""
}

// kinds lists the journal's entries after the users were added.
func (f *fixture) kinds() string {
	var kinds []string
	for _, e := range f.Journal() {
		if e.Kind != fakecognito.KindAdded {
			kinds = append(kinds, string(e.Kind))
		}
	}
	return strings.Join(kinds, ", ")
}

// wantException checks the error's code, a part of its message and its HTTP status.
func wantException(t *testing.T, err error, code, message string, status int) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("error %v is not one of the API, want %s", err, code)
	}
	if api.ErrorCode() != code {
		t.Errorf("code %q, want %q (%v)", api.ErrorCode(), code, err)
	}
	if !strings.Contains(api.ErrorMessage(), message) {
		t.Errorf("message %q, want %q", api.ErrorMessage(), message)
	}
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || response.HTTPStatusCode() != status {
		t.Errorf("HTTP status of %v, want %d", err, status)
		return
	}
	if response.ServiceRequestID() == "" {
		t.Errorf("no request id in %v", err)
	}
}
