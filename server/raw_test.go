package server

import (
	"runtime"
	"testing"

	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/rawcall"
)

const confirmMethod = useradminv1.UserAdmin_ConfirmSignUp_FullMethodName

// rawConn fails the test where it cannot write.
type rawConn struct{ *rawcall.Conn }

// raw opens a connection whose frames are the test's.
func (e *edge) raw(tb testing.TB) *rawConn {
	tb.Helper()
	r := e.deaf(tb)
	go r.Listen()
	return r
}

// deaf opens one that reads nothing.
func (e *edge) deaf(tb testing.TB) *rawConn {
	tb.Helper()
	conn, err := e.listener.DialContext(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	r, err := rawcall.New(conn)
	if err != nil {
		tb.Fatal(err)
	}
	return &rawConn{r}
}

func (r *rawConn) open(tb testing.TB, method string, more ...string) uint32 {
	tb.Helper()
	stream, err := r.Open(method, more...)
	if err != nil {
		tb.Fatal(err)
	}
	return stream
}

func (r *rawConn) send(tb testing.TB, stream uint32, data []byte, end bool) {
	tb.Helper()
	if err := r.Send(stream, data, end); err != nil {
		tb.Fatal(err)
	}
}

// end waits for the next end of a stream.
func (r *rawConn) end(tb testing.TB) rawcall.End {
	tb.Helper()
	e, ok := <-r.Ends
	if !ok {
		tb.Fatal("the connection ended")
	}
	return e
}

func framed(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	message, err := rawcall.Message(m)
	if err != nil {
		tb.Fatal(err)
	}
	return message
}

func tapOf(method string) *tap.Info { return &tap.Info{FullMethodName: method} }

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc) //nolint:gosec // far below
}
