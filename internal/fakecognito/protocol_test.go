package fakecognito_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognito.internal/useradmin/internal/fakecognito"
)

const goodBody = `{"UserPoolId":"us-east-1_TestPool1","Username":"ada"}`

// raw builds a signed request for AdminConfirmSignUp with the given body.
func (f *fixture) raw(body string) *http.Request {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.url+"/", strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminConfirmSignUp")
	f.sign(r, body, "us-east-1", "cognito-idp", time.Now())
	return r
}

func (f *fixture) sign(r *http.Request, body, region, service string, at time.Time) {
	f.t.Helper()
	hash := sha256.Sum256([]byte(body))
	err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{
		AccessKeyID:     fakecognito.DefaultAccessKeyID,
		SecretAccessKey: fakecognito.DefaultSecretAccessKey,
	}, r, hex.EncodeToString(hash[:]), service, region, at)
	if err != nil {
		f.t.Fatal(err)
	}
}

type rawAnswer struct {
	Status  int
	Header  http.Header
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (f *fixture) do(r *http.Request) rawAnswer {
	f.t.Helper()
	response, err := f.http.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	answer := rawAnswer{Status: response.StatusCode, Header: response.Header}
	if err := json.Unmarshal(body, &answer); err != nil {
		f.t.Fatalf("body %q: %v", body, err)
	}
	return answer
}

func TestHeaders(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	f := start(t, fakecognito.Config{Now: func() time.Time { return now }}, testPool())
	r := f.raw(goodBody)
	f.sign(r, goodBody, "us-east-1", "cognito-idp", now)
	got := f.do(r)
	if got.Status != http.StatusOK || got.Header.Get("Content-Type") != "application/x-amz-json-1.1" ||
		got.Header.Get("Date") != "Wed, 04 Mar 2026 05:06:07 GMT" || len(got.Header.Get("x-amzn-RequestId")) != 36 {
		t.Errorf("success %+v", got)
	}
	r = f.raw(goodBody)
	f.sign(r, goodBody, "us-east-1", "cognito-idp", now)
	got = f.do(r)
	if got.Status != http.StatusBadRequest || got.Type != "NotAuthorizedException" ||
		got.Header.Get("x-amzn-ErrorType") != "NotAuthorizedException:" ||
		got.Header.Get("x-amzn-ErrorMessage") != "User cannot be confirmed. Current status is CONFIRMED" {
		t.Errorf("failure %+v", got)
	}
}

func TestProtocol(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	for _, test := range []struct {
		name, body string
		change     func(*http.Request)
		status     int
		code, text string
	}{
		{"path", goodBody, func(r *http.Request) { r.URL.Path = "/x" }, 404, "UnknownOperationException", ""},
		{"method", goodBody, func(r *http.Request) { r.Method = http.MethodPut }, 404, "UnknownOperationException", ""},
		{"content type", goodBody, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 404, "UnknownOperationException", ""},
		{"no target", goodBody, func(r *http.Request) { r.Header.Del("X-Amz-Target") }, 400, "UnknownOperationException", ""},
		{"other target", goodBody, func(r *http.Request) {
			r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminDeleteUser")
		}, 400, "UnknownOperationException", ""},
		{"bare target", goodBody, func(r *http.Request) { r.Header.Set("X-Amz-Target", "AdminConfirmSignUp") }, 400, "UnknownOperationException", ""},
		{"no JSON", `{"UserPoolId"`, nil, 400, "SerializationException", ""},
		{"no object", `["us-east-1_TestPool1"]`, nil, 400, "SerializationException", ""},
		{"no UTF-8", "{\"Username\":\"\xff\"}", nil, 400, "SerializationException", ""},
		{"number", `{"UserPoolId":7,"Username":"ada"}`, nil, 400, "SerializationException", "NUMBER_VALUE can not be converted to a String"},
		{"array in map", `{"UserPoolId":"us-east-1_TestPool1","Username":"ada","ClientMetadata":{"a":[]}}`, nil, 400, "SerializationException", "START_ARRAY"},
		{"null in map", `{"UserPoolId":"us-east-1_TestPool1","Username":"nobody","ClientMetadata":{"a":null},"New":true}`, nil, 400, "UserNotFoundException", ""},
		{"object", `{"UserPoolId":{},"Username":true}`, nil, 400, "SerializationException", "START_OBJECT can not"},
		{"boolean", `{"UserPoolId":"us-east-1_TestPool1","Username":false}`, nil, 400, "SerializationException", "FALSE_VALUE"},
		{"attributes", `{"UserAttributes":{}}`, nil, 400, "SerializationException", ""},
		{"attribute", `{"UserAttributes":[{"Name":1}]}`, nil, 400, "SerializationException", "NUMBER_VALUE"},
		{"attribute's value", `{"UserAttributes":[{"Name":"a","Value":true}]}`, nil, 400, "SerializationException", "TRUE_VALUE"},
		{"very long name", `{"UserPoolId":"us-east-1_TestPool1","Username":"` + strings.Repeat("é", 1000) + `"}`, nil, 400, "InvalidParameterException", "less than or equal to 128"},
		{"map as text", `{"UserPoolId":"us-east-1_TestPool1","Username":"ada","ClientMetadata":"a"}`, nil, 400, "SerializationException", ""},
		{"too large", `{"Username":"` + strings.Repeat("a", 1<<20) + `"}`, nil, 413, "RequestEntityTooLargeException", ""},
		{"empty body", "", nil, 400, "InvalidParameterException", "2 validation errors detected: " +
			"Value at 'userPoolId' failed to satisfy constraint: Member must not be null; " +
			"Value at 'username' failed to satisfy constraint: Member must not be null"},
		{"member's case", `{"userpoolid":"us-east-1_TestPool1","Username":"ada"}`, nil, 400, "InvalidParameterException", "1 validation error detected: Value at 'userPoolId'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := f.raw(test.body)
			if test.change != nil {
				test.change(r)
			}
			got := f.do(r)
			if got.Status != test.status || got.Type != test.code || !strings.Contains(got.Message, test.text) {
				t.Errorf("got %d %s %q", got.Status, got.Type, got.Message)
			}
		})
	}
	if got := f.adasStatus(); got != fakecognito.StatusUnconfirmed {
		t.Errorf("status %s", got)
	}
}

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
	f := start(t, fakecognito.Config{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token", Region: "eu-west-1"}, testPool())
	for _, test := range []struct{ key, secret, token, region, want string }{
		{"AKID", "secret", "token", "eu-west-1", ""},
		{"AKID", "other", "token", "eu-west-1", "InvalidSignatureException"},
		{"other", "secret", "token", "eu-west-1", "UnrecognizedClientException"},
		{"AKID", "secret", "", "eu-west-1", "UnrecognizedClientException"},
		{"AKID", "secret", "token", "us-east-1", "InvalidSignatureException"},
	} {
		client := newClient(f.url, f.http, func(o *cip.Options) {
			o.Region = test.region
			o.Credentials = credentials.NewStaticCredentialsProvider(test.key, test.secret, test.token)
		})
		_, err := client.AdminGetUser(t.Context(), getAda())
		if test.want == "" {
			if err != nil {
				t.Errorf("%+v: %v", test, err)
			}
			continue
		}
		wantException(t, err, test.want, "", http.StatusBadRequest)
	}
}
