package schema_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/reflect/protoreflect"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

const confirmSignUp = "useradmin.v1.UserAdmin.ConfirmSignUp"

func ExampleReason_Message() {
	s, err := schema.Load()
	if err != nil {
		panic(err)
	}
	for _, r := range s.Reasons() {
		if r.Name == "SERVER_STOPPING" {
			fmt.Println(r.Message("NOT_SENT", s.Unknown(confirmSignUp)))
			fmt.Println(r.Message("UNKNOWN", s.Unknown(confirmSignUp)))
		}
	}
	// Output:
	// This service stopped during the call. Nothing was changed; send the same call again after the delay in RetryInfo.
	// This service stopped during the call. To find out, send the same call with allow_confirmed and the header x-useradmin-repeat: 1; OK means that the user is confirmed.
}

// A status's message has to stay this short, see the error contract.
const maxMessage = 256

// repeatable tells whether a call that is marked as a repeat says UNKNOWN with this reason: all but a request that was
// refused before it was sent the first time, too.
func repeatable(r schema.Reason) bool { return r.Name != "INVALID_REQUEST" }

// strangeLabel finds a line such as `Detail: ...`, which would continue the text above it.
var strangeLabel = regexp.MustCompile(`(^|\. |\n)[A-Z][a-z]+( \([^)]*\))?: `)

// TestEveryReasonIsComplete demands what the server, the docs and the command are made of.
func TestEveryReasonIsComplete(t *testing.T) {
	s := load(t)
	if got, want := len(s.Reasons()), len(useradminv1.ErrorReason_name)-1; got != want {
		t.Fatalf("%d reasons, the enum has %d", got, want)
	}
	for i, r := range s.Reasons() {
		name := useradminv1.ErrorReason(i + 1).String()
		if "ERROR_REASON_"+r.Name != name {
			t.Errorf("reason %d is %s, want %s", i+1, r.Name, name)
		}
		if len(r.Codes()) == 0 {
			t.Errorf("%s has no code", name)
		}
		for _, c := range r.Codes() {
			if _, ok := code.Code_value[c]; !ok || c == "OK" {
				t.Errorf("%s: %s is not the code of an error", name, c)
			}
		}
		checkOutcomes(t, s, r)
		for label, text := range map[string]string{"meaning": r.Meaning, "rest": r.More, "code": r.Code, "details": r.Details, "metadata": r.Metadata, "outcome": r.Outcomes} {
			if text != "" && (!strings.HasSuffix(text, ".") || text != strings.TrimSpace(text)) {
				t.Errorf("%s: the %s does not end in a period: %q", name, label, text)
			}
			if strangeLabel.MatchString(text) {
				t.Errorf("%s: the %s seems to have a label that is not known: %q", name, label, text)
			}
		}
		if (r.Metadata != "") != (len(r.Keys()) > 0) || slices.Contains(r.Keys(), "") {
			t.Errorf("%s: the keys of %q are %q", name, r.Metadata, r.Keys())
		}
	}
}

func checkOutcomes(t *testing.T, s *schema.Schema, r schema.Reason) {
	t.Helper()
	if len(r.OutcomeNames()) == 0 {
		t.Errorf("%s has no outcome", r.Name)
	}
	mentioned := r.OutcomeNames()
	for _, action := range r.Actions {
		if len(action.Outcomes) == 0 {
			t.Errorf("%s: there is no outcome to %q", r.Name, action.Text)
		}
		mentioned = append(mentioned, action.Outcomes...)
	}
	for _, outcome := range mentioned {
		if !slices.ContainsFunc(s.Outcomes(), func(o schema.Value) bool { return o.Name == outcome }) {
			t.Errorf("%s: %s is not an outcome", r.Name, outcome)
		}
		if !slices.Contains(r.OutcomeNames(), outcome) {
			t.Errorf("%s says what to do after %s, which is not one of its outcomes", r.Name, outcome)
		}
	}
}

// TestEveryMessage makes each message that the server can send.
func TestEveryMessage(t *testing.T) {
	s := load(t)
	for method := range methods(s) {
		unknown := s.Unknown(method.FullName())
		if unknown == "" || strings.Contains(unknown, "\n") {
			t.Errorf("%s: the text behind Unknown is %q", method.FullName(), unknown)
		}
		for _, r := range s.Reasons() {
			outcomes := r.OutcomeNames()
			if repeatable(r) && !slices.Contains(outcomes, "UNKNOWN") {
				outcomes = append(outcomes, "UNKNOWN")
			}
			for _, outcome := range outcomes {
				message := r.Message(outcome, unknown)
				if len(message) > maxMessage {
					t.Errorf("%s, %s: %d bytes: %s", r.Name, outcome, len(message), message)
				}
				if !sentences(message) {
					t.Errorf("%s, %s: these are not sentences: %q", r.Name, outcome, message)
				}
				if r.Do(outcome, unknown) == "" {
					t.Errorf("%s, %s: it does not say what to do: %s", r.Name, outcome, message)
				}
			}
		}
	}
}

// sentences tells whether a message is printable ASCII in one line, begins with a capital and ends in a period.
func sentences(message string) bool {
	plain := !strings.ContainsFunc(message, func(r rune) bool { return r < ' ' || r > '~' || r == '`' })
	return plain && !strings.Contains(message, "  ") && message[0] >= 'A' && message[0] <= 'Z' && strings.HasSuffix(message, ".")
}

func methods(s *schema.Schema) func(func(protoreflect.MethodDescriptor) bool) {
	return func(yield func(protoreflect.MethodDescriptor) bool) {
		for file := range s.Files().RangeFiles {
			for service := range all(file.Services()) {
				for method := range all(service.Methods()) {
					if !yield(method) {
						return
					}
				}
			}
		}
	}
}

