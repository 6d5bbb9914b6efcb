package cognitoclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestViolations(t *testing.T) {
	const failed = "' failed to satisfy constraint: "
	for message, wanted := range map[string]string{
		"": "", "Invalid phone number.": "", " validation error detected: Value at 'username" + failed + "x": "",
		"1 validation error detected: ": "", "1 validation error detected: Value at 'username": "",
		"1 validation error detected: Value 'us' at 'userPoolId" + failed + "Member must satisfy regular expression pattern: [\\w-]+_[0-9a-zA-Z]+":                                       "userPoolId BAD_FORMAT",
		"1 validation error detected: Value null at 'username" + failed + "Member must not be null":                                                                                      "username REQUIRED",
		"1 validation error detected: Value at 'username" + failed + "Member must have length less than or equal to 128":                                                                 "username TOO_LONG",
		"1 validation error detected: Value at 'username" + failed + "Member must have length greater than or equal to 1":                                                                "username TOO_SHORT",
		"1 validation error detected: Value '{a=b}' at 'clientMetadata" + failed + "Map value must satisfy constraint: [x]":                                                              "clientMetadata REFUSED",
		"1 validation error detected: Value 'x' at 'clientMetadata.a.member" + failed + "Member must have length less than or equal to 131072":                                           "clientMetadata TOO_LONG",
		"1 validation error detected: Value 'x' at 'accessToken" + failed + "Member must not be null":                                                                                    "",
		"2 validation errors detected: Value 'x' at 'userPoolId" + failed + "Member must satisfy regular expression pattern: x; Value at 'username" + failed + "Member must not be null": "userPoolId BAD_FORMAT, username REQUIRED",
		"2 validation errors detected: Value at 'username" + failed + "Member must not be null; Value at 'username" + failed + "Member must not be null":                                 "username REQUIRED",
	} {
		if got := shown(violations(message, confirmSignUp().members)); got != wanted {
			t.Errorf("%s: %s, want %s", message, got, wanted)
		}
	}
}

func shown(all []Violation) string {
	var texts []string
	for _, v := range all {
		texts = append(texts, v.Member+" "+v.Reason)
	}
	return strings.Join(texts, ", ")
}

func TestTriggerName(t *testing.T) {
	for message, wanted := range map[string]string{
		"": "", "Unrecognizable lambda output": "", "PreSignUp failed with error x.": "PreSignUp",
		"PostConfirmation invocation failed due to error AccessDeniedException.": "PostConfirmation", "PreSignUpX failed": "",
	} {
		if got := triggerName(message); got != wanted {
			t.Errorf("%q: %s", message, got)
		}
	}
}

func TestEveryTriggerIsKnown(t *testing.T) {
	for _, name := range strings.Fields("PostConfirmation PreSignUp PreAuthentication PostAuthentication PreTokenGeneration CustomMessage UserMigration " +
		"DefineAuthChallenge CreateAuthChallenge VerifyAuthChallengeResponse VerifyAuthChallenge CustomEmailSender CustomSMSSender InboundFederation") {
		if got := triggerName(name + " failed with error x."); got != name {
			t.Errorf("%s became %q", name, got)
		}
	}
}

func TestTriggerError(t *testing.T) {
	values := slices.Values([]string{"bob", "1", "x\"y\n", "123456789012-z", "arn"})
	for text, wanted := range map[string]string{
		"":                                       "",
		"Quota is full.":                         "Quota is full",
		"no bob here, bobby, ABOB, bob2, (bob)":  "no [masked] here, bobby, ABOB, bob2, ([masked])",
		"bob":                                    "[masked]",
		"bob\nby":                                "[masked]by",
		"line 1, 11, 1":                          "line [masked], 11, [masked]",
		`{"b":"x\"y\n"}`:                         `{"b":"[masked]"}`,
		"see x\"y\n.":                            "see [masked]",
		"123456789012-z":                         "[masked]",
		"1234567890123 12345678901":              "1234567890123 12345678901",
		"account 123456789012, a123456789012b":   "account [masked], a[masked]b",
		"1234-5678-9012, 123456789012-1234":      "[masked], [masked]-1234",
		"1234-5678-90123 1234-5678 1234 5678":    "1234-5678-90123 1234-5678 1234 5678",
		"BOB and Bob":                            "[masked] and [masked]",
		"arn:aws:iam::123456789012:role/a,b+c d": "[masked] d",
		"\"arn:aws-cn:sns:x\" learn: it":         "\"[masked]\" learn: it",
		"a\x00b\u200bc\u2028d\xffe":              "abcde",
		"a\u200brn:aws:iam::1234\u200b56789012:role/x": "[masked]",
		"b\u200bob is bad":             "[masked] is bad",
		strings.Repeat("é", 300):       strings.Repeat("é", 256),
		"a" + strings.Repeat("é", 300): "a" + strings.Repeat("é", 255),
	} {
		if got := triggerError("PostConfirmation failed with error "+text, "PostConfirmation", values); got != wanted {
			t.Errorf("%q: %q, want %q", text, got, wanted)
		}
	}
	for _, message := range []string{"", "canary", "PostConfirmation invocation failed due to error canary."} {
		if got := triggerError(message, triggerName(message), values); got != "" {
			t.Errorf("%q: %q", message, got)
		}
	}
}

