package authn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// maxHandshakeBytes is the most that a peer may send before it is known who it is, and what one read may take of it later.
// crypto/tls takes certificates of 256 KiB, even after the handshake, which would add up.
const maxHandshakeBytes = 32 << 10

// alpnH2 is what gRPC speaks.
const alpnH2 = "h2"

// serverConfig returns the settings for callers. They are never changed.
func serverConfig(pair tls.Certificate, clientCAs *x509.CertPool, minVersion uint16) *tls.Config {
	return &tls.Config{
		MinVersion:   minVersion,
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.RequireAnyClientCert, // Handshake verifies it: crypto/tls does so at any cost
		ClientCAs:    clientCAs,
		NextProtos:   []string{alpnH2},
		// Of TLS 1.2, what HTTP/2 allows.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		// A resumed connection would not show its certificate again, and the CAs may have changed.
		SessionTicketsDisabled: true,
		// The server's connections count on one record for each write.
		DynamicRecordSizingDisabled: true,
		GetConfigForClient:          checkHello(minVersion),
		// Whoever leaves out Handshake lets nobody in.
		VerifyConnection: func(tls.ConnectionState) error { return fail(protocol) },
	}
}

// checkHello refuses what Go's server accepts: clients without ALPN, or with HTTP/1.1.
func checkHello(minVersion uint16) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		possible := func(v uint16) bool { return v >= minVersion && v <= tls.VersionTLS13 }
		if conn, ok := hello.Conn.(*bounded); ok && !slices.ContainsFunc(hello.SupportedVersions, possible) {
			conn.onlyOldVersions = true
			return nil, nil // crypto/tls refuses it, with the alert that says why
		}
		if !slices.Contains(hello.SupportedProtos, alpnH2) {
			return nil, fail(noALPN)
		}
		return nil, nil
	}
}

// Handshake proves who is at the other end of the connection. Its error wraps a *Failure. How long it may take is bounded
// by the connection's deadline. The connection remains the caller's to close.
func (t *TLS) Handshake(raw net.Conn) (*tls.Conn, Identity, error) {
	peer := &bounded{Conn: raw, allowance: maxHandshakeBytes}
	config := t.current.Load().config.Clone()
	var identity Identity
	config.VerifyConnection = func(state tls.ConnectionState) (err error) {
		identity, err = verify(state.PeerCertificates, config.ClientCAs)
		return err
	}
	conn := tls.Server(peer, config)
	if err := conn.HandshakeContext(context.Background()); err != nil {
		return nil, Identity{}, fail(peer.kind(err))
	}
	if identity.Caller == "" {
		return nil, Identity{}, fail(noCertificate)
	}
	peer.unlimited = true
	return conn, identity, nil
}

// Bound returns Handshake's connection for what reads from it. No read takes more of the peer than a handshake may have: a
// record of data always fits, and a message of the handshake that comes late and never ends does not.
func Bound(c *tls.Conn) net.Conn {
	peer, ok := c.NetConn().(*bounded)
	if !ok {
		return c
	}
	peer.unlimited = false
	return &reader{Conn: c, peer: peer}
}

// reader is the connection of a caller that is known.
type reader struct {
	*tls.Conn
	peer *bounded
}

func (r *reader) Read(p []byte) (int, error) {
	r.peer.allowance = maxHandshakeBytes
	return r.Conn.Read(p)
}

// bounded is a connection whose peer may send only so much.
type bounded struct {
	net.Conn
	// allowance is how many bytes the peer may still send, unless it is unlimited.
	allowance int
	unlimited bool
	// onlyOldVersions says that the peer offers no version of TLS that is accepted.
	onlyOldVersions bool
}

// Read never reads more than the allowance; the rest stays in the socket.
func (b *bounded) Read(p []byte) (int, error) {
	switch {
	case b.unlimited:
		return b.Conn.Read(p)
	case b.allowance == 0:
		return 0, fail(tooLarge)
	}
	n, err := b.Conn.Read(p[:min(len(p), b.allowance)])
	b.allowance -= n
	return n, err
}

// kind says which failure the error of a handshake is.
func (b *bounded) kind(err error) string {
	var (
		failure *Failure
		plain   tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &failure):
		return failure.Kind
	case errors.As(err, &plain):
		return notTLS
	case b.onlyOldVersions:
		return oldVersion
	}
	if kind := connectionKind(err); kind != "" {
		return kind
	}
	// These have no types.
	switch text := err.Error(); {
	case strings.HasPrefix(text, "tls: client didn't provide a certificate"):
		return noCertificate
	case strings.HasPrefix(text, "tls: failed to parse client certificate"):
		return malformed
	default:
		return protocol
	}
}

// connectionKind says how the connection ended, or nothing.
func connectionKind(err error) string {
	var operation *net.OpError
	found := errors.As(err, &operation)
	switch {
	case found && operation.Op == "remote error": // the peer's alert
		return refused
	case found && operation.Op == "local error": // ours
		return protocol
	case errors.Is(err, os.ErrDeadlineExceeded):
		return timedOut
	case found, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed):
		return Cut
	default:
		return ""
	}
}

// chainKind says which failure x509's error is.
func chainKind(err error, now time.Time) string {
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		if withSHA1(unknown.Cert) {
			return weakKey
		}
		return unknownAuthority
	case !errors.As(err, &invalid):
		return badChain
	case invalid.Reason == x509.Expired && now.Before(invalid.Cert.NotBefore):
		return notYetValid
	case invalid.Reason == x509.Expired:
		return expired
	case invalid.Reason == x509.IncompatibleUsage:
		return wrongUsage
	default:
		return badChain
	}
}

func withSHA1(cert *x509.Certificate) bool {
	return cert.SignatureAlgorithm == x509.SHA1WithRSA || cert.SignatureAlgorithm == x509.ECDSAWithSHA1
}
