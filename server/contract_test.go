package server

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

var update = flag.Bool("update", false, "rewrite the golden file and the README's table")

func TestGolden(t *testing.T) {
	s := newServer(t, succeeding(), Config{Region: "us-east-1", Jitter: func() float64 { return 0.5 }})
	var b strings.Builder
	write := func(title string, req *useradminv1.ConfirmSignUpRequest, err error, repeated bool) string {
		a := convertError(t, s, &call{requestID: "request-1", repeated: repeated}, req, err)
		a.check(t)
		text := a.text(t)
		fmt.Fprintf(&b, "=== %s\n%s\n", title, text)
		return text
	}
	write("invalid_request, one violation", validRequest(), &invalidRequest{validate(&useradminv1.ConfirmSignUpRequest{UserPoolId: "a_b"})}, false)
	write("invalid_request, two violations", validRequest(), &invalidRequest{validate(&useradminv1.ConfirmSignUpRequest{})}, false)
	for _, cause := range cognitoclient.Causes() {
		for _, outcome := range outcomesOf(s.contract.row(cause).claim) {
			repeated := cause == cognitoclient.UserAlreadyConfirmed && outcome == cognitoclient.Unknown
			title := fmt.Sprintf("%s, %s", cause, outcome)
			text := write(title, validRequest(), sampleError(cause, outcome), repeated)
			allowing := validRequest()
			allowing.AllowConfirmed = true
			a := convertError(t, s, &call{requestID: "request-1", repeated: repeated}, allowing, sampleError(cause, outcome))
			if a.text(t) != text {
				write(title+", allow_confirmed", allowing, sampleError(cause, outcome), repeated)
			}
		}
	}
	write("a panic", validRequest(), &panicked{}, false)
	compare(t, "testdata/contract.golden", b.String())
}

