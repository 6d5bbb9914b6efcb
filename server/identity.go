package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"cognito.internal/useradmin/internal/authn"
)

const xfccKey = "x-forwarded-client-cert"

// anonymous is the caller where nobody has to prove anything.
const anonymous = "anonymous"

// Why a call does not prove who makes it, beside the kinds of package authn.
const (
	kindXFCCOnMTLS = "unexpected_xfcc"
	kindExpired    = "expired"
	kindRevoked    = "revoked"
	kindOther      = "other"
)

// caller is who makes a call.
type caller struct {
	// id is anonymous, or the SPIFFE ID; empty where the call does not prove one.
	id string
	// problem says in a fixed word why it does not.
	problem string
}

// holder is who holds places: a caller who is known, with all connections, or a connection.
type holder struct {
	caller     string
	connection *connection
}

// holderOf is who takes the call's place. All whom the policy does not name share one share, with the calls that prove nothing: they
// will be denied, and new names and headers cost nothing. Health checks need no permission.
func (s *Server) holderOf(from caller, conn *connection, method string) holder {
	if method == grpc_health_v1.Health_Check_FullMethodName {
		from.id = cmp.Or(from.id, conn.identity.Caller, anonymous)
	} else if from.id != anonymous && !s.names(from.id) {
		return holder{caller: otherCallers}
	}
	if from.id == anonymous {
		return holder{connection: conn}
	}
	return holder{caller: from.id}
}

// names reports whether the policy names the caller.
func (s *Server) names(id string) bool {
	return id != "" && s.config.Policy != nil && s.config.Policy().Names(id)
}

// identify finds out who makes a call. A listener has exactly one way to prove it.
func (s *Server) identify(ctx context.Context, conn *connection, headers metadata.MD) caller {
	forwarded := headers[xfccKey]
	switch s.config.Authn {
	case authn.MTLS:
		return conn.caller(forwarded)
	case authn.XFCC:
		identity, err := authn.FromXFCC(forwarded)
		if err != nil {
			return caller{problem: kindOf(err)}
		}
		return caller{id: identity.Caller}
	default:
		if len(forwarded) > 0 {
			s.ignoreXFCC(ctx)
		}
		return caller{id: anonymous}
	}
}

// kindOf is the kind of a failure of package authn.
func kindOf(err error) string {
	var failed *authn.Failure
	if errors.As(err, &failed) {
		return failed.Kind
	}
	return kindOther
}

// ignoreXFCC counts headers that prove nothing here, and warns once.
func (s *Server) ignoreXFCC(ctx context.Context) {
	s.metrics.ignoredXFCC.Inc()
	if !s.warned.Swap(true) {
		s.config.Logger.WarnContext(ctx, "calls come with the header x-forwarded-client-cert, which is ignored: callers are not authenticated (--authn none)")
	}
}

// caller is who holds the connection's certificate. A header that names somebody else shows a route that should not be.
func (c *connection) caller(forwarded []string) caller {
	switch {
	case len(forwarded) > 0:
		return caller{problem: kindXFCCOnMTLS}
	case time.Now().After(c.identity.NotAfter): // first: the end of the certificate revokes it too
		return caller{problem: kindExpired}
	case c.revoked.Load():
		return caller{problem: kindRevoked}
	default:
		return caller{id: c.identity.Caller}
	}
}

// handshaker is grpc's transport credentials. The connection that it returns is the one that it gets: what is written to it
// goes through TLS from then on.
type handshaker struct {
	credentials.TransportCredentials // of a client, which this is not

	server *Server
}

// ServerHandshake lets in those who prove who they are.
func (h *handshaker) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, ok := raw.(*connection)
	if !ok {
		panic("a connection that did not come from the listener")
	}
	s := h.server
	trust := s.trust.Load()
	conn.below.others = &s.connections.large
	secured, identity, err := s.config.TLS.Handshake(&conn.below)
	conn.below.over()
	if err != nil {
		s.noteHandshake(err, conn.Conn.RemoteAddr())
		return nil, nil, err
	}
	conn.secure(secured, identity)
	// Who was let in by the old CAs while they were replaced is looked at again.
	if s.trust.Load() != trust {
		if err := s.config.TLS.Verify(secured); err != nil {
			s.noteHandshake(err, conn.Conn.RemoteAddr())
			return nil, nil, err
		}
	}
	return conn, credentials.TLSInfo{
		State:          secured.ConnectionState(),
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
	}, nil
}

// Info names the protocol.
func (*handshaker) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone returns the handshaker itself: nothing of it changes.
func (h *handshaker) Clone() credentials.TransportCredentials { return h }

// Recheck ends the connections whose certificates the present CAs do not verify any more. Their calls end as usual, and new
// ones get UNAUTHENTICATED.
func (s *Server) Recheck() {
	s.trust.Add(1)
	conns := slices.DeleteFunc(s.connections.list(), func(c *connection) bool {
		secured := c.secured.Load()
		return secured == nil || s.config.TLS.Verify(secured) == nil
	})
	for _, conn := range conns { // all before any is told, which may take a moment each
		s.metrics.revoked.Inc()
		conn.revoked.Store(true)
	}
	for _, conn := range conns {
		conn.revoke()
	}
}

// secure makes the connection write and read through TLS, until the certificate expires.
func (c *connection) secure(secured *tls.Conn, identity authn.Identity) {
	c.flow.Lock()
	defer c.flow.Unlock()
	c.identity, c.stream = identity, authn.Bound(secured)
	c.secured.Store(secured)
	if !c.closed {
		c.expiry = time.AfterFunc(time.Until(identity.NotAfter), c.revoke)
	}
}

// revoke ends the connection with its last call. The caller is asked to begin no more calls on it; those that it begins get
// UNAUTHENTICATED.
func (c *connection) revoke() {
	c.revoked.Store(true)
	c.flow.Lock()
	switch {
	case c.closed: // in little time
	case c.whole && !c.writing:
		c.askToGoLocked()
	default:
		c.retiring = true
	}
	c.flow.Unlock()
	time.AfterFunc(quietTime, c.cutIdle)
}

// cutIdle cuts the connection if it carries no call. The response of its last one was written meanwhile.
func (c *connection) cutIdle() {
	c.all.mu.Lock()
	idle := c.calls == 0
	c.all.mu.Unlock()
	if idle {
		c.cut()
	}
}

// askToGoLocked writes a GOAWAY that lets calls under way finish.
func (c *connection) askToGoLocked() {
	c.retiring = false
	_ = c.Conn.SetWriteDeadline(time.Now().Add(partingTime))
	if _, err := c.stream.Write(goAway(lastStream)); err != nil {
		_ = c.Conn.Close()
		return
	}
	c.unboundWrites()
}

// unboundWrites takes the deadline off a connection with TLS once something was written: TLS also writes while it reads, to
// answer a KeyUpdate, and a deadline that has passed would break the connection. What then hangs ends with the next write.
func (c *connection) unboundWrites() {
	if c.secured.Load() != nil && c.shaken.Load() { // grpc's handshake takes less time than a write may
		_ = c.Conn.SetWriteDeadline(time.Time{})
	}
}
