//go:build unix && !race

package server

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/audit"
	"cognito.internal/useradmin/internal/authn"
)

// gateCost is what knows a call, decides about it and tells of it, on a kept connection; TLS itself is not in it.
type gateCost struct {
	s       *Server
	conn    *connection
	headers metadata.MD
	req     *useradminv1.ConfirmSignUpRequest
}

func newGateCost(tb testing.TB, proof string, withAudit bool) *gateCost {
	tb.Helper()
	registry := prometheus.NewRegistry()
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // DiscardHandler would not even make the line
	config := Config{Authn: proof, Region: "us-east-1", Registerer: registry, Logger: logger}
	g := &gateCost{req: validRequest(), conn: &connection{}}
	switch proof {
	case authn.MTLS:
		config.TLS, config.Policy = newAuthority(tb).load(tb), parsed(tb, rules)
		g.conn.identity = authn.Identity{Caller: signup, NotAfter: time.Now().Add(time.Hour)}
	case authn.XFCC:
		config.Policy = parsed(tb, rules)
		g.headers = metadata.MD{xfccKey: {"Hash=" + strings.Repeat("0", 64) + `;Subject="";URI=` + signup}}
	}
	if withAudit {
		log, err := audit.Open(audit.Config{
			Path: filepath.Join(tb.TempDir(), "audit"), Key: make([]byte, 32), Logger: logger, Registerer: registry,
		})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(log.Close)
		config.Audit = log
	}
	g.s = newServer(tb, succeeding(), config)
	return g
}

// call is all that a call passes but for grpc and Cognito.
func (g *gateCost) call(tb testing.TB, ctx context.Context) {
	from := g.s.identify(ctx, g.conn, g.headers)
	ctx = (&recorder{g.s}).TagRPC(ctx, &stats.RPCTagInfo{FullMethodName: confirmMethod})
	r := recordOf(ctx)
	r.ctx, r.caller = ctx, from
	if err := g.s.authorize(r, g.req); err != nil {
		tb.Fatal(err)
	}
	if err := g.s.intend(ctx, r); err != nil {
		tb.Fatal(err)
	}
	r.outcome, r.attempts = "CONFIRMED", 1
	r.PostCall(nil, time.Millisecond)
}

func gateContext(tb testing.TB) context.Context {
	tb.Helper()
	ctx := metadata.NewIncomingContext(tb.Context(), metadata.MD{"x-request-id": {"abc"}})
	return peer.NewContext(ctx, &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1234}})
}

// Who calls, whether they may, and both lines of the audit log.
func TestGateAllocates(t *testing.T) {
	const gate, withAudit = 25, 14 // 30 are promised for the gate
	ctx := gateContext(t)
	measure := func(proof string, evidence bool) float64 {
		g := newGateCost(t, proof, evidence)
		return testing.AllocsPerRun(500, func() { g.call(t, ctx) })
	}
	none := measure(authn.None, false)
	for _, c := range []struct {
		proof string
		audit bool
		limit float64
	}{
		{authn.XFCC, false, gate}, {authn.MTLS, false, gate}, {authn.None, true, withAudit}, {authn.MTLS, true, gate + withAudit},
	} {
		got := measure(c.proof, c.audit) - none
		t.Logf("%s, audit %t: %v allocations more than %v", c.proof, c.audit, got, none)
		if got > c.limit {
			t.Errorf("%s, audit %t: %v allocations, at most %v are meant", c.proof, c.audit, got, c.limit)
		}
	}
}

// BenchmarkGate also reports the processors' time, the audit log's writer included: on a busy machine it says more than the clock.
func BenchmarkGate(b *testing.B) {
	for _, c := range []struct {
		name, proof string
		audit       bool
	}{{"none", authn.None, false}, {"xfcc", authn.XFCC, false}, {"mtls", authn.MTLS, false}, {"mtls+audit", authn.MTLS, true}} {
		b.Run(c.name, func(b *testing.B) {
			g, ctx := newGateCost(b, c.proof, c.audit), gateContext(b)
			b.ReportAllocs()
			before := spent(b)
			for b.Loop() {
				g.call(b, ctx)
			}
			b.ReportMetric(float64(spent(b)-before)/float64(b.N)/1e3, "cpu-us/op")
		})
	}
}

func spent(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
