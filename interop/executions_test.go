//go:build interop

package interop

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/fakecognito"
)

// retryPolicy repeats more than it should, so that only the service's answers can stop it.
const retryPolicy = `{"methodConfig": [{"name": [{"service": "useradmin.v1.UserAdmin"}], "retryPolicy": {
	"maxAttempts": 3, "initialBackoff": "0.01s", "maxBackoff": "0.02s", "backoffMultiplier": 1,
	"retryableStatusCodes": ["UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED"]}}]}`

// clientRetries is what retryPolicy adds to the first try.
const clientRetries = 2

// execution is a case with the codes that it ends with.
type execution struct {
	testCase

	// first is the code of an unmarked sending, again that of a marked one.
	first, again string
	// invites says that the first answer allows the same call to be sent again: UNAVAILABLE, or RetryInfo. Anything else
	// that retryPolicy would repeat has the pushback -1.
	invites bool
}

const (
	aborted            = "ABORTED"
	exhausted          = "RESOURCE_EXHAUSTED"
	failedPrecondition = "FAILED_PRECONDITION"
)

func executions() []execution {
	lost := []fakecognito.Fault{fakecognito.ResetBeforeReading()}
	return []execution{
		{testCase{name: "retry-unavailable", allow: true, faults: throw("ServiceUnavailableException", "")}, unavailable, unavailable, true},
		{testCase{name: "retry-credentials", faults: throw("ExpiredTokenException", "")}, unavailable, aborted, true},
		{testCase{name: "retry-throttle", faults: throw("TooManyRequestsException", "")}, exhausted, aborted, true},
		{testCase{name: "retry-throttle-allowed", allow: true, faults: throw("TooManyRequestsException", "")}, exhausted, exhausted, true},
		{testCase{name: "retry-aborted", faults: lost}, aborted, aborted, false},
		{testCase{name: "retry-quota", faults: throw("LimitExceededException", "")}, exhausted, aborted, false},
		{testCase{name: "retry-lock-out", faults: throw("TooManyFailedAttemptsException", "")}, exhausted, aborted, false},
		{testCase{name: "retry-state", faults: statusIs("CONFIRMED")}, failedPrecondition, failedPrecondition, false},
		{testCase{name: "retry-trigger", faults: append(throw("UserLambdaValidationException", postConfirmation), statusIs("CONFIRMED")...)}, failedPrecondition, failedPrecondition, false},
	}
}

// want is how often the call is sent to the service, and the last code: the client's retries around those of the proxy.
func (e execution) want(kind callerKind, p path) (sendings int, code string) {
	client, proxy := 1, 1
	if kind.retries {
		client += clientRetries
	}
	if p.retries {
		proxy += envoyRetries
	}
	for range client {
		for range proxy {
			sendings, code = sendings+1, e.again
			if sendings == 1 {
				code = e.first
			}
			if code != unavailable {
				break
			}
		}
		if !e.invites || code == aborted {
			break
		}
	}
	return sendings, code
}

// Where the service answers, a call is executed exactly as often as the contract allows, with the retries of clients and
// of Envoy and HAProxy on.
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
		sendings, code := e.want(kind, p)
		if got.Code != code || !got.FromService {
			t.Errorf("%s: %s, want %s", e.name, got.short(), code)
		}
		if repeated := strconv.FormatBool(sendings > 1); got.Metadata["repeated"] != repeated {
			t.Errorf("%s: repeated is %q, want %s", e.name, got.Metadata["repeated"], repeated)
		}
		if requests := w.upstream.received(before)[e.user(kind, p)]; requests != sendings*len(e.faults) {
			t.Errorf("%s: %d requests at Cognito, want %d", e.name, requests, sendings*len(e.faults))
		}
	}
}

// cutOnce cuts every connection to the service during the first request for a user: after its execution, before its
// response.
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

// Where the connection to the service is cut, a repeat says that it is one, or succeeds with allow_confirmed; without a
// repeat the status is not made by the service, which means unknown. No status promises that nothing happened.
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
					unmarked := false
					for _, mode := range cutModes(string(config)) {
						got, executions := w.callAndCut(t, calling, kind, p, mode)
						switch {
						case p.unmarked && executions == 2 && got.Metadata["repeated"] != "true" && got.Result != "RESULT_CONFIRMED_UNATTRIBUTED":
							unmarked = true
							checkUnmarked(t, mode, got)
						default:
							checkCut(t, mode, kind, got, executions)
						}
					}
					results.noteAs(t, "Cut connections", kind.name, p.name, map[bool]string{false: "ok", true: "unmarked repeats"}[unmarked])
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

// callAndCut returns the answer and how often the call was executed.
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
		if got.Reason != "USER_ALREADY_CONFIRMED" || got.Outcome != "UNKNOWN" || got.Metadata["repeated"] != "true" {
			t.Errorf("%s: %s, want USER_ALREADY_CONFIRMED UNKNOWN repeated", mode.name, got.short())
		}
	default:
		t.Errorf("%s: %d executions, %s", mode.name, executions, got.short())
	}
}

// checkUnmarked: with allow_confirmed the answer is true all the same, without it is not.
func checkUnmarked(t *testing.T, mode cutMode, got answer) {
	t.Helper()
	if mode.allow && got.Result != "RESULT_ALREADY_CONFIRMED" || !mode.allow && got.Reason != "USER_ALREADY_CONFIRMED" {
		t.Errorf("%s: %s after an unmarked repeat", mode.name, got.short())
	}
}

// cut resets every connection to the service.
func (w *world) cut() {
	for _, c := range w.cutters {
		c.cut()
	}
}
