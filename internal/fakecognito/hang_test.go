package fakecognito_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/fakecognito"
)

func TestHang(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	f.ScriptUser(poolID, "ada", fakecognito.Hang(), fakecognito.HangAfterProcessing())
	for _, want := range []fakecognito.Status{fakecognito.StatusUnconfirmed, fakecognito.StatusConfirmed} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := f.confirmContext(ctx, "ada", nil)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if got := f.adasStatus(); got != want {
			t.Errorf("status %s, want %s", got, want)
		}
	}
}

func TestCloseEndsHangs(t *testing.T) {
	arrived := make(chan struct{})
	f := start(t, fakecognito.Config{Fault: func(fakecognito.Request) fakecognito.Fault {
		close(arrived)
		return fakecognito.Hang()
	}}, testPool())
	ended := make(chan error)
	go func() { ended <- f.confirm("ada", nil) }()
	<-arrived
	f.Close()
	if err := <-ended; !noAnswer(err) {
		t.Errorf("hanging: %v", err)
	}
	if err := f.confirm("ada", nil); !noAnswer(err) {
		t.Errorf("closed: %v", err)
	}
}

// TestCloseEndsReading has a client that announces a body and never sends it.
func TestCloseEndsReading(t *testing.T) {
	arrived := make(chan struct{})
	f := start(t, fakecognito.Config{NewRequestID: func() string {
		close(arrived)
		return "request-1"
	}}, testPool())
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	f.Close()
	if n := f.Requests(); n != 1 {
		t.Errorf("%d requests", n)
	}
}
