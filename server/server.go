// Package server is the gRPC edge: it serves useradmin.v1.UserAdmin and turns what happened to a call into the answers
// and errors of that package's contract.
//
// A call passes the log line and metrics, the conversion of errors into statuses, recovery and the handler, in this
// order: whatever can fail runs inside recovery, whatever must see the outcome runs outside of it.
package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // callers may compress; the message limit holds for what is decompressed
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/audit"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/fair"
	"cognito.internal/useradmin/internal/policy"
)

// Defaults of Config.
const (
	DefaultCallTimeout   = 20 * time.Second
	DefaultDrainTimeout  = 25 * time.Second
	DefaultConnectionAge = 10 * time.Minute
	DefaultMaxCalls      = 1_000
	DefaultMaxInbound    = 1_100
)

// MaxCallTimeout bounds every call, and CallTimeout must stay below it. A connection that is told to go is cut after
// connectionAgeGrace, with a bare status; calls end before that.
const MaxCallTimeout = connectionAgeGrace * 9 / 10

const (
	connectionAgeGrace   = 2 * time.Minute
	maxConcurrentStreams = 100
	maxMessageBytes      = 64 << 10 // decompressed
	// A window that is smaller than a message would be doubled for it. Windows that grow would let half-sent messages
	// take hundreds of MiB.
	streamWindowBytes     = maxMessageBytes + 2<<10
	connectionWindowBytes = 1 << 20
	maxHeaderListBytes    = 32 << 10
	idleTimeout           = 5 * time.Minute
	keepaliveMinTime      = 10 * time.Second
	handshakeTimeout      = 10 * time.Second
)

const serviceName = "useradmin.v1.UserAdmin"

// Config is what New needs. Its zero value works.
type Config struct {
	// CallTimeout bounds a call that comes without a deadline; 0 means DefaultCallTimeout.
	CallTimeout time.Duration
	// DrainDelay is how long the server goes on serving after its health says NOT_SERVING; 0 means not at all.
	DrainDelay time.Duration
	// DrainTimeout bounds the whole drain, DrainDelay included; 0 means DefaultDrainTimeout.
	DrainTimeout time.Duration
	// ConnectionAge is when a connection is told to go, so that callers spread over new replicas; 0 means
	// DefaultConnectionAge.
	ConnectionAge time.Duration
	// MaxCalls bounds the calls under way, streams too; a caller, or with authn.None a connection, takes a place only while it has
	// fewer than are free.
	// 0 means DefaultMaxCalls.
	MaxCalls int
	// MaxInbound bounds the connections of callers; 0 means DefaultMaxInbound. It must be so much larger than MaxCalls that
	// there is always an idle one.
	MaxInbound int
	// Region is the AWS Region that the service calls; some error details name it.
	Region string
	// Reflection turns on gRPC reflection, v1 and v1alpha.
	Reflection bool
	// Logger gets one line a call; nil means slog.Default().
	Logger *slog.Logger
	// Registerer takes the metrics; nil means that nobody can read them.
	Registerer prometheus.Registerer
	// Authn is how callers prove who they are: authn.None, which is the default, authn.MTLS or authn.XFCC.
	Authn string
	// TLS makes the handshakes of authn.MTLS, and is nil otherwise.
	TLS *authn.TLS
	// Policy returns the policy in use. Nil with authn.None, otherwise required.
	Policy func() *policy.Policy
	// Audit gets a line before each call is carried out and one after it; nil means that there is no audit log.
	Audit *audit.Log
	// NewRequestID makes the id of a call that comes without a usable one, of the form [A-Za-z0-9._:-]{1,64}; nil means
	// random text.
	NewRequestID func() string
	// Jitter gives numbers in [0,1) for the delays that callers are told; nil means random ones.
	Jitter func() float64
	// Ready blocks until the first credentials are there. Serve runs it in the background, again after a pause
	// while it fails; the service's health is SERVING once it succeeded. Nil means ready at once.
	Ready func(context.Context) error
}

// Server serves useradmin.v1.UserAdmin, health and, if asked to, reflection.
type Server struct {
	config   Config
	cognito  Cognito
	grpc     *grpc.Server
	health   *health.Server
	metrics  *metrics
	contract []row
	// methods are the full names of all that are served, rpcs those of UserAdmin.
	methods map[string]bool
	rpcs    map[string]*rpc

	// calls are the places of calls, checks those of health checks.
	calls, checks *fair.Places[holder]
	connections   *connections
	refusals      sampled
	// trust counts the changes of the CAs that verify callers.
	trust atomic.Int64
	// warned says that the log has the warning about headers that prove nothing.
	warned atomic.Bool

	served atomic.Bool
	// halted ends the handlers' contexts with stopping as the cause.
	halted context.Context
	halt   context.CancelCauseFunc
	// streams is done once the drain delay is over; it ends those that would otherwise never end.
	streams    context.Context
	endStreams context.CancelFunc
	// hurried is closed by Hurry, stopped by Stop.
	hurried, stopped    chan struct{}
	hurryOnce, stopOnce sync.Once
}

// userAdmin handles the calls of useradmin.v1.UserAdmin; each RPC is in a file of its own.
type userAdmin struct {
	useradminv1.UnimplementedUserAdminServer
	server *Server
}

// stopping is the cause with which handlers' contexts are cancelled when the server stops under them.
type stopping struct{}

func (stopping) Error() string { return "the server is stopping" }

