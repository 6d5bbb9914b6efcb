// Package cognitoclient confirms sign-ups in Amazon Cognito user pools and says exactly what it may claim about each.
//
// A call makes up to a few attempts. Each attempt is classified by what is known about it (never sent, answered, sent
// without a usable answer), and the call's claim is a pure function of its attempts. The package knows nothing of gRPC.
package cognitoclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Defaults of Config.
const (
	DefaultAttempts       = 3
	DefaultAttemptTimeout = 18 * time.Second // Cognito itself runs a trigger up to three times five seconds
	DefaultMaxConnections = 256
)

// MinAttempt is the least time in which an attempt is worth beginning. ConfirmSignUp begins the first one in any case:
// whoever sets the deadline knows whether it makes sense.
const MinAttempt = 100 * time.Millisecond

// Config is what New needs.
type Config struct {
	// AWS has the Region, the credentials and the HTTP client whose transport is adapted; Load makes one.
	AWS aws.Config
	// Endpoint replaces Cognito's own endpoint of the Region. It is https, or http on loopback.
	Endpoint string
	// Attempts is the most attempts that a call makes; 0 means DefaultAttempts.
	Attempts int
	// AttemptTimeout bounds one attempt; 0 means DefaultAttemptTimeout.
	AttemptTimeout time.Duration
	// MaxConnections bounds the connections to Cognito, busy and idle; 0 means DefaultMaxConnections.
	MaxConnections int
	// DialContext replaces the dialer; nil means TCP.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Random gives numbers in [0,1) for the jitter of back-offs. It is required and must be safe for concurrent use.
	Random func() float64
	// OnAttempt is told of every attempt that was made, the zero Cause meaning success; nil means nobody is.
	OnAttempt func(cause Cause, took time.Duration)
}

// Client calls Cognito. It is safe for concurrent use.
type Client struct {
	api            *cognitoidentityprovider.Client
	credentials    aws.CredentialsProvider
	exceptions     map[string]Cause
	attempts       int
	attemptTimeout time.Duration
	random         func() float64
	onAttempt      func(Cause, time.Duration)
}

// New makes a client. It sends nothing.
func New(cfg Config) (*Client, error) {
	switch {
	case cfg.AWS.Region == "":
		return nil, errNoRegion
	case cfg.AWS.Credentials == nil:
		return nil, errors.New("no AWS credentials are configured")
	case cfg.Random == nil:
		return nil, errors.New("no source of randomness is configured")
	case cfg.Attempts < 0 || cfg.AttemptTimeout < 0 || cfg.MaxConnections < 0:
		return nil, errors.New("attempts, attempt timeout and connections can't be negative")
	}
	if err := checkEndpoint(cfg.Endpoint); err != nil {
		return nil, err
	}
	c := &Client{
		credentials:    cfg.AWS.Credentials,
		exceptions:     exceptionCauses(),
		attempts:       cmp.Or(cfg.Attempts, DefaultAttempts),
		attemptTimeout: cmp.Or(cfg.AttemptTimeout, DefaultAttemptTimeout),
		random:         cfg.Random,
		onAttempt:      cfg.OnAttempt,
	}
	if c.onAttempt == nil {
		c.onAttempt = func(Cause, time.Duration) {}
	}
	c.api = newAPI(cfg)
	if err := rehearse(c.api); err != nil {
		return nil, err
	}
	return c, nil
}

var errRehearsal = errors.New("rehearsal")

// rehearse makes a call that ends before anything is sent. What it fails of, such as a Region that is no host name, or
// FIPS with an endpoint of one's own, every call would fail of.
func rehearse(api *cognitoidentityprovider.Client) error {
	_, err := api.AdminConfirmSignUp(context.Background(), &cognitoidentityprovider.AdminConfirmSignUpInput{
		UserPoolId: aws.String("pool"), Username: aws.String("user"),
	}, func(o *cognitoidentityprovider.Options) {
		o.HTTPClient = smithyhttp.ClientDoFunc(func(*http.Request) (*http.Response, error) { return nil, errRehearsal })
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "rehearsal", SecretAccessKey: "rehearsal"}, nil
		})
	})
	if !errors.Is(err, errRehearsal) {
		return fmt.Errorf("the AWS Region and settings lead to no endpoint: %w", errors.Unwrap(err))
	}
	return nil
}

func newAPI(cfg Config) *cognitoidentityprovider.Client {
	cfg.MaxConnections = cmp.Or(cfg.MaxConnections, DefaultMaxConnections)
	return cognitoidentityprovider.NewFromConfig(cfg.AWS, func(o *cognitoidentityprovider.Options) {
		o.HTTPClient = &httpClient{transport: newTransport(cfg)}
		o.Credentials = witnessedCredentials{cfg.AWS.Credentials}
		o.Retryer = aws.NopRetryer{} // its hidden second attempt would turn a lost answer into NotAuthorizedException
		if cfg.Endpoint != "" {
			o.BaseEndpoint = &cfg.Endpoint
		}
	})
}

// FetchCredentials gets the AWS credentials, so that the first call finds them there. Its errors are fit for logs:
// what AWS says of credentials has account ids and ARNs in it.
func (c *Client) FetchCredentials(ctx context.Context) error {
	_, err := c.credentials.Retrieve(ctx)
	var refused smithy.APIError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return errors.New("no AWS credentials came in time")
	case errors.As(err, &refused):
		return fmt.Errorf("AWS refuses to give credentials: %s", codeOnly(refused.ErrorCode()))
	default:
		return errors.New("no AWS credentials could be had: set them in the environment or the shared files, or give the container or the instance a role")
	}
}

// ConfirmSignUp confirms the user's sign-up. Its error is always an *Error.
//
// A deadline on ctx should leave the caller the time to report. A cancellation of ctx with a cause of its own ends
// the call with Stopping.
func (c *Client) ConfirmSignUp(ctx context.Context, r Request) (Result, error) {
	history := make([]attempt, 0, 4)
	for n := 1; ; n++ {
		last := c.attempt(ctx, r)
		history = append(history, last)
		if n == c.attempts || !last.repeatable() {
			break
		}
		delay := c.delay(last.cause, n)
		if timeLeft(ctx) < delay+MinAttempt {
			break
		}
		if cause := sleep(ctx, delay); cause != 0 {
			history = append(history, attempt{cause: cause})
			break
		}
	}
	return fold(history, r)
}

// delay is the back-off after the n-th attempt: doubled each time, half of it random.
func (c *Client) delay(last Cause, n int) time.Duration {
	first := 100 * time.Millisecond
	if last == TooManyRequests {
		first = 400 * time.Millisecond // the quota is per second
	}
	full := min(first<<min(n-1, 8), 4*time.Second)
	return full/2 + time.Duration(c.random()*float64(full/2))
}

// sleep waits for the delay. If the context ends first, it says how.
func sleep(ctx context.Context, delay time.Duration) Cause {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return 0
	case <-ctx.Done():
		return ended(ctx)
	}
}

func timeLeft(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return time.Duration(1<<63 - 1)
}

// ended says how the context ended, or zero if it has not.
func ended(ctx context.Context) Cause {
	switch {
	case ctx.Err() == nil:
		return 0
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return DeadlineExceeded
	case errors.Is(context.Cause(ctx), context.Canceled):
		return Cancelled
	default:
		return Stopping
	}
}

// codeOnly drops what is no error code: the text is the other side's.
func codeOnly(code string) string {
	if len(code) > 64 || strings.ContainsFunc(code, func(r rune) bool { return !unicode.IsLetter(r) || r > unicode.MaxASCII }) {
		return "(an odd code)"
	}
	return code
}
