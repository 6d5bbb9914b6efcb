package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestACallHasTwoLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		c := call("r-1")
		c.Repeated = true
		i, err := x.Intend(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if got := pendingIn(t, x.path); got != "r-1" {
			t.Errorf("pending: %q", got)
		}
		time.Sleep(1500 * time.Millisecond)
		i.End(end())
		i.End(End{Code: "Internal"})
		x.Close()
		text, err := os.ReadFile(x.path)
		if err != nil {
			t.Fatal(err)
		}
		lines, _ := read(t, x.path)
		if len(lines) != 2 {
			t.Fatalf("lines: %s", text)
		}
		const shared = `"id":"ID","caller":"spiffe://prod.example/ns/signup/sa/api","authn":"mtls",` +
			`"method":"useradmin.v1.UserAdmin/ConfirmSignUp","pool":"us-east-1_A","user":"USER","key_id":"KEY","request_id":"r-1",` +
			`"rule":"signup","policy":"0123abcd","repeated":true,"decision":"allow"`
		want := `{"time":"2000-01-01T00:00:00.000Z","event":"intent",` + shared + "}\n" +
			`{"time":"2000-01-01T00:00:01.500Z","event":"outcome",` + shared + `,"code":"OK","outcome":"CONFIRMED",` +
			`"attempts":[{"result":"TOO_MANY_REQUESTS","cognito_request_id":"cognito-1"},{"result":"OK","cognito_request_id":"cognito-2"}]}` + "\n"
		want = strings.NewReplacer("ID", lines[0].ID, "USER", lines[0].User, "KEY", lines[0].KeyID).Replace(want)
		if string(text) != want {
			t.Errorf("got\n%swant\n%s", text, want)
		}
		if got := pendingIn(t, x.path); got != "" {
			t.Errorf("pending: %q", got)
		}
		if info, err := os.Stat(x.path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	})
}

// Whatever a text holds, its line is JSON.
func TestEveryLineIsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		var all strings.Builder
		for r := range rune(0x200) {
			all.WriteRune(r)
		}
		for _, text := range []string{all.String(), "\xff\xfe", `","user":"`, "\u2028\n", ""} {
			c := Call{Caller: text, Authn: text, Method: text, Pool: text, Username: "canary", RequestID: text, Rule: text, Policy: text}
			i, err := x.Intend(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			i.End(End{Code: text, Reason: text, Outcome: text, Attempts: []Attempt{{text, text}, {}}})
			x.Deny(c, text)
		}
		x.Close()
		lines, torn := read(t, x.path)
		if len(lines) != 15 || torn != 0 {
			t.Errorf("%d lines, %d torn", len(lines), torn)
		}
		for _, l := range lines[:3] {
			if l.Caller != all.String() || l.RequestID != all.String() || l.Rule != all.String() {
				t.Errorf("%q", l.Caller)
			}
		}
	})
}

// Usernames stand in no line; their HMACs do.
func TestUsersAreHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		x.intend(t, "r-1").End(end())
		x.Deny(call("r-2"), "CALLER_NOT_ALLOWED")
		x.Close()
		text, err := os.ReadFile(x.path)
		if err != nil || strings.Contains(string(text), "canary") {
			t.Errorf("%v: %s", err, text)
		}
		lines, _ := read(t, x.path)
		for _, l := range lines {
			// printf canary | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
			if l.User != wantUser || l.KeyID != x.lines.KeyID() || len(l.KeyID) != 8 {
				t.Errorf("user %s, key %s", l.User, l.KeyID)
			}
		}
		other, err := NewHasher([]byte(strings.Repeat("j", 32)))
		if err != nil || other.User("canary") == wantUser || other.KeyID() == x.lines.KeyID() {
			t.Errorf("%v: another key, the same hash", err)
		}
	})
}

func TestSeriesBeginAtZero(t *testing.T) {
	x := open(t, "")
	families, err := x.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for _, family := range families {
		for _, m := range family.GetMetric() {
			series++
			if m.GetCounter().GetValue() != 0 {
				t.Errorf("%s %s", family.GetName(), m)
			}
		}
	}
	if series != 4+4*6+2+1 {
		t.Errorf("%d series", series)
	}
}

const wantUser = "116b10de97a9499b1c5c4e96580149188d935dc04f6256a2d80f62e467cf3fff"

func containsLine(text, want string) bool {
	for line := range strings.Lines(text) {
		var l struct{ ID string }
		if json.Unmarshal([]byte(line), &l) == nil && strings.TrimSpace(strings.Replace(line, l.ID, "ID", 1)) == want {
			return true
		}
	}
	return false
}

