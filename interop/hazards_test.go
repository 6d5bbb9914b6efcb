//go:build interop

package interop

import (
	"strings"
	"sync"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/fakecognito"
)

// What deploy/ warns of: how often a call is executed whose connection is cut, and what its caller gets, with the shipped
// settings and with others that look harmless.
func TestHazards(t *testing.T) {
	c := &cutOnce{seen: map[string]bool{}}
	w := newWorld(t, c.fault)
	c.world = w
	tests := []struct {
		proxy, name string
		change      change
		executions  int
		want        string
	}{
		{"nginx", "shipped", change{"error timeout;", "error timeout;"}, 1, "UNAVAILABLE UNKNOWN"},
		// Whatever is configured, nginx never repeats a gRPC call of which it has sent anything.
		{"nginx", "non_idempotent", change{"error timeout;", "error timeout non_idempotent;"}, 1, "UNAVAILABLE UNKNOWN"},
		{"HAProxy", "shipped", change{"retries 2", "retries 2"}, 1, "UNAVAILABLE UNKNOWN"},
		{"HAProxy http", "shipped", change{"retries 2", "retries 2"}, 2, "FAILED_PRECONDITION USER_ALREADY_CONFIRMED NOT_APPLIED"},
		{"HAProxy http", "all-retryable-errors", change{"retry-on conn-failure", "retry-on all-retryable-errors"}, 2, "FAILED_PRECONDITION USER_ALREADY_CONFIRMED NOT_APPLIED"},
		{"Envoy", "shipped", change{"retry_on: unavailable", "retry_on: unavailable"}, 1, "UNAVAILABLE UNKNOWN"},
		{"Envoy", "reset", change{"retry_on: unavailable", "retry_on: reset,unavailable"}, 2, "FAILED_PRECONDITION USER_ALREADY_CONFIRMED UNKNOWN repeated"},
	}
	for _, test := range tests {
		t.Run(test.proxy+" "+test.name, func(t *testing.T) {
			kind := callerKind{name: test.proxy + test.name}
			p := path{name: "hazard", address: sidecar(t, proxyNamed(t, test.proxy).start(t, w.pki.dir, w.backends(test.proxy), test.change).address, w.pki.caller).address}
			calling := newGoCaller(t)
			// HAProxy treats the first call of a connection differently from later ones.
			warm := testCase{name: "warm"}.request(kind, p)
			calling.call(t, warm)
			got, executions := w.callAndCut(t, calling, kind, p, cutMode{name: "hazard"})
			if short := got.short(); executions != test.executions || len(short) < len(test.want) || short[:len(test.want)] != test.want {
				t.Errorf("%d executions, %s; want %d, %s", executions, got.short(), test.executions, test.want)
			}
		})
	}
}

// hedgingPolicy sends a second copy of a call after 300 ms.
const hedgingPolicy = `{"methodConfig": [{"name": [{"service": "useradmin.v1.UserAdmin"}], "hedgingPolicy": {
	"maxAttempts": 2, "hedgingDelay": "0.3s", "nonFatalStatusCodes": []}}]}`

// envoyHedging makes Envoy do the same.
func envoyHedging() []change {
	return []change{
		{"retry_on: unavailable,", "per_try_timeout: 0.3s\n                              retry_on: unavailable,"},
		{"num_retries: 2", "num_retries: 1"},
		{"timeout: 0s\n                            max_stream", "timeout: 0s\n                            hedge_policy: {hedge_on_per_try_timeout: true}\n                            max_stream"},
	}
}

// hedged lets the second request for a user overtake the first, and holds its response back.
type hedged struct {
	mu   sync.Mutex
	seen map[string]int
}

func (h *hedged) fault(r fakecognito.Request) fakecognito.Fault {
	if !strings.HasPrefix(r.Username, "hedged") {
		return fakecognito.Fault{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[r.Username]++
	if h.seen[r.Username] == 1 {
		return fakecognito.Fault{Effect: fakecognito.EffectLate, Late: 2 * time.Second}
	}
	return fakecognito.Slow(6 * time.Second)
}

// Why docs/callers.md allows hedging with allow_confirmed only: the unmarked first copy can lose to the second, and then
// promises that the call had no effect.
func TestHedging(t *testing.T) {
	h := &hedged{seen: map[string]int{}}
	w := newWorld(t, h.fault)
	envoy := proxyNamed(t, "Envoy").start(t, w.pki.dir, w.backends("Envoy"), envoyHedging()...)
	check := func(kind callerKind, p path, config string) {
		t.Run(kind.name+" "+p.name, func(t *testing.T) {
			calling := kind.open(t)
			calling.call(t, testCase{name: "warm"}.request(kind, p))
			for allow, want := range map[bool]string{
				false: "FAILED_PRECONDITION USER_ALREADY_CONFIRMED NOT_APPLIED", true: "OK RESULT_ALREADY_CONFIRMED",
			} {
				r := testCase{name: "hedged-" + strings.ToLower(want[:2]), allow: allow}.request(kind, p)
				r.ServiceConfig = config
				w.upstream.addUser(t, r.Username)
				before := w.upstream.seq()
				got := calling.call(t, r)
				if requests := w.upstream.received(before)[r.Username]; requests != 2 || got.short() != want {
					t.Errorf("%d executions, %s; want 2, %s", requests, got.short(), want)
				}
			}
		})
	}
	check(callerKind{name: "Go", start: newGoCaller}, path{name: "Envoy hedging", address: sidecar(t, envoy.address, w.pki.caller).address}, "")
	for _, kind := range callerKinds() {
		if kind.hedges {
			check(kind, w.paths[0], hedgingPolicy)
		}
	}
}