// Whatever Cognito says, nothing of its texts is in the error but names of its own and the trigger's text, in which what
// the request named is masked.
func TestCanaries(t *testing.T) {
	canaries := []string{"canary-user@example.com", "canary-value", "arn:aws:sts::123456789012:assumed-role/canary-role/session", "123456789012"}
	everything := strings.Join(canaries, " ")
	for name := range exceptions() {
		for _, message := range []string{
			everything, "PostConfirmation failed with error " + everything + ".", "User cannot be confirmed. Current status is " + everything,
			"1 validation error detected: Value '" + everything + "' at 'userPoolId' failed to satisfy constraint: " + everything,
			"1 validation error detected: Value at 'clientMetadata." + everything + "' failed to satisfy constraint: Member must not be null",
		} {
			for _, status := range []int{400, 500} {
				body, _ := json.Marshal(map[string]string{"__type": name, "message": message, "reasonCode": everything})
				c := client(t, "", nil)
				c.transport = transportFunc(func(r *http.Request) (*http.Response, error) {
					httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
					return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body)), Header: http.Header{
						"X-Amzn-Requestid": {everything}, "Content-Type": {amzJSON},
					}}, nil
				})
				_, err := c.ConfirmSignUp(t.Context(), ConfirmSignUp{
					UserPoolID: "us-east-1_EXAMPLE01", Username: canaries[0], ClientMetadata: map[string]string{"k": canaries[1]},
				})
				var e *Error
				if !errors.As(err, &e) {
					t.Fatalf("%s: %v", name, err)
				}
				shown := fmt.Sprintf("%+v %v", *e, e)
				if strings.Contains(shown, "canary") || strings.Contains(shown, "1234567") {
					t.Errorf("%s: %s", name, shown)
				}
			}
		}
	}
}

func FuzzViolations(f *testing.F) {
	f.Add("1 validation error detected: Value 'us' at 'userPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w-]+_[0-9a-zA-Z]+")
	f.Add("2 validation errors detected: Value at 'username' failed to satisfy constraint: Member must not be null; Value '{a=b}' at 'clientMetadata' failed to satisfy constraint: x")
	f.Add("9 validation errors detected: ' failed to satisfy constraint: ' failed to satisfy constraint:  at '")
	f.Fuzz(func(t *testing.T, message string) {
		members := confirmSignUp().members
		all := violations(message, members)
		if len(all) > 15 {
			t.Errorf("%d violations", len(all))
		}
		for _, v := range all {
			if !slices.Contains(members, v.Member) || !regexp.MustCompile(`^[A-Z_]{7,10}$`).MatchString(v.Reason) {
				t.Errorf("%+v", v)
			}
		}
	})
}

func FuzzTriggerError(f *testing.F) {
	f.Add("user bob has arn:aws:iam::123456789012:role/x", "bob", "value")
	f.Add("\xff\x00bob\n123456789012", "o", "\xff")
	f.Add(strings.Repeat("é", 600), "é", "[masked]")
	arn, account := regexp.MustCompile(`arn:[^\x00-\x20"'<>()\[\]{}`+"`"+`]`), regexp.MustCompile(`(^|\D)\d{12}(\D|$)`)
	f.Fuzz(func(t *testing.T, text, username, value string) {
		text = strings.ReplaceAll(text, "\u200b", "")
		got := triggerError("PostConfirmation failed with error "+text, "PostConfirmation", slices.Values([]string{username, value}))
		if len(got) > maxTriggerError || !utf8.ValidString(got) {
			t.Errorf("%d bytes: %q", len(got), got)
		}
		if got != stripControls(got) {
			t.Errorf("control characters in %q", got)
		}
		if text != stripControls(text) || len(got) == maxTriggerError {
			return // what is stripped joins what it separated, and the end may be cut
		}
		if arn.MatchString(got) || account.MatchString(got) {
			t.Errorf("%q", got)
		}
		if bare := strings.ReplaceAll(got, mask, " "); wholeWord(bare, username) || wholeWord(bare, value) {
			t.Errorf("%q or %q is in %q", username, value, got)
		}
	})
}

// wholeWord looks for a value made of letters and digits between others.
func wholeWord(text, value string) bool {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !partOfWord(r) }) {
		if lower(word) == lower(value) {
			return true
		}
	}
	return false
}
