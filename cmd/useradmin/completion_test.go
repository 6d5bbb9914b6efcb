package main

import (
	"slices"
	"strings"
	"testing"
)

// Shells ask by running the program with the line so far in COMP_LINE.
func TestCompletion(t *testing.T) {
	for line, want := range map[string]string{
		"useradmin ":                         "completion confirm dev explain serve version",
		"useradmin con":                      "confirm",
		"useradmin explain user_not":         "user_not_confirmable user_not_found",
		"useradmin explain USER_NOT":         "USER_NOT_CONFIRMABLE USER_NOT_FOUND",
		"useradmin confirm --":               "--address --ca --help --metadata --output --strict --timeout --version",
		"useradmin confirm p_1 u --output ":  "json text",
		"useradmin completion --code ":       "bash fish zsh",
		"useradmin serve --log-format=":      "json text",
		"useradmin confirm --strict p_1 u x": "",
	} {
		cmd := program(t)
		cmd.Env = append(cmd.Env, "COMP_LINE="+line)
		code, stdout, stderr := finish(t, cmd)
		got := strings.Fields(stdout)
		slices.Sort(got)
		if code != 0 || strings.Join(got, " ") != want || stderr != "" {
			t.Errorf("%q: exit code %d, %q, %q; want %q", line, code, stdout, stderr, want)
		}
	}
}

func TestCompletionCode(t *testing.T) {
	for shell, want := range map[string]string{"bash": "complete -o default", "zsh": "bashcompinit", "fish": "function __complete_useradmin"} {
		if code, stdout, stderr := finish(t, program(t, "completion", "--code", shell)); code != 0 || !strings.Contains(stdout, want) || stderr != "" {
			t.Errorf("%s: exit code %d, %q, %q", shell, code, stdout, stderr)
		}
		if code, stdout, _ := finish(t, program(t, "completion", shell)); code != 0 || !strings.Contains(stdout, "useradmin completion -c "+shell) {
			t.Errorf("%s: exit code %d, %q", shell, code, stdout)
		}
	}
	if code, _, stderr := finish(t, program(t, "completion", "tcsh")); code != exitUsage || !strings.Contains(stderr, `must be one of`) {
		t.Errorf("a shell that is not known: exit code %d, %q", code, stderr)
	}
}

func TestHelpHasExamples(t *testing.T) {
	for _, command := range []string{"confirm", "explain", "completion", "serve", "dev"} {
		code, stdout, stderr := finish(t, program(t, command, "--help"))
		if code != 0 || !strings.Contains(stdout, "Usage: useradmin "+command) || !strings.Contains(stdout, "Example") || stderr != "" {
			t.Errorf("%s: exit code %d, %q, %q", command, code, stdout, stderr)
		}
	}
}
