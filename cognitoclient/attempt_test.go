package cognitoclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"cognito.internal/useradmin/internal/memnet"
)

// client makes a client of one attempt for the endpoint; edit changes its configuration.
func client(t *testing.T, endpoint string, edit func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		AWS:      aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")},
		Endpoint: endpoint,
		Attempts: 1,
		Random:   func() float64 { return 0 },
	}
	if edit != nil {
		edit(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func confirm(t *testing.T, ctx context.Context, c *Client) string {
	t.Helper()
	return told(c.ConfirmSignUp(ctx, ConfirmSignUp{UserPoolID: "us-east-1_EXAMPLE01", Username: "user-1"}))
}

// An operator is told what kind of problem it was.
func TestProblems(t *testing.T) {
	unresolved := &net.OpError{Op: "dial", Err: &net.DNSError{Name: "canary"}}
	tests := []struct {
		dial    func(context.Context, string, string) (net.Conn, error)
		handler http.HandlerFunc
		https   bool
		want    string
	}{
		{dial: func(context.Context, string, string) (net.Conn, error) { return nil, unresolved }, want: "name not resolved"},
		{dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }, want: "connection refused"},
		{dial: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }, want: "timed out"},
		{handler: answer(200, amzJSON, "{}"), https: true, want: "TLS failed"},
		{handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: "connection cut"},
		{handler: func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, want: "timed out"},
		{handler: answer(200, amzJSON, strings.Repeat(" ", 2*maxResponse)), want: "response too long"},
		{handler: answer(200, "text/html", ""), want: "not a response of Cognito"},
		{handler: throws(400, "UserNotFoundException", "canary"), want: ""},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			endpoint := server.URL
			if test.https {
				endpoint = strings.Replace(endpoint, "http:", "https:", 1)
			}
			c := client(t, endpoint, func(c *Config) { c.DialContext, c.AttemptTimeout = test.dial, MinAttempt })
			_, err := c.ConfirmSignUp(t.Context(), ConfirmSignUp{UserPoolID: "us-east-1_EXAMPLE01", Username: "user-1"})
			var failed *Error
			if !errors.As(err, &failed) || failed.Problem != test.want {
				t.Errorf("got %v with problem %q", err, failed.Problem)
			}
		})
	}
}

