//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// relay passes bytes between its own listener and what dial connects to, until cut is called.
type relay struct {
	address string
	dial    func(context.Context) (net.Conn, error)

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newRelay(t *testing.T, lis net.Listener, dial func(context.Context) (net.Conn, error)) *relay {
	t.Helper()
	r := &relay{address: lis.Addr().String(), dial: dial, conns: map[net.Conn]bool{}}
	go func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			go r.pass(conn)
		}
	}()
	t.Cleanup(func() {
		_ = lis.Close()
		r.cut()
	})
	return r
}

func listenLoopback(t *testing.T) net.Listener {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return lis
}

// cutter relays to where a replica listens.
type cutter struct {
	backend

	relays [2]*relay
}

func newCutter(t *testing.T, to backend) *cutter {
	t.Helper()
	tcp, socket := listenLoopback(t), listenSocket(t, socketPath(t))
	relayTo := func(lis net.Listener, network, address string) *relay {
		return newRelay(t, lis, func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
		})
	}
	return &cutter{
		backend{tcp.Addr().String(), socket.Addr().String()},
		[2]*relay{relayTo(tcp, "tcp", to.address), relayTo(socket, "unix", to.socket)},
	}
}

// cut resets every connection.
func (c *cutter) cut() {
	for _, r := range c.relays {
		r.cut()
	}
}

// socketPath is short, as the paths of sockets must be, and in a folder whose mode can be changed.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "useradmin") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "grpc.sock")
}

func listenSocket(t *testing.T, path string) net.Listener {
	t.Helper()
	lis, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return lis
}

// sidecar relays over mutual TLS, as the proxy beside a caller does. So every caller sends plaintext to loopback, and the
// proxies in front of the service run with their shipped configuration.
func sidecar(t *testing.T, address string, config *tls.Config) *relay {
	t.Helper()
	return newRelay(t, listenLoopback(t), func(ctx context.Context) (net.Conn, error) {
		return (&tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Second}, Config: config}).DialContext(ctx, "tcp", address)
	})
}

func (r *relay) pass(near net.Conn) {
	far, err := r.dial(context.Background())
	if err != nil {
		reset(near)
		return
	}
	r.mu.Lock()
	r.conns[near], r.conns[far] = true, true
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { copyAll(far, near) })
	both.Go(func() { copyAll(near, far) })
	both.Wait()
	r.mu.Lock()
	delete(r.conns, near)
	delete(r.conns, far)
	r.mu.Unlock()
	_ = near.Close()
	_ = far.Close()
}

// copyAll ends the other direction too when the peer is gone.
func copyAll(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok {
		_ = to.Close()
		return
	}
	_ = half.CloseWrite()
}

// cut resets every connection.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		reset(conn)
	}
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