// Many calls at once: each has both lines, in order, and a caller's calls follow each other.
func TestLinesAreWholeAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, calls = 64, 200
		x := open(t, "")
		var all sync.WaitGroup
		for caller := range callers {
			all.Go(func() {
				for n := range calls {
					i, err := x.Intend(t.Context(), call(fmt.Sprintf("%d-%d", caller, n)))
					if err != nil {
						t.Error(err)
						return
					}
					i.End(end())
				}
			})
		}
		all.Wait()
		x.Close()
		lines, torn := read(t, x.path)
		var next [callers]int
		ids := map[string]string{}
		for _, l := range lines {
			var caller, n int
			if _, err := fmt.Sscanf(l.RequestID, "%d-%d", &caller, &n); err != nil {
				t.Fatal(l, err)
			}
			step := 2 * n
			if l.Event == string(outcome) {
				step++
			}
			if next[caller] != step || step%2 == 1 && ids[l.ID] != l.RequestID {
				t.Fatalf("caller %d: %s %s, want step %d", caller, l.Event, l.RequestID, next[caller])
			}
			ids[l.ID] = l.RequestID
			next[caller]++
		}
		if torn != 0 || len(lines) != 2*callers*calls || len(ids) != callers*calls {
			t.Errorf("%d lines, %d torn, %d ids", len(lines), torn, len(ids))
		}
		for e, want := range map[event]int{intent: callers * calls, outcome: callers * calls, denial: 0} {
			if got := x.counted(t, "useradmin_audit_lines_total", string(e)); got != want {
				t.Errorf("%s: counted %d", e, got)
			}
		}
		if got := pendingIn(t, x.path); got != "" {
			t.Errorf("pending: %s", got)
		}
	})
}

// What is wrong with the settings is said in one line.
func TestRefusedSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]string{
		file("group", "", 0o620):        " may be written by its group or by others (mode 0620): run chmod go-w PATH",
		file("others", "", 0o602):       " may be written by its group or by others (mode 0602): run chmod go-w PATH",
		dir:                             ": is a directory",
		filepath.Join(dir, "none", "a"): ": no such file or directory",
	} {
		_, err := Open(Config{Path: path, Key: testKey, Registerer: prometheus.NewRegistry()})
		if err == nil || !strings.HasSuffix(err.Error(), path+strings.ReplaceAll(want, "PATH", path)) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Open(Config{Path: filepath.Join(dir, "a"), Key: testKey[1:], Registerer: prometheus.NewRegistry()}); !errors.Is(err, errShortKey) {
		t.Error(err)
	}
	for path, want := range map[string]string{
		file("short", strings.Repeat("k", 31), 0o600): ": the key of the audit log has less than 32 bytes: make one with openssl rand -hex 32",
		file("open", strings.Repeat("k", 32), 0o644):  " is secret and may be read by others (mode 0644): run chmod o-r PATH",
	} {
		if _, err := ReadKey(path); err == nil || err.Error() != path+strings.ReplaceAll(want, "PATH", path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if key, err := ReadKey(file("key", strings.Repeat("k", 31)+"\n", 0o640)); err != nil || len(key) != 32 {
		t.Errorf("%q, %v", key, err)
	}
}

// A link may lead to the file, and a file that others may read is fine.
func TestLinkedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		link := filepath.Join(dir, "link")
		if err := os.Symlink(filepath.Join(dir, "file"), link); err != nil {
			t.Fatal(err)
		}
		x := open(t, link)
		x.intend(t, "r-1").End(end())
		x.Close()
		if got := events(t, filepath.Join(dir, "file")); got != "intent r-1; outcome r-1 CONFIRMED" || x.counted(t, "useradmin_audit_reopened_total") != 0 {
			t.Error(got)
		}
	})
}

// A call that had no intent, and one without an audit log, end without a line.
func TestEndOfNothing(*testing.T) {
	var i *Intent
	i.End(end())
}

func BenchmarkCall(b *testing.B) {
	x := open(b, "")
	c, e := call("r-1"), end()
	b.ReportAllocs()
	for b.Loop() {
		i, err := x.Intend(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		i.End(e)
	}
}

func BenchmarkParallelCalls(b *testing.B) {
	x := open(b, "")
	c, e := call("r-1"), end()
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			// A disk that cannot keep up with so much costs some calls their intent.
			i, _ := x.Intend(b.Context(), c)
			i.End(e)
		}
	})
	b.ReportMetric(float64(x.counted(b, "useradmin_audit_failures_total"))/float64(b.N), "failures/op")
}
