//go:build interop

package interop

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/fakecognito"
)

// retryPolicy repeats what must not be repeated too, so that only the service's own word can stop it.
const retryPolicy = `{"methodConfig": [{"name": [{"service": "useradmin.v1.UserAdmin"}], "retryPolicy": {
	"maxAttempts": 3, "initialBackoff": "0.01s", "maxBackoff": "0.02s", "backoffMultiplier": 1,
	"retryableStatusCodes": ["UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED"]}}]}`

// clientRetries is what retryPolicy adds to the first try.
const clientRetries = 2

// execution is a case with the executions that the contract allows under retryPolicy.
type execution struct {
	testCase

	code string
	// repeated tells whether the same call may be sent again: UNAVAILABLE, or a throttle. All else has pushback -1.
	repeated bool
}

func executions() []execution {
	lost := []fakecognito.Fault{fakecognito.ResetBeforeReading()}
	return []execution{
		{testCase{name: "retry-unavailable", allow: true, faults: throw("ServiceUnavailableException", "")}, "UNAVAILABLE", true},
		{testCase{name: "retry-throttle", faults: throw("TooManyRequestsException", "")}, "RESOURCE_EXHAUSTED", true},
		{testCase{name: "retry-aborted", faults: lost}, "ABORTED", false},
		{testCase{name: "retry-quota", faults: throw("LimitExceededException", "")}, "RESOURCE_EXHAUSTED", false},
		{testCase{name: "retry-lock-out", faults: throw("TooManyFailedAttemptsException", "")}, "RESOURCE_EXHAUSTED", false},
		{testCase{name: "retry-state", faults: statusIs("CONFIRMED")}, "FAILED_PRECONDITION", false},
		{testCase{name: "retry-trigger", faults: throw("UserLambdaValidationException", "")}, "FAILED_PRECONDITION", false},
	}
}

// wanted is how many requests Cognito gets: the client's tries, times the proxy's.
func (e execution) wanted(kind callerKind, p path) int {
	want := 1
	if kind.retries && e.repeated {
		want *= 1 + clientRetries
	}
	if p.retries && e.code == "UNAVAILABLE" {
		want *= 1 + envoyRetries
	}
	return want
}

// Where the service answers, a call is carried out exactly as often as the contract allows, with the retries of clients
// and of Envoy and HAProxy on.
func TestExecutions(t *testing.T) {
	all := executions()
	bare := make([]testCase, len(all))
	for i, e := range all {
		bare[i] = e.testCase
	}
	w := newWorld(t, scripted(bare))
	for _, kind := range callerKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range w.paths {
				t.Run(p.name, func(t *testing.T) {
					word := "ok"
					if !kind.retries && !p.retries {
						word = "no retries"
					}
					results.noteAs(t, "Executions under retries", kind.name, p.name, word)
					checkExecutions(t, w, all, kind, p)
				})
			}
		})
	}
}

func checkExecutions(t *testing.T, w *world, all []execution, kind callerKind, p path) {
	t.Helper()
	calling := kind.open(t)
	before := w.upstream.seq()
	for _, e := range all {
		r := e.request(kind, p)
		r.ServiceConfig = retryPolicy
		got := calling.call(t, r)
		if got.Code != e.code || !got.FromService {
			t.Errorf("%s: %s, want %s", e.name, got.short(), e.code)
		}
		if again := e.wanted(kind, p) > 1; again != (got.Metadata["repeated"] == "true") {
			t.Errorf("%s: repeated is %q after %d executions", e.name, got.Metadata["repeated"], e.wanted(kind, p))
		}
	}
	counts := w.upstream.received(before)
	for _, e := range all {
		if got, want := counts[e.user(kind, p)], e.wanted(kind, p); got != want {
			t.Errorf("%s: %d executions, want %d", e.name, got, want)
		}
	}
}

// cutOnce cuts every connection to the service while the first request for a user is under way: after it was carried
// out, before its answer.
type cutOnce struct {
	mu    sync.Mutex
	seen  map[string]bool
	world *world
}

func (c *cutOnce) fault(r fakecognito.Request) fakecognito.Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[r.Username] || !strings.HasPrefix(r.Username, "cut") {
		return fakecognito.Fault{}
	}
	c.seen[r.Username] = true
	go c.cutAfter(r.Username)
	return fakecognito.Slow(300 * time.Millisecond)
}

