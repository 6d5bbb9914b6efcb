package cognitoclient

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	contentType  = "application/x-amz-json-1.1"
	targetPrefix = "AWSCognitoIdentityProviderService."
)

// attempt is what is known of one try to call Cognito. The zero cause is a strict success.
type attempt struct {
	cause Cause
	// sent: it got a connection.
	sent bool
	// status is the HTTP status of a complete response, or 0; requestID to triggerError are read from that response.
	status       int
	requestID    string
	exception    string
	reasonCode   string
	violations   []Violation
	userStatus   string
	trigger      string
	triggerError string
	// problem says in fixed words why there is no usable response.
	problem string
	// renewed: the credentials or the clock with which it was signed were replaced since, so that another may succeed.
	renewed bool
	// checksEffect: it was made to find out whether the effect stands although the trigger failed.
	checksEffect bool
}

// attempt fetches the credentials and takes what it needs, a slot and room for the body, then begins the exchange, whose time
// begins with it.
func (c *Client) attempt(ctx context.Context, op *operation, r request) (a attempt) {
	if cause := Ended(ctx); cause != 0 {
		return attempt{cause: cause}
	}
	keys, a := c.credentials(ctx)
	if a.cause != 0 {
		return a
	}
	if cause := c.take(ctx, r.pool); cause != 0 {
		return attempt{cause: cause}
	}
	defer c.slots.Give(r.pool)
	if keys.Expired() { // during the wait
		if keys, a = c.credentials(ctx); a.cause != 0 {
			return a
		}
	}
	if !c.bodies.take(r.size) {
		return attempt{cause: Overloaded}
	}
	defer c.bodies.give(r.size)
	return c.exchange(ctx, op, r, keys)
}

// exchange signs the request, sends it once and classifies what came of it.
func (c *Client) exchange(ctx context.Context, op *operation, r request, keys aws.Credentials) (a attempt) {
	start := time.Now()
	defer func() { c.observe(a, time.Since(start)) }()
	bounded, cancel := context.WithTimeout(ctx, c.attemptTimeout)
	defer cancel()

	req, err := c.newRequest(bounded, op, r, keys)
	if err != nil {
		return unsent(ctx, Bug, "the request could not be made")
	}
	resp, connected, err := c.send(bounded, req)
	switch {
	case err == nil: // a complete response counts even if the context has ended meanwhile
		a = c.classify(op, r, resp)
		a.renewed = c.renew(ctx, a, resp, keys)
		return a
	case connected:
		return attempt{cause: orEnded(ctx, ResponseLost), sent: true, problem: problem(err)}
	default:
		return unsent(ctx, Unreachable, problem(err))
	}
}

// credentials returns those to sign with, or the attempt that fails without them.
func (c *Client) credentials(ctx context.Context) (aws.Credentials, attempt) {
	start := time.Now()
	keys, err := c.keys.get(ctx, min(keysTimeout, c.attemptTimeout))
	if err == nil {
		return keys, attempt{}
	}
	a := unsent(ctx, Credentials, c.keys.problem(err))
	c.observe(a, time.Since(start))
	return aws.Credentials{}, a
}

// observe reports the attempt. A response of a healthy Cognito adds to the budget.
func (c *Client) observe(a attempt, took time.Duration) {
	if c.fromCognito(a) && !a.cause.fact().load {
		c.budget.earn()
	}
	c.onAttempt(a.cause, took)
}

// fromCognito reports whether the attempt has a response that can be trusted to be Cognito's.
func (c *Client) fromCognito(a attempt) bool {
	return a.status != 0 && a.cause != ResponseLost && (a.requestID != "" || !c.endpoint.aws)
}

// refused reports whether the attempt was not made because no slot was free, or no room for its body.
func (a attempt) refused() bool { return a.cause == PoolBusy || a.cause == Overloaded }

// unsent is an attempt that got no connection. If the call itself has ended, that is the cause.
func unsent(ctx context.Context, cause Cause, problem string) attempt {
	return attempt{cause: orEnded(ctx, cause), problem: problem}
}

func orEnded(ctx context.Context, cause Cause) Cause {
	if end := Ended(ctx); end != 0 {
		return end
	}
	return cause
}

// newRequest makes a signed request.
func (c *Client) newRequest(ctx context.Context, op *operation, r request, keys aws.Credentials) (*http.Request, error) {
	body, err := json.Marshal(r.members)
	if err != nil {
		return nil, err
	}
	userAgent := c.userAgent
	if id := identifier(r.id, "._:-"); id != "" {
		userAgent += " request/" + id
	}
	target := *c.endpoint.url // the signer writes to it
	req := &http.Request{
		Method: http.MethodPost,
		URL:    &target,
		Host:   target.Host,
		Header: http.Header{
			"Content-Type": {contentType},
			"X-Amz-Target": {targetPrefix + op.name},
			"User-Agent":   {userAgent},
		},
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(bytes.NewReader(body)),
		// net/http asks for it where a kept connection turned out to be dead before a byte was written.
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}
	sum := sha256.Sum256(body)
	return req, c.signer.SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), signingName, c.endpoint.signingRegion, c.clock.now())
}

// response is a complete HTTP response.
type response struct {
	status int
	header http.Header
	body   []byte
}

// send sends the request once, follows no redirect and reads the whole response. An error's type cannot tell whether a
// request was sent, so the connection decides: without one, nothing was sent.
func (c *Client) send(ctx context.Context, req *http.Request) (resp response, connected bool, err error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// net/http asks for another connection only while nothing was written: a POST is not repeated otherwise.
		GetConn: func(string) { connected = false },
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	})
	got, err := c.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return response{}, connected, err
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode == http.StatusSwitchingProtocols {
		return response{}, connected, errSwitchedProtocols // its body is the bare connection, whose reads no context ends
	}
	body, err := io.ReadAll(io.LimitReader(got.Body, maxResponse+1))
	if err == nil && len(body) > maxResponse {
		err = errResponseTooLong
	}
	return response{got.StatusCode, got.Header, body}, connected, err
}

// renew replaces what the attempt was signed with, if Cognito refused it for being too old, and reports whether it did.
func (c *Client) renew(ctx context.Context, a attempt, resp response, used aws.Credentials) bool {
	if a.cause != Credentials {
		return false
	}
	if isExpiredToken(a.exception) {
		return c.keys.drop(ctx, used)
	}
	return a.requestID != "" && c.clock.follow(resp.header.Get("Date"))
}
