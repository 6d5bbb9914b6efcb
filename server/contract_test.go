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

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

var update = flag.Bool("update", false, "rewrite the golden file and docs/errors.md")

// reasons are those of the proto, in its order, and what the RPC says of unknown outcomes.
func reasons(tb testing.TB) (all []schema.Reason, unknown string) {
	tb.Helper()
	s, err := schema.Load()
	if err != nil {
		tb.Fatal(err)
	}
	return s.Reasons(), s.Unknown(protoreflect.FullName(serviceName + ".ConfirmSignUp"))
}

// outcomeOf is the outcome of that name.
func outcomeOf(tb testing.TB, name string) cognitoclient.Outcome {
	tb.Helper()
	for o := cognitoclient.NotSent; o <= cognitoclient.Unknown; o++ {
		if o.String() == name {
			return o
		}
	}
	tb.Fatalf("no outcome %q", name)
	return 0
}

// causeOf is the cause of the reason; 0 for INVALID_REQUEST, which Cognito never gives.
func causeOf(reason string) cognitoclient.Cause {
	for _, cause := range cognitoclient.Causes() {
		if cause.String() == reason {
			return cause
		}
	}
	return 0
}

// sampleOf is an error that becomes a status with that reason and outcome.
func sampleOf(reason string, outcome cognitoclient.Outcome) error {
	if cause := causeOf(reason); cause != 0 {
		return sampleError(cause, outcome)
	}
	return &invalidRequest{validateConfirmSignUp(&useradminv1.ConfirmSignUpRequest{UserPoolId: "a_b"})}
}

// Every reason has a cause, a cause has a reason of the same name, and each of the proto's outcomes is one that
// cognitoclient's facts allow.
func TestReasonsAndCausesAreTheSame(t *testing.T) {
	all, _ := reasons(t)
	names := map[string]bool{}
	for _, r := range all {
		names[r.Name] = true
		cause := causeOf(r.Name)
		if cause == 0 && r.Name != "INVALID_REQUEST" {
			t.Errorf("%s has no cause", r.Name)
		}
		if unknown := slices.Contains(r.OutcomeNames(), "UNKNOWN"); cause != 0 && cause.Promises() == unknown {
			t.Errorf("%s: the proto and the facts differ about whether its outcome can be unknown", r.Name)
		}
	}
	for _, cause := range cognitoclient.Causes() {
		if !names[cause.String()] {
			t.Errorf("%s has no reason", cause)
		}
	}
	pattern := regexp.MustCompile(`^[A-Z][A-Z0-9_]+[A-Z0-9]$`)
	for name := range names {
		if !pattern.MatchString(name) || len(name) > 63 {
			t.Errorf("%s is not a reason that AIP-193 allows", name)
		}
	}
}

// The proto's comment is the source: the status has the message, one of the codes, the details and the keys that it
// names, for every outcome, on a first sending and on a repeat.
func TestTheTableIsTheProtos(t *testing.T) {
	s := newServer(t, succeeding(), Config{Region: "us-east-1"})
	all, unknown := reasons(t)
	for _, r := range all {
		told := map[string]bool{}
		for _, name := range r.OutcomeNames() {
			for _, allow := range []bool{false, true} {
				req := validRequest()
				req.AllowConfirmed = allow
				a := convertError(t, s, &record{requestID: "r"}, req, sampleOf(r.Name, outcomeOf(t, name)))
				a.check(t)
				told[codeName(a.Code())] = true
				checkAgainst(t, r, a, name, unknown)
			}
		}
		if codes := slices.Sorted(maps.Keys(told)); !slices.Equal(codes, slices.Sorted(slices.Values(r.Codes()))) {
			t.Errorf("%s: codes %v, the proto has %v", r.Name, codes, r.Codes())
		}
		if r.Name == "INVALID_REQUEST" {
			continue
		}
		repeat := convertError(t, s, &record{requestID: "r", repeated: true}, validRequest(), sampleOf(r.Name, cognitoclient.Unknown))
		repeat.check(t)
		checkAgainst(t, r, repeat, "UNKNOWN", unknown)
		if repeat.told() {
			t.Errorf("%s: a repeat invites with %s", r.Name, repeat.Code())
		}
	}
}

func checkAgainst(t *testing.T, r schema.Reason, a answer, outcome, unknown string) {
	t.Helper()
	info := infoOf(t, a.Err())
	if info.GetReason() != r.Name || info.GetMetadata()["outcome"] != outcome || info.GetDomain() != domain {
		t.Errorf("%s, %s: got %v", r.Name, outcome, info)
	}
	if want := r.Message(outcome, unknown); a.Message() != want {
		t.Errorf("%s, %s:\n got %s\nwant %s", r.Name, outcome, a.Message(), want)
	}
	keys := append([]string{"attempts", "cognitoRequestId", "exception", "outcome", "repeated"}, r.Keys()...)
	if got := slices.Sorted(maps.Keys(info.GetMetadata())); !slices.Equal(got, slices.Sorted(slices.Values(keys))) {
		t.Errorf("%s, %s: keys %v, the proto has %v", r.Name, outcome, got, keys)
	}
	for _, packed := range a.Proto().GetDetails()[2:] {
		if name := string(packed.MessageName().Name()); !strings.Contains(r.Details, name) {
			t.Errorf("%s, %s: the proto has no %s", r.Name, outcome, name)
		}
	}
}