// cutAfter cuts as soon as the user is confirmed.
func (c *cutOnce) cutAfter(username string) {
	is := func(e fakecognito.Entry) bool { return e.Kind == fakecognito.KindConfirmed && e.Username == username }
	for range 1000 {
		if slices.ContainsFunc(c.world.upstream.fake.Journal(), is) {
			c.world.cut()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Where the connection is cut under the service, a repeat says that it is one, or succeeds with allow_confirmed; without
// a repeat the status is not the service's, which means unknown. It never says that nothing happened.
func TestCutConnections(t *testing.T) {
	c := &cutOnce{seen: map[string]bool{}}
	w := newWorld(t, c.fault)
	c.world = w
	config, err := os.ReadFile("../deploy/service-config/allow-confirmed.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range callerKinds() {
		t.Run(kind.name, func(t *testing.T) {
			calling := kind.open(t)
			for _, p := range w.paths {
				t.Run(p.name, func(t *testing.T) {
					untold := false
					for _, mode := range cutModes(string(config)) {
						got, executions := w.callAndCut(t, calling, kind, p, mode)
						switch {
						case p.untold && executions == 2 && got.Metadata["repeated"] == "" && got.Result != "RESULT_CONFIRMED_UNATTRIBUTED":
							untold = true
							checkUntold(t, mode, got)
						default:
							checkCut(t, mode, kind, got, executions)
						}
					}
					results.noteAs(t, "Cut connections", kind.name, p.name, map[bool]string{false: "ok", true: "repeats untold"}[untold])
				})
			}
		})
	}
}

// cutMode is how a call is made whose connection is cut.
type cutMode struct {
	name, config string
	allow        bool
}

func cutModes(shipped string) []cutMode {
	return []cutMode{{"plain", "", false}, {"retried", retryPolicy, false}, {"allowed", retryPolicy, true}, {"shipped", shipped, true}}
}

// callAndCut returns what arrived and how often the call was carried out.
func (w *world) callAndCut(t *testing.T, calling caller, kind callerKind, p path, mode cutMode) (answer, int) {
	t.Helper()
	r := testCase{name: "cut-" + mode.name, allow: mode.allow}.request(kind, p)
	r.ServiceConfig = mode.config
	w.upstream.addUser(t, r.Username)
	before := w.upstream.seq()
	got := calling.call(t, r)
	return got, w.upstream.received(before)[r.Username]
}

func checkCut(t *testing.T, mode cutMode, kind callerKind, got answer, executions int) {
	t.Helper()
	retried := kind.retries && mode.config != ""
	switch {
	case executions == 1 && !retried:
		if got.Code == "OK" || got.FromService {
			t.Errorf("%s: %s, want a status that the service did not make", mode.name, got.short())
		}
	case executions == 2 && mode.allow:
		if got.Code != "OK" || got.Result != "RESULT_CONFIRMED_UNATTRIBUTED" {
			t.Errorf("%s: %s, want RESULT_CONFIRMED_UNATTRIBUTED", mode.name, got.short())
		}
	case executions == 2:
		if got.Reason != "ERROR_REASON_USER_ALREADY_CONFIRMED" || got.Outcome != "OUTCOME_UNKNOWN" || got.Metadata["repeated"] != "true" {
			t.Errorf("%s: %s, want USER_ALREADY_CONFIRMED UNKNOWN repeated", mode.name, got.short())
		}
	default:
		t.Errorf("%s: %d executions, %s", mode.name, executions, got.short())
	}
}

// checkUntold: with allow_confirmed the answer is still true, without it is not.
func checkUntold(t *testing.T, mode cutMode, got answer) {
	t.Helper()
	if mode.allow && got.Result != "RESULT_ALREADY_CONFIRMED" || !mode.allow && got.Reason != "ERROR_REASON_USER_ALREADY_CONFIRMED" {
		t.Errorf("%s: %s after an untold repeat", mode.name, got.short())
	}
}

// cut resets every connection to the service.
func (w *world) cut() {
	for _, c := range w.cutters {
		c.cut()
	}
}
