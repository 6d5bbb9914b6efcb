package cognitoclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// rotating are temporary credentials that are new at each fetch: key-1, key-2 ...
type rotating struct{ fetched atomic.Int32 }

func (r *rotating) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID: fmt.Sprintf("key-%d", r.fetched.Add(1)), SecretAccessKey: "secret", SessionToken: "token",
		CanExpire: true, Expires: time.Now().Add(time.Hour),
	}, nil
}

// keyOf is the access key that a request is signed with.
func keyOf(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	return key
}

const amzDate = "20060102T150405Z"

// A failure to get credentials, an expired token between two attempts and a signature that the clock spoils are told apart:
// the first never reaches Cognito, the second gets new credentials once, the third another time once.
func TestCredentialsAndSignatures(t *testing.T) {
	expired := throws(400, "ExpiredTokenException", "The security token included in the request is expired")
	answerTo := func(good func(*http.Request) bool, bad http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if good(r) {
				answer(200, amzJSON, "{}")(w, r)
			} else {
				bad(w, r)
			}
		}
	}
	signedIn2040 := func(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("X-Amz-Date"), "2040") }
	in2040 := []string{"Date", "Sun, 01 Jan 2040 00:00:00 GMT"}
	outOfDate := `{"__type":"InvalidSignatureException","message":"Signature expired"}`
	failing := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("canary") })
	static := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "key-1", SecretAccessKey: "secret"}, nil
	})
	tests := []struct {
		name     string
		provider aws.CredentialsProvider
		handler  http.HandlerFunc
		edit     func(*Config)
		want     string
		requests int
	}{
		{name: "no credentials", provider: failing, want: "COGNITO_CREDENTIALS NOT_SENT   0"},
		{name: "expired token, then another", provider: &rotating{}, requests: 2,
			handler: answerTo(func(r *http.Request) bool { return keyOf(r) == "key-2" }, expired), want: "confirmed, 2 attempts"},
		{name: "expired token again", provider: &rotating{}, requests: 2,
			handler: expired, want: "COGNITO_CREDENTIALS NOT_APPLIED ExpiredTokenException  2"},
		{name: "expired token, static", provider: static, requests: 1,
			handler: expired, want: "COGNITO_CREDENTIALS NOT_APPLIED ExpiredTokenException  1"},
		{name: "clock off", provider: static, requests: 2,
			handler: answerTo(signedIn2040, answer(400, amzJSON, outOfDate, append(in2040, "X-Amzn-RequestId", "1")...)), want: "confirmed, 2 attempts"},
		{name: "clock off by a proxy's page", provider: static, requests: 1,
			handler: answer(400, amzJSON, outOfDate, in2040...), want: "COGNITO_CREDENTIALS NOT_APPLIED InvalidSignatureException  1"},
		{name: "clock off, and the configuration does not follow", provider: static, requests: 1, edit: func(c *Config) { c.AWS.DisableClockSkewCorrection = true },
			handler: answer(400, amzJSON, outOfDate, append(in2040, "X-Amzn-RequestId", "1")...), want: "COGNITO_CREDENTIALS NOT_APPLIED InvalidSignatureException  1"},
		{name: "clock off, again", provider: static, requests: 2,
			handler: func(w http.ResponseWriter, r *http.Request) {
				signed, _ := time.Parse(amzDate, r.Header.Get("X-Amz-Date"))
				answer(400, amzJSON, outOfDate, "X-Amzn-RequestId", "1", "Date", signed.Add(time.Hour).Format(http.TimeFormat))(w, r)
			}, want: "COGNITO_CREDENTIALS NOT_APPLIED InvalidSignatureException  2"},
		{name: "refused signature", provider: &rotating{}, requests: 1,
			handler: throws(400, "SignatureDoesNotMatch", "arn"), want: "COGNITO_CREDENTIALS NOT_APPLIED SignatureDoesNotMatch  1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				test.handler(w, r)
			}))
			defer server.Close()
			c := client(t, server.URL, func(c *Config) {
				c.AWS.Credentials, c.Attempts = test.provider, 3
				if test.edit != nil {
					test.edit(c)
				}
			})
			if got := confirm(t, t.Context(), c); got != test.want || requests != test.requests {
				t.Errorf("got %s after %d requests, want %s after %d", got, requests, test.want, test.requests)
			}
		})
	}
}

