// Package memnet is a network in memory for tests of HTTP in a testing/synctest bubble.
package memnet

import (
	"context"
	"net"
	"sync"
)

// Listener accepts what its Dial connects, by net.Pipe.
//
// grpc's bufconn is no substitute under net/http: a read deadline that is set in the past and removed again, as net/http
// does between two requests on a connection, may expire there after its removal and then cuts the connection.
type Listener struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Listen returns an open listener.
func Listen() *Listener {
	return &Listener{accept: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to the listener whatever the network and the address; it fits http.Transport.DialContext.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.accept <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Accept waits for the next dial.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accept:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and all dials. It never fails.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns a placeholder.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "memnet", Net: "unix"} }
