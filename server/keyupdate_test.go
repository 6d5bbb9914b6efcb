package server

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/devca"
)

// sealer makes records of TLS 1.3 as a client does, which crypto/tls has no way to ask for.
type sealer struct {
	secret, iv []byte
	aead       cipher.AEAD
	sequence   uint64
}

// sealing begins after the client's handshake, with what its KeyLogWriter got.
func sealing(t *testing.T, client *tls.Conn, log string) *sealer {
	t.Helper()
	if suite := client.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Fatalf("encrypted with %s", tls.CipherSuiteName(suite))
	}
	_, rest, _ := strings.Cut(log, "CLIENT_TRAFFIC_SECRET_0 ")
	line, _, _ := strings.Cut(rest, "\n")
	_, digits, _ := strings.Cut(line, " ")
	secret, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	s := &sealer{secret: secret}
	s.rekey()
	return s
}

// expand is HKDF-Expand-Label of RFC 8446.
func (s *sealer) expand(label string, length int) []byte {
	info := append([]byte{0, byte(length), byte(len("tls13 " + label))}, "tls13 "+label+"\x00"...) //nolint:gosec // short
	key, err := hkdf.Expand(sha256.New, s.secret, string(info), length)
	if err != nil {
		panic(err)
	}
	return key
}

func (s *sealer) rekey() {
	block, err := aes.NewCipher(s.expand("key", 16))
	if err != nil {
		panic(err)
	}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		panic(err)
	}
	s.iv, s.sequence = s.expand("iv", 12), 0
}

func (s *sealer) record(kind byte, text string) []byte {
	header := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(text)+1+16)) //nolint:gosec // short
	nonce := bytes.Clone(s.iv)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^s.sequence)
	s.sequence++
	return s.aead.Seal(header, nonce, append([]byte(text), kind), header)
}

const (
	handshakeRecord = 22
	dataRecord      = 23
)

// update asks for new keys in both directions.
func (s *sealer) update() []byte {
	record := s.record(handshakeRecord, "\x18\x00\x00\x01\x01")
	s.secret = s.expand("traffic upd", sha256.Size)
	s.rekey()
	return record
}

// flood sends requests for new keys without end, with data in between, as crypto/tls wants it, and counts them.
func (s *sealer) flood(raw net.Conn, count *atomic.Int64) {
	text := s.record(dataRecord, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	for n := 0; ; n++ {
		if _, err := raw.Write(text); err != nil {
			return
		}
		count.Add(1)
		data := "x"
		if n%(16<<10) == 0 {
			data = "\x00\x40\x00\x40\x00\x00\x00\x00\x00" // a frame of an unknown type, with 16 KiB
		}
		text = s.record(dataRecord, data)
		for range 15 {
			text = append(text, s.update()...)
		}
	}
}

// TLS answers such a request while it reads. Where the caller does not read, that hangs, and must not hold up a stop.
func TestUnreadKeyUpdates(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	raw, err := e.listener.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	var secrets bytes.Buffer
	config := a.as(t, devca.Request{URIs: []string{stranger}})
	config.KeyLogWriter = &secrets
	client := tls.Client(raw, config)
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	go sealing(t, client, secrets.String()).flood(raw, &count)
	for before := int64(-1); before != count.Load(); time.Sleep(quietTime / 2) {
		before = count.Load()
	}
	e.only(t)
	e.Stop()
	select {
	case err := <-e.ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it does not stop")
	}
}