// Thousands of calls may come back with the same expired token: the cache is emptied once.
func TestExpiredTokensDoNotStormTheProvider(t *testing.T) {
	const callers = 64
	provider := &rotating{}
	var arrived sync.WaitGroup
	arrived.Add(callers)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if keyOf(r) != "key-1" {
			answer(200, amzJSON, "{}")(w, r)
			return
		}
		arrived.Done()
		arrived.Wait() // all are signed with the first key before one is refused
		throws(400, "ExpiredTokenException", "")(w, r)
	}))
	defer server.Close()
	c := client(t, server.URL, func(c *Config) { c.AWS.Credentials, c.Attempts = provider, 2 })
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			if got := confirm(t, t.Context(), c); got != "confirmed, 2 attempts" {
				t.Error(got)
			}
		})
	}
	done.Wait()
	if n := provider.fetched.Load(); n != 2 {
		t.Errorf("%d fetches for %d refused calls", n, callers)
	}
}

// A provider that gives the same expired token again is not asked at the rate of the calls.
func TestTheSameExpiredTokenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched := 0
		k := newKeys(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			fetched++
			return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
		}))
		for range 10 {
			used, err := k.get(t.Context(), keysTimeout)
			if err != nil {
				t.Fatal(err)
			}
			k.drop(t.Context(), used)
		}
		if fetched != 2 {
			t.Errorf("%d fetches at once", fetched)
		}
		time.Sleep(dropPause)
		used, _ := k.get(t.Context(), keysTimeout)
		if !k.drop(t.Context(), used) {
			t.Error("never asked again")
		}
	})
}

// A call that was refused while new credentials are on their way waits for those.
func TestDropWhileNewCredentialsAreFetched(t *testing.T) {
	provider, release := &rotating{}, make(chan struct{})
	k := newKeys(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		if provider.fetched.Load() > 0 {
			<-release
		}
		return provider.Retrieve(ctx)
	}))
	used, err := k.get(t.Context(), keysTimeout)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if !k.drop(t.Context(), used) {
			t.Error("another attempt would be signed with others, and is not made")
		}
	}
	close(release)
	if fresh, err := k.get(t.Context(), keysTimeout); err != nil || fresh.AccessKeyID == used.AccessKeyID {
		t.Errorf("%s, %v", fresh.AccessKeyID, err)
	}
}

// A credentials endpoint that hangs holds a call for a few seconds, and the call says what it was. The deadline of the call
// keeps its own row.
func TestHangingCredentials(t *testing.T) {
	const hang = time.Hour
	hanging := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		time.Sleep(hang)
		return aws.Credentials{}, errors.New("canary")
	})
	late := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		time.Sleep(2 * MinAttempt)
		return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, nil
	})
	tests := []struct {
		name     string
		provider aws.CredentialsProvider
		attempt  time.Duration
		deadline time.Duration
		want     string
		after    time.Duration
	}{
		{"hangs", hanging, 0, 0, "COGNITO_CREDENTIALS NOT_SENT   0", 5 * time.Second},
		{"the attempt's time ends", hanging, time.Second, 0, "COGNITO_CREDENTIALS NOT_SENT   0", time.Second},
		{"the attempt's time ends while they arrive", late, MinAttempt, 0, "COGNITO_CREDENTIALS NOT_SENT   0", MinAttempt},
		{"the deadline ends", hanging, 0, time.Second, "DEADLINE_EXCEEDED NOT_SENT   0", time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := client(t, "", func(c *Config) { c.AWS.Credentials, c.AttemptTimeout = test.provider, test.attempt })
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				start := time.Now()
				got := confirm(t, ctx, c)
				if took := time.Since(start); got != test.want || took != test.after {
					t.Errorf("got %s after %s, want %s after %s", got, took, test.want, test.after)
				}
				time.Sleep(hang) // the fetch goes on, and a bubble waits for its goroutines
			})
		})
	}
}

