package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// stub is a Cognito of which a test needs one method.
type stub struct {
	Cognito
	confirm confirmFunc
}

type confirmFunc func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error)

func (s stub) ConfirmSignUp(ctx context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
	return s.confirm(ctx, r)
}

func confirming(f confirmFunc) Cognito { return stub{confirm: f} }

func succeeding() Cognito {
	return confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		return cognitoclient.Result{Attribution: cognitoclient.ByThisCall, Attempts: 1, RequestID: "cognito-1"}, nil
	})
}

func failing(e cognitoclient.Error) Cognito {
	return confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		return cognitoclient.Result{}, &e
	})
}

// waiting confirms nothing: it waits for the end of its context and says how that came, as cognitoclient does.
func waiting(began chan<- struct{}) Cognito {
	return confirming(func(ctx context.Context, _ cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		if began != nil {
			began <- struct{}{}
		}
		<-ctx.Done()
		e := &cognitoclient.Error{Cause: cognitoclient.Stopping, Outcome: cognitoclient.Unknown, Attempts: 1}
		switch cause := context.Cause(ctx); {
		case errors.Is(cause, context.Canceled):
			e.Cause = cognitoclient.Cancelled
		case errors.Is(cause, context.DeadlineExceeded):
			e.Cause = cognitoclient.DeadlineExceeded
		}
		return cognitoclient.Result{}, e
	})
}

// ignoring confirms nothing for an hour, whatever becomes of its context.
func ignoring(began chan<- struct{}) Cognito {
	return confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		began <- struct{}{}
		time.Sleep(time.Hour)
		return cognitoclient.Result{}, nil
	})
}

func validRequest() *useradminv1.ConfirmSignUpRequest {
	return &useradminv1.ConfirmSignUpRequest{
		UserPoolId: "us-east-1_EXAMPLE01", Username: "new-1@example.com",
		ClientMetadata: map[string]string{"campaign": "spring"},
	}
}

// log is what the server logs.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// edge is a server that serves on an in-memory connection, and a client of it.
type edge struct {
	*Server
	useradminv1.UserAdminClient
	listener *bufconn.Listener
	conn     *grpc.ClientConn
	log      *log
	registry *prometheus.Registry
	// drain begins the drain, ended gets what Serve returns.
	drain context.CancelFunc
	ended chan error
}

func newServer(tb testing.TB, cognito Cognito, config Config) *Server {
	tb.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := New(cognito, config)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func serve(tb testing.TB, cognito Cognito, config Config, options ...grpc.DialOption) *edge {
	tb.Helper()
	e := &edge{log: &log{}, registry: prometheus.NewRegistry(), listener: bufconn.Listen(1 << 20), ended: make(chan error, 1)}
	config.Logger = slog.New(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	config.Registerer = e.registry
	e.Server = newServer(tb, cognito, config)
	var ctx context.Context
	ctx, e.drain = context.WithCancel(context.Background())
	go func() { e.ended <- e.Serve(ctx, e.listener) }()
	e.conn = e.dial(tb, options...)
	e.UserAdminClient = useradminv1.NewUserAdminClient(e.conn)
	tb.Cleanup(func() {
		_ = e.conn.Close()
		e.Stop()
		e.drain()
	})
	return e
}

func (e *edge) dial(tb testing.TB, options ...grpc.DialOption) *grpc.ClientConn {
	tb.Helper()
	options = append([]grpc.DialOption{
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return e.listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	}, options...)
	conn, err := grpc.NewClient("passthrough:///bufconn", options...)
	if err != nil {
		tb.Fatal(err)
	}
	return conn
}

// counted is the sum of the counters and counts of histograms of that name whose labels have all the texts.
func (e *edge) counted(tb testing.TB, name string, labels ...string) float64 {
	tb.Helper()
	families, err := e.registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	var sum float64
	for _, family := range families {
		for _, m := range family.GetMetric() {
			text := m.String()
			if family.GetName() != name || !containsAll(text, labels) {
				continue
			}
			sum += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// gauge is the value of the one gauge of that name.
func (e *edge) gauge(tb testing.TB, name string) float64 {
	tb.Helper()
	families, err := e.registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	tb.Fatalf("no metric %s", name)
	return 0
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// infoOf is the status's ErrorInfo, which must be its first detail.
func infoOf(tb testing.TB, err error) *errdetails.ErrorInfo {
	tb.Helper()
	details := status.Convert(err).Details()
	if len(details) == 0 {
		tb.Fatalf("no details in %v", err)
	}
	info, ok := details[0].(*errdetails.ErrorInfo)
	if !ok {
		tb.Fatalf("the first detail is %T", details[0])
	}
	return info
}

// detail is the status's detail of that type.
func detail[T any](tb testing.TB, err error) T {
	tb.Helper()
	for _, d := range status.Convert(err).Details() {
		if found, ok := d.(T); ok {
			return found
		}
	}
	tb.Fatalf("no %T in %v", *new(T), status.Convert(err).Details())
	return *new(T)
}

// want checks code, reason and outcome in short.
func want(tb testing.TB, err error, code codes.Code, reason, outcome string) {
	tb.Helper()
	info := infoOf(tb, err)
	if status.Code(err) != code || info.GetReason() != reason || info.GetMetadata()["outcome"] != outcome {
		tb.Fatalf("got %v %s %v, want %v %s %s", status.Code(err), info.GetReason(), info.GetMetadata(), code, reason, outcome)
	}
}
