//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/server"
)

// The user pools. Most select a special Cognito; see newCognito.
const (
	region      = "us-east-1"
	usualPool   = region + "_EXAMPLE01"
	refusedPool = region + "_Refused"       // nobody listens at Cognito's address
	barePool    = region + "_NoCredentials" // the service has no AWS credentials
	twicePool   = region + "_TwoAttempts"   // two attempts a call; elsewhere one, so that the journal counts calls
	panicPool   = region + "_Panic"
	stopPool    = region + "_Stopping"

	// The service refuses the calls for these.
	busyPool       = region + "_Busy"
	busyCallerPool = region + "_BusyCaller"
	fullPool       = region + "_Full"
	unprovenPool   = region + "_Unproven"
	deniedPool     = region + "_Denied"
	unauditedPool  = region + "_Unaudited"
)

// cognitoID is the longest that the service passes on.
var cognitoID = strings.Repeat("c0gn1t0-", 8)

// upstream is the embedded Cognito on loopback.
type upstream struct {
	fake *fakecognito.Server
	url  string
}

func newUpstream(t *testing.T, fault func(fakecognito.Request) fakecognito.Fault) *upstream {
	t.Helper()
	fake := fakecognito.New(fakecognito.Config{
		Region: region, Fault: fault, JournalSize: 2_000_000, NewRequestID: func() string { return cognitoID },
	})
	for _, id := range []string{usualPool, twicePool} {
		if err := fake.AddPool(fakecognito.Pool{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	lis := listenLoopback(t)
	web := &http.Server{Handler: fake, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = web.Serve(lis) }()
	t.Cleanup(func() {
		fake.Close()
		_ = web.Close()
	})
	return &upstream{fake: fake, url: "http://" + lis.Addr().String()}
}

// received counts the requests for each user since the journal's entry seq.
func (u *upstream) received(seq int) map[string]int {
	counts := map[string]int{}
	for _, r := range u.requests(seq) {
		counts[r.Username]++
	}
	return counts
}

// requests are those since the journal's entry seq.
func (u *upstream) requests(seq int) []fakecognito.Request {
	var all []fakecognito.Request
	for _, e := range u.fake.JournalSince(seq) {
		if e.Kind == fakecognito.KindReceived {
			all = append(all, e.Request)
		}
	}
	return all
}

// seq is the journal's last entry.
func (u *upstream) seq() int {
	all := u.fake.Journal()
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].Seq
}

func (u *upstream) addUser(t *testing.T, name string) {
	t.Helper()
	if err := u.fake.AddUser(usualPool, fakecognito.User{Username: name}); err != nil {
		t.Fatal(err)
	}
}

func newClient(t *testing.T, url string, attempts int, provider aws.CredentialsProvider) *cognitoclient.Client {
	t.Helper()
	client, err := cognitoclient.New(cognitoclient.Config{
		AWS: aws.Config{Region: region, Credentials: provider}, Endpoint: url, Attempts: attempts, Random: rand.Float64,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// cognito is the usual client, with others for ConfirmSignUp in special user pools. It embeds the interface, so that an
// RPC that joins later works without a change here.
type cognito struct {
	server.Cognito

	special map[string]confirmFunc
}

type confirmFunc func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error)

// ConfirmSignUp calls the user pool's own function if there is one.
func (c cognito) ConfirmSignUp(ctx context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
	if confirm, ok := c.special[r.UserPoolID]; ok {
		return confirm(ctx, r)
	}
	return c.Cognito.ConfirmSignUp(ctx, r)
}

func newCognito(t *testing.T, url string) server.Cognito {
	t.Helper()
	keys := credentials.NewStaticCredentialsProvider(fakecognito.DefaultAccessKeyID, fakecognito.DefaultSecretAccessKey, "")
	none := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no credentials")
	})
	usual := newClient(t, url, 1, keys)
	return cognito{usual, map[string]confirmFunc{
		twicePool:   newClient(t, url, 2, keys).ConfirmSignUp,
		refusedPool: newClient(t, "http://"+closedAddress(t), 1, keys).ConfirmSignUp,
		barePool:    newClient(t, url, 1, none).ConfirmSignUp,
		panicPool: func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			panic("a bug")
		},
		busyPool:       refusing(cognitoclient.PoolBusy),
		busyCallerPool: refusing(cognitoclient.CallerBusy),
		fullPool:       refusing(cognitoclient.Overloaded),
		unprovenPool:   refusing(cognitoclient.Unauthenticated),
		deniedPool:     refusing(cognitoclient.CallerNotAllowed),
		unauditedPool:  refusing(cognitoclient.AuditUnavailable),
		stopPool: func(ctx context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			time.AfterFunc(50*time.Millisecond, func() { cancel(errors.New("the server is stopping")) })
			return usual.ConfirmSignUp(ctx, r)
		},
	}}
}

func refusing(cause cognitoclient.Cause) confirmFunc {
	return func(_ context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		return cognitoclient.Result{}, cognitoclient.Refused(cause, r.Repeated)
	}
}

// replica is one running service.
type replica struct {
	backend

	log   *callLog
	drain context.CancelFunc
	done  chan error
}

// newReplica serves on a free port and on a Unix socket.
func newReplica(t *testing.T, cognito server.Cognito, config server.Config) *replica {
	t.Helper()
	return startReplica(t, cognito, backend{"127.0.0.1:0", socketPath(t)}, config)
}

func startReplica(t *testing.T, cognito server.Cognito, at backend, config server.Config) *replica {
	t.Helper()
	tcp, err := net.Listen("tcp", at.address)
	if err != nil {
		t.Fatal(err)
	}
	lis := newTwin(listenSocket(t, at.socket), tcp) // the first is the address: the service refuses XFCC over TCP
	at.address = tcp.Addr().String()
	r := &replica{backend: at, log: &callLog{}, done: make(chan error, 1)}
	config.Region, config.Reflection = region, true
	config.Logger = slog.New(slog.NewJSONHandler(r.log, nil))
	config.Jitter = func() float64 { return 0.5 }
	srv, err := server.New(cognito, config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.drain = cancel
	go func() { r.done <- srv.Serve(ctx, lis) }()
	return r
}

// twin accepts the connections of two listeners.
type twin struct {
	net.Listener

	other    net.Listener
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newTwin(one, other net.Listener) *twin {
	l := &twin{Listener: one, other: other, accepted: make(chan net.Conn), closed: make(chan struct{})}
	go l.acceptFrom(one)
	go l.acceptFrom(other)
	return l
}

func (l *twin) acceptFrom(lis net.Listener) {
	for {
		conn, err := lis.Accept()
		if err != nil {
			return
		}
		select {
		case l.accepted <- conn:
		case <-l.closed:
			_ = conn.Close()
			return
		}
	}
}

// Accept returns the next connection.
func (l *twin) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close closes both listeners.
func (l *twin) Close() error {
	l.once.Do(func() { close(l.closed) })
	return errors.Join(l.Listener.Close(), l.other.Close())
}

// stop drains the replica and waits for its end.
func (r *replica) stop(t *testing.T) {
	t.Helper()
	r.drain()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}

// callLog keeps the log's lines about calls.
type callLog struct {
	mu    sync.Mutex
	lines []map[string]any
}

// Write keeps one line.
func (l *callLog) Write(line []byte) (int, error) {
	var fields map[string]any
	if json.Unmarshal(bytes.TrimSpace(line), &fields) == nil && fields["msg"] == "call" {
		l.mu.Lock()
		l.lines = append(l.lines, fields)
		l.mu.Unlock()
	}
	return len(line), nil
}

// of are the lines of the request id.
func (l *callLog) of(requestID string) []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []map[string]any
	for _, line := range l.lines {
		if line["request_id"] == requestID {
			found = append(found, line)
		}
	}
	return found
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// closedAddress is one at which nobody listens until the test ends: its socket is bound, so that nobody else gets the port.
func closedAddress(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	inet, ok := bound.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("bound to %v", bound)
	}
	return fmt.Sprintf("127.0.0.1:%d", inet.Port)
}

// freeAddress is one at which a program can listen.
func freeAddress(t *testing.T) string {
	t.Helper()
	lis := listenLoopback(t)
	defer func() { _ = lis.Close() }()
	return lis.Addr().String()
}