// The requests for credentials are bounded, one by one.
func TestCredentialsEndpointHasATimeout(t *testing.T) {
	emptyAWS(t)
	cfg, err := Load(t.Context(), "us-east-1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	client, ok := cfg.HTTPClient.(interface{ GetTimeout() time.Duration })
	if !ok || client.GetTimeout() != credentialsHTTPTimeout {
		t.Errorf("%T has no timeout of %s", cfg.HTTPClient, credentialsHTTPTimeout)
	}
}

// An attempt whose own time ends while it waits for a connection was not sent.
func TestAttemptEndsBeforeItIsSent(t *testing.T) {
	const dial = time.Minute
	synctest.Test(t, func(t *testing.T) {
		c := client(t, "http://127.0.0.1", func(c *Config) {
			c.AttemptTimeout = MinAttempt
			c.DialContext = func(context.Context, string, string) (net.Conn, error) {
				time.Sleep(dial)
				return nil, errors.New("canary")
			}
		})
		if got, want := confirm(t, t.Context(), c), "COGNITO_UNREACHABLE NOT_SENT   0"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		time.Sleep(dial) // the transport goes on dialling, and a bubble waits for its goroutines
	})
}

// A proxy that refuses to connect is named, and so is one that can't be reached.
func TestProxyProblems(t *testing.T) {
	for status, want := range map[int]string{407: "proxy answered 407", 502: "proxy answered 502"} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect {
				t.Errorf("the proxy got %s", r.Method)
			}
			w.WriteHeader(status)
		}))
		checkProxy(t, proxy.URL, want)
		proxy.Close()
		checkProxy(t, proxy.URL, "proxy: connection refused")
	}
}

func checkProxy(t *testing.T, address, want string) {
	t.Helper()
	c := client(t, "https://cognito.example.com", func(c *Config) {
		c.AWS.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
			tr.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(address) }
		})
	})
	_, err := c.ConfirmSignUp(t.Context(), ConfirmSignUp{UserPoolID: "us-east-1_EXAMPLE01", Username: "user-1"})
	var failed *Error
	if !errors.As(err, &failed) || failed.Cause != Unreachable || failed.Outcome != NotSent || failed.Problem != want {
		t.Errorf("got %v with the problem %q, want %q", err, failed.Problem, want)
	}
}

// A kept connection that turns out to be dead before anything was written is not an attempt that was sent.
func TestDeadIdleConnection(t *testing.T) {
	server := httptest.NewServer(answer(200, amzJSON, "{}"))
	defer server.Close()
	var dead atomic.Bool
	c := client(t, server.URL, func(c *Config) {
		c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dead.Load() {
				return nil, syscall.ECONNREFUSED
			}
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return mortal{conn, &dead}, err
		}
	})
	if got := confirm(t, t.Context(), c); got != "confirmed, 1 attempts" {
		t.Fatal(got)
	}
	dead.Store(true)
	if got, want := confirm(t, t.Context(), c), "COGNITO_UNREACHABLE NOT_SENT   0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// mortal is a connection that takes nothing once it is dead.
type mortal struct {
	net.Conn
	dead *atomic.Bool
}

func (m mortal) Write(p []byte) (int, error) {
	if m.dead.Load() {
		return 0, syscall.EPIPE
	}
	return m.Conn.Write(p)
}

// The clock follows what would have a signature refused, and leaves what would not.
func TestClockFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for skew, follows := range map[time.Duration]bool{
			0: false, 3 * time.Minute: false, -3 * time.Minute: false, 5 * time.Minute: true, -5 * time.Minute: true,
		} {
			c := &clock{}
			date := time.Now().Add(skew).UTC().Format(http.TimeFormat)
			if got := c.follow(date); got != follows || follows && time.Until(c.now()) != skew {
				t.Errorf("%s: followed %t, the clock is %s off", skew, got, time.Until(c.now()))
			}
		}
	})
}

// Attempts that got no connection are repeated.
func TestUnreachableIsRepeated(t *testing.T) {
	server := httptest.NewServer(answer(200, amzJSON, "{}"))
	defer server.Close()
	var dials atomic.Int32
	c := client(t, server.URL, func(c *Config) {
		c.Attempts = 2
		c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1) == 1 {
				return nil, syscall.ECONNREFUSED
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	})
	if got := confirm(t, t.Context(), c); got != "confirmed, 1 attempts" {
		t.Error(got)
	}
}
