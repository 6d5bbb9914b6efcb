package server

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/devca"
)

// large is a caller whose certificate has more bytes than usual.
func (a *authority) large(tb testing.TB) *tls.Config {
	tb.Helper()
	name := strings.Repeat(strings.Repeat("x", 63)+".", 3) + "example"
	return a.as(tb, devca.Request{URIs: []string{signup}, DNS: slices.Repeat([]string{name}, 2*smallHandshakeBytes/len(name))})
}

// stalling writes until that many bytes are written, and then never again.
type stalling struct {
	net.Conn
	left    int
	stalled chan struct{}
}

func (s *stalling) Write(b []byte) (int, error) {
	n := min(s.left, len(b))
	s.left -= n
	if _, err := s.Conn.Write(b[:n]); err != nil || n == len(b) {
		return n, err
	}
	<-s.stalled
	return n, net.ErrClosed
}

// Slow callers with large certificates take a bounded number of places, and none from a usual caller.
func TestLargeHandshakes(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	config, stalled := a.large(t), make(chan struct{})
	for range maxLargeHandshakes {
		plain, err := e.listener.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_ = tls.Client(&stalling{plain, smallHandshakeBytes + 100, stalled}, config).HandshakeContext(t.Context())
			_ = plain.Close()
		}()
	}
	for e.connections.large.Load() < maxLargeHandshakes { // it takes a while with the race detector
		time.Sleep(time.Millisecond)
	}
	if _, err := e.ConfirmSignUp(t.Context(), validRequest()); err != nil {
		t.Error(err)
	}
	other := useradminv1.NewUserAdminClient(e.dial(t, secure(config)))
	if _, err := other.ConfirmSignUp(t.Context(), validRequest()); err == nil {
		t.Error("one more gets in")
	}
	if e.counted(t, "useradmin_failed_handshakes_total", kindCrowded) == 0 {
		t.Error("it is not counted")
	}
	close(stalled)
	eventually(t, "all are gone", func() bool { return e.connections.large.Load() == 0 })
	eventually(t, "it gets in", func() bool {
		_, err := other.ConfirmSignUp(t.Context(), validRequest())
		return err == nil
	})
	if n := e.connections.large.Load(); n != 0 {
		t.Errorf("%d large handshakes are left", n)
	}
}

// What comes after the handshake is not bounded by it.
func TestReadsAfterTheHandshake(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() { _, _ = theirs.Write(make([]byte, 3*smallHandshakeBytes)) }()
	var others atomic.Int64
	b := &belowTLS{Conn: ours, others: &others}
	buffer := make([]byte, 3*smallHandshakeBytes)
	if n, err := b.Read(buffer); n != smallHandshakeBytes || err != nil {
		t.Fatal(n, err)
	}
	b.over()
	if n, err := b.Read(buffer); n != 2*smallHandshakeBytes || err != nil || others.Load() != 0 {
		t.Error(n, err)
	}
}
