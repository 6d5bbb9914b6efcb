//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"cognito.internal/useradmin/internal/fakecognito"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/server"
)

var update = flag.Bool("update", false, "rewrite the golden file from what the Go caller gets without a proxy")

// requestID is the longest that the service takes over.
var requestID = strings.Repeat("interop.", 8)

const between = "~" // case, caller and path in a username

// envoyRetries is num_retries in deploy/envoy/envoy.yaml.
const envoyRetries = 2

// path is a way to the service.
type path struct {
	name, address string
	// retries tells that the proxy repeats what ends with UNAVAILABLE, and says so to the service.
	retries bool
	// untold tells that the proxy makes callers repeat calls that may have been carried out, and nobody says so.
	untold bool
}

// repeats is what the service answers the last one of the path's repeats.
func (p path) repeats(a answer) answer {
	if p.retries && a.Code == "UNAVAILABLE" {
		a.Metadata = maps.Clone(a.Metadata)
		a.Metadata["repeated"] = "true"
	}
	return a
}

// world is the service on two replicas with the ways to it.
type world struct {
	upstream *upstream
	replicas [2]*replica
	cutters  [2]*relay
	pki      *pki
	proxies  map[string]*proxy
	paths    []path
}

// newWorld starts the replicas, the proxies and what is between them.
func newWorld(t *testing.T, fault func(fakecognito.Request) fakecognito.Fault) *world {
	t.Helper()
	w := &world{upstream: newUpstream(t, fault), pki: newPKI(t), proxies: map[string]*proxy{}}
	confirmer := newConfirmers(t, w.upstream.url)
	var addresses [2]string
	for i := range w.replicas {
		r := startReplica(t, confirmer, "127.0.0.1:0", server.Config{})
		t.Cleanup(func() { r.stop(t) })
		w.replicas[i], w.cutters[i] = r, cutter(t, r.address)
		addresses[i] = w.cutters[i].address
	}
	w.paths = []path{{name: "direct", address: addresses[0]}}
	for _, kind := range proxyKinds() {
		p := kind.start(t, w.pki.dir, addresses)
		w.proxies[kind.name] = p
		w.paths = append(w.paths, path{
			kind.name, sidecar(t, p.address, w.pki.caller).address, kind.name == "Envoy", kind.name == "HAProxy http",
		})
	}
	return w
}

// logged are the lines of a request id on all replicas.
func (w *world) logged(requestID string) []map[string]any {
	return append(w.replicas[0].log.of(requestID), w.replicas[1].log.of(requestID)...)
}

// scripted gives each request the fault of its case, attempt by attempt and over again.
func scripted(all []testCase) func(fakecognito.Request) fakecognito.Fault {
	byName := map[string][]fakecognito.Fault{}
	for _, c := range all {
		byName[c.name] = c.faults
	}
	var mu sync.Mutex
	seen := map[string]int{}
	return func(r fakecognito.Request) fakecognito.Fault {
		name, _, _ := strings.Cut(r.Username, between)
		faults := byName[name]
		if len(faults) == 0 {
			return fakecognito.Fault{}
		}
		mu.Lock()
		defer mu.Unlock()
		n := seen[r.Username] % len(faults)
		seen[r.Username]++
		return faults[n]
	}
}

func (c testCase) request(kind callerKind, p path) request {
	r := request{
		ID: c.name, Address: p.address, UserPoolID: c.pool, Username: c.username, ClientMetadata: c.metadata,
		AllowConfirmed: c.allow, DeadlineMS: c.deadlineMS, RequestID: requestID,
	}
	if r.UserPoolID == "" {
		r.UserPoolID = usualPool
	}
	if r.Username == "" {
		r.Username = c.user(kind, p)
	}
	if r.DeadlineMS == 0 {
		r.DeadlineMS = int(slowest.Milliseconds())
	}
	return r
}

func (c testCase) user(kind callerKind, p path) string {
	return strings.ReplaceAll(strings.Join([]string{c.name, kind.name, p.name}, between), " ", "-")
}

