package server

import (
	"crypto/tls"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cognito.internal/useradmin/internal/devca"
)

// leaving is a peer that writes so many bytes and then leaves in its way.
type leaving struct {
	net.Conn

	left  int
	leave func(net.Conn)
}

// Write writes them.
func (l *leaving) Write(b []byte) (int, error) {
	n := min(l.left, len(b))
	l.left -= n
	if _, err := l.Conn.Write(b[:n]); err != nil || n == len(b) {
		return n, err
	}
	l.leave(l.Conn)
	return n, net.ErrClosed
}

// manners are the ways in which handshakes end.
func (e *edge) manners(t *testing.T, a *authority) []func(net.Conn) {
	t.Helper()
	shake := func(config *tls.Config) func(net.Conn) {
		return func(raw net.Conn) {
			conn := tls.Client(raw, config)
			if conn.Handshake() == nil {
				_, _ = conn.Read(make([]byte, 1)) // settings, or the alert
			}
		}
	}
	config := a.large(t)
	early := func(bytes int, leave func(net.Conn)) func(net.Conn) {
		return func(raw net.Conn) { shake(config)(&leaving{raw, bytes, leave}) }
	}
	foreign, thief, endless, wordy := newAuthority(t).large(t), a.large(t), a.large(t), config.Clone()
	foreign.RootCAs = a.Pool()
	thief.Certificates[0].PrivateKey, thief.Certificates[0].Leaf = a.as(t, devca.Request{}).Certificates[0].PrivateKey, nil
	endless.Certificates[0].Certificate = slices.Repeat(endless.Certificates[0].Certificate, 5)
	wordy.NextProtos = append(slices.Repeat([]string{strings.Repeat("x", 250)}, smallHandshakeBytes/200), "h2")
	ours := func(end func(*connection)) func(net.Conn) {
		return func(net.Conn) {
			for _, c := range e.connections.list() { // perhaps also another one's
				end(c)
			}
		}
	}
	nothing := func(net.Conn) {}
	const large = smallHandshakeBytes + 500
	return []func(net.Conn){
		nothing, func(raw net.Conn) { _, _ = raw.Write(make([]byte, large)) },
		early(100, nothing), early(smallHandshakeBytes-1, nothing), early(smallHandshakeBytes, nothing), early(large, nothing),
		early(large, ours((*connection).cut)), early(large, ours(func(c *connection) { _ = c.Conn.SetDeadline(time.Now()) })),
		early(large, ours((*connection).dismiss)), early(large, ours((*connection).revoke)),
		shake(config), shake(foreign), shake(thief), shake(endless), shake(wordy),
	}
}

// However handshakes end, nothing of them is left: no place of the large ones, no connection, no goroutine.
func TestHandshakesLeaveNothing(t *testing.T) {
	rounds := 700
	if testing.Short() {
		rounds = 10
	}
	e, a := serveTLS(t, succeeding(), signup, Config{})
	manners, before := e.manners(t, a), runtime.NumGoroutine()
	for range rounds {
		var peers sync.WaitGroup
		for _, behave := range manners {
			raw, err := e.listener.DialContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			peers.Go(func() {
				behave(raw)
				_ = raw.Close()
			})
		}
		peers.Wait()
	}
	left := func() bool {
		c := e.connections
		return c.large.Load() != 0 || c.count() != 0 || c.writes.Load() != 0 || runtime.NumGoroutine() > before
	}
	for begin := time.Now(); left() && time.Since(begin) < 10*time.Second; { // grpc takes a second or two
		time.Sleep(time.Millisecond)
	}
	if left() {
		t.Errorf("%d large handshakes, %v connections, %d writes and %d goroutines of %d are left",
			e.connections.large.Load(), e.connections.count(), e.connections.writes.Load(), runtime.NumGoroutine()-before, before)
	}
	for _, kind := range []string{"cut", "unknown_authority", "too_large", "protocol", "not_tls"} {
		if e.counted(t, "useradmin_failed_handshakes_total", kind) == 0 {
			t.Errorf("no handshake ended with %s", kind)
		}
	}
	if _, err := e.ConfirmSignUp(t.Context(), validRequest()); err != nil {
		t.Error(err)
	}
}

// Who is asked to go may take a moment to be told. Nobody whom the CAs no longer verify may call meanwhile.
func TestChangedCAsHoldForAllAtOnce(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	for range 2 {
		e.secured(t, a.as(t, devca.Request{URIs: []string{signup}}))
	}
	eventually(t, "both handshakes", func() bool {
		conns := e.connections.list()
		return len(conns) == 2 && conns[0].shaken.Load() && conns[1].shaken.Load()
	})
	if err := newAuthority(t).Write(a.files.ClientCA); err != nil {
		t.Fatal(err)
	}
	e.config.TLS = a.load(t)
	conns := e.connections.list()
	for _, c := range conns {
		c.flow.Lock()
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		e.Recheck()
	}()
	eventually(t, "both to count no more", func() bool { return conns[0].revoked.Load() && conns[1].revoked.Load() })
	for _, c := range conns {
		c.flow.Unlock()
	}
	<-told
}

// grpc waits for the handshakes under way before it stops, and before it asks other callers to go. Whoever only connects must not
// hold that up.
func TestSilentCallersHoldUpNoStop(t *testing.T) {
	for name, stop := range map[string]func(*edge){"a stop": func(e *edge) { e.Stop() }, "a drain": func(e *edge) { e.drain() }} {
		for _, over := range []string{"plaintext", "TLS"} {
			t.Run(name+", "+over, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var e *edge
					if over == "TLS" {
						e, _ = serveTLS(t, succeeding(), signup, Config{})
					} else {
						e = serve(t, succeeding(), Config{})
					}
					if _, err := e.ConfirmSignUp(t.Context(), validRequest()); err != nil {
						t.Fatal(err)
					}
					silent, err := e.listener.DialContext(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					defer func() { _ = silent.Close() }()
					eventually(t, "it to be accepted", func() bool { return e.connections.count() == 2 })
					begin := time.Now()
					stop(e)
					if err := <-e.ended; err != nil {
						t.Error(err)
					}
					if took := time.Since(begin); took > 2*time.Second {
						t.Errorf("it took %s", took)
					}
				})
			})
		}
	}
}
