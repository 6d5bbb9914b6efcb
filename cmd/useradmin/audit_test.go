package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	auditIntent  = `{"time":"2026-11-25T01:00:00.000Z","event":"intent","id":"A-1","request_id":"r-1"}` + "\n"
	auditIntent2 = `{"time":"2026-11-25T01:00:00.000Z","event":"intent","id":"A-2","request_id":"r-2"}` + "\n"
	auditOutcome = `{"time":"2026-11-25T01:00:01.000Z","event":"outcome","id":"A-1","request_id":"r-1"}` + "\n"
)

func auditFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAuditPending(t *testing.T) {
	both, first := auditFile(t, auditIntent+auditIntent2+auditOutcome+auditIntent[:20]), auditFile(t, auditIntent)
	second, log, none := auditFile(t, auditOutcome), auditFile(t, "hello\n"), filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		files  []string
		stdin  string
		code   int
		out    string
		errOut string
	}{
		{[]string{both}, "", 1, auditIntent2, "intents with an outcome: 1, without: 1; skipped: outcomes without an intent: 0, torn lines: 1, other lines: 0\n"},
		{[]string{first}, "", 1, auditIntent, "without: 1;"},
		{[]string{first, second}, "", 0, "", "intents with an outcome: 1, without: 0;"},
		{[]string{second}, "", 0, "", "outcomes without an intent: 1,"},
		{[]string{"-", second}, auditIntent, 0, "", "intents with an outcome: 1, without: 0;"},
		{[]string{log}, "", 2, "", "useradmin: " + log + " is not an audit log: no line in it is one that the service writes\n"},
		{[]string{first, none}, "", 2, "", "useradmin: open " + none + ": no such file or directory\n"},
		{nil, "", 2, "", `useradmin: expected "<file> ..."; see useradmin audit pending --help` + "\n"},
	} {
		cmd := program(t, append([]string{"audit", "pending"}, c.files...)...)
		cmd.Stdin = strings.NewReader(c.stdin)
		if code, out, errOut := finish(t, cmd); code != c.code || out != c.out || !strings.Contains(errOut, c.errOut) || strings.Count(errOut, "\n") != 1 {
			t.Errorf("%v: exit code %d, %q, %q", c.files, code, out, errOut)
		}
	}
}

func TestAuditHash(t *testing.T) {
	key := auditFile(t, strings.Repeat("k", 32))
	short := auditFile(t, strings.Repeat("k", 31))
	// printf NAME | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
	const canary, jose = "116b10de97a9499b1c5c4e96580149188d935dc04f6256a2d80f62e467cf3fff\n", "2c060f8c5935e5fd0f1f42dcc2aee5ca21d09283d5ad5776498bfe12da68d87e\n"
	const blank, leading, mark, nul = "066e68fd128b4e3a473846722952774812cb009a6a3eab30410f43b5b1811480\n", "8978e01518a5ea06fd2d28aa88f629f722305db32b8a3a93ea27a5d0244f1ac6\n",
		"7cc77546ba44f00e56e6ce74dc2b20c2110188b5d630bb3c4298e7d358111cc6\n", "aa002b8f36eec8494f985a3679dd0d75ea87a2c9dbe76181e2f8f15929b2720b\n"
	for _, c := range []struct {
		key, stdin string
		code       int
		out        string
		errOut     string
	}{
		{key, "canary", 0, canary, "key_id "},
		{key, "canary\njosé\r\n", 0, canary + jose, "key_id "},
		{key, "canary\n\n", 2, canary, "line 2 of standard input has no username"},
		{key, " \t\n", 2, "", "line 1 of standard input has no username"},
		{key, "\ufeff\x00", 2, "", "line 1 of standard input has no username"},
		{key, "canary\ncanary ", 0, canary + blank, "line 2 of standard input has a space or an invisible character, which no username of Cognito has: nothing will be found by it\n"},
		{key, " canary", 0, leading, "line 1 of standard input has a space"},
		{key, "\ufeffcanary", 0, mark, "line 1 of standard input has a space or an invisible"},
		{key, "canary\x00", 0, nul, "line 1 of standard input has a space or an invisible"},
		{key, "", 2, "", "standard input has no username"},
		{key, "\xff\n", 2, "", "line 1 of standard input is not UTF-8"},
		{key, strings.Repeat("x", 5000), 2, "", "line 1 of standard input is longer than any username"},
		{short, "canary", 2, "", short + ": the key of the audit log has less than 32 bytes: make one with openssl rand -hex 32"},
		{short + "none", "canary", 2, "", "no such file or directory"},
		{strings.Repeat("canary", 10), "canary", 2, "", "--audit-key: no such file or directory, and the value is not shown"},
	} {
		cmd := program(t, "audit", "hash", "--audit-key", c.key)
		cmd.Stdin = strings.NewReader(c.stdin)
		if code, out, errOut := finish(t, cmd); code != c.code || out != c.out || !strings.Contains(errOut, c.errOut) || strings.Contains(errOut, "canary") || strings.Contains(errOut, "standard input") != strings.Contains(c.errOut, "standard input") {
			t.Errorf("%q: exit code %d, %q, %q", c.stdin, code, out, errOut)
		}
	}
}
