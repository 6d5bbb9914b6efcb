package cognitoclient

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// elsewhere is the server's address for a client that does not know it as loopback.
func elsewhere(server *httptest.Server) string {
	return strings.Replace(server.Listener.Addr().String(), "127.0.0.1", "0.0.0.0", 1)
}

func TestLoopbackOnly(t *testing.T) {
	for address, allowed := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		"10.0.0.1:80": false, "0.0.0.0:80": false, "[::]:80": false, "[fe80::1%lo]:80": false, "192.0.2.1:80": false, "": false,
	} {
		if err := loopbackOnly("tcp", address, nil); (err == nil) != allowed || err != nil && !errors.Is(err, errNotLoopback) {
			t.Errorf("%q: got %v", address, err)
		}
	}
}

// Without TLS nothing is sent to an address that is not loopback, although the endpoint's name resolved to it.
func TestPlaintextStaysOnLoopback(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(answer(200, amzJSON, "{}"))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := client(t, "http://localhost", nil)
	c.endpoint.url.Host = elsewhere(server) // as if localhost were that
	if got, want := confirm(t, t.Context(), c), "COGNITO_UNREACHABLE NOT_SENT   0"; got != want || connections.Load() != 0 {
		t.Errorf("got %s and %d connections, want %s and none", got, connections.Load(), want)
	}
	_, err := c.ConfirmSignUp(t.Context(), ConfirmSignUp{UserPoolID: "us-east-1_EXAMPLE01", Username: "user-1"})
	var failed *Error
	if !errors.As(err, &failed) || failed.Problem != "not loopback" {
		t.Errorf("got %+v", failed)
	}
	c.endpoint.url.Host = server.Listener.Addr().String()
	if got := confirm(t, t.Context(), c); connections.Load() != 1 {
		t.Errorf("on loopback: got %s and %d connections", got, connections.Load())
	}
}

// With TLS any address will do.
func TestTLSGoesAnywhere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, endpoint := range []string{"", "https://localhost"} {
		conn, err := newTransport(Config{Endpoint: endpoint}).DialContext(t.Context(), "tcp", elsewhere(server))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
}
