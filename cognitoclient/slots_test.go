package cognitoclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	okBody       = "{}"
	throttleBody = `{"__type":"TooManyRequestsException"}`
	lambdaBody   = `{"__type":"UnexpectedLambdaException","message":"PostConfirmation invocation failed due to error X."}`
)

// scripted is a client whose Cognito answers each request with what the function returns; an empty body is a cut
// connection.
func scripted(t *testing.T, edit func(*Config), respond func(r *http.Request) (body string)) *Client {
	t.Helper()
	c := client(t, "", edit)
	c.transport = transportFunc(func(r *http.Request) (*http.Response, error) {
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
		body := respond(r)
		if r.Context().Err() != nil {
			return nil, r.Context().Err()
		}
		status := http.StatusBadRequest
		switch body {
		case "":
			return nil, io.ErrUnexpectedEOF
		case okBody:
			status = http.StatusOK
		}
		header := http.Header{"Content-Type": {contentType}, requestIDHeader: {"c-1"}}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	})
	return c
}

// after answers with the body once the time is over, or when the attempt ends.
func after(wait time.Duration, body string) func(*http.Request) string {
	return func(r *http.Request) string {
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
		}
		return body
	}
}

// at calls for the pool and returns what became of it.
func at(ctx context.Context, c *Client, pool string) string {
	return told(c.ConfirmSignUp(ctx, ConfirmSignUp{UserPoolID: pool, Username: "user-1"}))
}

// tally counts results.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (y *tally) add(result string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.counts == nil {
		y.counts = map[string]int{}
	}
	y.counts[result]++
}

func (y *tally) want(t *testing.T, counts map[string]int) {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	if fmt.Sprint(y.counts) != fmt.Sprint(counts) {
		t.Errorf("got %v, want %v", y.counts, counts)
	}
}

// However many calls come, what is sent gets its whole time, and what is not sent says so.
func TestWaitingMakesNoUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, nil, after(10*time.Second, okBody))
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		var results tally
		var calls sync.WaitGroup
		for range 2_000 {
			calls.Go(func() { results.add(at(ctx, c, "us-east-1_Slow")) })
		}
		calls.Wait()
		results.want(t, map[string]int{"confirmed, 1 attempts": 116, "POOL_BUSY NOT_SENT   0": 1_884})
		if use := c.Slots(); use != (Slots{Free: 256}) {
			t.Errorf("afterwards %+v", use)
		}
	})
}

// The clock of an attempt starts with its slot: the wait before it does not cost the response.
func TestAttemptTimeStartsWithItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, func(c *Config) { c.MaxConnections, c.AttemptTimeout = 2, 3*time.Second }, after(2900*time.Millisecond, okBody))
		var calls sync.WaitGroup
		calls.Go(func() { _ = at(t.Context(), c, "us-east-1_A") })
		time.Sleep(time.Second)
		if got := at(t.Context(), c, "us-east-1_A"); got != "confirmed, 1 attempts" {
			t.Error(got)
		}
		calls.Wait()
	})
}

