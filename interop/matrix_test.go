//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/server"
)

var update = flag.Bool("update", false, "rewrite the golden file from what the Go caller gets without a proxy")

// requestID is the longest that the service accepts.
var requestID = strings.Repeat("interop.", 8)

const between = "~" // case, caller and path in a username

// envoyRetries is num_retries in deploy/envoy/envoy.yaml.
const envoyRetries = 2

// path is a way to the service.
type path struct {
	name, address string
	// retries says that the proxy repeats calls that fail with UNAVAILABLE, and marks them.
	retries bool
	// unmarked says that the proxy makes callers repeat calls that may have been executed, without a mark.
	unmarked bool
}

// want is the answer to the case at the far end of the path, and how often the call is sent to the service.
func (p path) want(golden map[string]answer, c testCase) (a answer, sendings int, ok bool) {
	a, ok = golden[c.name]
	if !p.retries || a.Code != unavailable {
		return a, 1, ok
	}
	// The proxy marks its repeats, so the last answer is the one to the marked call.
	a, ok = golden[c.markedName()]
	if a.Code != unavailable {
		return a, 2, ok
	}
	return a, 1 + envoyRetries, ok
}

const unavailable = "UNAVAILABLE"

// world is the service, behind each proxy as two replicas that trust callers as that proxy lets them, with all paths to it.
type world struct {
	upstream *upstream
	pki      *pki
	// plain are the replicas for callers without names, known those for each proxy that lets them know their callers.
	plain   [2]*replica
	known   map[string][2]*replica
	cutters map[*replica]*cutter
	proxies map[string]*proxy
	paths   []path
}

// newWorld starts the replicas, the proxies and the relays between them.
func newWorld(t *testing.T, fault func(fakecognito.Request) fakecognito.Fault) *world {
	t.Helper()
	return newWorldOf(t, fault, server.Config{})
}

func newWorldOf(t *testing.T, fault func(fakecognito.Request) fakecognito.Fault, config server.Config) *world {
	t.Helper()
	w := &world{
		upstream: newUpstream(t, fault), pki: newPKI(t), known: map[string][2]*replica{}, cutters: map[*replica]*cutter{}, proxies: map[string]*proxy{},
	}
	cognito := newCognito(t, w.upstream.url)
	w.plain = w.newReplicas(t, cognito, config)
	for _, proxy := range []string{"Envoy", "HAProxy"} {
		w.known[proxy] = w.newReplicas(t, cognito, w.pki.before(t, config, proxy))
	}
	w.paths = []path{{name: "direct", address: w.backends("")[0].address}}
	for _, kind := range proxyKinds() {
		p := kind.start(t, w.pki.dir, w.backends(kind.name))
		w.proxies[kind.name] = p
		w.paths = append(w.paths, path{
			kind.name, sidecar(t, p.address, w.pki.caller).address, kind.name == "Envoy", kind.name == "HAProxy http",
		})
	}
	return w
}

func (w *world) newReplicas(t *testing.T, cognito server.Cognito, config server.Config) (two [2]*replica) {
	t.Helper()
	for i := range two {
		r := newReplica(t, cognito, config)
		t.Cleanup(func() { r.stop(t) })
		two[i], w.cutters[r] = r, newCutter(t, r.backend)
	}
	return two
}

// backends are where the proxy finds its replicas.
func (w *world) backends(proxy string) [2]backend {
	two, ok := w.known[proxy]
	if !ok {
		two = w.plain
	}
	return [2]backend{w.cutters[two[0]].backend, w.cutters[two[1]].backend}
}

// logged are the lines of a request id on all replicas.
func (w *world) logged(requestID string) (lines []map[string]any) {
	for r := range w.cutters {
		lines = append(lines, r.log.of(requestID)...)
	}
	return lines
}

// scripted returns the faults of a request's case in turn.
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
		AllowConfirmed: c.allow, DeadlineMS: c.deadlineMS, RequestID: requestID, Headers: c.headers, method: c.method,
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
	if c.message != nil {
		r.message = proto.Clone(c.message)
		fill(r.message, "user_pool_id", r.UserPoolID)
		fill(r.message, "username", r.Username)
	}
	return r
}

// fill sets a text field if the message has it and it is empty.
func fill(message proto.Message, name protoreflect.Name, value string) {
	m := message.ProtoReflect()
	field := m.Descriptor().Fields().ByName(name)
	if field != nil && field.Kind() == protoreflect.StringKind && !m.Has(field) {
		m.Set(field, protoreflect.ValueOfString(value))
	}
}

