package fakecognito

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// Pipe is a listener whose connections stay in memory, for an http.Server in a
// testing/synctest bubble. Its DialContext fits http.Transport.
type Pipe struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    func()

	mu     sync.Mutex
	refuse int
}

// NewPipe returns an open Pipe.
func NewPipe() *Pipe {
	p := &Pipe{accepted: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

// Refuse makes the next n dials fail as if nobody listened.
func (p *Pipe) Refuse(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse += n
}

// DialContext connects to the pipe, whatever the network and address.
func (p *Pipe) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if p.refused() {
		return nil, refusedDial(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	client, server := net.Pipe()
	select {
	case p.accepted <- server:
		return client, nil
	case <-ctx.Done():
		return nil, refusedDial(ctx.Err())
	case <-p.closed:
		return nil, refusedDial(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
}

func (p *Pipe) refused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse == 0 {
		return false
	}
	p.refuse--
	return true
}

func refusedDial(err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: pipeAddr{}, Err: err}
}

// Accept waits for the next dial.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept and all dials fail.
func (p *Pipe) Close() error {
	p.close()
	return nil
}

// Addr returns a placeholder.
func (*Pipe) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

// Network returns "pipe".
func (pipeAddr) Network() string { return "pipe" }

// String returns "pipe".
func (pipeAddr) String() string { return "pipe" }

// Listener is a TCP listener that can be made to refuse connections for a while.
type Listener struct {
	address net.Addr

	mu     sync.Mutex
	inner  net.Listener  // nil while refusing
	change chan struct{} // closed when inner or closed changes
	closed bool
}

// Listen listens on a TCP address such as "127.0.0.1:0".
func Listen(address string) (*Listener, error) {
	inner, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &Listener{address: inner.Addr(), inner: inner, change: make(chan struct{})}, nil
}

// Refuse gives the port up, so that the kernel refuses new connections, until Admit.
// Established ones stay.
func (l *Listener) Refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner != nil {
		_ = l.inner.Close()
		l.inner = nil
	}
}

// Admit listens again on the same port.
func (l *Listener) Admit() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner != nil || l.closed {
		return nil
	}
	inner, err := net.Listen("tcp", l.address.String())
	if err != nil {
		return fmt.Errorf("listen again: %w", err)
	}
	l.inner = inner
	close(l.change)
	l.change = make(chan struct{})
	return nil
}

// Accept waits for the next connection, while the listener refuses for Admit too.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		l.mu.Lock()
		inner, change, closed := l.inner, l.change, l.closed
		l.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		if inner == nil {
			<-change
			continue
		}
		conn, err := inner.Accept()
		if err == nil {
			return conn, nil
		}
		if l.current(inner) {
			return nil, err //nolint:wrapcheck // net/http looks at it
		}
	}
}

func (l *Listener) current(inner net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inner == inner
}

// Close makes Accept fail.
func (l *Listener) Close() error {
	l.Refuse()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.change)
	}
	return nil
}

// Addr returns the address, also while the listener refuses.
func (l *Listener) Addr() net.Addr { return l.address }
