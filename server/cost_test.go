//go:build !race

package server

import (
	"context"
	"net"
	"testing"

	"cognito.internal/useradmin/internal/rawcall"
)

// Half-sent messages take as much memory as they are long, whatever the frames' size: grpc's pool of buffers would round
// these up to 16 KiB.
func TestHalfSentMessagesTakeWhatTheyAre(t *testing.T) {
	const streams, frames, size = maxConcurrentStreams - 1, 15, 4_100
	e := serve(t, succeeding(), Config{})
	r := e.raw(t)
	before := heap()
	for range streams {
		stream := r.open(t, confirmMethod)
		r.send(t, stream, rawcall.Prefix(maxMessageBytes), false)
		for range frames {
			r.send(t, stream, make([]byte, size), false)
		}
	}
	r.open(t, "/a.B/C") // once it is refused, what was sent before is read
	if got := r.end(t); got.Stream != 2*streams+1 {
		t.Fatal(got)
	}
	if grown := heap() - before; grown > streams*frames*size*3/2 {
		t.Errorf("%d bytes take %d", streams*frames*size, grown)
	}
}

// A connection is cheap until it does something.
func TestConnectionsAreCheap(t *testing.T) {
	const conns, limit = 200, 24 << 10
	s := newServer(t, succeeding(), Config{})
	var config net.ListenConfig
	lis, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, lis) }()
	all := make([]*rawcall.Conn, 0, conns)
	before := heap()
	for range conns {
		conn, err := net.Dial("tcp", lis.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		raw, err := rawcall.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw)
		for range 2 {
			if _, err := raw.Framer.ReadFrame(); err != nil {
				t.Fatal(err)
			}
		}
		raw.Framer = nil // the test's own part
	}
	grown := (heap() - before) / conns
	t.Logf("%d bytes for a connection, the test's end included", grown)
	if grown > limit {
		t.Errorf("a connection takes %d bytes, at most %d are meant", grown, limit)
	}
	for _, conn := range all {
		_ = conn.Close()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