func TestWaitForASlot(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration
		maxWait time.Duration
		want    string
		took    time.Duration
	}{
		{"at most the default", time.Minute, 0, "POOL_BUSY NOT_SENT   0", 2 * time.Second},
		{"at most what is configured", time.Minute, time.Second, "POOL_BUSY NOT_SENT   0", time.Second},
		{"at most a fifth of the call", 5 * time.Second, 0, "POOL_BUSY NOT_SENT   0", time.Second},
		{"so that an attempt still fits", 110 * time.Millisecond, 0, "POOL_BUSY NOT_SENT   0", 10 * time.Millisecond},
		{"without time for one", 90 * time.Millisecond, 0, "POOL_BUSY NOT_SENT   0", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := scripted(t, func(c *Config) { c.MaxConnections, c.MaxWait = 2, test.maxWait }, after(15*time.Second, okBody))
				go at(t.Context(), c, "us-east-1_A")
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
				defer cancel()
				start := time.Now()
				if got := at(ctx, c, "us-east-1_A"); got != test.want || time.Since(start) != test.took {
					t.Errorf("%s after %s", got, time.Since(start))
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// Whoever leaves while waiting is told why, and that nothing was sent.
func TestEndsWhileWaitingForASlot(t *testing.T) {
	for cause, want := range map[error]string{nil: "CANCELLED NOT_SENT   0", errors.New("stop"): "SERVER_STOPPING NOT_SENT   0"} {
		synctest.Test(t, func(t *testing.T) {
			c := scripted(t, func(c *Config) { c.MaxConnections = 2 }, after(15*time.Second, okBody))
			go at(t.Context(), c, "us-east-1_A")
			synctest.Wait()
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(cause) })
			if got := at(ctx, c, "us-east-1_A"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			time.Sleep(time.Minute)
		})
	}
}

// Everybody holds a slot: a pool that comes now is told that the process is full.
func TestOverloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, func(c *Config) { c.MaxConnections = 2 }, after(15*time.Second, okBody))
		go at(t.Context(), c, "us-east-1_A")
		go at(t.Context(), c, "us-east-1_B")
		synctest.Wait()
		if got := at(t.Context(), c, "us-east-1_C"); got != "OVERLOADED NOT_SENT   0" {
			t.Error(got)
		}
		if got := at(t.Context(), c, "us-east-1_A"); got != "POOL_BUSY NOT_SENT   0" {
			t.Error(got)
		}
		time.Sleep(time.Minute)
	})
}

// A pool whose trigger hangs holds its share and no more: the calls of the other find a slot at once.
func TestSlowPoolDoesNotStarveOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, nil, func(r *http.Request) string {
			body, _ := r.GetBody()
			text, _ := io.ReadAll(body)
			if strings.Contains(string(text), "us-east-1_Slow") {
				return after(time.Hour, "")(r)
			}
			return okBody
		})
		ctx, stop := context.WithCancel(t.Context())
		var slow sync.WaitGroup
		for range 256 {
			slow.Go(func() {
				for ctx.Err() == nil {
					_ = at(ctx, c, "us-east-1_Slow")
				}
			})
		}
		time.Sleep(time.Second)
		start := time.Now()
		for range 1_000 {
			if got := at(t.Context(), c, "us-east-1_Good"); got != "confirmed, 1 attempts" {
				t.Fatal(got)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the good calls waited, in all %s", took)
		}
		stop()
		slow.Wait()
	})
}

// Nor do many pools that hang, one after the other: the reserve is for those that hold nothing.
func TestManySlowPoolsDoNotStarveOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, nil, after(15*time.Second, okBody))
		var calls sync.WaitGroup
		for pool := range 20 {
			for range 256 {
				calls.Go(func() { _ = at(t.Context(), c, fmt.Sprintf("us-east-1_Slow%d", pool)) })
			}
			synctest.Wait()
		}
		start := time.Now()
		if got := at(t.Context(), c, "us-east-1_Good"); got != "confirmed, 1 attempts" || time.Since(start) != 15*time.Second {
			t.Errorf("%s after %s", got, time.Since(start))
		}
		calls.Wait()
	})
}

// A call that waits for its next attempt holds no slot.
func TestNoSlotIsHeldInABackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := scripted(t, func(c *Config) { c.MaxConnections, c.Attempts = 2, 2 }, func(*http.Request) string {
			if n++; n == 1 {
				return throttleBody
			}
			return okBody
		})
		var calls sync.WaitGroup
		calls.Go(func() {
			if got := at(t.Context(), c, "us-east-1_A"); got != "confirmed, 2 attempts" {
				t.Error(got)
			}
		})
		synctest.Wait() // it is throttled and waits
		start := time.Now()
		if got := at(t.Context(), c, "us-east-1_A"); got != "confirmed, 1 attempts" || time.Since(start) != 0 {
			t.Errorf("%s after %s", got, time.Since(start))
		}
		calls.Wait()
	})
}

