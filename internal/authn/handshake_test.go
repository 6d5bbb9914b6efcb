package authn_test

import (
	"bytes"
	"crypto/elliptic"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

// TestWhatTheClientOffers has clients with a good certificate, and other settings than a caller of gRPC has.
func TestWhatTheClientOffers(t *testing.T) {
	w := newWorld(t)
	strict := w.load(t)
	lowered := must[*authn.TLS](t)(authn.Load(w.files, tls.VersionTLS12))
	pair := must[*devca.Pair](t)(w.callers.Client(caller)).TLS()
	stolen := pair
	stolen.PrivateKey, stolen.Leaf = ecKey(t, elliptic.P256()), nil
	for _, c := range []struct {
		name, kind string
		server     *authn.TLS
		change     func(*tls.Config)
		alert      string
	}{
		{"TLS 1.3", "", strict, func(*tls.Config) {}, ""},
		{"TLS 1.3, lowered", "", lowered, func(*tls.Config) {}, ""},
		{"TLS 1.2", "old_version", strict, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, "protocol version not supported"},
		{"TLS 1.2 without ALPN", "old_version", strict, func(c *tls.Config) { c.MaxVersion, c.NextProtos = tls.VersionTLS12, nil }, "protocol version not supported"},
		{"TLS 1.2, lowered", "", lowered, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, ""},
		{"TLS 1.1, lowered", "old_version", lowered, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }, "protocol version not supported"},
		{"TLS 1.2 with a cipher that HTTP/2 forbids", "protocol", lowered, func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		}, "handshake failure"},
		{"TLS 1.2 without a certificate", "no_certificate", lowered, func(c *tls.Config) { c.MaxVersion, c.GetClientCertificate = tls.VersionTLS12, nil }, "handshake failure"},
		{"TLS 1.2 with the key of somebody else", "protocol", lowered, func(c *tls.Config) { *c = *w.client(stolen); c.MaxVersion = tls.VersionTLS12 }, ""},
		{"no ALPN", "no_alpn", strict, func(c *tls.Config) { c.NextProtos = nil }, "internal error"},
		{"HTTP/1.1", "no_alpn", strict, func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }, "internal error"},
		{"HTTP/3", "no_alpn", strict, func(c *tls.Config) { c.NextProtos = []string{"h3"} }, "internal error"},
		{"HTTP/1.1 and 2", "", strict, func(c *tls.Config) { c.NextProtos = []string{"http/1.1", "h2"} }, ""},
		{"does not trust the server", "refused_by_peer", strict, func(c *tls.Config) { c.RootCAs = w.callers.Pool() }, "unknown authority"},
		{"takes it for another", "refused_by_peer", strict, func(c *tls.Config) { c.ServerName = "other.test" }, "not other.test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := w.client(pair)
			c.change(config)
			got := meet(t, c.server, speak(config))
			checkResult(t, got, c.kind)
			if c.kind == "" && got.conn.ConnectionState().NegotiatedProtocol != "h2" {
				t.Errorf("negotiated %q", got.conn.ConnectionState().NegotiatedProtocol)
			}
			if c.alert != "" && !strings.Contains(got.client.Error(), c.alert) {
				t.Errorf("the client: %v", got.client)
			}
		})
	}
}

// says sends the bytes and then listens.
func says(text string) func(net.Conn) error {
	return func(conn net.Conn) error {
		if _, err := io.WriteString(conn, text); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, conn)
		return errors.New("said")
	}
}

// says and closes its side.
func ends(text string) func(net.Conn) error {
	return func(conn net.Conn) error {
		_, _ = io.WriteString(conn, text)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, conn)
		return errors.New("ended")
	}
}

// firstFlight is what a client says first.
func firstFlight(t *testing.T) string {
	t.Helper()
	client, server := net.Pipe()
	go func() {
		_ = tls.Client(client, &tls.Config{ServerName: hostname, NextProtos: []string{"h2"}}).Handshake()
	}()
	buffer := make([]byte, 16<<10)
	n := must[int](t)(server.Read(buffer))
	_ = server.Close()
	return string(buffer[:n])
}

// records cuts a message of the handshake into records of TLS.
func records(kind byte, claimed, sent int) string {
	message := binary.BigEndian.AppendUint32(nil, uint32(claimed)) //nolint:gosec // three bytes are enough
	message[0] = kind
	message = append(message, make([]byte, sent)...)
	var text bytes.Buffer
	for part := range slices.Chunk(message, 16<<10) {
		text.Write([]byte{22, 3, 1})
		text.Write(binary.BigEndian.AppendUint16(nil, uint16(len(part)))) //nolint:gosec // at most 16 KiB
		text.Write(part)
	}
	return text.String()
}

// TestWhatIsNoHandshake has peers that break the rules.
func TestWhatIsNoHandshake(t *testing.T) {
	server := newWorld(t).load(t)
	hello := firstFlight(t)
	for _, c := range []struct {
		name, kind string
		peer       func(net.Conn) error
	}{
		{"HTTP", "not_tls", says("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
		{"HTTP/2 in plaintext", "not_tls", says("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
		{"SSH", "not_tls", says("SSH-2.0-OpenSSH_9.9\r\n")},
		{"zeros", "not_tls", says(strings.Repeat("\x00", 100))},
		{"nothing", "cut", ends("")},
		{"one byte", "cut", ends(hello[:1])},
		{"half of a hello", "cut", ends(hello[:len(hello)/2])},
		{"a hello and nothing", "cut", ends(hello)},
		{"a hello and plaintext", "protocol", says(hello + "\x17\x03\x03\x00\x05hello")},
		{"an alert first", "refused_by_peer", says("\x15\x03\x01\x00\x02\x02\x28")},
		{"a message that is no hello", "protocol", says(records(20, 12, 12))},
		{"a hello that is none", "protocol", says(records(1, 100, 100))},
		{"a hello of 60 KiB", "too_large", says(records(1, 60<<10, 60<<10))},
		{"a hello that claims 1 MiB", "protocol", says(records(1, 1<<20, 100))},
		{"empty records", "protocol", says(strings.Repeat("\x16\x03\x01\x00\x00", 1000))},
	} {
		t.Run(c.name, func(t *testing.T) { checkResult(t, meet(t, server, c.peer), c.kind) })
	}
}

// TestNothingIsResumed connects twice with a cache of sessions.
func TestNothingIsResumed(t *testing.T) {
	w := newWorld(t)
	pair := must[*devca.Pair](t)(w.callers.Client(caller)).TLS()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server := must[*authn.TLS](t)(authn.Load(w.files, tls.VersionTLS12))
		config := w.client(pair)
		config.MaxVersion = version
		config.ClientSessionCache = tls.NewLRUClientSessionCache(10)
		for range 3 {
			got := meet(t, server, speak(config))
			checkResult(t, got, "")
			if state := got.conn.ConnectionState(); state.DidResume || state.Version != version {
				t.Errorf("%s, resumed %t", tls.VersionName(state.Version), state.DidResume)
			}
		}
	}
}

// TestEachKindHasItsWords reads what an operator reads.
func TestEachKindHasItsWords(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range authn.Kinds() {
		text := (&authn.Failure{Kind: kind}).Error()
		if text == kind || seen[text] || seen[kind] || strings.ContainsAny(text, "\n%\"") {
			t.Errorf("%s: %q", kind, text)
		}
		seen[text], seen[kind] = true, true
	}
}
