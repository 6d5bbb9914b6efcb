package audit

import (
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
}

// Usernames stand in no line; their HMACs do.
func TestUsersAreHidden(t *testing.T) {
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
