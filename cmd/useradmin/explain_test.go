package main

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

func TestExplain(t *testing.T) {
	const (
		notConfirmable = "USER_NOT_CONFIRMABLE\n\n" +
			"  The user's status does not allow a confirmation.\n\n" +
			"  Code         FAILED_PRECONDITION\n" +
			"  Details      PreconditionFailure (type `USER_STATUS`, subject `user`).\n" +
			"  Metadata     `userStatus`, if Cognito named it.\n" +
			"  Outcome      NOT_APPLIED: Cognito refused: the call had no effect and will\n" +
			"               have none.\n" +
			"  Do           Act on the status: FORCE_CHANGE_PASSWORD needs a first password,\n" +
			"               RESET_REQUIRED a new one.\n"
		findOut = "  Do           After UNKNOWN of ConfirmSignUp: To find out, send the same call\n" +
			"               with `allow_confirmed` and the header `x-useradmin-repeat: 1`; OK\n" +
			"               means that the user is confirmed.\n"
		stopping = "SERVER_STOPPING\n\n" +
			"  This service stopped during the call.\n\n" +
			"  Code         UNAVAILABLE; ABORTED if the outcome is UNKNOWN and the request\n" +
			"               has no `allow_confirmed`\n" +
			"  Details      RetryInfo with UNAVAILABLE only.\n" +
			"  Outcome      NOT_SENT, NOT_APPLIED or UNKNOWN.\n" +
			"  Do           After NOT_SENT or NOT_APPLIED: Nothing was changed; send the same\n" +
			"               call again after the delay in RetryInfo.\n" + findOut
		notSent = "NOT_SENT\n\n  Nothing was sent to Cognito: the call had no effect and will have none.\n"
		applied = "APPLIED\n\n  The call had its effect and failed afterwards.\n"
		unknown = "UNKNOWN\n\n  The call may have had its effect, or may still have it.\n\n" +
			"  The comment of each RPC says under `Unknown` how to find out.\n\n" + findOut
	)
	for name, want := range map[string]string{
		"USER_NOT_CONFIRMABLE":                notConfirmable,
		"ERROR_REASON_USER_NOT_CONFIRMABLE":   notConfirmable,
		"user-not-confirmable":                notConfirmable,
		" Error-Reason_user_Not-Confirmable ": notConfirmable,
		"server_stopping":                     stopping,
		"OUTCOME_NOT_SENT":                    notSent,
		"not-sent":                            notSent,
		"Applied":                             applied,
		"outcome_unknown":                     unknown,
	} {
		code, stdout, stderr := inProcess("explain", name)
		if got := confirmSignUpOnly(t, stdout); code != 0 || got != want || stderr != "" {
			t.Errorf("%s: exit code %d, %q:\n%s\nwant:\n%s", name, code, stderr, got, want)
		}
	}
}

// confirmSignUpOnly leaves out what a page says about finding out after other RPCs. It must say that for all or none.
func confirmSignUpOnly(t *testing.T, page string) string {
	t.Helper()
	g, err := loadGlossary()
	if err != nil {
		t.Fatal(err)
	}
	rows, found := g.findOut(), 0
	for i, rpc := range g.unknowns {
		var b strings.Builder
		writeRows(&b, labelWidth, rows[i])
		found += strings.Count(page, b.String())
		if rpc.Name != "ConfirmSignUp" {
			page = strings.Replace(page, b.String(), "", 1)
		}
	}
	if found != 0 && found != len(rows) {
		t.Errorf("it says how to find out after %d of %d RPCs:\n%s", found, len(rows), page)
	}
	return page
}

// Every name is listed, has a page, and fits on a terminal.
func TestExplainEveryName(t *testing.T) {
	code, table, _ := inProcess("explain")
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	fits(t, table, tableWidth)
	g, err := loadGlossary()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(g.names()), len(useradminv1.ErrorReason_name)+len(useradminv1.Outcome_name)-2+len(g.results); got != want {
		t.Errorf("%d names, want %d", got, want)
	}
	for _, name := range g.names() {
		if !strings.Contains(table, "\n"+name+" ") && !strings.Contains(table, "\n  "+name+" ") {
			t.Errorf("%s is not in the table", name)
		}
		code, page, _ := inProcess("explain", name)
		fits(t, page, textWidth)
		if code != 0 || !strings.HasPrefix(page, name+"\n\n  ") {
			t.Errorf("%s: exit code %d:\n%s", name, code, page)
		}
		if r, ok := g.reason(name); ok && (strings.Count(page, "\n  Code ") != 1 || !strings.Contains(page, "\n  Do ") || r.Meaning == "") {
			t.Errorf("%s lacks something:\n%s", name, page)
		}
	}
	for _, want := range []string{
		"SERVER_STOPPING                UNAVAILABLE,         NOT_SENT,     This service stopped during the",
		"\nOutcomes:\n  NOT_SENT     Nothing was sent", "\nResults:\n  ",
		"\nMetadata of every error:\n  outcome           the name of an Outcome",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	// How far the column is to the right depends on the longest result of all RPCs.
	if !regexp.MustCompile(`\n  CONFIRMED +This call confirmed`).MatchString(table) {
		t.Errorf("the table lacks the meaning of CONFIRMED:\n%s", table)
	}
}

func fits(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > width || strings.TrimRight(line, " ") != line {
			t.Errorf("a line is too long or ends in blanks: %q", line)
		}
	}
}

// A name that is not near any other gets no suggestion.
func TestExplainForeignName(t *testing.T) {
	for _, name := range []string{"UNSPECIFIED", "timeout", "other"} {
		if code, _, stderr := inProcess("explain", name); code != exitUsage || !strings.Contains(stderr, "useradmin explain lists them") {
			t.Errorf("%s: exit code %d, %q", name, code, stderr)
		}
	}
}

func TestExplainWrongName(t *testing.T) {
	for name, nearest := range map[string]string{
		"USER_NOT_FOUNT":   "USER_NOT_FOUND",
		"usernotfound":     "USER_NOT_FOUND",
		"NOT_FOUND":        "USER_NOT_FOUND",
		"UNAVAILABLES":     "COGNITO_UNAVAILABLE",
		"lambda":           "LAMBDA_REJECTED",
		"OUTCOME_UNKNOWNS": "UNKNOWN",
		"APPLIEDS":         "APPLIED",
	} {
		code, stdout, stderr := inProcess("explain", name)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "the nearest is "+nearest) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, %q", name, code, stdout, stderr)
		}
	}
}
