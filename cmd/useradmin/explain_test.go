package main

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

func TestExplain(t *testing.T) {
	const (
		notConfirmable = "USER_NOT_CONFIRMABLE (reason)\n\n" +
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
		stopping = "SERVER_STOPPING (reason)\n\n" +
			"  This service stopped during the call.\n\n" +
			"  Code         UNAVAILABLE; ABORTED if the outcome is UNKNOWN and the request\n" +
			"               has no `allow_confirmed`\n" +
			"  Details      RetryInfo with UNAVAILABLE only.\n" +
			"  Outcome      NOT_SENT, NOT_APPLIED or UNKNOWN.\n" +
			"  Do           After NOT_SENT or NOT_APPLIED: Nothing was changed; send the same\n" +
			"               call again after the delay in RetryInfo.\n" + findOut
		notSent = "NOT_SENT (outcome)\n\n  Nothing was sent to Cognito: the call had no effect and will have none.\n"
		applied = "APPLIED (outcome)\n\n  The call had its effect and failed afterwards.\n"
		unknown = "UNKNOWN (outcome)\n\n  The call may have had its effect, or may still have it.\n\n" +
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
		do := &sheet{width: textWidth}
		do.rows(labelWidth, rows[i])
		found += strings.Count(page, do.String())
		if rpc.Name != "ConfirmSignUp" {
			page = strings.Replace(page, do.String(), "", 1)
		}
	}
	if found != 0 && found != len(rows) {
		t.Errorf("it says how to find out after %d of %d RPCs:\n%s", found, len(rows), page)
	}
	return page
}

// Every name has a page, and most are listed; the rest is too much for a list. All fit on a terminal of any width.
func TestExplainEveryName(t *testing.T) {
	g, err := loadGlossary()
	if err != nil {
		t.Fatal(err)
	}
	code, table, _ := inProcess("explain")
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for _, width := range []int{60, 79, 95, 96, tableWidth, 180} {
		fits(t, g.table(width), width)
	}
	topics := g.topics()
	if got, want := len(topics)-len(g.results)-len(cognitoclient.Exceptions()),
		len(useradminv1.ErrorReason_name)+len(useradminv1.Outcome_name)-2+17+len(g.keys)+len(g.ownKeys()); got != want {
		t.Errorf("%d topics, want %d", got, want)
	}
	for _, topic := range topics {
		listed := strings.Contains(table, "\n"+topic.name+" ") || strings.Contains(table, "\n  "+topic.name+" ")
		if counts := !strings.HasPrefix(topic.kind, "gRPC") && !topic.copied; counts && !listed {
			t.Errorf("%s is not in the table", topic.name)
		}
		code, page, _ := inProcess("explain", strings.ToLower(topic.name))
		fits(t, page, textWidth)
		if code != 0 || !strings.HasPrefix("\n"+page, "\n"+topic.name+" (") || !strings.Contains("\n"+page, "\n"+topic.name+" ("+topic.kind+")\n\n  ") {
			t.Errorf("%s: exit code %d:\n%s", topic.name, code, page)
		}
		for _, width := range []int{60, 140} {
			fits(t, pages(width, g.find(topic.name)), width)
		}
		if r, ok := g.reason(topic.name); ok && (strings.Count(page, "\n  Code ") != 1 || !strings.Contains(page, "\n  Do ") || r.Meaning == "") {
			t.Errorf("%s lacks something:\n%s", topic.name, page)
		}
	}
}

func TestExplainTable(t *testing.T) {
	_, table, _ := inProcess("explain")
	for _, want := range []string{
		"SERVER_STOPPING                UNAVAILABLE,         NOT_SENT,     This service stopped during the",
		"\nOutcomes:\n  NOT_SENT     Nothing was sent", "\nResults:\n  ",
		"\nMetadata of every error, then of some:\n  outcome            the name of an Outcome",
		"\n  reasonCode         of INVALID_PARAMETER.\n",
		"gRPC codes, such as NOT_FOUND",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	// How far the column is to the right depends on the longest result of all RPCs.
	if !regexp.MustCompile(`\n  CONFIRMED +This call confirmed`).MatchString(table) {
		t.Errorf("the table lacks the meaning of CONFIRMED:\n%s", table)
	}
	t.Setenv("COLUMNS", "70")
	if _, narrow, _ := inProcess("explain"); !strings.Contains(narrow, "\nUSER_NOT_FOUND (NOT_FOUND; NOT_APPLIED)\n  The user pool has no such user.\n") {
		t.Errorf("a narrow terminal gets\n%s", narrow)
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
	for _, name := range []string{"UNSPECIFIED", "timeouts of mine", "timeout", "other", "error_reason_"} {
		if code, _, stderr := inProcess("explain", name); code != exitUsage || !strings.Contains(stderr, "useradmin explain lists them") {
			t.Errorf("%s: exit code %d, %q", name, code, stderr)
		}
	}
}

func TestExplainWrongName(t *testing.T) {
	for name, nearest := range map[string]string{
		"USER_NOT_FOUNT":       "USER_NOT_FOUND",
		"usernotfonud":         "USER_NOT_FOUND",
		"UNAVAILABLES":         "UNAVAILABLE",
		"RESPONSE_LOSTS":       "COGNITO_RESPONSE_LOST",
		"userStatu":            "userStatus",
		"lambdaErrors":         "lambdaError",
		"FailedPrecondtion":    "FAILED_PRECONDITION",
		"UserNotFoundExeption": "UserNotFoundException",
		"lambda":               "LAMBDA_REJECTED",
		"OUTCOME_UNKNOWNS":     "UNKNOWN",
		"APPLIEDS":             "APPLIED",
	} {
		code, stdout, stderr := inProcess("explain", name)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "the nearest is "+nearest) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, %q", name, code, stdout, stderr)
		}
	}
}