func answer(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const amzJSON = "application/x-amz-json-1.1"

func throwsRaw(body string) http.HandlerFunc { return answer(400, amzJSON, body) }

func throws(status int, code, message string) http.HandlerFunc {
	return answer(status, amzJSON, `{"__type":"`+code+`","message":"`+message+`"}`)
}

func TestClassifyAnswers(t *testing.T) {
	notAuthorized := func(message string) http.HandlerFunc { return throws(400, "NotAuthorizedException", message) }
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"strict success", answer(200, amzJSON, "{}"), "confirmed, 1 attempts"},
		{"success with parameters", answer(200, "Application/X-Amz-Json-1.1; charset=utf-8", " {\"a\":1}\n"), "confirmed, 1 attempts"},
		{"empty body", answer(200, amzJSON, ""), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"null", answer(200, amzJSON, "null"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"array", answer(200, amzJSON, "[]"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"error object with 200", answer(200, amzJSON, `{"__type":"NotAuthorizedException"}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"error header with 200", answer(200, amzJSON, "{}", "X-Amzn-ErrorType", "InternalErrorException"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"code with 200", answer(200, amzJSON, `{"Code":"x"}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"message with 200", answer(200, amzJSON, `{"a":1,"MESSAGE":""}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"type in another case with 200", answer(200, amzJSON, `{"__TYPE":null}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"errorType with 200", answer(200, amzJSON, `{"errorType":"Error"}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"errorMessage with 200", answer(200, amzJSON, `{"errorMessage":"x"}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"two objects with 200", answer(200, amzJSON, `{}{}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"two content types in a line", answer(200, amzJSON+";x=1, text/html", "{}"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"a member that folds to message", answer(200, amzJSON, `{"me\u017f\u017fage":"x"}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"two content types", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{amzJSON, amzJSON}
			_, _ = io.WriteString(w, "{}")
		}, "COGNITO_RESPONSE_LOST UNKNOWN   1"},

		{"contradiction, header against body", answer(400, amzJSON, `{"__type":"UserNotFoundException"}`, "X-Amzn-ErrorType", "ResourceNotFoundException"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"contradiction, two types", answer(400, amzJSON, `{"__type":"UserNotFoundException","code":"ResourceNotFoundException"}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"contradiction, the same member twice", answer(400, amzJSON, `{"__type":"UserNotFoundException","__type":"LimitExceededException"}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"contradiction, two messages", answer(400, amzJSON, `{"__type":"NotAuthorizedException","message":"Current status is CONFIRMED","Message":"User is disabled."}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"equal ones are no contradiction", answer(400, amzJSON, `{"__type":"a#usernotfoundexception","code":"UserNotFoundException:x","message":"m","Message":"m"}`, "X-Amzn-ErrorType", "UserNotFoundException:"), "USER_NOT_FOUND NOT_APPLIED UserNotFoundException  1"},

		{"trigger in a throttle", throws(400, "TooManyRequestsException", "PostConfirmation invocation failed due to error Rate Exceeded."), "UNRECOGNIZED_EXCEPTION UNKNOWN TooManyRequestsException  1"},
		{"trigger in a refusal", throws(400, "NotAuthorizedException", "PreSignUp failed with error Current status is CONFIRMED."), "UNRECOGNIZED_EXCEPTION UNKNOWN NotAuthorizedException  1"},
		{"trigger in an internal error", throws(500, "InternalErrorException", "PostConfirmation failed."), "UNRECOGNIZED_EXCEPTION UNKNOWN InternalErrorException  1"},
		{"trigger's name inside a message", throws(400, "TooManyRequestsException", "The PostConfirmation trigger"), "TOO_MANY_REQUESTS NOT_APPLIED TooManyRequestsException  1"},

		{"HTML with 200", answer(200, "text/html", "<html></html>"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"HTML without a body", answer(200, "text/html", ""), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"other JSON with 200", answer(200, "application/json", "{}"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"201", answer(201, amzJSON, "{}"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"204", answer(204, amzJSON, ""), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"redirect", answer(307, "text/html", "", "Location", "http://127.0.0.1:1/"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"too long", answer(200, amzJSON, "{"+strings.Repeat(" ", maxResponse)+"}"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"too long, but for blanks a success", answer(200, amzJSON, "{}"+strings.Repeat(" ", maxResponse)), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"long header", answer(200, amzJSON, "{}", "X-Long", strings.Repeat("x", 2*maxResponse)), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"truncated", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "{")
		}, "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "COGNITO_RESPONSE_LOST UNKNOWN   1"},

		{"prefix and suffix", throws(400, "com.amazon.coral#UserNotFoundException:http://x", "m"), "USER_NOT_FOUND NOT_APPLIED UserNotFoundException  1"},
		{"canonical spelling, other case", throws(400, "usernotfoundEXCEPTION", "m"), "USER_NOT_FOUND NOT_APPLIED UserNotFoundException  1"},
		{"header alone", answer(400, amzJSON, `{}`, "X-Amzn-ErrorType", "ResourceNotFoundException"), "USER_POOL_NOT_FOUND NOT_APPLIED ResourceNotFoundException  1"},
		{"header without a body", answer(400, amzJSON, "", "X-Amzn-ErrorType", "ResourceNotFoundException:"), "USER_POOL_NOT_FOUND NOT_APPLIED ResourceNotFoundException  1"},
		{"header before a page", answer(400, "text/html", "<html>", "X-Amzn-ErrorType", "ResourceNotFoundException"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"null under a named header", answer(429, amzJSON, "null", "X-Amzn-ErrorType", "UserLambdaValidationException"), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"message is not a text", throwsRaw(`{"__type":"NotAuthorizedException","message":{"a":1}}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"type is not a text", throwsRaw(`{"__type":["UserLambdaValidationException"],"code":"TooManyRequestsException"}`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"a gateway's code is a number", answer(429, "application/json", `{"code":429,"message":"slow down"}`), "TOO_MANY_REQUESTS NOT_APPLIED   1"},
		{"cut object", answer(429, amzJSON, `{"__type":"UserLambdaValidationException","mess`), "COGNITO_RESPONSE_LOST UNKNOWN   1"},
		{"trigger and a colon", throws(400, "NotAuthorizedException", "PostConfirmation: x"), "UNRECOGNIZED_EXCEPTION UNKNOWN NotAuthorizedException  1"},
		{"trigger's source", throws(400, "TooManyRequestsException", "PostConfirmation_ConfirmSignUp failed"), "UNRECOGNIZED_EXCEPTION UNKNOWN TooManyRequestsException  1"},
		{"code beats status", throws(503, "LimitExceededException", "m"), "LIMIT_EXCEEDED NOT_APPLIED LimitExceededException  1"},
		{"confirmed", notAuthorized("User cannot be confirmed. Current status is CONFIRMED"), "USER_ALREADY_CONFIRMED NOT_APPLIED NotAuthorizedException CONFIRMED 1"},
		{"older wording", notAuthorized("User cannot be confirm. Current status is CONFIRMED"), "USER_ALREADY_CONFIRMED NOT_APPLIED NotAuthorizedException CONFIRMED 1"},
		{"another status", notAuthorized("User cannot be confirmed. Current status is FORCE_CHANGE_PASSWORD."), "USER_NOT_CONFIRMABLE NOT_APPLIED NotAuthorizedException FORCE_CHANGE_PASSWORD 1"},
		{"not CONFIRMED at the start alone", notAuthorized("User cannot be confirmed. Current status is CONFIRMED_LATER"), "USER_NOT_CONFIRMABLE NOT_APPLIED NotAuthorizedException CONFIRMED_LATER 1"},
		{"oldest wording", notAuthorized("User cannot confirm because user status is not UNCONFIRMED."), "USER_NOT_CONFIRMABLE NOT_APPLIED NotAuthorizedException  1"},
		{"disabled", notAuthorized("User is disabled."), "USER_DISABLED NOT_APPLIED NotAuthorizedException  1"},
		{"refused", notAuthorized("Something else"), "NOT_AUTHORIZED NOT_APPLIED NotAuthorizedException  1"},
		{"throttle family", throws(400, "ThrottlingException", "m"), "TOO_MANY_REQUESTS NOT_APPLIED ThrottlingException  1"},
		{"throttled", throws(400, "ThrottledException", "m"), "TOO_MANY_REQUESTS NOT_APPLIED ThrottledException  1"},
		{"request throttled", throws(400, "RequestThrottledException", "m"), "TOO_MANY_REQUESTS NOT_APPLIED RequestThrottledException  1"},
		{"throttling", throws(400, "Throttling", "m"), "TOO_MANY_REQUESTS NOT_APPLIED Throttling  1"},
		{"a new name that begins like a throttle", throws(400, "ThrottlingUserException", "m"), "UNRECOGNIZED_EXCEPTION UNKNOWN ThrottlingUserException  1"},
		{"408", answer(408, "text/html", ""), "COGNITO_UNAVAILABLE UNKNOWN   1"},
		{"407", answer(407, "text/html", ""), "UNRECOGNIZED_EXCEPTION UNKNOWN   1"},
		{"429", answer(429, "text/html", "slow down"), "TOO_MANY_REQUESTS NOT_APPLIED   1"},
		{"413", answer(413, "text/html", ""), "INVALID_PARAMETER NOT_APPLIED   1"},
		{"500", answer(500, "text/html", "oops"), "COGNITO_INTERNAL_ERROR UNKNOWN   1"},
		{"501", answer(501, "text/html", "what"), "COGNITO_OPERATION_UNSUPPORTED NOT_APPLIED   1"},
		{"502", answer(502, "text/html", "<html>"), "COGNITO_UNAVAILABLE UNKNOWN   1"},
		{"unknown code with 500", throws(500, "NewException", "m"), "COGNITO_INTERNAL_ERROR UNKNOWN NewException  1"},
		{"unknown code with 400", throws(400, "NewException", "m"), "UNRECOGNIZED_EXCEPTION UNKNOWN NewException  1"},
		{"unknown code with 429", throws(429, "NewException", "m"), "UNRECOGNIZED_EXCEPTION UNKNOWN NewException  1"},
		{"unknown code with 501", throws(501, "NewException", "m"), "COGNITO_UNAVAILABLE UNKNOWN NewException  1"},
		{"no code with 403", answer(403, "text/html", "<html>"), "UNRECOGNIZED_EXCEPTION UNKNOWN   1"},
		{"empty object with 400", answer(400, amzJSON, "{}"), "UNRECOGNIZED_EXCEPTION UNKNOWN   1"},
		{"access denied", throws(400, "AccessDeniedException", "arn"), "COGNITO_ACCESS_DENIED NOT_APPLIED AccessDeniedException  1"},
		{"expired token", throws(400, "ExpiredToken", "m"), "COGNITO_CREDENTIALS NOT_APPLIED ExpiredToken  1"},
		{"unknown operation", throws(400, "UnknownOperationException", "m"), "COGNITO_OPERATION_UNSUPPORTED NOT_APPLIED UnknownOperationException  1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			if got := confirm(t, t.Context(), client(t, server.URL, nil)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestUnsentAttempts(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + listener.Addr().String()
	_ = listener.Close()
	failing := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("canary-secret")
	})
	hanging := aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		<-ctx.Done()
		return aws.Credentials{}, ctx.Err()
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errors.New("the server stops"))
	tests := []struct {
		name string
		ctx  context.Context
		edit func(*Config)
		want string
	}{
		{"refused", t.Context(), nil, "COGNITO_UNREACHABLE NOT_SENT   0"},
		{"no credentials", t.Context(), func(c *Config) { c.AWS.Credentials = failing }, "COGNITO_CREDENTIALS NOT_SENT   0"},
		{"credentials hang", t.Context(), func(c *Config) { c.AWS.Credentials = hanging; c.AttemptTimeout = MinAttempt }, "COGNITO_CREDENTIALS NOT_SENT   0"},
		{"TLS fails", t.Context(), func(c *Config) { c.Endpoint = "https://" + notTLS(t) }, "COGNITO_UNREACHABLE NOT_SENT   0"},
		{"cancelled before", gone, nil, "CANCELLED NOT_SENT   0"},
		{"stopped before", stopped, nil, "SERVER_STOPPING NOT_SENT   0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := confirm(t, test.ctx, client(t, endpoint, test.edit)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// notTLS is the address of a server that does not speak TLS.
func notTLS(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(answer(200, amzJSON, "{}"))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// An attempt that has a connection and no response may have had its effect. Time is the bubble's, and the server says
// that it has the request before anything ends.
func TestAttemptsThatEndUnderWay(t *testing.T) {
	tests := []struct {
		want           string
		attemptTimeout time.Duration
		deadline       time.Duration
		cancel         error // a cause of its own, or context.Canceled
	}{
		{want: "COGNITO_RESPONSE_LOST UNKNOWN   1", attemptTimeout: MinAttempt},
		{want: "DEADLINE_EXCEEDED UNKNOWN   1", deadline: 2 * MinAttempt},
		{want: "CANCELLED UNKNOWN   1", cancel: context.Canceled},
		{want: "SERVER_STOPPING UNKNOWN   1", cancel: errors.New("the server stops")},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				received := make(chan struct{}, 1)
				network := serveInMemory(t, func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					received <- struct{}{}
					<-r.Context().Done()
				})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if test.deadline > 0 {
					var done context.CancelFunc
					ctx, done = context.WithTimeout(ctx, test.deadline)
					defer done()
				}
				ended := make(chan string, 1)
				c := client(t, "http://127.0.0.1", func(c *Config) { c.AttemptTimeout, c.DialContext = test.attemptTimeout, network })
				go func() { ended <- confirm(t, ctx, c) }()
				<-received
				if test.cancel != nil {
					cancel(test.cancel)
				}
				if got := <-ended; got != test.want {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

// serveInMemory serves until the test ends; it returns how to dial.
func serveInMemory(t *testing.T, handler http.HandlerFunc) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	network := memnet.Listen()
	web := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(network) }()
	t.Cleanup(func() { _ = web.Close() })
	return network.Dial
}

// The loop repeats what can be repeated, as often as it may, and reports each attempt.
func TestLoop(t *testing.T) {
	tests := []struct {
		name     string
		answers  []http.HandlerFunc
		want     string
		attempts string
	}{
		{"throttle, then success", []http.HandlerFunc{throws(400, "TooManyRequestsException", ""), answer(200, amzJSON, "{}")},
			"confirmed, 2 attempts", "TOO_MANY_REQUESTS OK"},
		{"503 twice, then confirmed", []http.HandlerFunc{answer(503, "", ""), answer(503, "", ""), throws(400, "NotAuthorizedException", "Current status is CONFIRMED")},
			"unattributed, 3 attempts", "COGNITO_UNAVAILABLE COGNITO_UNAVAILABLE USER_ALREADY_CONFIRMED"},
		{"no fourth", []http.HandlerFunc{answer(503, "", ""), answer(503, "", ""), answer(503, "", "")},
			"COGNITO_UNAVAILABLE UNKNOWN   3", "COGNITO_UNAVAILABLE COGNITO_UNAVAILABLE COGNITO_UNAVAILABLE"},
		{"a contradiction is repeated", []http.HandlerFunc{answer(400, amzJSON, `{"__type":"A"}`, "X-Amzn-ErrorType", "B"), throws(400, "NotAuthorizedException", "Current status is CONFIRMED")},
			"unattributed, 2 attempts", "COGNITO_RESPONSE_LOST USER_ALREADY_CONFIRMED"},
		{"a 500 is repeated", []http.HandlerFunc{answer(500, "", ""), answer(200, amzJSON, "{}")}, "confirmed, 2 attempts", "COGNITO_INTERNAL_ERROR OK"},
		{"a bare 408 is repeated", []http.HandlerFunc{answer(408, "", ""), answer(200, amzJSON, "{}")}, "confirmed, 2 attempts", "COGNITO_UNAVAILABLE OK"},
		{"trigger failed, then confirmed", []http.HandlerFunc{throws(400, "UnexpectedLambdaException", "PostConfirmation invocation failed due to error X."), throws(400, "NotAuthorizedException", "Current status is CONFIRMED")},
			"LAMBDA_FAILED APPLIED UnexpectedLambdaException CONFIRMED 2", "LAMBDA_FAILED USER_ALREADY_CONFIRMED"},
		{"trigger failed on the last attempt", []http.HandlerFunc{answer(503, "", ""), answer(503, "", ""), throws(400, "UserLambdaValidationException", "PostConfirmation failed with error X."), throws(400, "NotAuthorizedException", "Current status is CONFIRMED")},
			"LAMBDA_REJECTED APPLIED UserLambdaValidationException CONFIRMED 4", "COGNITO_UNAVAILABLE COGNITO_UNAVAILABLE LAMBDA_REJECTED USER_ALREADY_CONFIRMED"},
		{"no third after a trigger's failure", []http.HandlerFunc{throws(400, "UserLambdaValidationException", "PostConfirmation failed with error X."), answer(503, "", "")},
			"LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  2", "LAMBDA_REJECTED COGNITO_UNAVAILABLE"},
		{"no second after another trigger", []http.HandlerFunc{throws(400, "UserLambdaValidationException", "PreSignUp failed with error X.")},
			"LAMBDA_REJECTED UNKNOWN UserLambdaValidationException  1", "LAMBDA_REJECTED"},
		{"no second where a trigger ran and the code says otherwise", []http.HandlerFunc{throws(400, "TooManyRequestsException", "PostConfirmation failed.")},
			"UNRECOGNIZED_EXCEPTION UNKNOWN TooManyRequestsException  1", "UNRECOGNIZED_EXCEPTION"},
		{"no second after a Lambda exception without a trigger", []http.HandlerFunc{throws(400, "UnexpectedLambdaException", "")},
			"LAMBDA_FAILED UNKNOWN UnexpectedLambdaException  1", "LAMBDA_FAILED"},
		{"no second after a quota", []http.HandlerFunc{throws(400, "LimitExceededException", "")},
			"LIMIT_EXCEEDED NOT_APPLIED LimitExceededException  1", "LIMIT_EXCEEDED"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var n int
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n++
				test.answers[n-1](w, r)
			}))
			defer server.Close()
			var attempts []string
			c := client(t, server.URL, func(c *Config) {
				c.Attempts = 3
				c.OnAttempt = func(cause Cause, _ time.Duration) { attempts = append(attempts, cause.String()) }
			})
			if got := confirm(t, t.Context(), c); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if got := strings.Join(attempts, " "); got != test.attempts {
				t.Errorf("attempts %s, want %s", got, test.attempts)
			}
		})
	}
}

// The body of such an answer is the connection itself, whose reads no context ends.
func TestSwitchingProtocols(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn) // until the client gives up
	}))
	defer server.Close()
	if got, want := confirm(t, t.Context(), client(t, server.URL, nil)), "COGNITO_RESPONSE_LOST UNKNOWN   1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// No back-off is begun that can't end in time for another attempt.
func TestNoBackOffWithoutTime(t *testing.T) {
	server := httptest.NewServer(throws(400, "TooManyRequestsException", ""))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), MinAttempt+150*time.Millisecond)
	defer cancel()
	c := client(t, server.URL, func(c *Config) { c.Attempts = 3 })
	if got, want := confirm(t, ctx, c), "TOO_MANY_REQUESTS NOT_APPLIED TooManyRequestsException  1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if ctx.Err() != nil {
		t.Error("the answer was kept until the deadline")
	}
}

// What AWS says of credentials has account ids and ARNs in it.
func TestFetchCredentialsHidesAWSsTexts(t *testing.T) {
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		err  error
		want string
	}{
		{"refused", t.Context(), &smithy.GenericAPIError{Code: "AccessDenied", Message: "canary"}, "no AWS credentials: provider: it refuses: AccessDenied; "},
		{"unreadable code", t.Context(), &smithy.GenericAPIError{Code: "arn:aws:canary"}, "no AWS credentials: provider: it refuses: (an unreadable code); "},
		{"none", t.Context(), errors.New("canary"), "no AWS credentials: provider: no usable answer; "},
		{"late", expired, errors.New("canary"), "no AWS credentials: provider: cancelled; "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := client(t, "", func(c *Config) {
				c.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, test.err })
			})
			err := c.FetchCredentials(test.ctx)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// Every name that AWS is known to send has a cause, in any case, whatever the HTTP status.
func TestEveryKnownException(t *testing.T) {
	suffixed := func(names ...string) []string {
		for _, name := range slices.Clone(names) {
			names = append(names, name+"Exception")
		}
		return names
	}
	for cause, names := range map[Cause][]string{
		InvalidParameter:      append(suffixed("Validation", "RequestEntityTooLarge"), "InvalidParameterException", "ValidationError"),
		UserPoolNotFound:      {"ResourceNotFoundException"},
		UserNotFound:          {"UserNotFoundException"},
		NotAuthorized:         {"NotAuthorizedException"},
		LambdaRejected:        {"UserLambdaValidationException"},
		LambdaFailed:          {"UnexpectedLambdaException"},
		LambdaResponseInvalid: {"InvalidLambdaResponseException"},
		OperationNotEnabled:   {"OperationNotEnabledException"},
		TooManyRequests:       append(suffixed("Throttling", "Throttled", "RequestThrottled"), "TooManyRequestsException", "RequestLimitExceeded"),
		LimitExceeded:         {"LimitExceededException"},
		TooManyFailedAttempts: {"TooManyFailedAttemptsException"},
		InternalError:         {"InternalErrorException", "InternalFailure"},
		Unavailable:           suffixed("ServiceUnavailable", "RequestTimeout"),
		AccessDenied:          suffixed("AccessDenied", "OptInRequired"),
		Credentials: append(suffixed("ExpiredToken", "UnrecognizedClient", "InvalidSignature", "IncompleteSignature", "MissingAuthenticationToken", "RequestExpired"),
			"InvalidClientTokenId", "SignatureDoesNotMatch"),
		OperationUnsupported: append(suffixed("UnknownOperation", "Serialization"), "InvalidAction"),
	} {
		for _, name := range names {
			for _, status := range []int{400, 403, 503} {
				resp := response{status: status, header: http.Header{}, body: []byte(`{"__type":"` + strings.ToUpper(name) + `"}`)}
				a := client(t, "", nil).classify(confirmSignUp(), request{}, resp)
				if a.cause != cause || a.exception != name {
					t.Errorf("%s with %d: %s, shown as %q", name, status, a.cause, a.exception)
				}
			}
		}
	}
}

// A text that is not a name is not shown, a reasonCode is.
func TestNamesAreNames(t *testing.T) {
	for body, want := range map[string]attempt{
		`{"__type":"Odd Name"}`: {cause: UnrecognizedException},
		`{"__type":"InvalidParameterException","reasonCode":"x-1"}`:           {cause: InvalidParameter, exception: "InvalidParameterException", reasonCode: "x-1"},
		`{"__type":"InvalidParameterException","reasonCode":"the user jane"}`: {cause: InvalidParameter, exception: "InvalidParameterException"},
	} {
		a := client(t, "", nil).classify(confirmSignUp(), request{}, response{status: 400, header: http.Header{}, body: []byte(body)})
		if a.cause != want.cause || a.exception != want.exception || a.reasonCode != want.reasonCode {
			t.Errorf("%s: %+v", body, a)
		}
	}
}

// responding is a client whose Cognito gives these responses, one after the other, and tells after each.
func responding(t *testing.T, after func(n int), bodies ...string) *Client {
	t.Helper()
	c := client(t, "", func(c *Config) { c.Attempts = 3 })
	n := 0
	c.transport = transportFunc(func(r *http.Request) (*http.Response, error) {
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
		n++
		defer after(n)
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(bodies[n-1]))}, nil
	})
	return c
}

