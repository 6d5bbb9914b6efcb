package server

import (
	"net"
	"sync/atomic"
	"time"

	"cognito.internal/useradmin/internal/authn"
)

// What callers send before it is known who they are adds up. Usual certificates are small and always find room; of those who
// send more, only so many may be there at once, so that slow ones take no memory from anybody, and no place from usual callers.
const (
	smallHandshakeBytes = 10 << 10
	maxLargeHandshakes  = 128
	// lastHandshakes is how long handshakes may go on in a drain.
	lastHandshakes = time.Second
)

// kindCrowded is a handshake that was too large while many others were.
const kindCrowded = "too_many_large"

// belowTLS is the connection as TLS sees it.
type belowTLS struct {
	net.Conn

	closing atomic.Bool
	// others counts the large handshakes; it is nil once there is a handshake. read and large are of this one.
	others *atomic.Int64
	read   int
	large  bool
}

// Read bounds what a handshake takes. What comes later is not its business.
func (b *belowTLS) Read(p []byte) (int, error) {
	if b.others == nil || b.large {
		return b.Conn.Read(p)
	}
	left := smallHandshakeBytes - b.read
	if left == 0 {
		b.large = true
		if b.others.Add(1) > maxLargeHandshakes {
			return 0, &authn.Failure{Kind: kindCrowded}
		}
		return b.Conn.Read(p)
	}
	n, err := b.Conn.Read(p[:min(len(p), left)])
	b.read += n
	return n, err
}

// over ends what holds for a handshake.
func (b *belowTLS) over() {
	if b.large {
		b.others.Add(-1)
	}
	b.others, b.large = nil, false
}

// SetDeadline is how grpc bounds its handshake, and says that it is over.
func (c *connection) SetDeadline(t time.Time) error {
	if t.IsZero() {
		c.shaken.Store(true)
	}
	return c.Conn.SetDeadline(t)
}

// endHandshakes cuts the connections whose handshakes are under way, and those that come: grpc waits for them before it stops, and
// before it asks anybody to go.
func (c *connections) endHandshakes() {
	c.over.Store(true)
	for _, conn := range c.list() {
		if !conn.shaken.Load() {
			conn.cut()
		}
	}
}

// SetWriteDeadline lets the last alert take no longer than partingTime, of 5 s that crypto/tls gives it: a caller that reads
// nothing must not hold up a stop.
func (b *belowTLS) SetWriteDeadline(t time.Time) error {
	if b.closing.Load() {
		t = time.Now().Add(partingTime)
	}
	return b.Conn.SetWriteDeadline(t)
}
