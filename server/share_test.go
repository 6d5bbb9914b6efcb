package server

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/policy"
)

// Those who will be denied have one share together, whatever their names and headers.
func TestOneShareForStrangers(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{MaxCalls: 20})
	for i := range 10 {
		r := e.secured(t, a.as(t, devca.Request{URIs: []string{stranger + strconv.Itoa(i/5)}}))
		go r.Listen()
		go func() {
			for range r.Ends {
			}
		}()
		for range 10 {
			if _, err := r.Open(confirmMethod, []string{xfccKey, "x"}[:2*(i%2)]...); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused := func() float64 {
		return e.counted(t, "useradmin_refused_calls_total", kindCallerBusy) + e.counted(t, "useradmin_refused_calls_total", kindOverloaded)
	}
	eventually(t, "the end of the flood", func() bool { return float64(e.calls.Use().Held)+refused() == 100 })
	if held := e.calls.Use().Held; held > 10 {
		t.Errorf("it holds %d of 20 places", held)
	}
	if _, err := e.ConfirmSignUp(t.Context(), validRequest()); err != nil {
		t.Errorf("another caller: %v", err)
	}
}

// deadlines is a connection that notes the last deadline of writes.
type deadlines struct {
	net.Conn

	write time.Time
}

// SetWriteDeadline notes it.
func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.write = t
	return d.Conn.SetWriteDeadline(t)
}

// A deadline that stays would break a connection of TLS that answers a KeyUpdate after it.
func TestNoWriteDeadlineStays(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	e.secured(t, a.as(t, devca.Request{URIs: []string{signup}}))
	conn := e.only(t)
	eventually(t, "the handshake", func() bool { return conn.secured.Load() != nil })
	noted := &deadlines{Conn: conn.Conn}
	c := &connection{Conn: noted, all: conn.all, stream: swallowing{noted}}
	c.secured.Store(conn.secured.Load())
	c.wake.L = &c.flow
	if _, err := c.Write([]byte("x")); err != nil || noted.write.IsZero() {
		t.Errorf("within grpc's handshake: %v, %v", noted.write, err)
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("x")); err != nil || !noted.write.IsZero() {
		t.Errorf("after a write: %v, %v", noted.write, err)
	}
	c.revoke()
	if !noted.write.IsZero() {
		t.Errorf("after a GOAWAY: %v", noted.write)
	}
}

// A write that begins after TLS began to say goodbye would lift the short deadline of that, and so hold up a stop.
func TestNoWriteAfterTheClose(t *testing.T) {
	e, a := serveTLS(t, succeeding(), signup, Config{})
	e.secured(t, a.as(t, devca.Request{URIs: []string{signup}}))
	conn := e.only(t)
	eventually(t, "the handshake", func() bool { return conn.secured.Load() != nil })
	noted := &deadlines{Conn: conn.Conn}
	c := &connection{Conn: noted, all: conn.all, stream: swallowing{noted}, whole: true}
	c.secured.Store(conn.secured.Load())
	c.wake.L = &c.flow
	if !c.leaveAll() {
		t.Error("nothing was left to write")
	}
	parting := time.Now().Add(partingTime)
	_ = noted.SetWriteDeadline(parting)
	if _, err := c.Write([]byte("x")); err == nil || !noted.write.Equal(parting) {
		t.Errorf("%v, the deadline is %v", err, noted.write)
	}
	if c.revoke(); !noted.write.Equal(parting) {
		t.Errorf("after the certificate's end the deadline is %v", noted.write)
	}
}

type swallowing struct{ net.Conn }

// Write writes nothing.
func (swallowing) Write(b []byte) (int, error) { return len(b), nil }

// A message has room for many more keys than a decision should look at.
func TestDecisionOnTooManyKeys(t *testing.T) {
	e, _ := serveTLS(t, succeeding(), signup, Config{})
	many := validRequest()
	for i := range 5000 {
		many.ClientMetadata[strconv.Itoa(i)] = ""
	}
	if n := len(fewKeys(many.GetClientMetadata())); n != maxEntries+1 {
		t.Errorf("%d keys", n)
	}
	r := &record{server: e.Server, rpc: confirmSignUp(), caller: caller{id: signup}}
	if err := e.authorize(r, many); err == nil || len(r.about.metadata) != maxEntries+1 {
		t.Errorf("%d keys, %v", len(r.about.metadata), err)
	}
	_, err := e.ConfirmSignUp(t.Context(), many)
	want(t, err, codes.PermissionDenied, "CALLER_NOT_ALLOWED", "NOT_SENT")
	if strings.Contains(err.Error(), "4999") {
		t.Error(err)
	}
}

// A call that ends after its caller was forgotten does not bring back the series.
func TestForgottenWhileItsCallIsUnderWay(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	before := parsed(t, rules)()
	after := parsed(t, `forbid (principal, action, resource);`)()
	var current atomic.Pointer[policy.Policy]
	current.Store(before)
	e, _ := serveTLS(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		close(began)
		<-finish
		return cognitoclient.Result{Attribution: cognitoclient.ByThisCall, Attempts: 1}, nil
	}), signup, Config{})
	e.config.Policy = current.Load
	ended := make(chan error, 1)
	go func() {
		_, err := e.ConfirmSignUp(t.Context(), validRequest())
		ended <- err
	}()
	<-began
	current.Store(after)
	e.PolicyChanged(before, after)
	close(finish)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	eventually(t, "its line", func() bool { return len(e.log.lines(t, "call")) == 1 })
	if e.counted(t, "useradmin_caller_calls_total", signup) != 0 || e.counted(t, "useradmin_caller_calls_total", otherCallers) != 1 {
		t.Error("the series of the caller is there again")
	}
}