// An end between two attempts says why the call ended, but for the attempt that follows a trigger's failure: the failure
// stands then.
func TestEndsBetweenAttempts(t *testing.T) {
	const (
		throttle = `{"__type":"TooManyRequestsException"}`
		failed   = `{"__type":"UnexpectedLambdaException","message":"PostConfirmation invocation failed due to error X."}`
	)
	stops := errors.New("the server stops")
	for _, test := range []struct {
		body  string
		cause error
		want  string
	}{
		{throttle, stops, "SERVER_STOPPING NOT_APPLIED TooManyRequestsException  1"},
		{throttle, nil, "CANCELLED NOT_APPLIED TooManyRequestsException  1"},
		{failed, stops, "LAMBDA_FAILED UNKNOWN UnexpectedLambdaException  1"},
		{failed, nil, "LAMBDA_FAILED UNKNOWN UnexpectedLambdaException  1"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		c := responding(t, func(int) { cancel(test.cause) }, test.body)
		if got := confirm(t, ctx, c); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// A caller's id that is not one does not reach the header.
func TestOddIDs(t *testing.T) {
	for _, id := range []string{"a\nb", "a b", strings.Repeat("a", 65)} {
		if got := signed(t, client(t, "", nil), request{id: id}).Header.Get("User-Agent"); got != "useradmin" {
			t.Errorf("%q became %q", id, got)
		}
	}
}
