package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

func TestExplain(t *testing.T) {
	want := `USER_NOT_CONFIRMABLE

  The user's status is neither UNCONFIRMED nor CONFIRMED, so it can't be
  confirmed.

  Code         FAILED_PRECONDITION
  Details      PreconditionFailure (type ` + "`USER_STATUS`, subject `user`" + `).
  Metadata     ` + "`userStatus`" + `, where Cognito named it.
  Outcome      NOT_APPLIED: Cognito said no: this call had no effect and will
               have none.
  Do           act on the status; FORCE_CHANGE_PASSWORD wants a first password,
               RESET_REQUIRED a new one.
`
	for _, name := range []string{"USER_NOT_CONFIRMABLE", "ERROR_REASON_USER_NOT_CONFIRMABLE", "user-not-confirmable", " Error-Reason_user_Not-Confirmable "} {
		if code, stdout, stderr := inProcess("explain", name); code != 0 || stdout != want || stderr != "" {
			t.Errorf("%s: exit code %d, %q:\n%s", name, code, stderr, stdout)
		}
	}
	for _, name := range []string{"OUTCOME_NOT_SENT", "not-sent"} {
		if code, stdout, _ := inProcess("explain", name); code != 0 ||
			stdout != "NOT_SENT\n\n  Nothing went out to Cognito: this call had no effect and will have none.\n" {
			t.Errorf("%s: exit code %d:\n%s", name, code, stdout)
		}
	}
}

// The comments in the proto files have the parts that the command and the table are made of.
func TestExplainEveryReason(t *testing.T) {
	code, table, _ := inProcess("explain")
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	fits(t, table, tableWidth)
	g, err := loadGlossary()
	if err != nil {
		t.Fatal(err)
	}
	if len(g.reasons) != len(useradminv1.ErrorReason_name)-1 || len(g.outcomes) != len(useradminv1.Outcome_name)-1 {
		t.Errorf("%d reasons and %d outcomes", len(g.reasons), len(g.outcomes))
	}
	for _, e := range g.reasons {
		if e.meaning == "" || len(names(e.note("Code"))) == 0 || len(names(e.note("Outcome"))) == 0 || e.note("Do") == "" {
			t.Errorf("%s lacks something: %+v", e.name, e)
		}
		for _, outcome := range names(e.note("Outcome")) {
			if _, ok := g.find(outcome); !ok {
				t.Errorf("%s: there is no outcome %s", e.name, outcome)
			}
		}
		if !strings.Contains(table, "\n"+e.name+" ") {
			t.Errorf("%s is not in the table", e.name)
		}
		_, page, _ := inProcess("explain", e.name)
		fits(t, page, textWidth)
	}
	for _, want := range []string{
		"SERVER_STOPPING                UNAVAILABLE,         NOT_SENT,     The service stopped while the call",
		"\nOutcomes:\n  NOT_SENT     Nothing went out", "\n  violationsOmitted  how many field violations",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
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

// A name that is like none gets no other one put in its place.
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
	} {
		code, stdout, stderr := inProcess("explain", name)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "the nearest is "+nearest) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, %q", name, code, stdout, stderr)
		}
	}
}
