//go:build interop

package interop

import (
	"testing"
)

// What deploy/ warns of: how often a call is executed whose connection is cut, and what its caller gets, with the shipped
// settings and with others that look harmless.
func TestHazards(t *testing.T) {
	c := &cutOnce{seen: map[string]bool{}}
	w := newWorld(t, c.fault)
	c.world = w
	addresses := [2]string{w.cutters[0].address, w.cutters[1].address}
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
			p := path{name: "hazard", address: sidecar(t, proxyNamed(t, test.proxy).start(t, w.pki.dir, addresses, test.change).address, w.pki.caller).address}
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
