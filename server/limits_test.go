package server

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

// greet begins a connection as a client does and returns the frames that come.
func greet(t *testing.T, conn net.Conn) *http2.Framer {
	t.Helper()
	framer := http2.NewFramer(conn, conn)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return framer
}

// The limits that the README names reach the wire.
func TestLimitsAreAnnounced(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	conn, err := e.listener.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	frame, err := greet(t, conn).ReadFrame()
	settings, ok := frame.(*http2.SettingsFrame)
	if err != nil || !ok {
		t.Fatalf("the first frame is %v, %v", frame, err)
	}
	for id, want := range map[http2.SettingID]uint32{
		http2.SettingMaxConcurrentStreams: maxConcurrentStreams,
		http2.SettingMaxHeaderListSize:    maxHeaderListBytes,
	} {
		if got, _ := settings.Value(id); got != want {
			t.Errorf("%v is %d, want %d", id, got, want)
		}
	}
}

// A connection is told to go after its age, give or take a tenth, and one that never greets is dropped.
func TestConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, succeeding(), Config{})
		conn, err := e.listener.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		framer := greet(t, conn)
		silent, err := e.listener.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, _ = io.Copy(io.Discard, silent) // until the server closes it
		if took := time.Since(start); took > handshakeTimeout {
			t.Errorf("a silent connection was dropped after %s", took)
		}
		awaitGoAway(t, framer)
		if went := time.Since(start); went < DefaultConnectionAge*9/10 || went > DefaultConnectionAge*12/10 {
			t.Errorf("the connection was told to go after %s, want about %s", went, DefaultConnectionAge)
		}
		_ = conn.Close()
		e.drain()
		if err := <-e.ended; err != nil {
			t.Error(err)
		}
		e.ended <- nil
	})
}

// awaitGoAway answers pings, as clients do, until the server says to go.
func awaitGoAway(t *testing.T, framer *http2.Framer) {
	t.Helper()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.PingFrame:
			if !frame.IsAck() {
				err = framer.WritePing(true, frame.Data)
			}
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				err = framer.WriteSettingsAck()
			}
		case *http2.GoAwayFrame:
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
