package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

// A change of the command line changes the scripts: look at the difference, then run the test with -update.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, stderr := inProcess("completion", shell)
		if code != 0 || stderr != "" {
			t.Fatalf("%s: exit code %d, %q", shell, code, stderr)
		}
		golden := filepath.Join("testdata", "completion."+shell)
		if *update {
			if err := os.WriteFile(golden, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if script != string(want) {
			t.Errorf("the script for %s differs from %s; see the comment of this test", shell, golden)
		}
		// CI has bash; the other two are checked where they are installed, and compared everywhere.
		if path, err := exec.LookPath(shell); err == nil {
			if out, err := exec.CommandContext(t.Context(), path, "-n", golden).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s cannot read its script: %v, %s", shell, err, out)
			}
		} else if shell == "bash" {
			t.Error(err)
		}
	}
}

// What Bash's readline does when the Tab key is pressed: the words are split at blanks and at =.
const pressTab = `source testdata/completion.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_useradmin
printf '%s\n' "${COMPREPLY[@]}"`

func TestCompletionInBash(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"useradmin |", "serve dev confirm health explain policy audit completion version"},
		{"useradmin|con", "confirm"},
		{"useradmin|--v", "--version"},
		{"useradmin|explain|USER_NOT", "USER_NOT_FOUND USER_NOT_CONFIRMABLE"},
		{"useradmin|explain|user-not", "USER_NOT_FOUND USER_NOT_CONFIRMABLE"},
		{"useradmin|explain|APP", "APPLIED"},
		{"useradmin|explain|already-conf", "ALREADY_CONFIRMED"},
		{"useradmin|explain|INTERNAL|", ""},
		{"useradmin|confirm|--", "--help --version --metadata --address --ca --cert --key --plaintext --strict --timeout --output"},
		{"useradmin|health|--", "--help --version --ca --cert --key --plaintext --service --timeout"},
		{"useradmin|health|--key|testdata/completion.z", "testdata/completion.zsh"},
		{"useradmin|explain|FAILED_P", "FAILED_PRECONDITION"},
		{"useradmin|explain|failed-p", "FAILED_PRECONDITION"},
		{"useradmin|explain|userS", "userStatus"},
		{"useradmin|explain|lam", "lambdaError LAMBDA_REJECTED LAMBDA_FAILED LAMBDA_RESPONSE_INVALID"},
		{"useradmin|explain|User", "UserLambdaValidationException UserNotFoundException"},
		{"useradmin|explain|UserNotF", "UserNotFoundException"},
		{"useradmin|explain|INTERNAL", "INTERNAL"},
		{"useradmin|confirm|p_1|u|--output|", "text json"},
		{"useradmin|confirm|--output|=", "text json"},
		{"useradmin|confirm|--output|=|j", "json"},
		{"useradmin|confirm|--output|json|--s", "--strict"},
		{"useradmin|confirm|--metadata|=|a|=|b|--s", "--strict"},
		{"useradmin|confirm|--ca|testdata/completion.b", "testdata/completion.bash"},
		{"useradmin|confirm|p_1|", ""},
		{"useradmin|confirm|--|--", ""},
		{"useradmin|policy|", "check explain"},
		{"useradmin|policy|ch", "check"},
		{"useradmin|policy|check|testdata/completion.b", "testdata/completion.bash"},
		{"useradmin|policy|explain|--a", "--allow-confirmed"},
		{"useradmin|policy|explain|--caller|x|testdata/completion.z", "testdata/completion.zsh"},
		{"useradmin|audit|", "pending hash"},
		{"useradmin|audit|pending|testdata/completion.b", "testdata/completion.bash"},
		{"useradmin|audit|hash|--audit-key|testdata/completion.z", "testdata/completion.zsh"},
		{"useradmin|completion|", "bash zsh fish"},
		{"useradmin|completion|--help|z", "zsh"},
		{"useradmin|serve|--log-format|=|", "json text"},
		{"useradmin|serve|--no", "--no-reflection"},
		{"useradmin|serve|explain|US", ""},
	} {
		line := strings.Split(strings.ReplaceAll(c.line, " |", "|"), "|")
		out, err := exec.CommandContext(t.Context(), "bash", append([]string{"-c", pressTab, "bash"}, line...)...).CombinedOutput()
		if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != c.want {
			t.Errorf("%s: %v, got %s, want %s", c.line, err, got, c.want)
		}
	}
}

// A shell whose completion runs the command itself must not change what the command does.
func TestCompLineInTheEnvironment(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"explain", "INTERNAL"}, {"serve", "--log-format=text", "--listen=nowhere"}} {
		plain, marked := program(t, args...), program(t, args...)
		marked.Env = append(marked.Env, "COMP_LINE=useradmin con", "COMP_POINT=13", "COMP_TYPE=9")
		code, stdout, stderr := finish(t, plain)
		if gotCode, gotOut, gotErr := finish(t, marked); gotCode != code || gotOut != stdout || gotErr != stderr {
			t.Errorf("%v: exit code %d, %q, %q; want %d, %q, %q", args, gotCode, gotOut, gotErr, code, stdout, stderr)
		}
	}
}

func TestCompletionNeedsAShell(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}, {"completion", ""}} {
		code, stdout, stderr := inProcess(args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "<bash|zsh|fish>") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func TestHelpHasExamples(t *testing.T) {
	for _, command := range []string{"confirm", "health", "explain", "policy check", "policy explain", "audit pending", "audit hash", "completion", "serve", "dev"} {
		code, stdout, stderr := finish(t, program(t, append(strings.Fields(command), "--help")...))
		if code != 0 || !strings.Contains(stdout, "Usage: useradmin "+command) || !strings.Contains(stdout, "Example") || stderr != "" {
			t.Errorf("%s: exit code %d, %q, %q", command, code, stdout, stderr)
		}
	}
}