// executions is how often the embedded Cognito must be asked.
func (c testCase) executions() int {
	switch {
	case c.username != "" || len(c.faults) == 0 || strings.HasPrefix(c.name, "invalid-request"):
		return 0
	default:
		return len(c.faults)
	}
}

// Every reason and every result arrives at every caller over every path as the golden file has it, after as many
// executions as it takes, not more.
func TestEveryReasonArrives(t *testing.T) {
	all := cases()
	w := newWorld(t, scripted(all))
	golden := loadGolden(t)
	if *update {
		golden = writeGolden(t, w, all)
	}
	for _, kind := range callerKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range w.paths {
				t.Run(p.name, func(t *testing.T) {
					results.note(t, "Every reason", kind.name, p.name)
					checkAll(t, w, all, golden, kind, p)
				})
			}
		})
	}
}

func checkAll(t *testing.T, w *world, all []testCase, golden map[string]answer, kind callerKind, p path) {
	t.Helper()
	calling := kind.open(t)
	before := w.upstream.seq()
	for _, c := range all {
		got := tidy(calling.call(t, c.request(kind, p)))
		want, ok := golden[c.name]
		if !ok {
			t.Errorf("%s is not in the golden file: run interop/run -update", c.name)
		}
		want = kind.strip(p.repeats(want))
		if !reflect.DeepEqual(kind.strip(got), want) {
			t.Errorf("%s: %s", c.name, difference(kind.strip(got), want))
		}
	}
	counts := w.upstream.received(before)
	for _, c := range all {
		want := c.executions()
		if p.retries && golden[c.name].Code == "UNAVAILABLE" {
			want *= 1 + envoyRetries
		}
		if got := counts[c.user(kind, p)]; got != want {
			t.Errorf("%s: %d requests at Cognito, want %d", c.name, got, want)
		}
	}
}

// tidy makes the answers of all callers alike where they mean the same.
func tidy(a answer) answer {
	a.ID, a.Codes, a.ServiceConfigIgnored = "", nil, false
	if a.Code == "OK" {
		a.FromService, a.Message = true, ""
	}
	if len(a.Metadata) == 0 {
		a.Metadata = nil
	}
	if len(a.Violations) == 0 {
		a.Violations = nil
	}
	if len(a.Details) == 0 {
		a.Details = nil
	}
	if len(a.Trailers) == 0 {
		a.Trailers = nil
	}
	return a
}

// difference names the fields that differ.
func difference(got, want answer) string {
	var b strings.Builder
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			fmt.Fprintf(&b, "%s is %+v, want %+v; ", g.Type().Field(i).Name, g.Field(i), w.Field(i))
		}
	}
	return b.String()
}

func goldenPath() string { return filepath.Join("testdata", "contract.json") }

func loadGolden(t *testing.T) map[string]answer {
	t.Helper()
	text, err := os.ReadFile(goldenPath())
	if err != nil && !*update {
		t.Fatal(err)
	}
	golden := map[string]answer{}
	if err == nil {
		if err := json.Unmarshal(text, &golden); err != nil {
			t.Fatal(err)
		}
	}
	return golden
}

func writeGolden(t *testing.T, w *world, all []testCase) map[string]answer {
	t.Helper()
	golden := map[string]answer{}
	kind := callerKind{name: "golden"}
	calling := newGoCaller(t)
	for _, c := range all {
		golden[c.name] = tidy(calling.call(t, c.request(kind, w.paths[0])))
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(golden); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenPath(), text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return golden
}

// The cases have every reason of the proto but those that can't arrive.
func TestCasesAreComplete(t *testing.T) {
	missing := maps.Clone(useradminv1.ErrorReason_value)
	delete(missing, useradminv1.ErrorReason_ERROR_REASON_UNSPECIFIED.String())
	delete(missing, useradminv1.ErrorReason_ERROR_REASON_CANCELLED.String()) // the caller is gone: see TestEnds
	for _, a := range loadGolden(t) {
		delete(missing, a.Reason)
	}
	for reason := range missing {
		t.Errorf("no case ends with %s", reason)
	}
}