// New makes a server in front of Cognito. It opens nothing.
func New(cognito Cognito, config Config) (*Server, error) {
	if cognito == nil {
		return nil, errors.New("no Cognito is configured")
	}
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	metrics, err := newMetrics(config.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	s := &Server{
		config:   config,
		cognito:  cognito,
		health:   health.NewServer(),
		metrics:  metrics,
		contract: contract(),
		methods:  map[string]bool{},
		rpcs:     map[string]*rpc{},
		hurried:  make(chan struct{}),
		calls:    fair.New[holder](config.MaxCalls),
		checks:   fair.New[holder](maxChecks),
		stopped:  make(chan struct{}),
	}
	s.connections = &connections{bound: config.MaxInbound, evicted: metrics.evicted}
	if err := s.registerUse(config.Registerer); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if config.Policy != nil {
		s.PolicyChanged(nil, config.Policy())
	}
	if config.TLS != nil {
		s.metrics.beginHandshakes()
	}
	s.halted, s.halt = context.WithCancelCause(context.Background())
	s.streams, s.endStreams = context.WithCancel(context.Background())
	s.grpc = grpc.NewServer(s.options()...)
	if err := s.register(); err != nil {
		return nil, err
	}
	if err := registerReady(config.Registerer, s); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return s, nil
}

// Ready reports whether health says SERVING for useradmin.v1.UserAdmin, so that every probe gives the same answer.
func (s *Server) Ready() bool {
	resp, err := s.health.Check(context.Background(), &grpc_health_v1.HealthCheckRequest{Service: serviceName})
	return err == nil && resp.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING
}

func (c Config) withDefaults() Config {
	c.CallTimeout = cmp.Or(c.CallTimeout, DefaultCallTimeout)
	c.DrainTimeout = cmp.Or(c.DrainTimeout, DefaultDrainTimeout)
	c.ConnectionAge = cmp.Or(c.ConnectionAge, DefaultConnectionAge)
	c.MaxCalls = cmp.Or(c.MaxCalls, DefaultMaxCalls)
	c.MaxInbound = cmp.Or(c.MaxInbound, DefaultMaxInbound)
	c.Authn = cmp.Or(c.Authn, authn.None)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.NewRequestID == nil {
		c.NewRequestID = rand.Text
	}
	if c.Jitter == nil {
		c.Jitter = mathrand.Float64
	}
	return c
}

// LeastInbound is the least that Config.MaxInbound may be: with it, one connection is always idle.
func LeastInbound(maxCalls int) int { return maxCalls + maxChecks + 1 }

func (c Config) check() error {
	for name, value := range map[string]time.Duration{
		"call timeout": c.CallTimeout, "drain delay": c.DrainDelay, "drain timeout": c.DrainTimeout,
		"connection age": c.ConnectionAge,
	} {
		if value < 0 {
			return fmt.Errorf("the %s can't be negative", name)
		}
	}
	if err := c.checkAuthn(); err != nil {
		return err
	}
	if c.CallTimeout >= MaxCallTimeout {
		return fmt.Errorf("the call timeout (%s) must be shorter than %s", c.CallTimeout, MaxCallTimeout)
	}
	if c.DrainDelay >= c.DrainTimeout {
		return fmt.Errorf("the drain delay (%s) must be shorter than the drain timeout (%s)", c.DrainDelay, c.DrainTimeout)
	}
	if c.MaxCalls < 1 {
		return errors.New("the most calls at once must be at least 1")
	}
	if least := LeastInbound(c.MaxCalls); c.MaxInbound < least {
		return fmt.Errorf("%d connections of callers are too few for %d calls at once: there must be at least %d, so that one is always idle",
			c.MaxInbound, c.MaxCalls, least)
	}
	return nil
}

// checkAuthn refuses what would leave a door open.
func (c Config) checkAuthn() error {
	switch {
	case !slices.Contains([]string{authn.None, authn.MTLS, authn.XFCC}, c.Authn):
		return fmt.Errorf("callers can't prove who they are by %q", c.Authn)
	case (c.Authn == authn.MTLS) != (c.TLS != nil):
		return errors.New("mtls needs certificates, and nothing else uses them")
	case (c.Authn == authn.None) != (c.Policy == nil):
		return errors.New("callers who prove who they are need a policy, and nobody else can use one")
	default:
		return nil
	}
}

// Serve serves on the listener, which it closes. It blocks until the context is canceled or the server fails; when the
// context is canceled it drains first. A server serves once.
func (s *Server) Serve(ctx context.Context, lis net.Listener) error {
	if !s.served.CompareAndSwap(false, true) {
		return errors.New("the server was served before")
	}
	if s.config.Authn == authn.XFCC && lis.Addr().Network() == "tcp" {
		_ = lis.Close()
		return errors.New("xfcc is for Unix sockets: over TCP, everybody could name a caller in the header")
	}
	background, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.awaitReady(background)

	ended := make(chan error, 1)
	go func() { ended <- s.grpc.Serve(listener{lis, s.connections}) }()
	select {
	case err := <-ended:
		s.end()
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		s.drain()
	case <-s.hurried:
		s.drain()
	case <-s.stopped:
	}
	s.end()
	if err := <-ended; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Hurry makes Serve drain without its delay and without waiting for calls: those under way end with SERVER_STOPPING and what
// is known of their outcome. It shortens a drain that has begun, too.
func (s *Server) Hurry() {
	s.hurryOnce.Do(func() {
		s.config.Logger.Warn("hurrying, ending the calls that remain")
		close(s.hurried)
	})
}

// Stop makes Serve return at once, in the middle of a drain too. Calls under way are cut.
func (s *Server) Stop() {
	s.stopOnce.Do(func() {
		s.config.Logger.Warn("stopping at once, cutting the calls that remain")
		close(s.stopped)
	})
}

func (s *Server) end() {
	s.health.Shutdown()
	s.endStreams()
	s.halt(stopping{})
	s.connections.endHandshakes()
	s.grpc.Stop()
}
