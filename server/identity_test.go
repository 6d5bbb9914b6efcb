package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/rawcall"
)

// authority has the files of a listener with mutual TLS.
type authority struct {
	*devca.Authority
	files authn.Files
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	dir := tb.TempDir()
	ca, err := devca.New(devca.Request{Name: "test CA"})
	if err != nil {
		tb.Fatal(err)
	}
	a := &authority{ca, authn.Files{
		Cert: filepath.Join(dir, "server.crt"), Key: filepath.Join(dir, "server.key"), ClientCA: filepath.Join(dir, "ca.crt"),
	}}
	pair, err := ca.Server("useradmin")
	if err != nil {
		tb.Fatal(err)
	}
	if err := pair.Write(a.files.Cert, a.files.Key); err != nil {
		tb.Fatal(err)
	}
	if err := ca.Write(a.files.ClientCA); err != nil {
		tb.Fatal(err)
	}
	return a
}

func (a *authority) load(tb testing.TB) *authn.TLS {
	tb.Helper()
	loaded, err := authn.Load(a.files, tls.VersionTLS13)
	if err != nil {
		tb.Fatal(err)
	}
	return loaded
}

// as is what the caller needs to connect.
func (a *authority) as(tb testing.TB, r devca.Request) *tls.Config {
	tb.Helper()
	r.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	pair, err := a.Issue(r)
	if err != nil {
		tb.Fatal(err)
	}
	return &tls.Config{RootCAs: a.Pool(), Certificates: []tls.Certificate{pair.TLS()}, ServerName: "useradmin", NextProtos: []string{"h2"}}
}

func secure(config *tls.Config) grpc.DialOption {
	return grpc.WithTransportCredentials(credentials.NewTLS(config))
}

func serveTLS(tb testing.TB, cognito Cognito, caller string, config Config) (*edge, *authority) {
	tb.Helper()
	a := newAuthority(tb)
	config.Authn, config.TLS, config.Policy, config.Region = authn.MTLS, a.load(tb), parsed(tb, rules), "us-east-1"
	return serve(tb, cognito, config, secure(a.as(tb, devca.Request{URIs: []string{caller}}))), a
}

