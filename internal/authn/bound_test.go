package authn_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

// counting counts the bytes that are read of a connection, and the writes.
type counting struct {
	net.Conn
	read, writes int
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes++
	return c.Conn.Write(p)
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read += n
	return n, err
}

// TestAStrangerSendsLittle has a peer that sends without end, and one that says nothing.
func TestAStrangerSendsLittle(t *testing.T) {
	server := newWorld(t).load(t)
	for _, c := range []struct {
		name, kind, text string
		most             int
	}{
		{"a hello without end", "too_large", records(1, 60<<10, 60<<10), 32 << 10},
		{"a silent peer", "timed_out", "", 0},
		{"half of a hello and silence", "timed_out", records(1, 1000, 500), 600},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, raw := net.Pipe()
				go func() { _, _ = io.WriteString(client, c.text) }()
				conn := &counting{Conn: raw}
				if err := raw.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				_, _, err := server.Handshake(conn)
				if got := (result{err: err}).kind(t); got != c.kind || conn.read > c.most {
					t.Errorf("kind %q after %d bytes", got, conn.read)
				}
				_ = client.Close()
				_ = raw.Close()
			})
		})
	}
}

// connected is a connection over loopback whose handshake is done, and what counts the bytes that the server reads.
func connected(t *testing.T, server *authn.TLS, config *tls.Config) (client, conn *tls.Conn, count *counting) {
	t.Helper()
	listener := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	defer func() { _ = listener.Close() }()
	dialled := make(chan *tls.Conn, 1)
	go func() {
		raw, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			close(dialled)
			return
		}
		client := tls.Client(raw, config)
		_ = client.Handshake() // the server's side fails too
		dialled <- client
	}()
	raw := must[net.Conn](t)(listener.Accept())
	t.Cleanup(func() { _ = raw.Close() })
	count = &counting{Conn: raw}
	conn, _, err := server.Handshake(count)
	if err != nil {
		t.Fatal(err)
	}
	client = <-dialled
	t.Cleanup(func() { _ = client.Close() })
	return client, conn, count
}

// TestDataHasNoBound sends more than a stranger may, with Bound and without.
func TestDataHasNoBound(t *testing.T) {
	w := newWorld(t)
	server := w.load(t)
	caller := must[*devca.Pair](t)(w.callers.Client(caller)).TLS()
	for _, wrap := range []func(*tls.Conn) net.Conn{authn.Bound, func(c *tls.Conn) net.Conn { return c }} {
		client, conn, _ := connected(t, server, w.client(caller))
		const length = 500 << 10
		ended := make(chan error, 1)
		go func() {
			_, err := client.Write(make([]byte, length))
			ended <- errors.Join(err, client.Close())
		}()
		text, err := io.ReadAll(wrap(conn))
		if err := errors.Join(err, <-ended); err != nil || len(text) != length {
			t.Errorf("%d bytes, %v", len(text), err)
		}
	}
}

// TestAWriteIsARecord counts what the connection below sees: the server's connections rely on it.
func TestAWriteIsARecord(t *testing.T) {
	w := newWorld(t)
	_, conn, count := connected(t, w.load(t), w.client(must[*devca.Pair](t)(w.callers.Client(caller)).TLS()))
	for _, length := range []int{1, 8 << 10, 16 << 10} {
		before := count.writes
		if _, err := conn.Write(make([]byte, length)); err != nil || count.writes != before+1 {
			t.Errorf("%d bytes: %d writes, %v", length, count.writes-before, err)
		}
	}
}

// TestALateMessageHasABound has a caller that is known, and sends a certificate of 200 KiB without its end.
func TestALateMessageHasABound(t *testing.T) {
	w := newWorld(t)
	server := w.load(t)
	var secrets bytes.Buffer
	config := w.client(must[*devca.Pair](t)(w.callers.Client(caller)).TLS())
	config.KeyLogWriter = &secrets
	client, conn, count := connected(t, server, config)
	before := count.read
	go func() {
		message := append([]byte{11, 3, 32, 0}, make([]byte, 199<<10)...)
		_, _ = client.NetConn().Write(sealed(t, client, secrets.String(), message))
		_ = client.NetConn().Close()
	}()
	_, err := authn.Bound(conn).Read(make([]byte, 1))
	if got := count.read - before; (result{err: err}).kind(t) != "too_large" || got > 32<<10 {
		t.Errorf("%v after %d bytes", err, got)
	}
}

// sealed is a message of the handshake in records of TLS 1.3, as the client would encrypt them first after its handshake.
func sealed(t *testing.T, client *tls.Conn, log string, message []byte) []byte {
	if suite := client.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Errorf("encrypted with %s", tls.CipherSuiteName(suite))
	}
	_, rest, _ := strings.Cut(log, "CLIENT_TRAFFIC_SECRET_0 ")
	line, _, _ := strings.Cut(rest, "\n")
	_, digits, _ := strings.Cut(line, " ")
	secret, err := hex.DecodeString(digits)
	expand := func(label string, length int) []byte { // RFC 8446, HKDF-Expand-Label
		info := append([]byte{0, byte(length), byte(len("tls13 " + label))}, "tls13 "+label+"\x00"...) //nolint:gosec // short
		key, failed := hkdf.Expand(sha256.New, secret, string(info), length)
		err = errors.Join(err, failed)
		return key
	}
	block, failed := aes.NewCipher(expand("key", 16))
	aead, failedToo := cipher.NewGCM(block)
	iv := expand("iv", 12)
	if err := errors.Join(err, failed, failedToo); err != nil {
		t.Error(err)
	}
	var text []byte
	sequence := uint64(0)
	for part := range slices.Chunk(message, 16<<10) {
		header := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(part)+1+16)) //nolint:gosec // at most 16 KiB
		nonce := slices.Clone(iv)
		binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(iv[4:])^sequence)
		sequence++
		text = append(text, header...)
		text = aead.Seal(text, nonce, append(slices.Clone(part), 22), header)
	}
	return text
}
