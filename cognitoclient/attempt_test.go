package cognitoclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
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
	return claim(c.ConfirmSignUp(ctx, Request{UserPoolID: "us-east-1_EXAMPLE01", Username: "user-1"}))
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
		{handler: answer(200, amzJSON, strings.Repeat(" ", 2*maxAnswer)), want: "answer too long"},
		{handler: answer(200, "text/html", ""), want: "not an answer of Cognito's"},
		{handler: exception(400, "UserNotFoundException", "canary"), want: ""},
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
			_, err := c.ConfirmSignUp(t.Context(), Request{UserPoolID: "us-east-1_EXAMPLE01", Username: "user-1"})
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

func exception(status int, code, message string) http.HandlerFunc {
	return answer(status, amzJSON, `{"__type":"`+code+`","message":"`+message+`"}`)
}

func TestClassifyAnswers(t *testing.T) {
	notAuthorized := func(message string) http.HandlerFunc { return exception(400, "NotAuthorizedException", message) }
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"strict success", answer(200, amzJSON, "{}"), "confirmed, 1 attempts"},
		{"success with parameters", answer(200, "Application/X-Amz-Json-1.1; charset=utf-8", " {\"a\":1}\n"), "confirmed, 1 attempts"},
		{"empty body", answer(200, amzJSON, ""), "response_lost unknown   1"},
		{"null", answer(200, amzJSON, "null"), "response_lost unknown   1"},
		{"array", answer(200, amzJSON, "[]"), "response_lost unknown   1"},
		{"error object with 200", answer(200, amzJSON, `{"__type":"NotAuthorizedException"}`), "response_lost unknown   1"},
		{"error header with 200", answer(200, amzJSON, "{}", "X-Amzn-ErrorType", "InternalErrorException"), "response_lost unknown   1"},
		{"HTML with 200", answer(200, "text/html", "<html></html>"), "response_lost unknown   1"},
		{"HTML without a body", answer(200, "text/html", ""), "response_lost unknown   1"},
		{"other JSON with 200", answer(200, "application/json", "{}"), "response_lost unknown   1"},
		{"201", answer(201, amzJSON, "{}"), "response_lost unknown   1"},
		{"204", answer(204, amzJSON, ""), "response_lost unknown   1"},
		{"redirect", answer(307, "text/html", "", "Location", "http://127.0.0.1:1/"), "response_lost unknown   1"},
		{"too long", answer(200, amzJSON, "{"+strings.Repeat(" ", maxAnswer)+"}"), "response_lost unknown   1"},
		{"too long, but for blanks a success", answer(200, amzJSON, "{}"+strings.Repeat(" ", maxAnswer)), "response_lost unknown   1"},
		{"long header", answer(200, amzJSON, "{}", "X-Long", strings.Repeat("x", 2*maxAnswer)), "response_lost unknown   1"},
		{"truncated", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "{")
		}, "response_lost unknown   1"},
		{"reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "response_lost unknown   1"},

		{"prefix and suffix", exception(400, "com.amazon.coral#UserNotFoundException:http://x", "m"), "user_not_found not_applied UserNotFoundException  1"},
		{"other case", exception(400, "usernotfoundEXCEPTION", "m"), "user_not_found not_applied UserNotFoundException  1"},
		{"header beats body", answer(400, amzJSON, `{"__type":"Other"}`, "X-Amzn-ErrorType", "ResourceNotFoundException"), "user_pool_not_found not_applied ResourceNotFoundException  1"},
		{"code beats status", exception(503, "LimitExceededException", "m"), "limit_exceeded not_applied LimitExceededException  1"},
		{"confirmed", notAuthorized("User cannot be confirmed. Current status is CONFIRMED"), "user_already_confirmed not_applied NotAuthorizedException CONFIRMED 1"},
		{"older wording", notAuthorized("User cannot be confirm. Current status is CONFIRMED"), "user_already_confirmed not_applied NotAuthorizedException CONFIRMED 1"},
		{"another status", notAuthorized("User cannot be confirmed. Current status is FORCE_CHANGE_PASSWORD."), "user_not_confirmable not_applied NotAuthorizedException FORCE_CHANGE_PASSWORD 1"},
		{"not CONFIRMED at the start alone", notAuthorized("User cannot be confirmed. Current status is CONFIRMED_LATER"), "user_not_confirmable not_applied NotAuthorizedException CONFIRMED_LATER 1"},
		{"oldest wording", notAuthorized("User cannot confirm because user status is not UNCONFIRMED."), "user_not_confirmable not_applied NotAuthorizedException  1"},
		{"disabled", notAuthorized("User is disabled."), "user_disabled not_applied NotAuthorizedException  1"},
		{"refused", notAuthorized("Something else"), "not_authorized not_applied NotAuthorizedException  1"},
		{"throttle family", exception(400, "ThrottlingException", "m"), "too_many_requests not_applied ThrottlingException  1"},
		{"throttled", exception(400, "ThrottledException", "m"), "too_many_requests not_applied ThrottledException  1"},
		{"request throttled", exception(400, "RequestThrottledException", "m"), "too_many_requests not_applied RequestThrottledException  1"},
		{"429", answer(429, "text/html", "slow down"), "too_many_requests not_applied   1"},
		{"413", answer(413, "text/html", ""), "invalid_parameter not_applied   1"},
		{"500", answer(500, "text/html", "oops"), "internal_error unknown   1"},
		{"501", answer(501, "text/html", "what"), "operation_unsupported not_applied   1"},
		{"502", answer(502, "text/html", "<html>"), "unavailable unknown   1"},
		{"unknown code with 500", exception(500, "NewException", "m"), "internal_error unknown NewException  1"},
		{"unknown code with 400", exception(400, "NewException", "m"), "unrecognized_exception unknown NewException  1"},
		{"unknown code with 429", exception(429, "NewException", "m"), "unrecognized_exception unknown NewException  1"},
		{"unknown code with 501", exception(501, "NewException", "m"), "unavailable unknown NewException  1"},
		{"no code with 403", answer(403, "text/html", "<html>"), "unrecognized_exception unknown   1"},
		{"empty object with 400", answer(400, amzJSON, "{}"), "unrecognized_exception unknown   1"},
		{"access denied", exception(400, "AccessDeniedException", "arn"), "access_denied not_applied AccessDeniedException  1"},
		{"expired token", exception(400, "ExpiredToken", "m"), "credentials_refused not_applied ExpiredToken  1"},
		{"unknown operation", exception(400, "UnknownOperationException", "m"), "operation_unsupported not_applied UnknownOperationException  1"},
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
		{"refused", t.Context(), nil, "unreachable not_sent   0"},
		{"no credentials", t.Context(), func(c *Config) { c.AWS.Credentials = failing }, "credentials_refused not_sent   0"},
		{"credentials hang", t.Context(), func(c *Config) { c.AWS.Credentials = hanging; c.AttemptTimeout = MinAttempt }, "credentials_refused not_sent   0"},
		{"TLS fails", t.Context(), func(c *Config) { c.Endpoint = "https://" + notTLS(t) }, "unreachable not_sent   0"},
		{"cancelled before", gone, nil, "cancelled not_sent   0"},
		{"stopped before", stopped, nil, "stopping not_sent   0"},
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

func TestAttemptsThatEndUnderWay(t *testing.T) {
	received := make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		received <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()

	t.Run("attempt's timeout", func(t *testing.T) {
		c := client(t, server.URL, func(c *Config) { c.AttemptTimeout = MinAttempt })
		if got, want := confirm(t, t.Context(), c), "response_lost unknown   1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		<-received
	})
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*MinAttempt)
		defer cancel()
		if got, want := confirm(t, ctx, client(t, server.URL, nil)), "deadline_exceeded unknown   1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		<-received
	})
	ends := map[string]error{"cancelled unknown   1": nil, "stopping unknown   1": errors.New("the server stops")}
	for want, cause := range ends {
		t.Run(want, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() { <-received; cancel(cause) }()
			if got := confirm(t, ctx, client(t, server.URL, nil)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// The loop repeats what can be repeated, as often as it may, and reports each attempt.
func TestLoop(t *testing.T) {
	tests := []struct {
		name     string
		answers  []http.HandlerFunc
		want     string
		attempts string
	}{
		{"throttle, then success", []http.HandlerFunc{exception(400, "TooManyRequestsException", ""), answer(200, amzJSON, "{}")},
			"confirmed, 2 attempts", "too_many_requests none"},
		{"503 twice, then confirmed", []http.HandlerFunc{answer(503, "", ""), answer(503, "", ""), exception(400, "NotAuthorizedException", "Current status is CONFIRMED")},
			"unattributed, 3 attempts", "unavailable unavailable user_already_confirmed"},
		{"no fourth", []http.HandlerFunc{answer(503, "", ""), answer(503, "", ""), answer(503, "", "")},
			"unavailable unknown   3", "unavailable unavailable unavailable"},
		{"no second after a Lambda exception", []http.HandlerFunc{exception(400, "UnexpectedLambdaException", "")},
			"lambda_failed unknown UnexpectedLambdaException  1", "lambda_failed"},
		{"no second after a quota", []http.HandlerFunc{exception(400, "LimitExceededException", "")},
			"limit_exceeded not_applied LimitExceededException  1", "limit_exceeded"},
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
	if got, want := confirm(t, t.Context(), client(t, server.URL, nil)), "response_lost unknown   1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// No back-off is begun that can't end in time for another attempt.
func TestNoBackOffInVain(t *testing.T) {
	server := httptest.NewServer(exception(400, "TooManyRequestsException", ""))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), MinAttempt+150*time.Millisecond)
	defer cancel()
	c := client(t, server.URL, func(c *Config) { c.Attempts = 3 })
	if got, want := confirm(t, ctx, c), "too_many_requests not_applied TooManyRequestsException  1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if ctx.Err() != nil {
		t.Error("the answer was kept until the deadline")
	}
}

// What AWS says of credentials has account ids and ARNs in it.
func TestFetchCredentialsSaysNothingOfAWSs(t *testing.T) {
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		err  error
		want string
	}{
		{"refused", t.Context(), &smithy.GenericAPIError{Code: "AccessDenied", Message: "canary"}, "AWS refuses to give credentials: AccessDenied"},
		{"odd code", t.Context(), &smithy.GenericAPIError{Code: "arn:aws:canary"}, "AWS refuses to give credentials: (an odd code)"},
		{"none", t.Context(), errors.New("canary"), "no AWS credentials could be had"},
		{"late", expired, errors.New("canary"), "no AWS credentials came in time"},
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