func (c testCase) user(kind callerKind, p path) string {
	return strings.ReplaceAll(strings.Join([]string{c.name, kind.name, p.name}, between), " ", "-")
}

// Every reason and every result arrives at every caller over every path as in the golden file, after exactly as many
// requests at Cognito as it needs.
func TestEveryReasonArrives(t *testing.T) {
	all := cases()
	w := newWorld(t, scripted(all))
	if *update {
		writeGolden(t, w, all)
	}
	checkMatrix(t, w, "Every reason", slices.DeleteFunc(all, testCase.isMarked))
}

// The mark of a repeat that a caller sets itself arrives from every caller over every path: without it the answers would
// differ.
func TestEveryMarkArrives(t *testing.T) {
	marked := slices.DeleteFunc(cases(), func(c testCase) bool { return !c.isMarked() })
	checkMatrix(t, newWorld(t, scripted(marked)), "Marked repeats", marked)
}

func checkMatrix(t *testing.T, w *world, row string, all []testCase) {
	t.Helper()
	golden := loadGolden(t)
	for _, kind := range callerKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range w.paths {
				t.Run(p.name, func(t *testing.T) {
					results.note(t, row, kind.name, p.name)
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
		if c.message != nil && !kind.generic {
			continue
		}
		got := kind.strip(c.send(t, calling, kind, p))
		want, sendings, ok := p.want(golden, c)
		if !ok {
			t.Errorf("%s or its marked case is not in the golden file: run interop/run -update", c.name)
		}
		if want = kind.strip(want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s", c.name, difference(got, want))
		}
		if requests := w.upstream.received(before)[c.user(kind, p)]; requests != sendings*len(c.faults) {
			t.Errorf("%s: %d requests at Cognito, want %d", c.name, requests, sendings*len(c.faults))
		}
	}
	for _, r := range w.upstream.requests(before) {
		if !strings.HasSuffix(r.UserAgent, " request/"+requestID) {
			t.Errorf("the request for %s came with the User-Agent %q, without the caller's request id", r.Username, r.UserAgent)
		}
	}
}

// send makes the call of the case. A deadline that is too short for Cognito may, on a busy machine, also expire before the
// service's answer arrives; such a call is made again.
func (c testCase) send(t *testing.T, calling caller, kind callerKind, p path) answer {
	t.Helper()
	r := c.request(kind, p)
	a := calling.call(t, r)
	for tries := 1; tries < 20 && len(c.faults) == 0 && a.Code == "DEADLINE_EXCEEDED" && !a.FromService; tries++ {
		a = calling.call(t, r)
	}
	return normalized(a)
}

// normalized makes the answers of all callers equal where they mean the same.
func normalized(a answer) answer {
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
	if err != nil {
		t.Fatal(err)
	}
	golden := map[string]answer{}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	return golden
}

func writeGolden(t *testing.T, w *world, all []testCase) {
	t.Helper()
	golden := map[string]answer{}
	kind := callerKind{name: "golden", generic: true}
	calling := newGoCaller(t)
	for _, c := range all {
		golden[c.name] = c.send(t, calling, kind, w.paths[0])
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
}

// The cases have every RPC, every outcome and every reason of the proto except what can't arrive, and what arrives at an
// RPC's marked call where the RPC ends with UNAVAILABLE.
func TestCasesAreComplete(t *testing.T) {
	golden := loadGolden(t)
	missing := map[string]bool{}
	for name := range useradminv1.ErrorReason_value {
		missing["reason "+strings.TrimPrefix(name, "ERROR_REASON_")] = true
	}
	for name := range useradminv1.Outcome_value {
		missing["outcome "+strings.TrimPrefix(name, "OUTCOME_")] = true
	}
	methods := userAdmin().Methods()
	for i := range methods.Len() {
		missing["RPC "+string(methods.Get(i).Name())] = true
	}
	for _, never := range []string{"reason UNSPECIFIED", "outcome UNSPECIFIED", "reason CANCELLED"} { // see TestEnds
		delete(missing, never)
	}
	for _, c := range cases() {
		a, ok := golden[c.name]
		if !ok || c.message == nil && c.method != confirmSignUp {
			t.Errorf("%s is not in the golden file, or has no message", c.name)
		}
		delete(missing, "reason "+a.Reason)
		delete(missing, "outcome "+a.Outcome)
		delete(missing, "RPC "+c.method)
		if _, ok := golden[c.markedName()]; !ok && a.Code == unavailable {
			missing["marked case of "+c.name] = true
		}
	}
	for what := range missing {
		t.Errorf("no case has the %s", what)
	}
}
