package server

import (
	"container/list"
	"context"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/rawcall"
)

// closing is a connection that remembers its name and that it was closed.
type closing struct {
	net.Conn

	name   string
	closed *[]string
}

func (c closing) Close() error {
	*c.closed = append(*c.closed, c.name)
	return nil
}

// At the bound, the connection goes that has been idle for longest: first one that never carried a call, never one that
// carries one.
func TestOldestIdleConnectionGoes(t *testing.T) {
	var closed []string
	all := &connections{bound: 4, evicted: prometheus.NewCounter(prometheus.CounterOpts{Name: "n"})}
	open := func(name string) *connection { return all.add(closing{name: name, closed: &closed}) }
	busy, used, usedLater, unused := open("busy"), open("used"), open("used later"), open("unused")
	for _, c := range []*connection{busy, used, usedLater} {
		c.begin()
	}
	used.begin()
	used.end()
	used.end()
	usedLater.end()
	for _, step := range []struct {
		opened string
		want   []string
	}{
		{"first", []string{"unused"}},
		{"second", []string{"unused", "first"}},
	} {
		open(step.opened)
		if !slices.Equal(closed, step.want) {
			t.Fatalf("after %s: %v are closed, want %v", step.opened, closed, step.want)
		}
	}
	second, _ := all.unused.Front().Value.(*connection)
	second.begin()
	for range 2 {
		open("third").begin()
	}
	if want := []string{"unused", "first", "used", "used later"}; !slices.Equal(closed, want) {
		t.Errorf("%v are closed, want %v", closed, want)
	}
	if _ = unused.Close(); all.count() != 4 {
		t.Errorf("%v are open", all.count())
	}
	busy.end()
	if _ = busy.Close(); all.count() != 3 || all.idle.Len() != 0 {
		t.Errorf("%v are open, %d idle", all.count(), all.idle.Len())
	}
}

// Whoever comes when all connections are taken gets in.
func TestSecondCallerGetsIn(t *testing.T) {
	e := serve(t, waiting(nil), Config{MaxCalls: 4, MaxInbound: LeastInbound(4)})
	busy := e.raw(t)
	busy.send(t, busy.open(t, watchMethod), rawcall.Prefix(0), true)
	eventually(t, "the call", func() bool { return e.calls.Use().Held == 1 })
	for range 3 * LeastInbound(4) {
		e.deaf(t)
	}
	eventually(t, "the bound", func() bool {
		return e.counted(t, "useradmin_evicted_connections_total") == 2*float64(LeastInbound(4))+1
	})
	if e.healthOf(t, "") != serving {
		t.Error("not served")
	}
	if e.calls.Use().Held != 1 {
		t.Error("a busy connection was closed")
	}
	if got := e.connections.count(); got != float64(LeastInbound(4)) {
		t.Errorf("%v connections are open", got)
	}
}

// expel dismisses the first one of the list, as one that comes does; nil if there is none.
func (c *connections) expel(queue *list.List) *connection {
	c.mu.Lock()
	var conn *connection
	if first := queue.Front(); first != nil {
		conn, _ = first.Value.(*connection)
		conn.chooseLocked()
	}
	c.mu.Unlock()
	if conn != nil {
		conn.dismiss()
	}
	return conn
}

// What is just arriving on a connection that never carried a call is not begun, and its caller is told so. Nothing is said
// of one that did: a response may be under way.
func TestDismissedConnectionSaysGoAway(t *testing.T) {
	for _, used := range []bool{false, true} {
		e := serve(t, succeeding(), Config{})
		r := e.deaf(t)
		if _, err := r.Framer.ReadFrame(); err != nil {
			t.Fatal(err)
		}
		if used {
			r.send(t, r.open(t, checkMethod), rawcall.Prefix(0), true)
			awaitEnd(t, r)
		}
		eventually(t, "the end", e.nothingLeft)
		queue := &e.connections.unused
		if used {
			queue = &e.connections.idle
		}
		conn := e.connections.expel(queue)
		if _, err := e.admit(newLifetime(t.Context(), conn), tapOf(confirmMethod)); status.Code(err) != codes.Unavailable || e.calls.Use().Held != 0 {
			t.Errorf("a call began on it: %v", err)
		}
		if _, err := conn.Write([]byte("a status")); err == nil {
			t.Error("something was written")
		}
		said := false
		for err := error(nil); err == nil; {
			var frame http2.Frame
			frame, err = r.Framer.ReadFrame()
			if away, ok := frame.(*http2.GoAwayFrame); ok {
				said = away.LastStreamID == 0 && away.ErrCode == http2.ErrCodeNo
			}
		}
		if said == used {
			t.Errorf("used %v: GOAWAY %v", used, said)
		}
	}
}

