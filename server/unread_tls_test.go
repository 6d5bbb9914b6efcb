package server

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/rawcall"
)

// From a caller that does not read its refusals nothing more is taken over TLS either, and once it does read it gets them all.
func TestUnreadRefusalsOverTLS(t *testing.T) {
	const many = 6_000
	began := make(chan struct{}, 1)
	e, a := serveTLS(t, waiting(began), signup, Config{MaxCalls: 1, MaxInbound: LeastInbound(1)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = e.ConfirmSignUp(ctx, validRequest())
	}()
	<-began

	plain, err := e.listener.DialContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Close() }()
	raw, err := rawcall.New(tls.Client(plain, a.as(t, devca.Request{URIs: []string{stranger}})))
	if err != nil {
		t.Fatal(err)
	}
	for range many {
		if _, err := raw.Open(confirmMethod); err != nil {
			t.Fatal(err)
		}
	}
	refused := func() float64 { return e.counted(t, "useradmin_refused_calls_total", kindOverloaded) }
	// Once nothing more can be written to it.
	for before := -1.0; before != refused(); time.Sleep(quietTime / 2) {
		before = refused()
	}
	if taken, n := refused(), e.connections.unwritten.Load(); taken == many || n > 10*maxUnwritten {
		t.Errorf("%v calls were taken, %d refusals are not written", taken, n)
	}
	go raw.Listen()
	for range many {
		<-raw.Ends
	}
	eventually(t, "all refusals are written", func() bool { return e.connections.unwritten.Load() == 0 })
	cancel()
	<-ended
}