func TestCallersByCertificate(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	if _, err := e.ConfirmSignUp(t.Context(), validRequest()); err != nil {
		t.Fatal(err)
	}
	if line := e.log.lines(t, "call")[0]; line["caller"] != signup || line["authn"] != "mtls" || line["rule"] != "signup-confirms" {
		t.Errorf("line %v", line)
	}
	other := useradminv1.NewUserAdminClient(e.dial(t, secure(a.as(t, devca.Request{URIs: []string{stranger}}))))
	_, err := other.ConfirmSignUp(t.Context(), validRequest())
	want(t, err, codes.PermissionDenied, "CALLER_NOT_ALLOWED", "NOT_SENT")
	// A header that says who calls shows that the request came by a route that should not be.
	_, err = e.ConfirmSignUp(forwarded(t.Context(), signup), validRequest())
	want(t, err, codes.Unauthenticated, "UNAUTHENTICATED", "NOT_SENT")
	_, err = e.ConfirmSignUp(metadata.AppendToOutgoingContext(t.Context(), xfccKey, ""), validRequest())
	want(t, err, codes.Unauthenticated, "UNAUTHENTICATED", "NOT_SENT")
	// Large messages and many of them go through TLS as they should.
	large := validRequest()
	large.ClientMetadata = map[string]string{"campaign": strings.Repeat("x", maxValue)}
	for range 200 {
		if _, err := e.ConfirmSignUp(t.Context(), large); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFailedHandshakesAreCounted(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	none := a.as(t, devca.Request{URIs: []string{signup}})
	none.Certificates = nil
	foreign := newAuthority(t).as(t, devca.Request{URIs: []string{signup}})
	foreign.RootCAs = a.Pool()
	for kind, config := range map[string]*tls.Config{
		"no_certificate": none, "not_spiffe": a.as(t, devca.Request{URIs: []string{"https://example.com"}}), "unknown_authority": foreign,
	} {
		_, err := useradminv1.NewUserAdminClient(e.dial(t, secure(config))).ConfirmSignUp(t.Context(), validRequest())
		if err == nil {
			t.Errorf("%s gets in", kind)
		}
		eventually(t, "the count of "+kind, func() bool { return e.counted(t, "useradmin_failed_handshakes_total", kind) > 0 })
		eventually(t, "a line with "+kind, func() bool {
			return slices.ContainsFunc(e.log.lines(t, "handshakes failed"), func(line map[string]any) bool {
				return line["kind"] == kind && line["peer"] != nil && line["handshakes"] != nil
			})
		})
	}
	if n := len(e.log.lines(t, "call")); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// secured opens a connection over TLS whose frames are the test's.
func (e *edge) secured(t *testing.T, config *tls.Config) *rawConn {
	t.Helper()
	plain, err := e.listener.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(plain, config)
	t.Cleanup(func() { _ = conn.Close() })
	r, err := rawcall.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return &rawConn{r}
}

// only is the one connection of a caller.
func (e *edge) only(t *testing.T) *connection {
	t.Helper()
	eventually(t, "one connection", func() bool { return len(e.connections.list()) == 1 })
	return e.connections.list()[0]
}

// After a change of the CAs, calls under way end as they would, new ones are not authenticated, and callers are asked to go.
func TestChangedCAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, finish := make(chan struct{}), make(chan struct{})
		e, a := serveTLS(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			close(began)
			<-finish
			return cognitoclient.Result{Attribution: cognitoclient.ByThisCall, Attempts: 1}, nil
		}), signup, Config{})
		ended := make(chan error, 1)
		go func() {
			_, err := e.ConfirmSignUp(t.Context(), validRequest())
			ended <- err
		}()
		<-began
		e.Recheck()
		if conn := e.only(t); conn.revoked.Load() {
			t.Fatal("the connection has to go, although nothing changed")
		}
		if err := newAuthority(t).Write(a.files.ClientCA); err != nil {
			t.Fatal(err)
		}
		e.config.TLS = a.load(t) // as a look at the files does
		e.Recheck()
		conn := e.only(t)
		if got := conn.caller(nil); got.problem != kindRevoked {
			t.Errorf("a new call is %+v", got)
		}
		eventually(t, "the caller to see it", func() bool { return e.conn.GetState() != connectivity.Ready })
		close(finish)
		if err := <-ended; err != nil {
			t.Errorf("the call under way: %v", err)
		}
		eventually(t, "the end of the connection", func() bool { return e.connections.count() == 0 })
		if e.counted(t, "useradmin_revoked_connections_total") != 1 {
			t.Error("it is not counted")
		}
	})
}

// A caller that does not go when it is asked to is cut after its last call, whose response it gets.
func TestRevokedCallerThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		e, a := serveTLS(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			<-finish
			return cognitoclient.Result{Attribution: cognitoclient.ByThisCall, Attempts: 1}, nil
		}), signup, Config{})
		r := e.secured(t, a.as(t, devca.Request{URIs: []string{signup}}))
		go r.Listen()
		message, err := proto.Marshal(validRequest())
		if err != nil {
			t.Fatal(err)
		}
		r.send(t, r.open(t, confirmMethod), append(rawcall.Prefix(len(message)), message...), true)
		eventually(t, "the call", func() bool { return e.calls.Use().Held == 1 })
		conn := e.only(t)
		conn.revoke()
		time.Sleep(quietTime + quietTime/2)
		synctest.Wait()
		if e.connections.count() != 1 {
			t.Fatal("the connection was cut with a call on it")
		}
		close(finish)
		if end := <-r.Ends; end.Status.Code() != codes.OK {
			t.Errorf("the call ended with %v", end.Status.Err())
		}
		eventually(t, "the end of the connection", func() bool { return e.connections.count() == 0 })
	})
}