// A later attempt that gets no slot was not made: the attempts before it say what the call may claim.
func TestLaterAttemptWithoutASlot(t *testing.T) {
	for body, want := range map[string]string{
		throttleBody: "TOO_MANY_REQUESTS NOT_APPLIED TooManyRequestsException  1",
		lambdaBody:   "LAMBDA_FAILED UNKNOWN UnexpectedLambdaException  1",
		"":           "COGNITO_RESPONSE_LOST UNKNOWN   1",
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := scripted(t, func(c *Config) { c.MaxConnections, c.Attempts = 2, 3 }, func(r *http.Request) string {
				if n++; n == 1 {
					return after(time.Second, body)(r)
				}
				return after(15*time.Second, okBody)(r)
			})
			var calls sync.WaitGroup
			calls.Go(func() {
				if got := at(t.Context(), c, "us-east-1_A"); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
			time.Sleep(500 * time.Millisecond)
			calls.Go(func() { _ = at(t.Context(), c, "us-east-1_A") }) // waits for the slot and gets it
			calls.Wait()
		})
	}
}

// Whoever waits for credentials waits without a slot, and is told the truth.
func TestNoSlotIsHeldWithoutCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(t, "", func(c *Config) {
			c.MaxConnections = 2
			c.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				time.Sleep(time.Minute)
				return aws.Credentials{}, errors.New("nobody answers")
			})
		})
		var calls sync.WaitGroup
		for range 10 {
			calls.Go(func() {
				if got := at(t.Context(), c, "us-east-1_A"); got != "COGNITO_CREDENTIALS NOT_SENT   0" {
					t.Error(got)
				}
			})
		}
		calls.Wait()
		time.Sleep(2 * time.Minute) // until the provider has returned
	})
}

// Credentials that expire while the attempt waits for its slot are not used.
func TestCredentialsThatExpireInTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var signed []string
		c := scripted(t, func(c *Config) {
			c.MaxConnections = 2
			c.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				n++
				return aws.Credentials{AccessKeyID: fmt.Sprintf("KEY%d", n), SecretAccessKey: "s", CanExpire: true, Expires: time.Now().Add(time.Second)}, nil
			})
		}, func(r *http.Request) string {
			signed = append(signed, r.Header.Get("Authorization"))
			return after(1500*time.Millisecond, okBody)(r)
		})
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() {
				if got := at(t.Context(), c, "us-east-1_A"); got != "confirmed, 1 attempts" {
					t.Error(got)
				}
			})
		}
		calls.Wait()
		if len(signed) != 2 || !strings.Contains(signed[0], "KEY1/") || !strings.Contains(signed[1], "KEY2/") {
			t.Errorf("signed with %q", signed)
		}
	})
}

// Bodies that JSON makes six times as long have a bound of their own. Whoever finds no room for one is told that nothing was
// sent; ordinary requests are never in its way.
func TestLargeBodiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, nil, after(10*time.Second, okBody))
		confirmed := func(pool, value string) string {
			return told(c.ConfirmSignUp(t.Context(), ConfirmSignUp{UserPoolID: pool, Username: "user-1", ClientMetadata: map[string]string{"k": value}}))
		}
		var results, small tally
		var calls sync.WaitGroup
		for i := range 200 {
			pool := fmt.Sprintf("us-east-1_%d", i%50)
			calls.Go(func() { results.add(confirmed(pool, strings.Repeat("\x01", 32<<10))) })
		}
		synctest.Wait()
		for range 10 {
			calls.Go(func() { small.add(confirmed("us-east-1_Good", "spring")) })
		}
		calls.Wait()
		fits := maxBodies / (6*32<<10 + len("user-1") + len("us-east-1_00") + len("k"))
		results.want(t, map[string]int{"confirmed, 1 attempts": fits, "OVERLOADED NOT_SENT   0": 200 - fits})
		small.want(t, map[string]int{"confirmed, 1 attempts": 10})
		if held := c.bodies.held.Load(); held != 0 {
			t.Errorf("%d bytes are left", held)
		}
	})
}

func TestJSONSize(t *testing.T) {
	for r := range rune(0x11000) {
		text, err := json.Marshal(string(r))
		if size := jsonSize(string(r)); err != nil || size < len(text)-2 || size > len(text)+3 {
			t.Errorf("%U: %d, %s", r, size, text)
		}
	}
}

// As much metadata as the service takes fits into every slot.
func TestOrdinaryBodiesFit(t *testing.T) {
	if DefaultMaxConnections*(32<<10+1<<10) > maxBodies {
		t.Error("32 KiB of metadata do not fit into each slot")
	}
}
