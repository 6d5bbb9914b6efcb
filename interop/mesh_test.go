//go:build interop

package interop

import (
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/server"
)

// descriptorSet is useradmin.binpb as `make dist` writes it.
func descriptorSet(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dist")
	if text, err := finish(t, []string{"go", "-C", "..", "run", "./deploy/dist", "-o", dir}); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return filepath.Join(dir, "useradmin.binpb")
}

// mesh is two replicas behind the Envoy that decides by caller and pool.
type mesh struct {
	upstream *upstream
	set      string
	// allowed and other are the paths of two callers.
	allowed, other path
}

func newMesh(t *testing.T) *mesh {
	t.Helper()
	m := &mesh{set: descriptorSet(t)}
	m.upstream = newUpstream(t, func(fakecognito.Request) fakecognito.Fault { return succeed() })
	cognito := newCognito(t, m.upstream.url)
	var at [2]backend
	for i := range at {
		r := newReplica(t, cognito, server.Config{})
		t.Cleanup(func() { r.stop(t) })
		at[i] = r.backend
	}
	keys := newPKI(t)
	envoy := meshKind().start(t, keys.dir, at)
	m.allowed = path{name: "Envoy", address: sidecar(t, envoy.address, keys.caller).address}
	m.other = path{name: "other", address: sidecar(t, envoy.address, keys.presenting(t, devca.Request{URIs: []string{callerURI + "s"}})).address}
	return m
}

// marks are headers that mark a call as a repeat, and that callers can set. TestMeshMarks has all of them.
func marks() map[string]string {
	return map[string]string{repeatHeader: "1", "x-envoy-attempt-count": "2"}
}

// What Envoy allows arrives, what it denies has the service's ErrorInfo at every caller, and a repeat that it denies has none.
func TestMeshDenials(t *testing.T) {
	m := newMesh(t)
	golden := loadGolden(t)
	denied := golden["caller-not-allowed"]
	denied.RequestID, denied.Trailers, denied.Details = "", nil, []string{"google.rpc.ErrorInfo"}
	bare := answer{Code: denied.Code, Message: "RBAC: access denied", Outcome: "UNKNOWN"}
	foreign := func(c testCase) testCase { c.pool = region + "_Foreign"; return c }
	confirmed := testCase{name: "confirmed", method: confirmSignUp}
	for _, kind := range callerKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			results.note(t, "Denied by Envoy", kind.name, "Envoy")
			calling := kind.open(t)
			if g, ok := calling.(grpcurl); ok {
				g.protoset = m.set // reflection is denied
				calling = g
			}
			before := m.upstream.seq()
			check := func(name string, c testCase, p path, want answer) {
				t.Helper()
				if got := kind.strip(c.send(t, calling, kind, p)); !reflect.DeepEqual(got, kind.strip(want)) {
					t.Errorf("%s: %s", name, difference(got, want))
				}
			}
			check("allowed", confirmed, m.allowed, golden["confirmed"])
			check("foreign pool", foreign(confirmed), m.allowed, denied)
			check("other caller", confirmed, m.other, denied)
			first := foreign(confirmed)
			first.headers = map[string]string{"x-envoy-attempt-count": "1"}
			check("first of a sidecar", first, m.allowed, denied)
			for _, key := range slices.Sorted(maps.Keys(marks())) {
				c := foreign(confirmed)
				c.headers = map[string]string{key: marks()[key]}
				check(key, c, m.allowed, bare)
				c = confirmed
				c.headers = map[string]string{key: marks()[key]}
				check("allowed "+key, c, m.allowed, golden["confirmed"])
			}
			mine := 0
			for _, r := range m.upstream.requests(before) {
				if r.Username == confirmed.user(kind, m.allowed) {
					mine++
				}
				if r.PoolID != usualPool {
					t.Errorf("a request for the pool %s", r.PoolID)
				}
			}
			if want := 1 + len(marks()); mine != want {
				t.Errorf("%d requests at Cognito, want %d", mine, want)
			}
		})
	}
}
