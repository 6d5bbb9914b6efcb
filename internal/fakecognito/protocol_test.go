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
	signUp := func(r *http.Request) { r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.SignUp") }
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
		{"bare target", goodBody, func(r *http.Request) { r.Header.Set("X-Amz-Target", "AdminConfirmSignUp") }, 400, "UnknownOperationException", ""},
		{"no JSON", `{"UserPoolId"`, nil, 400, "SerializationException", ""},
		{"no object", `["us-east-1_TestPool1"]`, nil, 400, "SerializationException", ""},
		{"no UTF-8", "{\"Username\":\"\xff\"}", nil, 400, "SerializationException", ""},
		{"number", `{"UserPoolId":7,"Username":"ada"}`, nil, 400, "SerializationException", "NUMBER_VALUE can not be converted to a String"},
		{"array in map", `{"UserPoolId":"us-east-1_TestPool1","Username":"ada","ClientMetadata":{"a":[]}}`, nil, 400, "SerializationException", "START_ARRAY"},
		{"null in map", `{"UserPoolId":"us-east-1_TestPool1","Username":"nobody","ClientMetadata":{"a":null},"New":true}`, nil, 400, "UserNotFoundException", ""},
		{"object", `{"UserPoolId":{},"Username":true}`, nil, 400, "SerializationException", "START_OBJECT can not"},
		{"boolean", `{"UserPoolId":"us-east-1_TestPool1","Username":false}`, nil, 400, "SerializationException", "FALSE_VALUE"},
		{"attributes", `{"UserAttributes":{}}`, signUp, 400, "SerializationException", "Unexpected token"},
		{"attribute", `{"UserAttributes":[{"Name":1}]}`, signUp, 400, "SerializationException", "NUMBER_VALUE"},
		{"attribute's value", `{"UserAttributes":[{"Name":"a","Value":true}]}`, signUp, 400, "SerializationException", "TRUE_VALUE"},
		{"very long name", `{"UserPoolId":"us-east-1_TestPool1","Username":"` + strings.Repeat("é", 1000) + `"}`, nil, 400, "InvalidParameterException", "less than or equal to 128"},
		{"map as text", `{"UserPoolId":"us-east-1_TestPool1","Username":"ada","ClientMetadata":"a"}`, nil, 400, "SerializationException", ""},
		{"a byte too large", `{"Username":"nobody","Padding":"` + strings.Repeat("a", 1<<20-33) + `"}`, nil, 413, "RequestEntityTooLargeException", ""},
		{"as large as allowed", `{"UserPoolId":"us-east-1_TestPool1","Username":"nobody","Padding":"` + strings.Repeat("a", 1<<20-69) + `"}`, nil, 400, "UserNotFoundException", ""},
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
	for _, e := range f.Journal() {
		if n := len(e.Request.Username); n > 512 {
			t.Errorf("the journal has %d bytes of a username", n)
		}
	}
}