// TestReasonParts reads comments that differ in their labels.
func TestReasonParts(t *testing.T) {
	reasons := map[string]schema.Reason{}
	for _, r := range load(t).Reasons() {
		reasons[r.Name] = r
	}
	rejected := reasons["LAMBDA_REJECTED"]
	if got, want := rejected.More, "Cognito runs the trigger after it has confirmed the user, so the user is usually confirmed. Where Cognito names\n"+
		"the PostConfirmation trigger, this service looks at the user once more: APPLIED means that it found the user\nCONFIRMED."; got != want {
		t.Errorf("the text below the meaning is %q, want %q", got, want)
	}
	if got, want := rejected.Keys(), []string{"trigger", "userStatus", "lambdaError"}; !slices.Equal(got, want) {
		t.Errorf("the keys are %q, want %q", got, want)
	}
	for i, want := range []schema.Value{
		{Name: "trigger", Comment: "for example `PostConfirmation`, if Cognito named it"},
		{Name: "userStatus", Comment: "`CONFIRMED` with APPLIED"},
		{Name: "lambdaError", Comment: "the trigger's own text of at most 512 bytes, without control characters, and with ARNs, account ids and the values of the request masked"},
	} {
		if got := rejected.KeyNotes()[i]; got != want {
			t.Errorf("key %d is %q, want %q", i, got, want)
		}
	}
	if got, want := reasons["USER_ALREADY_CONFIRMED"].KeyNotes(), (schema.Value{Name: "userStatus", Comment: "= `CONFIRMED`"}); len(got) != 1 || got[0] != want {
		t.Errorf("the keys are %q, want %q", got, want)
	}
	if got, want := rejected.OutcomeNames(), []string{"UNKNOWN", "APPLIED"}; !slices.Equal(got, want) {
		t.Errorf("the outcomes are %q, want %q", got, want)
	}
	stopping := reasons["SERVER_STOPPING"]
	if got, want := stopping.Codes(), []string{"UNAVAILABLE", "ABORTED"}; !slices.Equal(got, want) {
		t.Errorf("the codes are %q, want %q", got, want)
	}
	if got, want := stopping.Code, "UNAVAILABLE; ABORTED if the outcome is UNKNOWN and the request has no `allow_confirmed`."; got != want {
		t.Errorf("the code is %q, want %q", got, want)
	}
	for outcome, want := range map[string]string{
		"APPLIED": "This call's trigger ran and failed, and the user is CONFIRMED now: do the trigger's work yourself, since no other call runs it.",
		"UNKNOWN": "Ask.", "NOT_SENT": "", "": "",
	} {
		if got := rejected.Do(outcome, "Ask."); got != want {
			t.Errorf("after %s: %q, want %q", outcome, got, want)
		}
	}
	if got := reasons["USER_DISABLED"].Do("UNKNOWN", "Ask."); got != "Ask." {
		t.Errorf("a repeat should %q", got)
	}
	if got, want := reasons["USER_ALREADY_CONFIRMED"].Message("NOT_APPLIED", ""),
		"The user is already confirmed. If a confirmed user is what you want, set allow_confirmed to get OK instead."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOutcomesResultsAndKeys(t *testing.T) {
	s := load(t)
	var rpcs []string
	for method := range methods(s) {
		rpcs = append(rpcs, string(method.Name()))
	}
	for _, c := range []struct {
		values []schema.Value
		want   string
	}{
		{s.Outcomes(), "NOT_SENT NOT_APPLIED APPLIED UNKNOWN"},
		{s.Results(), strings.Join(declaredResults(s, ""), " ")},
		{s.Unknowns(), strings.Join(rpcs, " ")},
		{s.MetadataKeys(), "outcome attempts exception cognitoRequestId repeated"},
	} {
		var names []string
		for _, v := range c.values {
			names = append(names, v.Name)
			if !strings.HasSuffix(v.Comment, ".") {
				t.Errorf("%s: the comment does not end in a period: %q", v.Name, v.Comment)
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if got, want := strings.Join(declaredResults(s, "ConfirmSignUp"), " "), "CONFIRMED ALREADY_CONFIRMED CONFIRMED_UNATTRIBUTED"; got != want {
		t.Errorf("the results of ConfirmSignUp are %s, want %s", got, want)
	}
}

// declaredResults returns the results in the response of an RPC, or of all RPCs if none is named.
func declaredResults(s *schema.Schema, rpc protoreflect.Name) []string {
	var names []string
	for method := range methods(s) {
		for enum := range all(method.Output().Enums()) {
			for value := range all(enum.Values()) {
				if enum.Name() == "Result" && value.Number() != 0 && (rpc == "" || rpc == method.Name()) {
					names = append(names, strings.TrimPrefix(string(value.Name()), "RESULT_"))
				}
			}
		}
	}
	return names
}

// Reasons, outcomes and the results of all RPCs are looked up by name alone.
func TestNamesAreUnique(t *testing.T) {
	s := load(t)
	values := slices.Concat(s.Outcomes(), s.Results())
	for _, r := range s.Reasons() {
		values = append(values, schema.Value{Name: r.Name})
	}
	seen := map[string]bool{}
	for _, v := range values {
		if seen[v.Name] {
			t.Errorf("%s is the name of two reasons, outcomes or results", v.Name)
		}
		seen[v.Name] = true
	}
}

func TestUnknownOfUnknownMethods(t *testing.T) {
	s := load(t)
	for _, name := range []protoreflect.FullName{"", "useradmin.v1.UserAdmin", "useradmin.v1.UserAdmin.Nothing"} {
		if got := s.Unknown(name); got != "" {
			t.Errorf("%q: got %q", name, got)
		}
	}
}
