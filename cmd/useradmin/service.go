package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/server"
)

// serviceFlags are the settings that serve and dev share.
type serviceFlags struct {
	Listen         string        `default:"127.0.0.1:50051" placeholder:"ADDRESS" help:"Where to serve gRPC: host:port on loopback, or unix:/path (${default})."`
	ListenMode     socketMode    `default:"0660" placeholder:"MODE" help:"The mode of Unix sockets, in octal (${default})."`
	AdminListen    string        `placeholder:"ADDRESS" help:"Where to serve /metrics, /livez and /readyz over HTTP; nowhere if not given."`
	Attempts       int           `default:"3" help:"The most attempts that a call makes at Cognito (${default})."`
	AttemptTimeout time.Duration `default:"18s" help:"The most time that one attempt takes; Cognito itself runs a trigger up to three times five seconds (${default})."`
	CallTimeout    time.Duration `default:"20s" help:"The most time that a call takes that comes without a deadline (${default})."`
	MaxConnections int           `default:"256" help:"The most attempts at Cognito at once, and connections to it; a user pool takes one only while it has fewer than are free (${default})."`
	MaxWait        time.Duration `default:"2s" help:"The most time that an attempt waits to be one of them, and never more than a fifth of the time that the call has left (${default})."`
	DrainTimeout   time.Duration `default:"25s" help:"The most time from the signal to the end (${default})."`
	LogLevel       string        `default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error; health checks and reflection are logged at debug (${default})."`

	MaxCalls             int `default:"1000" help:"The most calls at once, streams too; a caller (with --authn none: a connection) takes a place only while it has fewer than are free (${default})."`
	MaxClientConnections int `default:"1100" help:"The most connections of callers; at the bound the one that is idle for longest is closed (${default})."`

	// Only serve lets the network in.
	access, adminAccess access
	// gate is what the command says of callers; the zero value lets in everybody.
	gate gateFlags
}

// maxMaxWait bounds --max-wait: whoever waits longer than this is better served by a refusal.
const maxMaxWait = 10 * time.Second

func (f *serviceFlags) check() error {
	switch {
	case f.Attempts < 1 || f.Attempts > 10:
		return usageError{errors.New("--attempts must be from 1 to 10")}
	case f.AttemptTimeout < cognitoclient.MinAttempt:
		return usageError{fmt.Errorf("--attempt-timeout must be at least %s", cognitoclient.MinAttempt)}
	case f.CallTimeout < cognitoclient.MinAttempt || f.CallTimeout >= server.MaxCallTimeout:
		return usageError{fmt.Errorf("--call-timeout must be at least %s and less than %s", cognitoclient.MinAttempt, server.MaxCallTimeout)}
	case f.MaxConnections < 1:
		return usageError{errors.New("--max-connections must be at least 1")}
	case f.MaxWait < time.Millisecond || f.MaxWait > maxMaxWait:
		return usageError{fmt.Errorf("--max-wait must be from 1ms to %s", maxMaxWait)}
	case f.MaxCalls < 1:
		return usageError{errors.New("--max-calls must be at least 1")}
	case f.MaxClientConnections < server.LeastInbound(f.MaxCalls):
		return usageError{fmt.Errorf("--max-client-connections must be at least %d with --max-calls %d, so that one of them is always idle",
			server.LeastInbound(f.MaxCalls), f.MaxCalls)}
	case f.DrainTimeout < time.Second:
		return usageError{errors.New("--drain-timeout must be at least 1s")}
	default:
		return nil
	}
}

// service is what a command runs: the listeners are open, nothing is served yet.
type service struct {
	client *cognitoclient.Client
	server *server.Server
	lis    net.Listener
	admin  *admin
	gate   *gate
	logger *slog.Logger
	// registry takes the metrics.
	registry *prometheus.Registry
	// upstream is the endpoint if it is not Cognito's own; region is its Region.
	upstream, region string
}

// newService makes the service of the flags. The given configurations have what the flags don't say.
func newService(f *serviceFlags, logger *slog.Logger, upstream cognitoclient.Config, edge server.Config) (_ *service, err error) {
	registry := newRegistry()
	attempts, err := server.NewAttemptMetrics(registry)
	if err != nil {
		return nil, err
	}
	upstream.Attempts, upstream.AttemptTimeout, upstream.MaxConnections = f.Attempts, f.AttemptTimeout, f.MaxConnections
	upstream.MaxWait = f.MaxWait
	upstream.Random, upstream.OnAttempt = rand.Float64, attempts.Observe
	upstream.Version = release()
	client, err := cognitoclient.New(upstream)
	if err != nil {
		return nil, usageError{err}
	}
	if err := server.RegisterSlots(registry, client.Slots); err != nil {
		return nil, err
	}
	if err := registry.Register(newExpiryCollector(client.CredentialsExpiry)); err != nil {
		return nil, err
	}
	edge.CallTimeout, edge.DrainTimeout = f.CallTimeout, f.DrainTimeout
	edge.MaxCalls, edge.MaxInbound = f.MaxCalls, f.MaxClientConnections
	edge.Region, edge.Ready = upstream.AWS.Region, readiness(client)
	edge.Logger, edge.Registerer = logger, registry
	gate, err := newGate(f.gate, logger, registry)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			gate.close()
		}
	}()
	gate.configure(&edge)
	srv, err := server.New(client, edge)
	if err != nil {
		return nil, usageError{err}
	}
	s := &service{client: client, server: srv, gate: gate, logger: logger, registry: registry, upstream: upstream.Endpoint, region: upstream.AWS.Region}
	if s.lis, err = f.grpcAddress().listen(); err != nil {
		return nil, err
	}
	if s.admin, err = newAdmin(f.adminAddress(), registry, srv.Ready); err != nil {
		_ = s.lis.Close()
		return nil, err
	}
	return s, nil
}

// readiness waits for the first credentials; the chain can hang where there is nobody to ask.
func readiness(client *cognitoclient.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		return client.FetchCredentials(ctx)
	}
}

// collectSeldom lets the heap grow, since what lives is a few MiB: by default the collector would run every few dozen
// calls. GOGC in the environment wins.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// run serves until a signal, then drains. A second signal ends calls, a third one cuts them. It greets once signals do so.
func (s *service) run(greet func()) error {
	collectSeldom()
	limitMemory()
	ctx, drain := context.WithCancel(context.Background())
	defer drain()
	go escalate(stopSignals(), drain, s.server.Hurry, s.server.Stop)
	greet()
	go s.admin.serve(s.logger)
	defer s.admin.close()
	s.gate.follow(ctx, s.server)
	defer s.gate.close()
	s.logger.Info("serving", "address", s.lis.Addr().String(), "authn", s.gate.flags.Authn, "policy", s.gate.sum(), "region", s.region, "cognito_endpoint", s.upstream, "version", version())
	if err := s.server.Serve(ctx, s.lis); err != nil {
		return err
	}
	s.logger.Info("stopped")
	return nil
}

// level is that of the flag, whose names are slog's.
func (f *serviceFlags) level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// newLogger writes lines of JSON or text.
func newLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