// A connection does not outlive its certificate: callers who renew theirs notice nothing.
func TestExpiredWhileConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, a := serveTLS(t, succeeding(), signup, Config{})
		config := a.as(t, devca.Request{URIs: []string{signup}, NotAfter: time.Now().Add(time.Minute)})
		r := e.secured(t, config)
		conn := e.only(t)
		away := false
		for err := error(nil); err == nil; {
			var frame http2.Frame
			frame, err = r.Framer.ReadFrame()
			if f, ok := frame.(*http2.GoAwayFrame); ok {
				away = f.LastStreamID == lastStream
			}
		}
		if !away {
			t.Error("there was no GOAWAY")
		}
		if got := conn.caller(nil); got.problem != kindExpired {
			t.Errorf("a call is %+v", got)
		}
		conn.revoked.Store(false)
		if got := conn.caller(nil); got.problem != kindExpired {
			t.Errorf("without the timer a call is %+v", got)
		}
		eventually(t, "the end of the connection", func() bool { return e.connections.count() == 0 })
	})
}

// Who was let in by the old CAs, while they were replaced, does not stay.
func TestCAsChangedDuringAHandshake(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	conn := e.connections.add(interrupted{func() {
		if err := newAuthority(t).Write(a.files.ClientCA); err != nil {
			t.Error(err)
		}
		e.config.TLS = a.load(t)
		e.Recheck()
	}, handshaken(t, a.as(t, devca.Request{URIs: []string{signup}}))})
	if _, _, err := (&handshaker{server: e.Server}).ServerHandshake(conn); err == nil {
		t.Error("it is let in")
	}
}

// interrupted is a connection of which something happens at the first read.
type interrupted struct {
	happens func()
	net.Conn
}

// Read lets it happen after each read, which does no harm.
func (c interrupted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.happens()
	return n, err
}

// handshaken is the server's end of a connection whose other end begins a handshake.
func handshaken(t *testing.T, config *tls.Config) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close() })
	go func() { _, _ = io.Copy(io.Discard, tls.Client(theirs, config)) }()
	return ours
}

// What goes to a caller that is dismissed goes through TLS too.
func TestDismissedOverTLS(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	r := e.secured(t, a.as(t, devca.Request{URIs: []string{signup}}))
	if _, err := r.Framer.ReadFrame(); err != nil {
		t.Fatal(err)
	}
	e.only(t)
	e.connections.expel(&e.connections.unused)
	said := false
	for err := error(nil); err == nil; {
		var frame http2.Frame
		frame, err = r.Framer.ReadFrame()
		if away, ok := frame.(*http2.GoAwayFrame); ok {
			said = away.LastStreamID == noStream
		}
	}
	if !said {
		t.Error("there was no GOAWAY")
	}
}

// Health checks need a certificate, but no permission.
func TestHealthOverTLS(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	health := grpc_health_v1.NewHealthClient(e.dial(t, secure(a.as(t, devca.Request{URIs: []string{stranger}}))))
	if _, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
}

// TLS buffers no more of a caller than it does of a stranger.
func TestCallersAreReadThroughTheBound(t *testing.T) {
	e, _ := serveTLS(t, succeeding(), signup, Config{})
	if _, err := e.ConfirmSignUp(t.Context(), validRequest()); err != nil {
		t.Fatal(err)
	}
	if _, bare := e.only(t).stream.(*tls.Conn); bare {
		t.Error("the connection reads without it")
	}
}

// Operators find every kind in the docs.
func TestKindsAreDocumented(t *testing.T) {
	docs, err := os.ReadFile("../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range append(authn.Kinds(), kindXFCCOnMTLS, kindExpired, kindRevoked) {
		if !strings.Contains(string(docs), "`"+kind+"`") {
			t.Errorf("docs/operate.md lacks %s", kind)
		}
	}
}