func TestGolden(t *testing.T) {
	s := newServer(t, succeeding(), Config{Region: "us-east-1", Jitter: func() float64 { return 0.5 }})
	var b strings.Builder
	write := func(title string, allow, repeated bool, err error) string {
		req := validRequest()
		req.AllowConfirmed = allow
		a := convertError(t, s, &record{requestID: "request-1", repeated: repeated}, req, err)
		a.check(t)
		text := a.text(t)
		fmt.Fprintf(&b, "=== %s\n%s\n", title, text)
		return text
	}
	all, _ := reasons(t)
	for _, r := range all {
		for _, name := range r.OutcomeNames() {
			outcome := outcomeOf(t, name)
			text := write(r.Name+", "+name, false, false, sampleOf(r.Name, outcome))
			req := validRequest()
			req.AllowConfirmed = true
			if a := convertError(t, s, &record{requestID: "request-1"}, req, sampleOf(r.Name, outcome)); a.text(t) != text {
				write(r.Name+", "+name+", allow_confirmed", true, false, sampleOf(r.Name, outcome))
			}
		}
	}
	write("INVALID_REQUEST, two violations", false, false, &invalidRequest{validateConfirmSignUp(&useradminv1.ConfirmSignUpRequest{})})
	write("a repeat of USER_ALREADY_CONFIRMED", false, true, sampleError(cognitoclient.UserAlreadyConfirmed, cognitoclient.Unknown))
	write("a repeat of TOO_MANY_REQUESTS", false, true, sampleError(cognitoclient.TooManyRequests, cognitoclient.Unknown))
	write("a repeat of TOO_MANY_REQUESTS, allow_confirmed", true, true, sampleError(cognitoclient.TooManyRequests, cognitoclient.Unknown))
	write("a panic", false, false, &panicked{})
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

func codeName(c codes.Code) string {
	return code.Code(c).String() //nolint:gosec // codes are small
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
		t.Errorf("%s differs; if that is intended, run go test ./server -update and look at the diff", path)
	}
}

// Outlier detection treats these codes as those of a sick server.
func ejects(c codes.Code) bool {
	return slices.Contains([]codes.Code{codes.Unknown, codes.Internal, codes.Unimplemented, codes.Unavailable, codes.DeadlineExceeded}, c)
}

func TestCallersCanNotEjectTheServer(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	theServers := []string{
		"COGNITO_INTERNAL_ERROR", "COGNITO_UNAVAILABLE", "COGNITO_CREDENTIALS", "COGNITO_UNREACHABLE", "COGNITO_RESPONSE_LOST",
		"DEADLINE_EXCEEDED", "SERVER_STOPPING", "INTERNAL", "OVERLOADED", "AUDIT_UNAVAILABLE",
	}
	all, _ := reasons(t)
	for _, r := range all {
		if slices.Contains(theServers, r.Name) {
			continue
		}
		for _, name := range append(r.OutcomeNames(), "UNKNOWN") {
			for _, allow := range []bool{false, true} {
				req := validRequest()
				req.AllowConfirmed = allow
				a := convertError(t, s, &record{requestID: "r", repeated: name == "UNKNOWN"}, req, sampleOf(r.Name, outcomeOf(t, name)))
				if ejects(a.Code()) {
					t.Errorf("%s gives %s", r.Name, a.Code())
				}
			}
		}
	}
}

// What cognitoclient promises is checked once more: an unknown outcome never invites to send the same call again, and a
// refusal without a promise is a lost response.
func TestUnknownIsNeverSafeToRepeat(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	for _, cause := range append(cognitoclient.Causes(), 0, 200) {
		for _, outcome := range []cognitoclient.Outcome{0, cognitoclient.NotSent, cognitoclient.NotApplied, cognitoclient.Applied, cognitoclient.Unknown, 77} {
			for _, allow := range []bool{false, true} {
				for _, repeated := range []bool{false, true} {
					req := validRequest()
					req.AllowConfirmed = allow
					a := convertError(t, s, &record{requestID: "r", repeated: repeated}, req, sampleError(cause, outcome))
					a.check(t)
					info := infoOf(t, a.Err())
					unknown := info.GetMetadata()["outcome"] == "UNKNOWN"
					if unknown && !allow && a.told() {
						t.Errorf("%s with outcome %d: %s", cause, outcome, a.Code())
					}
					if info.GetMetadata()["outcome"] == "APPLIED" && a.told() {
						t.Errorf("%s invites with %s after the effect", cause, a.Code())
					}
					if (outcome == 0 || outcome >= cognitoclient.Unknown) && !unknown {
						t.Errorf("%s with outcome %d makes a promise", cause, outcome)
					}
					if unknown && !repeated && causeOf(info.GetReason()).Promises() {
						t.Errorf("%s with outcome %d reads as a refusal", cause, outcome)
					}
				}
			}
		}
	}
}

func TestJitter(t *testing.T) {
	for jitter, wanted := range map[float64]string{0: "800", 0.5: "1000", 0.9999: "1200"} {
		s := newServer(t, succeeding(), Config{Jitter: func() float64 { return jitter }})
		a := convertError(t, s, &record{requestID: "r"}, validRequest(), sampleError(cognitoclient.TooManyRequests, cognitoclient.NotApplied))
		if got := a.trailer.Get(pushbackKey)[0]; got != wanted {
			t.Errorf("jitter %v: %s ms", jitter, got)
		}
	}
}
