package server

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// From a caller that does not read, nothing more is taken.
func TestCallerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		s := newServer(t, succeeding(), Config{})
		conn := s.connections.add(ours)
		wrote, read := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := conn.Write([]byte("an answer"))
			wrote <- err
		}()
		synctest.Wait()
		go func() {
			_, err := conn.Read(make([]byte, 100))
			read <- err
		}()
		go func() { _, _ = io.WriteString(theirs, "a request") }()
		synctest.Wait()
		select {
		case err := <-read:
			t.Errorf("it was read: %v", err)
		default:
		}
		start := time.Now()
		if err := <-wrote; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != writeTimeout {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		// grpc's writer ends with the error and leaves it to the reader to meet it too.
		if err := <-read; err == nil {
			t.Error("the connection is still read")
		}
		if n := s.connections.count(); n != 0 {
			t.Errorf("%v connections are left", n)
		}
	})
}

// A last write that is as long as the buffer is the last all the same.
func TestLastWriteThatFillsTheBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		go func() { _, _ = theirs.Write([]byte("a request")) }()
		s := newServer(t, succeeding(), Config{})
		conn := s.connections.add(ours)
		for range maxUnwritten + 1 {
			conn.refused()
		}
		start := time.Now()
		for range 2 {
			if _, err := conn.Write(make([]byte, writeBufferBytes)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(quietTime / 2)
		}
		if _, err := conn.Read(make([]byte, 100)); err != nil || time.Since(start) != quietTime*3/2 {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if n := s.connections.unwritten.Load(); n != 0 {
			t.Errorf("%d are left", n)
		}
		_ = conn.Close()
		_ = theirs.Close()
	})
}

// A connection that is dismissed while it writes says that nothing was begun, once what it writes has left.
func TestDismissedWhileItWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		s := newServer(t, succeeding(), Config{})
		conn := s.connections.add(ours)
		go func() { _, _ = conn.Write([]byte("settings")) }()
		synctest.Wait()
		s.connections.mu.Lock()
		conn.chooseLocked()
		s.connections.mu.Unlock()
		conn.dismiss()
		got, _ := io.ReadAll(theirs)
		if want := "settings" + string(goAway(noStream)); string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
		// One that cannot write is closed all the same.
		ours, _ = net.Pipe()
		stuck := s.connections.add(ours)
		wrote := make(chan error, 1)
		go func() {
			_, err := stuck.Write([]byte("settings"))
			wrote <- err
		}()
		synctest.Wait()
		start := time.Now()
		stuck.dismiss()
		if err := <-wrote; err == nil || time.Since(start) != partingTime {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

// Many callers that do not read are cut soon.
func TestManyCallersThatDoNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, succeeding(), Config{})
		start := time.Now()
		took := make(chan time.Duration, fewWrites+1)
		for range fewWrites + 1 {
			ours, _ := net.Pipe()
			conn := s.connections.add(ours)
			go func() {
				_, _ = conn.Write([]byte("a response"))
				took <- time.Since(start)
			}()
			synctest.Wait()
		}
		if first := <-took; first != hurriedTimeout {
			t.Errorf("the first was cut after %s", first)
		}
		for range fewWrites {
			if other := <-took; other != writeTimeout {
				t.Errorf("one was cut after %s", other)
			}
		}
		if n := s.connections.writes.Load(); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// Refusals that may not be written yet are bounded, for a connection and for the process.
func TestUnwrittenRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		go func() { _, _ = theirs.Write([]byte("a request")) }()
		s := newServer(t, succeeding(), Config{})
		conn, other := s.connections.add(ours), s.connections.add(closing{closed: new([]string)})
		for range maxUnwritten + 1 {
			if !conn.refused() {
				t.Fatal("no details")
			}
		}
		read := make(chan error, 1)
		go func() {
			_, err := conn.Read(make([]byte, writeBufferBytes))
			read <- err
		}()
		go func() { _, _ = conn.Write(make([]byte, writeBufferBytes)) }() // a full buffer: there may be more
		synctest.Wait()
		select {
		case err := <-read:
			t.Fatalf("it was read: %v", err)
		default:
		}
		if _, err := conn.Write([]byte("the last")); err != nil {
			t.Fatal(err)
		}
		if err := <-read; err != nil {
			t.Fatal(err)
		}
		for range maxUnwrittenInAll {
			other.refused()
		}
		if conn.refused() {
			t.Error("details although the process has too many")
		}
		other.ended()
		if !conn.refused() {
			t.Error("the end of a connection does not count")
		}
		conn.ended()
		if n := s.connections.unwritten.Load(); n != 0 {
			t.Errorf("%d are left", n)
		}
		// One that waits is woken when the connection is closed.
		for range maxUnwritten + 1 {
			conn.refused()
		}
		go func() {
			_, err := conn.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		_ = conn.Close()
		if err := <-read; err == nil {
			t.Error("a closed connection was read")
		}
		_ = theirs.Close()
	})
}
