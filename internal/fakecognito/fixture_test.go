package fakecognito_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/smithy-go"

	"cognito.internal/useradmin/internal/fakecognito"
)

const (
	poolID   = "us-east-1_TestPool1"
	clientID = "3n4b5urk1ft4fl3mg5e62d9ado"
)

// fixture is a fake on loopback and an SDK client that talks to it.
type fixture struct {
	*fakecognito.Server
	t      *testing.T
	url    string
	http   *http.Client
	client *cip.Client
}

func testPool() fakecognito.Pool {
	return fakecognito.Pool{
		ID: poolID, ClientID: clientID,
		Users: []fakecognito.User{{
			Username: "ada", Sub: "11111111-2222-4333-8444-555555555555",
			Attributes: map[string]string{"email": "ada@example.com", "phone_number": "+12065550100"},
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

func (f *fixture) adasStatus() fakecognito.Status {
	f.t.Helper()
	u, ok := f.User(poolID, "ada")
	if !ok {
		f.t.Fatal("no user ada")
	}
	return u.Status
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
