// Package cognitoclient calls Amazon Cognito as an administrator and says exactly what it may claim about each call.
//
// A call makes up to a few attempts. Each attempt is classified by what is known about it (never sent, answered, sent
// without a usable response), and what the call claims is a pure function of its attempts. Each operation is in a file of
// its own; everything else is the same for all. The package knows nothing of gRPC.
//
// It speaks Cognito's protocol, AWS JSON 1.1, over net/http. Configuration, credentials, endpoints, signatures and the
// names of exceptions are the AWS SDK's.
package cognitoclient

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"cognito.internal/useradmin/internal/fair"
)

// Defaults of Config.
const (
	DefaultAttempts       = 3
	DefaultAttemptTimeout = 18 * time.Second // Cognito itself runs a trigger up to three times five seconds
	DefaultMaxConnections = 256
	DefaultMaxWait        = 2 * time.Second
)

// MinAttempt is the least time in which an attempt is worth beginning. A call begins its first one in any case: whoever
// sets the deadline knows whether it makes sense.
const MinAttempt = 100 * time.Millisecond

// Config is what New needs.
type Config struct {
	// AWS has the Region, the credentials and the HTTP client whose transport is adapted; Load makes one.
	AWS aws.Config
	// Endpoint replaces Cognito's own endpoint of the Region. It is https, or http on loopback.
	Endpoint string
	// Version is this program's, for the User-Agent header.
	Version string
	// Attempts is the most attempts that a call makes; 0 means DefaultAttempts. One more may follow a trigger's failure.
	Attempts int
	// AttemptTimeout bounds one attempt; 0 means DefaultAttemptTimeout.
	AttemptTimeout time.Duration
	// MaxConnections bounds the attempts under way, each of which has a connection, and the connections to Cognito, busy
	// and idle; 0 means DefaultMaxConnections. A user pool gets an attempt only while it has fewer than are free.
	MaxConnections int
	// MaxWait bounds how long an attempt waits to be one of them. It never waits for more than a fifth of the time that the
	// call has left. 0 means DefaultMaxWait.
	MaxWait time.Duration
	// DialContext replaces the dialer; nil means TCP.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Random gives numbers in [0,1) for the jitter of back-offs. It is required and must be safe for concurrent use.
	Random func() float64
	// OnAttempt is told of every attempt that was made, the zero Cause meaning success; nil means nobody is.
	OnAttempt func(cause Cause, took time.Duration)
}

// Client calls Cognito. It is safe for concurrent use.
type Client struct {
	endpoint       *endpoint
	transport      http.RoundTripper
	keys           *keys
	signer         *v4.Signer
	clock          *clock
	slots          *fair.Places[string] // by user pool
	bodies         bodies
	budget         budget
	exceptions     map[string]exception
	userAgent      string
	attempts       int
	attemptTimeout time.Duration
	maxWait        time.Duration
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
	case !adaptable(cfg.AWS.HTTPClient):
		return nil, errors.New("the AWS configuration has an HTTP client of its own, which this service does not use")
	case cfg.Random == nil:
		return nil, errors.New("no source of randomness is configured")
	case cfg.Attempts < 0 || cfg.AttemptTimeout < 0 || cfg.MaxConnections < 0 || cfg.MaxWait < 0:
		return nil, errors.New("attempts, attempt timeout, connections and wait can't be negative")
	}
	cfg.MaxConnections = cmp.Or(cfg.MaxConnections, DefaultMaxConnections)
	endpoint, err := resolveEndpoint(cfg)
	if err != nil {
		return nil, err
	}
	c := &Client{
		endpoint:       endpoint,
		transport:      newTransport(cfg),
		keys:           newKeys(cfg.AWS.Credentials),
		signer:         v4.NewSigner(),
		slots:          fair.New[string](cfg.MaxConnections),
		clock:          &clock{fixed: cfg.AWS.DisableClockSkewCorrection},
		exceptions:     exceptions(),
		userAgent:      userAgent(cfg),
		attempts:       cmp.Or(cfg.Attempts, DefaultAttempts),
		attemptTimeout: cmp.Or(cfg.AttemptTimeout, DefaultAttemptTimeout),
		maxWait:        cmp.Or(cfg.MaxWait, DefaultMaxWait),
		random:         cfg.Random,
		onAttempt:      cfg.OnAttempt,
	}
	if c.onAttempt == nil {
		c.onAttempt = func(Cause, time.Duration) {}
	}
	return c, nil
}

// userAgent names this program, its version and the application id of the SDK's configuration.
func userAgent(cfg Config) string {
	text := "useradmin"
	if version := identifier(cfg.Version, "._-+"); version != "" {
		text += "/" + version
	}
	if id := identifier(cfg.AWS.AppID, "._-+"); id != "" {
		text += " app/" + id
	}
	return text
}
