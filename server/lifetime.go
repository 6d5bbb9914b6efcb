package server

import (
	"context"
	"sync/atomic"
)

// lifetime is the context of a connection, the parent of those of its streams.
//
// grpc drops the context of a stream that the tap refuses without ending it, and the timer of its deadline, an hour
// perhaps, goes on. A parent with a method AfterFunc is handed the function that ends its child: that is how the tap gets it.
type lifetime struct {
	context.Context

	connection *connection
	// never is never closed: grpc itself ends the streams of a connection.
	never chan struct{}
	// child ends the context that was made last. The goroutine that reads the connection makes one and calls the tap next.
	child func()
	// ending counts the children that are being ended.
	ending atomic.Int32
}

type lifetimeKey struct{}

func newLifetime(ctx context.Context, conn *connection) *lifetime {
	return &lifetime{Context: ctx, connection: conn, never: make(chan struct{})}
}

// lifetimeOf is that of the connection to which the context belongs.
func lifetimeOf(ctx context.Context) *lifetime {
	l, ok := ctx.Value(lifetimeKey{}).(*lifetime)
	if !ok {
		panic("a call without a connection: the server was built without its stats handler")
	}
	return l
}

// Done is not nil, or children would not ask for AfterFunc.
func (l *lifetime) Done() <-chan struct{} { return l.never }

// Err is the error with which a child ends; of itself a lifetime never ends.
func (l *lifetime) Err() error {
	if l.ending.Load() > 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// Value finds the lifetime itself.
func (l *lifetime) Value(key any) any {
	if key == (lifetimeKey{}) {
		return l
	}
	return l.Context.Value(key)
}

// AfterFunc is called by package context with the function that ends a new child.
func (l *lifetime) AfterFunc(end func()) (stop func() bool) {
	l.child = end
	return neverStops
}

func neverStops() bool { return true }

// newest returns the function that ends the newest child with context.DeadlineExceeded.
func (l *lifetime) newest() func() {
	end := l.child
	l.child = nil
	return end
}

// end ends a child.
func (l *lifetime) end(child func()) {
	if child == nil {
		return
	}
	l.ending.Add(1)
	defer l.ending.Add(-1)
	child()
}
