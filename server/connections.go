package server

import (
	"container/list"
	"crypto/tls"
	"encoding/binary"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cognito.internal/useradmin/internal/authn"
)

const (
	readBufferBytes  = 4 << 10
	writeBufferBytes = 8 << 10
	// socketBufferBytes is what the kernel may keep of a connection in each direction, or a little more.
	socketBufferBytes = 64 << 10
	// writeTimeout is how long a caller may read nothing of what it is sent.
	writeTimeout = 20 * time.Second
	// If more than a few do so at once, they are cut sooner, since what waits for them adds up.
	fewWrites      = 100
	hurriedTimeout = 100 * time.Millisecond
	// partingTime is how long a connection that has to go may take to say so.
	partingTime = 10 * time.Millisecond
	// quietTime is how long after a write grpc has nothing more to write.
	quietTime = time.Second
	// A refused call leaves its status in a queue that grpc bounds at 10,000 for each connection. Nothing
	// more is read from one that may have so many there. A caller that keeps to maxConcurrentStreams hardly gets so far.
	maxUnwritten = maxConcurrentStreams
	// With more than so many in the process, statuses of refusals have no details.
	maxUnwrittenInAll = 100 * maxUnwritten
)

// connections bounds the connections of callers. At the bound the one that has been idle for longest is closed, before
// the others one that never carried a call, so that whoever comes later always gets in.
type connections struct {
	bound   int
	evicted prometheus.Counter
	// unwritten counts the refusals that may not be written yet.
	unwritten atomic.Int64
	// writes counts the writes that are under way.
	writes atomic.Int64
	// large counts the handshakes under way that are large.
	large atomic.Int64
	// over says that no handshake may go on.
	over atomic.Bool

	mu   sync.Mutex // guards all below, and the connections' fields that say so
	open map[*connection]struct{}
	// unused are the connections that never carried a call, idle those that carry none now; the longest idle is first.
	unused, idle list.List
}

// listener hands out connections that are counted.
type listener struct {
	net.Listener
	connections *connections
}

// Accept accepts a connection and makes room for it.
func (l listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if socket, ok := raw.(interface {
		SetReadBuffer(bytes int) error
		SetWriteBuffer(bytes int) error
	}); ok {
		_ = socket.SetReadBuffer(socketBufferBytes) // it works without
		_ = socket.SetWriteBuffer(socketBufferBytes)
	}
	return l.connections.add(raw), nil
}

func (c *connections) add(raw net.Conn) *connection {
	conn := &connection{Conn: raw, all: c, stream: raw}
	conn.below.Conn = raw
	conn.wake.L = &conn.flow
	if oldest := c.enter(conn); oldest != nil {
		c.evicted.Inc()
		oldest.dismiss()
	}
	if c.over.Load() {
		conn.cut()
	}
	return conn
}

// enter counts the connection, and returns the one that has to go for it.
func (c *connections) enter(conn *connection) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[*connection]struct{}{}
	}
	c.open[conn] = struct{}{}
	conn.wait(&c.unused)
	if len(c.open) <= c.bound {
		return nil
	}
	first := c.unused.Front()
	if first.Value == any(conn) && c.idle.Len() > 0 {
		first = c.idle.Front()
	}
	oldest, _ := first.Value.(*connection)
	oldest.chooseLocked()
	return oldest
}

func (c *connections) count() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return float64(len(c.open))
}

// list has the connections that are open.
func (c *connections) list() []*connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.open))
}

// connection is a caller's connection.
type connection struct {
	net.Conn

	all *connections
	// stream is where messages go: Conn itself, or TLS over it, once there is a handshake. below is Conn as TLS sees it.
	stream net.Conn
	below  belowTLS
	// shaken says that grpc's handshake is over.
	shaken atomic.Bool
	// secured is the stream, if that is TLS, identity what its certificate proves, until expiry.
	secured  atomic.Pointer[tls.Conn]
	identity authn.Identity
	expiry   *time.Timer
	// revoked says that the certificate proves nothing any more.
	revoked atomic.Bool

	flow sync.Mutex // guards the next ones
	// writing says that something is being written, whole that what was written ends with a frame, parting that a GOAWAY
	// and the end follow it, retiring that a GOAWAY follows it.
	writing, whole, parting, retiring, closed bool
	// unwritten counts the refusals that may not be written yet.
	unwritten int64
	// quiet runs after a write that was as long as the buffer.
	quiet *time.Timer
	// wake is signalled when one of them changes.
	wake sync.Cond

	// dismissed says that nothing more is written.
	dismissed atomic.Bool

	// Guarded by connections.mu.
	calls int
	// used says that it carried a call.
	used, gone bool
	// place is that in the list queue; nil while there are calls.
	place *list.Element
	queue *list.List
}

// wait puts the connection at the end of the list.
func (c *connection) wait(queue *list.List) { c.place, c.queue = queue.PushBack(c), queue }

func (c *connection) leave() {
	if c.place != nil {
		c.queue.Remove(c.place)
		c.place = nil
	}
}

// begin counts a call, if the connection is still there for it.
func (c *connection) begin() bool {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.gone {
		return false
	}
	c.leave()
	c.calls++
	c.used = true
	return true
}

// end is the end of a call that was counted.
func (c *connection) end() {
	c.all.mu.Lock()
	c.calls--
	idle := c.calls == 0 && !c.gone
	if idle {
		c.wait(&c.all.idle)
	}
	c.all.mu.Unlock()
	if idle && c.revoked.Load() {
		time.AfterFunc(quietTime, c.cutIdle)
	}
}

