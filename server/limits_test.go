package server

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"cognito.internal/useradmin/internal/rawcall"
)

// The limits that the README names reach the wire.
func TestLimitsAreAnnounced(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	framer := e.deaf(t).Framer
	frame, err := framer.ReadFrame()
	settings, ok := frame.(*http2.SettingsFrame)
	if err != nil || !ok {
		t.Fatalf("the first frame is %v, %v", frame, err)
	}
	for id, want := range map[http2.SettingID]uint32{
		http2.SettingMaxConcurrentStreams: maxConcurrentStreams,
		http2.SettingMaxHeaderListSize:    maxHeaderListBytes,
		http2.SettingInitialWindowSize:    streamWindowBytes,
	} {
		if got, _ := settings.Value(id); got != want {
			t.Errorf("%v is %d, want %d", id, got, want)
		}
	}
	frame, err = framer.ReadFrame()
	update, ok := frame.(*http2.WindowUpdateFrame)
	if err != nil || !ok || update.StreamID != 0 || update.Increment != connectionWindowBytes-65_535 {
		t.Errorf("the second frame is %v, %v", frame, err)
	}
}

// There is always an idle connection that can go.
func TestConnectionsAreMoreThanCalls(t *testing.T) {
	for _, test := range []struct{ calls, inbound int }{{1_000, 1_032}, {-1, 100}, {2_000, 0}} {
		if _, err := New(succeeding(), Config{MaxCalls: test.calls, MaxInbound: test.inbound}); err == nil {
			t.Errorf("%+v was taken", test)
		}
	}
	newServer(t, succeeding(), Config{MaxCalls: 1_000, MaxInbound: 1_033})
}

// A connection is told to go after its age, give or take a tenth, and one that never greets is dropped.
func TestConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, succeeding(), Config{})
		r := e.deaf(t)
		// An open stream keeps the connection from being idle.
		r.send(t, r.open(t, watchMethod), rawcall.Prefix(0), true)
		silent, err := e.listener.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, _ = io.Copy(io.Discard, silent) // until the server closes it
		if took := time.Since(start); took > handshakeTimeout {
			t.Errorf("a silent connection was dropped after %s", took)
		}
		awaitGoAway(t, r.Framer)
		if went := time.Since(start); went < DefaultConnectionAge*9/10 || went > DefaultConnectionAge*12/10 {
			t.Errorf("the connection was told to go after %s, want about %s", went, DefaultConnectionAge)
		}
		_ = r.Close()
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

// A connection without calls is told to go after five minutes.
func TestIdleConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, succeeding(), Config{})
		r := e.deaf(t)
		start := time.Now()
		awaitGoAway(t, r.Framer)
		if went := time.Since(start); went != idleTimeout {
			t.Errorf("the connection was told to go after %s", went)
		}
		_ = r.Close()
	})
}