// A word that people know from a status, a log or Cognito leads to the reasons.
func TestExplainOtherWords(t *testing.T) {
	const (
		notFound = "NOT_FOUND (gRPC code 5)\n\n" +
			"  The reasons that come with it:\n\n" +
			"  USER_POOL_NOT_FOUND  The user pool does not exist in the AWS Region and\n" +
			"                       account that this service calls.\n" +
			"  USER_NOT_FOUND       The user pool has no such user.\n\n" +
			"  Without an ErrorInfo of the domain useradmin.cognito.internal, something else\n" +
			"  made the status: a proxy, a library, a cut connection or the caller's own\n" +
			"  deadline. Then the outcome is unknown.\n"
		dataLoss = "DATA_LOSS (gRPC code 15)\n\n" +
			"  No reason of this service comes with this code: something else made the\n" +
			"  status: a proxy, a library, a cut connection or the caller's own deadline.\n" +
			"  Then the outcome is unknown.\n"
		notAuthorized = "NotAuthorizedException (exception of Cognito)\n\n" +
			"  This service reports it with one of these reasons, depending on Cognito's\n" +
			"  message:\n\n" +
			"  USER_ALREADY_CONFIRMED  The user is already confirmed.\n" +
			"  USER_NOT_CONFIRMABLE    The user's status does not allow a confirmation.\n" +
			"  USER_DISABLED           The user is disabled.\n" +
			"  NOT_AUTHORIZED          Cognito refused the operation for a reason that this\n" +
			"                          service does not recognize.\n"
		repeated = "repeated (metadata key)\n\n" +
			"  On every error: `true` if the call is marked as a repeat, otherwise `false`.\n"
		reasonCode = "reasonCode (metadata key)\n\n" +
			"  On these reasons:\n\n" +
			"  INVALID_PARAMETER  if Cognito gave one\n"
	)
	for name, want := range map[string]string{
		"NOT_FOUND": notFound, "NotFound": notFound, "not-found": notFound, "5": notFound,
		"DATA_LOSS": dataLoss, "15": dataLoss,
		"NotAuthorizedException": notAuthorized, "notauthorizedexception": notAuthorized, "NOT_AUTHORIZED_EXCEPTION": notAuthorized,
		"repeated": repeated, "REPEATED": repeated,
		"reasonCode": reasonCode, "reasoncode": reasonCode, "reason_code": reasonCode,
	} {
		code, stdout, stderr := inProcess("explain", name)
		if code != 0 || stdout != want || stderr != "" {
			t.Errorf("%s: exit code %d, %q:\n%s\nwant:\n%s", name, code, stderr, stdout, want)
		}
	}
	for name, want := range map[string][]string{
		"UserNotFoundException": {"with the reason USER_NOT_FOUND:\n", "  Code         NOT_FOUND\n", "  Do           Check the username"},
		"resourcenotfound":      {"ResourceNotFoundException (", "with the reason USER_POOL_NOT_FOUND:\n"},
		"userStatus":            {"USER_ALREADY_CONFIRMED   = `CONFIRMED`\n", "USER_NOT_CONFIRMABLE     if Cognito named it\n", "LAMBDA_FAILED "},
		"violation":             {"INVALID_REQUEST  the reason of the violation if there is exactly one:\n                   `REQUIRED`,"},
		"outcome":               {"outcome (metadata key)\n\n  On every error: the name of an Outcome"},
		"OK":                    {"OK (gRPC code 0)", "  CONFIRMED_UNATTRIBUTED  The user is confirmed, but"},
		"ABORTED":               {"SERVER_STOPPING        This service stopped during the call. Code:\n                         UNAVAILABLE; ABORTED if"},
		"canceled":              {"CANCELLED (gRPC code 1)"},
		// What means several things gets a page for each.
		"INTERNAL": {"INTERNAL (reason)\n\n", "\n\nINTERNAL (gRPC code 13)\n\n"},
		"unknown":  {"UNKNOWN (outcome)\n\n", "\n\nUNKNOWN (gRPC code 2)\n\n"},
		// A reason without COGNITO_, but not where something has that name.
		"response-lost": {"COGNITO_RESPONSE_LOST (reason)"},
		"UNAVAILABLE":   {"UNAVAILABLE (gRPC code 14)", "  COGNITO_UNREACHABLE    This service"},
	} {
		code, stdout, _ := inProcess("explain", name)
		for _, text := range want {
			if code != 0 || !strings.Contains(stdout, text) {
				t.Errorf("%s: exit code %d, it does not say %q:\n%s", name, code, text, stdout)
			}
		}
	}
	for _, number := range []string{"17", "-1", "00", "5.0", " ", "_"} {
		if code, stdout, _ := inProcess("explain", "--", number); code != exitUsage || stdout != "" {
			t.Errorf("%s: exit code %d, %s", number, code, stdout)
		}
	}
	if _, _, stderr := inProcess("explain", "SomethingOfTomorrowException"); !strings.Contains(stderr, "becomes UNRECOGNIZED_EXCEPTION") {
		t.Errorf("an exception of tomorrow: %s", stderr)
	}
}