func awaitEnd(t *testing.T, r *rawConn) {
	t.Helper()
	for {
		frame, err := r.Framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if headers, ok := frame.(*http2.MetaHeadersFrame); ok && headers.StreamEnded() {
			return
		}
	}
}

// A caller whose first request meets the end of its connection is served on another one.
func TestDismissedCallerIsServed(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	for range 100 {
		conn := e.dial(t)
		conn.Connect()
		eventually(t, "the connection", func() bool { return conn.GetState() == connectivity.Ready })
		called := make(chan error)
		go func() {
			_, err := useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), validRequest())
			called <- err
		}()
		e.connections.expel(&e.connections.unused)
		if err := <-called; err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
}

// exhausted accepts nothing at first.
type exhausted struct {
	net.Listener

	errors int
}

func (l *exhausted) Accept() (net.Conn, error) {
	if l.errors > 0 {
		l.errors--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// Too few file descriptors for a while do not end the process.
func TestAcceptErrorsPass(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	var config net.ListenConfig
	lis, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, &exhausted{Listener: lis, errors: 3}) }()
	conn, err := net.Dial("tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := rawcall.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Framer.ReadFrame(); err != nil {
		t.Error(err)
	}
	_ = conn.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What the kernel keeps for a caller that does not read counts for the memory of a container.
func TestSocketBuffersAreBounded(t *testing.T) {
	var config net.ListenConfig
	lis, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lis.Close() }()
	dialed, err := net.Dial("tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dialed.Close() }()
	accepted, err := listener{lis, newServer(t, succeeding(), Config{}).connections}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = accepted.Close() }()
	conn, ok := accepted.(*connection)
	if !ok {
		t.Fatalf("accepted %T", accepted)
	}
	written := 0
	for err == nil {
		var n int
		_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		n, err = conn.Conn.Write(make([]byte, 64<<10))
		written += n
	}
	if written > 1<<20 {
		t.Errorf("%d bytes were taken that nobody read", written)
	}
}

// Where too many statuses wait, refusals have no details, and their code is that of the contract.
func TestRefusalWithoutDetails(t *testing.T) {
	e := serve(t, succeeding(), Config{MaxCalls: 1})
	r := e.raw(t)
	r.open(t, confirmMethod)
	eventually(t, "the call", func() bool { return e.calls.Use().Held == 1 })
	e.connections.unwritten.Store(maxUnwrittenInAll)
	r.open(t, confirmMethod)
	if st := r.end(t).Status; st.Code() != codes.ResourceExhausted || len(st.Details()) > 0 {
		t.Errorf("got %v", st)
	}
}

// A message as large as the limit fits; one byte more does not, and its status is grpc's.
func TestMessageLimit(t *testing.T) {
	const limit = 64 << 10
	e := serve(t, succeeding(), Config{})
	for size, wanted := range map[int]codes.Code{limit: codes.OK, limit + 1: codes.ResourceExhausted} {
		r := e.raw(t)
		stream := r.open(t, checkMethod)
		// An unknown field, number 15, fills the message behind a byte of tag and three of length.
		field := protowire.AppendBytes(protowire.AppendTag(nil, 15, protowire.BytesType), make([]byte, size-4))
		for part := range slices.Chunk(append(rawcall.Prefix(size), field...), 16<<10) {
			if r.Send(stream, part, len(part) < 16<<10) != nil {
				break
			}
		}
		if got := r.end(t).Status; got.Code() != wanted || len(got.Details()) > 0 {
			t.Errorf("%d bytes: %v", size, got)
		}
	}
}