// goneLocked begins the end of the connection: it no longer counts, and no call begins on it.
func (c *connection) goneLocked() {
	if !c.gone {
		c.gone = true
		delete(c.all.open, c)
		c.leave()
	}
}

// chooseLocked makes it the connection that is dismissed next.
func (c *connection) chooseLocked() {
	c.dismissed.Store(true)
	c.goneLocked()
}

// dismiss closes a connection without calls. If it never carried one, what is just arriving was not begun, and a GOAWAY
// says so: gRPC's clients send it again automatically, on another connection. If it did carry one, a response may
// not be written yet, and that call must not be sent again.
func (c *connection) dismiss() {
	c.all.mu.Lock()
	used := c.used
	c.all.mu.Unlock()
	c.flow.Lock()
	switch {
	case used:
	case c.writing:
		c.parting = true
		c.flow.Unlock()
		time.AfterFunc(partingTime, c.cut)
		return
	case c.whole:
		c.partLocked()
	}
	c.flow.Unlock()
	c.cut()
}

// partLocked writes the GOAWAY.
func (c *connection) partLocked() {
	_ = c.Conn.SetWriteDeadline(time.Now().Add(partingTime))
	_, _ = c.stream.Write(goAway(noStream))
}

// The last stream that a GOAWAY names: those beyond it were not begun.
const (
	noStream   = 0
	lastStream = 1<<31 - 1
)

// goAway is a GOAWAY without an error.
func goAway(last uint32) []byte {
	frame := []byte{0, 0, 8, 7, 0, 0, 0, 0, 0}
	frame = binary.BigEndian.AppendUint32(frame, last)
	return append(frame, 0, 0, 0, 0)
}

// Close closes the connection; it may be called again. TLS says goodbye, unless something is still to be written.
func (c *connection) Close() error {
	if c.leaveAll() && c.secured.Load() != nil {
		c.below.closing.Store(true)
		_ = c.below.SetWriteDeadline(time.Time{}) // for what TLS may be writing while it reads: Close waits for it
		return c.stream.Close()
	}
	return c.Conn.Close()
}

// cut closes the connection without a word.
func (c *connection) cut() {
	c.leaveAll()
	_ = c.Conn.Close()
}

// leaveAll begins the end of the connection. It reports whether all was written.
func (c *connection) leaveAll() (whole bool) {
	c.all.mu.Lock()
	c.goneLocked()
	c.all.mu.Unlock()
	c.flow.Lock()
	defer c.flow.Unlock()
	if c.expiry != nil {
		c.expiry.Stop()
	}
	c.closed = true
	c.wake.Signal()
	return c.whole && !c.writing
}

// Read takes nothing from a caller that does not read what it is sent: what it asks for would pile up.
func (c *connection) Read(b []byte) (int, error) {
	c.flow.Lock()
	for (c.writing || c.unwritten > maxUnwritten) && !c.closed {
		c.wake.Wait()
	}
	c.flow.Unlock()
	return c.stream.Read(b)
}

// Write writes, for a bounded time. grpc writes less than its buffer only if nothing more is in its queue. An error ends the
// connection: grpc leaves that to its reader, which may see nothing wrong.
func (c *connection) Write(b []byte) (int, error) {
	if c.dismissed.Load() {
		return 0, net.ErrClosed
	}
	c.flow.Lock()
	if c.closed { // TLS may be saying goodbye, in little time
		c.flow.Unlock()
		return 0, net.ErrClosed
	}
	c.writing = true
	if len(b) < writeBufferBytes {
		c.forgive()
	}
	c.flow.Unlock()
	timeout := writeTimeout
	if c.all.writes.Add(1) > fewWrites {
		timeout = hurriedTimeout
	}
	_ = c.SetWriteDeadline(time.Now().Add(timeout)) // fails only if it is closed
	n, err := c.stream.Write(b)
	c.all.writes.Add(-1)
	c.unboundWrites()
	c.flow.Lock()
	c.writing, c.whole = false, len(b) < writeBufferBytes
	if !c.whole && c.unwritten > maxUnwritten {
		c.awaitQuiet()
	}
	parting := c.parting && c.whole && err == nil
	switch {
	case parting:
		c.partLocked()
	case c.retiring && c.whole && err == nil:
		c.askToGoLocked()
	}
	c.wake.Signal()
	c.flow.Unlock()
	if err != nil || parting {
		c.cut()
	}
	return n, err
}

// refused notes a refusal whose status is to be written, and reports whether it may have details.
func (c *connection) refused() bool {
	c.flow.Lock()
	c.unwritten++
	c.flow.Unlock()
	return c.all.unwritten.Add(1) <= maxUnwrittenInAll
}

// ended forgets what will never be written.
func (c *connection) ended() {
	c.flow.Lock()
	defer c.flow.Unlock()
	c.forgive()
}

// awaitQuiet: where the last write was as long as the buffer, no shorter one may follow.
func (c *connection) awaitQuiet() {
	if c.quiet == nil {
		c.quiet = time.AfterFunc(quietTime, c.forgiveQuiet)
		return
	}
	c.quiet.Reset(quietTime)
}

// forgiveQuiet forgets what must have been written, since nothing was written since.
func (c *connection) forgiveQuiet() {
	c.flow.Lock()
	defer c.flow.Unlock()
	if !c.writing {
		c.forgive()
		c.wake.Signal()
	}
}

func (c *connection) forgive() {
	c.all.unwritten.Add(-c.unwritten)
	c.unwritten = 0
}

// RemoteAddr is the peer's address, from which the connection can be found again.
func (c *connection) RemoteAddr() net.Addr { return address{c.Conn.RemoteAddr(), c} }

type address struct {
	net.Addr

	connection *connection
}
