package authn_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

const (
	caller   = "spiffe://prod.example/ns/signup/sa/api"
	hostname = "useradmin.test"
)

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// world is a server's authority and its callers', with the files of a server.
type world struct {
	servers, callers *devca.Authority
	files            authn.Files
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{
		servers: must[*devca.Authority](t)(devca.New(devca.Request{Name: "servers"})),
		callers: must[*devca.Authority](t)(devca.New(devca.Request{Name: "callers"})),
		files:   authn.Files{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"), ClientCA: filepath.Join(dir, "ca.crt")},
	}
	w.renew(t)
	w.trust(t, w.callers)
	return w
}

// renew writes a new server certificate.
func (w *world) renew(t *testing.T) *devca.Pair {
	t.Helper()
	pair := must[*devca.Pair](t)(w.servers.Server(hostname))
	if err := pair.Write(w.files.Cert, w.files.Key); err != nil {
		t.Fatal(err)
	}
	return pair
}

// trust writes the client CAs.
func (w *world) trust(t *testing.T, authorities ...*devca.Authority) {
	t.Helper()
	var certs []*x509.Certificate
	for _, a := range authorities {
		certs = append(certs, a.Certificate)
	}
	if err := devca.WriteFile(w.files.ClientCA, devca.CertificatesPEM(certs...)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) load(t *testing.T) *authn.TLS {
	t.Helper()
	return must[*authn.TLS](t)(authn.Load(w.files, tls.VersionTLS13))
}

// client shows the certificate whatever the server asks for.
func (w *world) client(certs ...tls.Certificate) *tls.Config {
	config := &tls.Config{RootCAs: w.servers.Pool(), ServerName: hostname, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS10}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if len(certs) == 0 {
			return new(tls.Certificate), nil
		}
		return &certs[0], nil
	}
	return config
}

// result is what a handshake came to, on both sides.
type result struct {
	conn     *tls.Conn
	identity authn.Identity
	err      error
	// client is the error of the client, which reads what it is sent to its end.
	client error
}

func (r result) kind(t *testing.T) string {
	t.Helper()
	var failure *authn.Failure
	switch {
	case r.err == nil:
		return ""
	case !errors.As(r.err, &failure):
		t.Errorf("%v is no *Failure", r.err)
		return "?"
	default:
		return failure.Kind
	}
}

// meet lets the peer talk to the server over loopback.
func meet(t *testing.T, server *authn.TLS, peer func(net.Conn) error) result {
	t.Helper()
	listener := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	defer func() { _ = listener.Close() }()
	ended := make(chan error, 1)
	go func() {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			err = peer(conn)
			_ = conn.Close()
		}
		ended <- err
	}()
	raw := must[net.Conn](t)(listener.Accept())
	defer func() { _ = raw.Close() }()
	if err := raw.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var r result
	r.conn, r.identity, r.err = server.Handshake(raw)
	if r.err == nil {
		_, _ = r.conn.Write([]byte("hello"))
	}
	closeGently(raw, r.conn)
	r.client = <-ended
	return r
}

// closeGently lets the peer read an alert before a reset can drop it.
func closeGently(raw net.Conn, conn *tls.Conn) {
	if conn != nil {
		_ = conn.CloseWrite()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, raw)
}

// speak is the peer that keeps to the rules of TLS.
func speak(config *tls.Config) func(net.Conn) error {
	return func(raw net.Conn) error {
		conn := tls.Client(raw, config)
		if err := conn.Handshake(); err != nil {
			return err
		}
		text, err := io.ReadAll(conn)
		if err == nil && string(text) != "hello" {
			err = errors.New("no hello")
		}
		return err
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
