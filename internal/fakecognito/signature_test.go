package fakecognito_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognito.internal/useradmin/internal/fakecognito"
)

func TestSignature(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	for _, test := range []struct {
		name       string
		change     func(*http.Request)
		code, text string
	}{
		{"none", func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"bearer", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "IncompleteSignatureException", "'Bearer'"},
		{"parts", func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e")
			r.Header.Del("X-Amz-Date")
		}, "IncompleteSignatureException", "requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence"},
		{"credential", func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0")
		}, "IncompleteSignatureException", "exactly 5"},
		{"host unsigned", func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=x, Signature=0")
		}, "InvalidSignatureException", "'Host'"},
		{"body", func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(goodBody, "ada", "bob", 1)))
		}, "InvalidSignatureException", "does not match"},
		{"header", func(r *http.Request) {
			r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminGetUser")
		}, "InvalidSignatureException", "does not match"},
		{"query", func(r *http.Request) { r.URL.RawQuery = "a=b" }, "InvalidSignatureException", "does not match"},
		{"old", func(r *http.Request) {
			f.sign(r, goodBody, "us-east-1", "cognito-idp", time.Now().Add(-301*time.Second))
		}, "InvalidSignatureException", "Signature expired: "},
		{"early", func(r *http.Request) {
			f.sign(r, goodBody, "us-east-1", "cognito-idp", time.Now().Add(310*time.Second))
		}, "InvalidSignatureException", "Signature not yet current: "},
		{"region", func(r *http.Request) { f.sign(r, goodBody, "eu-west-1", "cognito-idp", time.Now()) }, "InvalidSignatureException", "valid region"},
		{"service", func(r *http.Request) { f.sign(r, goodBody, "us-east-1", "sts", time.Now()) }, "InvalidSignatureException", "correct service: 'cognito-idp'"},
		{"terminator", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "aws4_request", "aws5_request", 1))
		}, "InvalidSignatureException", "'aws4_request', not 'aws5_request'"},
		{"date", func(r *http.Request) {
			parts := strings.Split(r.Header.Get("Authorization"), "/")
			parts[1] = "20000101"
			r.Header.Set("Authorization", strings.Join(parts, "/"))
		}, "InvalidSignatureException", "Date in Credential scope does not match"},
		{"token", func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, "UnrecognizedClientException", "is invalid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := f.raw(goodBody)
			test.change(r)
			got := f.do(r)
			if got.Status != http.StatusBadRequest || got.Type != test.code || !strings.Contains(got.Message, test.text) {
				t.Errorf("got %d %s %q", got.Status, got.Type, got.Message)
			}
		})
	}
	if got := f.adasStatus(); got != fakecognito.StatusUnconfirmed {
		t.Errorf("status %s", got)
	}
	r := f.raw(goodBody)
	r.URL.RawQuery = "b=1&a=x+y&a=%2F"
	f.sign(r, goodBody, "us-east-1", "cognito-idp", time.Now().Add(-290*time.Second))
	if got := f.do(r); got.Status != http.StatusOK {
		t.Errorf("query signed, clock 290 s behind: %+v", got)
	}
}

func TestCredentials(t *testing.T) {
	f := start(t, fakecognito.Config{Region: "eu-west-1"}, testPool())
	const key, secret = fakecognito.DefaultAccessKeyID, fakecognito.DefaultSecretAccessKey
	for _, test := range []struct{ key, secret, token, region, want string }{
		{key, secret, "", "eu-west-1", "UserNotFoundException"},
		{key, "other", "", "eu-west-1", "InvalidSignatureException"},
		{"other", secret, "", "eu-west-1", "UnrecognizedClientException"},
		{key, secret, "token", "eu-west-1", "UnrecognizedClientException"},
		{key, secret, "", "us-east-1", "InvalidSignatureException"},
	} {
		f.client = newClient(f.url, f.http, func(o *cip.Options) {
			o.Region = test.region
			o.Credentials = credentials.NewStaticCredentialsProvider(test.key, test.secret, test.token)
		})
		wantException(t, f.confirm("nobody", nil), test.want, "", http.StatusBadRequest)
	}
}
