package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

var testKey = bytes.Repeat([]byte("k"), 32)

// fixture is a Log whose file a test can break.
type fixture struct {
	*Log

	path     string
	log      *journal
	registry *prometheus.Registry

	mu sync.Mutex
	// breaks replaces the writing of the real file, where it is set; refused is why no file can be opened.
	breaks  func(f file, b []byte) (int, error)
	refused error
}

// journal is the service's log.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

type breakable struct {
	file

	of *fixture
}

func (b breakable) Write(text []byte) (int, error) {
	b.of.mu.Lock()
	breaks := b.of.breaks
	b.of.mu.Unlock()
	if breaks != nil {
		return breaks(b.file, text)
	}
	return b.file.Write(text)
}

// on sets how writes go wrong; nil heals the disk.
func (x *fixture) on(breaks func(f file, b []byte) (int, error)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.breaks = breaks
}

func (x *fixture) refuse(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refused = err
}

func (x *fixture) opener(path string) (*opened, error) {
	x.mu.Lock()
	refused := x.refused
	x.mu.Unlock()
	if refused != nil {
		return nil, refused
	}
	o, err := openFile(path)
	if err != nil {
		return nil, err
	}
	o.file = breakable{o.file, x}
	return o, nil
}

// open opens a Log that ends with the test. A path of "" is a new one.
func open(tb testing.TB, path string) *fixture {
	tb.Helper()
	if path == "" {
		path = filepath.Join(tb.TempDir(), "audit")
	}
	x := &fixture{path: path, log: &journal{}, registry: prometheus.NewRegistry()}
	l, err := Open(Config{
		Path: path, Key: testKey, Registerer: x.registry, open: x.opener,
		Logger: slog.New(slog.NewTextHandler(x.log, nil)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	x.Log = l
	tb.Cleanup(l.Close)
	return x
}

// call is a call that somebody makes.
func call(request string) Call {
	return Call{
		Caller: "spiffe://prod.example/ns/signup/sa/api", Authn: "mtls", Method: "useradmin.v1.UserAdmin/ConfirmSignUp", Pool: "us-east-1_A",
		Username: "canary", RequestID: request, Rule: "signup", Policy: "0123abcd",
	}
}

func end() End {
	return End{Code: "OK", Outcome: "CONFIRMED", Attempts: []Attempt{{"TOO_MANY_REQUESTS", "cognito-1"}, {"OK", "cognito-2"}}}
}

func (x *fixture) intend(tb testing.TB, request string) *Intent {
	tb.Helper()
	i, err := x.Intend(context.Background(), call(request))
	if err != nil || i == nil {
		tb.Fatal(i, err)
	}
	return i
}

// line is one of the file, as a program reads it.
type line struct {
	Time, Event, ID, Caller, Authn, Method, Pool, User, Rule, Policy, Decision, Code, Reason, Outcome, Since string

	KeyID     string `json:"key_id"`
	RequestID string `json:"request_id"`
	Repeated  bool
	Count     int
	Attempts  []struct {
		Result  string
		Cognito string `json:"cognito_request_id"`
	}
}

// short is what most tests compare.
func (l line) short() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s%s %s %s", l.Event, l.RequestID, strings.Repeat("+", min(l.Count, 1)), l.Outcome, l.Reason))
}

// read returns the file's whole lines, and how many are torn.
func read(tb testing.TB, path string) (lines []line, torn int) {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	for text := range strings.Lines(string(text)) {
		var l line
		if strings.TrimSpace(text) == "" {
			continue
		}
		if json.Unmarshal([]byte(text), &l) != nil {
			torn++
			continue
		}
		lines = append(lines, l)
	}
	return lines, torn
}

// events are the lines in short, and the number of those that are torn.
func events(tb testing.TB, path string) string {
	tb.Helper()
	lines, torn := read(tb, path)
	var all []string
	for _, l := range lines {
		all = append(all, l.short())
	}
	if torn > 0 {
		all = append(all, fmt.Sprintf("%d torn", torn))
	}
	return strings.Join(all, "; ")
}

// pendingIn are the request ids of the intents without an outcome.
func pendingIn(tb testing.TB, paths ...string) string {
	tb.Helper()
	var p Pending
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			tb.Fatal(err)
		}
		err = p.Read(f)
		_ = f.Close()
		if err != nil {
			tb.Fatal(err)
		}
	}
	var ids []string
	for _, text := range p.Lines() {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			tb.Fatal(err)
		}
		ids = append(ids, l.RequestID)
	}
	return strings.Join(ids, " ")
}

// counted is the sum of the series of a metric that have all those label values.
func (x *fixture) counted(tb testing.TB, name string, labels ...string) int {
	tb.Helper()
	families, err := x.registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			has := map[string]bool{}
			for _, l := range m.GetLabel() {
				has[l.GetValue()] = true
			}
			for _, l := range labels {
				if !has[l] {
					has[""] = true
				}
			}
			if !has[""] {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return int(sum)
}

// failures demands how many lines of that event failed for that reason.
func (x *fixture) failed(tb testing.TB, e event, k kind, want int) {
	tb.Helper()
	if got := x.counted(tb, "useradmin_audit_failures_total", string(e), string(k)); got != want {
		tb.Errorf("%s %s: %d failures, want %d", e, k, got, want)
	}
}

var _ io.Writer = (*journal)(nil)
