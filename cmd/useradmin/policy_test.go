package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPolicyPage runs the commands of docs/policy.md: policy.cedar is the example, new.cedar has a mistake.
func TestPolicyPage(t *testing.T) {
	page := read(t, "../../docs/policy.md")
	example := read(t, "../../deploy/policy/example.cedar")
	for what, text := range map[string]string{
		"the schema":               strings.TrimSpace(read(t, "../../internal/policy/schema.cedarschema")),
		"the example's first rule": example[strings.Index(example, `@id("signup")`):strings.Index(example, "\n\n// The support desk")],
	} {
		if !strings.Contains(page, "```cedar\n"+text+"\n```") {
			t.Errorf("docs/policy.md lacks %s", what)
		}
	}
	t.Chdir(t.TempDir())
	writePolicy(t, "policy.cedar", example)
	writePolicy(t, "new.cedar", strings.Replace(example, "UserAdmin/ConfirmSignUp", "UserAdmin/ConfirmSignup", 1))
	commands := 0
	for _, block := range strings.Split(page, "```")[1:] {
		for _, example := range strings.Split("\n"+block, "\n$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			_, stdout, stderr := inProcess(strings.Fields(command)[1:]...)
			if commands++; strings.TrimSpace(stdout+stderr) != strings.TrimSpace(want) {
				t.Errorf("%s:\n%swant:\n%s", command, stdout+stderr, want)
			}
		}
	}
	if commands != 5 {
		t.Errorf("%d commands", commands)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writePolicy(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const explainedPolicy = `permit (principal == Caller::"spiffe://p.example/a", action, resource == UserPool::"p_A");
@id("few-keys")
permit (principal == Caller::"spiffe://p.example/a", action == Action::"useradmin.v1.UserAdmin/ConfirmSignUp", resource)
when { resource == UserPool::"p_B" && principal != Caller::"spiffe://p.example/z" }
unless {
  context.metadata_keys.contains("x") };
@id("watch")
permit (principal == Caller::"spiffe://p.example/a", action == Action::"grpc.health.v1.Health/Watch", resource);
@id("large")
forbid (principal, action, resource == UserPool::"p_D") when { 9223372036854775807 + 1 > 0 };
@id("closed")
forbid (principal == Caller::"spiffe://p.example/a", action, resource == UserPool::"p_A") when { context has allow_confirmed && context.allow_confirmed };
forbid (principal, action, resource == UserPool::"p_E");
`

func TestPolicyExplain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.cedar")
	writePolicy(t, path, explainedPolicy)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--method ConfirmSignUp --pool p_A", 0, "ALLOWED by the permit on line 1.\n"},
		{"--method ConfirmSignUp --pool p_A --allow-confirmed", 1, "DENIED by the forbid closed on line 12: a forbid wins over the permit on line 1.\n"},
		{"--method ConfirmSignUp --pool p_B --key k", 0, "ALLOWED by the permit few-keys on line 3.\n"},
		{"--method ConfirmSignUp --pool p_B --key k --key x", 1, "DENIED: no permit matches. Those of this caller:\n" +
			"  the permit on line 1: its resource is another one\n" +
			"  the permit few-keys on line 3: its unless on line 5 is true: context.metadata_keys.contains(\"x\")\n" +
			"  the permit watch on line 8: its action is another one\n"},
		{"--method useradmin.v1.UserAdmin/ConfirmSignUp --pool p_C", 1, "DENIED: no permit matches. Those of this caller:\n" +
			"  the permit on line 1: its resource is another one\n" +
			"  the permit few-keys on line 3: its when on line 4 is not true: resource == UserPool::\"p_B\"\n" +
			"  the permit watch on line 8: its action is another one\n"},
		{"--method ConfirmSignUp --pool p_D", 1, "DENIED: a condition cannot be evaluated.\n" +
			"  the forbid large on line 10: its condition on line 10 cannot be evaluated: integer overflow while attempting to add `9223372036854775807` with `1`\n"},
		{"--method ConfirmSignUp --pool p_E", 1, "DENIED by the forbid on line 13.\n"},
		{"--method Watch", 0, "ALLOWED by the permit watch on line 8.\n"},
		{"--method Check", 0, "ALLOWED: grpc.health.v1.Health/Check needs no permission.\n"},
		{"--method Watch --caller spiffe://p.example/b", 1, "DENIED: no permit names this caller.\n"},
		{"--method Watch --pool p_A", 2, "useradmin: grpc.health.v1.Health/Watch has no user pool, no metadata and no allow_confirmed: leave them out\n"},
		{"--method Watch --key k", 2, "useradmin: grpc.health.v1.Health/Watch has no user pool, no metadata and no allow_confirmed: leave them out\n"},
		{"--method ConfirmSignUp", 2, "useradmin: useradmin.v1.UserAdmin/ConfirmSignUp needs the id of a user pool: name it\n"},
		{"--method ConfirmSignUp --pool p-A", 2, "useradmin: \"p-A\" is not the id of a user pool: write it as Cognito shows it, such as us-east-1_AbCdEfGhI\n"},
		{"--method Watch --caller b", 2, "useradmin: the caller \"b\" is not a SPIFFE ID (scheme is missing or invalid): write it as in its certificate, such as spiffe://prod.example/service\n"},
		{"--method ServerReflectionInfo", 2, "useradmin: \"ServerReflectionInfo\" may be grpc.reflection.v1.ServerReflection/ServerReflectionInfo or " +
			"grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo: write it in full\n"},
		{"", 2, "useradmin: missing flags: --method=METHOD; see useradmin policy explain --help\n"},
	} {
		args := append([]string{"policy", "explain", path, "--caller", "spiffe://p.example/a"}, strings.Fields(c.args)...)
		code, stdout, stderr := inProcess(args...)
		if code != c.code || stdout+stderr != c.want {
			t.Errorf("%s: exit code %d\n%swant %d\n%s", c.args, code, stdout+stderr, c.code, c.want)
		}
	}
}

// A policy that is made on the way needs no file.
func TestPolicyFromStandardInput(t *testing.T) {
	for _, c := range []struct {
		args, stdin string
		code        int
		want        string
	}{
		{"check -", explainedPolicy, 0, "ok: 3 permits, 3 forbids, 1 caller, sha256 "},
		{"check -", explainedPolicy + "permit (principal, action, resource);\n", 2, "useradmin: standard input: line 14: a permit must name its caller"},
		{"check -", "", 2, "useradmin: standard input: line 1: there is no rule"},
		{"check -", explainedPolicy + strings.Repeat("\n", 1<<20), 2, "useradmin: standard input is larger than 1048576 bytes\n"},
		{"explain - --caller spiffe://p.example/a --method Watch", explainedPolicy, 0, "ALLOWED by the permit watch on line 8.\n"},
	} {
		cmd := program(t, append([]string{"policy"}, strings.Fields(c.args)...)...)
		cmd.Stdin = strings.NewReader(c.stdin)
		if code, out, errOut := finish(t, cmd); code != c.code || !strings.HasPrefix(out+errOut, c.want) || strings.Count(out+errOut, "\n") != 1 {
			t.Errorf("%s: exit code %d\n%s%s", c.args, code, out, errOut)
		}
	}
}

func TestPolicyCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	writePolicy(t, "good.cedar", explainedPolicy)
	writePolicy(t, "bad.cedar", explainedPolicy+"permit (principal, action, resource);\n")
	writePolicy(t, "open.cedar", explainedPolicy)
	if err := os.Chmod("open.cedar", 0o606); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"check good.cedar", 0, "ok: 3 permits, 3 forbids, 1 caller, sha256 "},
		{"check bad.cedar", 2, "useradmin: bad.cedar: line 14: a permit must name its caller: write principal == Caller::\"spiffe://...\"\n"},
		{"check open.cedar", 2, "useradmin: open.cedar may be written by its group or by others (mode 0606): run chmod go-w open.cedar\n"},
		{"check none.cedar", 2, "useradmin: open none.cedar: no such file or directory\n"},
		{"explain bad.cedar --caller spiffe://p.example/a --method Watch", 2, "useradmin: bad.cedar: line 14: a permit must name its caller"},
		{"check", 2, "useradmin: expected \"<file>\"; see useradmin policy check --help\n"},
		{"", 2, "useradmin: expected one of \"check\", \"explain\"; see useradmin policy --help\n"},
	} {
		code, stdout, stderr := inProcess(append([]string{"policy"}, strings.Fields(c.args)...)...)
		if code != c.code || !strings.HasPrefix(stdout+stderr, c.want) || strings.Count(stdout+stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d\n%swant %d\n%s", c.args, code, stdout+stderr, c.code, c.want)
		}
	}
}