func (a answer) text(tb testing.TB) string {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", codeName(a.Code()), a.Message())
	for _, packed := range a.Proto().GetDetails() {
		text, err := protojson.Marshal(packed)
		if err != nil {
			tb.Fatal(err)
		}
		var fields map[string]any // protojson's own spacing is unstable
		if err := json.Unmarshal(text, &fields); err != nil {
			tb.Fatal(err)
		}
		name := strings.TrimPrefix(packed.GetTypeUrl(), "type.googleapis.com/google.rpc.")
		delete(fields, "@type")
		if text, err = json.Marshal(fields); err != nil {
			tb.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\n", name, text)
	}
	for _, key := range slices.Sorted(maps.Keys(a.trailer)) {
		fmt.Fprintf(&b, "%s: %s\n", key, strings.Join(a.trailer[key], ","))
	}
	fmt.Fprintf(&b, "status %d bytes, header list %d bytes\n", proto.Size(a.Proto()), a.headerList(tb))
	return b.String()
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wanted, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(wanted) {
		t.Errorf("%s differs; if that is meant, run go test ./server -update and look at the diff", path)
	}
}

func TestReadmeTable(t *testing.T) {
	const path, begin, end = "../README.md", "<!-- errors:begin -->\n", "<!-- errors:end -->"
	readme, err := os.ReadFile(path)
	before, rest, found := strings.Cut(string(readme), begin)
	_, after, closed := strings.Cut(rest, end)
	if err != nil || !found || !closed {
		t.Fatal("the README has no table of errors")
	}
	compare(t, path, before+begin+ContractTable()+end+after)
}

func TestEveryReasonAndCauseHasARow(t *testing.T) {
	c := newContract("us-east-1")
	reasons := map[useradminv1.ErrorReason]int{}
	for _, r := range c.rows() {
		reasons[r.reason]++
	}
	pattern := regexp.MustCompile(`^[A-Z][A-Z0-9_]+[A-Z0-9]$`)
	for number, name := range useradminv1.ErrorReason_name {
		wanted := 1
		if number == 0 {
			wanted = 0
		}
		if got := reasons[useradminv1.ErrorReason(number)]; got != wanted {
			t.Errorf("%s is produced by %d rows", name, got)
		}
		if !pattern.MatchString(name) || len(name) > 63 {
			t.Errorf("%s is no reason that AIP-193 allows", name)
		}
	}
	if len(c.rows()) != len(useradminv1.ErrorReason_name)-1 {
		t.Errorf("%d rows", len(c.rows()))
	}
	for _, cause := range cognitoclient.Causes() {
		if c.byCause[cause].message == "" {
			t.Errorf("%s has no row", cause)
		}
	}
}

func TestOutcomesOfTheProto(t *testing.T) {
	for outcome, wanted := range map[cognitoclient.Outcome]string{
		0: "OUTCOME_UNKNOWN", 9: "OUTCOME_UNKNOWN", cognitoclient.Unknown: "OUTCOME_UNKNOWN",
		cognitoclient.NotSent: "OUTCOME_NOT_SENT", cognitoclient.NotApplied: "OUTCOME_NOT_APPLIED",
	} {
		if got := outcomeName(outcome); got != wanted {
			t.Errorf("%d: %s", outcome, got)
		}
	}
}

// Outlier detection takes these codes for a sick server.
func ejects(c codes.Code) bool {
	return slices.Contains([]codes.Code{codes.Unknown, codes.Internal, codes.Unimplemented, codes.Unavailable, codes.DeadlineExceeded}, c)
}

func TestCallersCanNotEjectTheServer(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	theServers := []cognitoclient.Cause{
		cognitoclient.InternalError, cognitoclient.Unavailable, cognitoclient.CredentialsRefused, cognitoclient.OperationUnsupported,
		cognitoclient.Unreachable, cognitoclient.ResponseLost, cognitoclient.DeadlineExceeded, cognitoclient.Stopping, cognitoclient.Bug,
	}
	for _, cause := range cognitoclient.Causes() {
		if slices.Contains(theServers, cause) {
			continue
		}
		for _, outcome := range outcomesOf(s.contract.row(cause).claim) {
			for _, allow := range []bool{false, true} {
				req := validRequest()
				req.AllowConfirmed = allow
				a := convertError(t, s, &call{requestID: "r"}, req, sampleError(cause, outcome))
				if ejects(a.Code()) {
					t.Errorf("%s gives %s", cause, a.Code())
				}
			}
		}
	}
	if a := convertError(t, s, &call{requestID: "r"}, validRequest(), &invalidRequest{}); ejects(a.Code()) {
		t.Errorf("an invalid request gives %s", a.Code())
	}
}

// The confirmer's promises are checked once more: an unknown outcome never invites to send the same call again.
func TestUnknownIsNeverSafeToRepeat(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	for _, cause := range append(cognitoclient.Causes(), 0, 200) {
		for _, outcome := range []cognitoclient.Outcome{0, cognitoclient.NotSent, cognitoclient.NotApplied, cognitoclient.Unknown, 77} {
			for _, allow := range []bool{false, true} {
				req := validRequest()
				req.AllowConfirmed = allow
				a := convertError(t, s, &call{requestID: "r"}, req, sampleError(cause, outcome))
				a.check(t)
				unknown := infoOf(t, a.Err()).GetMetadata()["outcome"] == "OUTCOME_UNKNOWN"
				if unknown && !allow && a.told() {
					t.Errorf("%s with outcome %d: %s", cause, outcome, a.Code())
				}
				if outcome != cognitoclient.NotSent && outcome != cognitoclient.NotApplied && !unknown {
					t.Errorf("%s with outcome %d makes a promise", cause, outcome)
				}
			}
		}
	}
}

func TestJitter(t *testing.T) {
	for jitter, wanted := range map[float64]string{0: "800", 0.5: "1000", 0.9999: "1200"} {
		s := newServer(t, succeeding(), Config{Jitter: func() float64 { return jitter }})
		a := convertError(t, s, &call{requestID: "r"}, validRequest(), sampleError(cognitoclient.TooManyRequests, cognitoclient.NotApplied))
		if got := a.trailer.Get(pushbackKey)[0]; got != wanted {
			t.Errorf("jitter %v: %s ms", jitter, got)
		}
	}
}

func TestContractTableHasEveryRow(t *testing.T) {
	table := ContractTable()
	for number, name := range useradminv1.ErrorReason_name {
		if number != 0 && strings.Count(table, "| `"+strings.TrimPrefix(name, reasonPrefix)+"` |") != 1 {
			t.Errorf("%s is not in the table once", name)
		}
	}
	t.Log("\n" + table)
}
