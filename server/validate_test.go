package server

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// The model's patterns; lengths are checked apart.
const (
	userPoolIDPattern = `^[\w-]+_[0-9a-zA-Z]+$`
	usernamePattern   = `^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$`
)

func TestUsernameIsThePatternForEveryCodePoint(t *testing.T) {
	var accepted, refused strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r++ {
		switch {
		case !utf8.ValidRune(r):
		case username(string(r)):
			accepted.WriteRune(r)
		default:
			refused.WriteRune(r)
		}
	}
	if !regexp.MustCompile(usernamePattern).MatchString(accepted.String()) {
		t.Error("a code point is accepted that the pattern refuses")
	}
	if !regexp.MustCompile(strings.Replace(usernamePattern, "[", "[^", 1)).MatchString(refused.String()) {
		t.Error("a code point is refused that the pattern accepts")
	}
	if !username(accepted.String()) || username("a b") || username("a\n") {
		t.Error("strings are not judged by their characters")
	}
}

func TestUserPoolIDIsThePattern(t *testing.T) {
	pattern := regexp.MustCompile(userPoolIDPattern)
	check := func(id string) {
		if userPoolID(id) != pattern.MatchString(id) {
			t.Errorf("%q: %v", id, userPoolID(id))
		}
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if utf8.ValidRune(r) && (r < 0x3000 || r%97 == 0) {
			check(string(r) + "_1")
			check("a_" + string(r))
		}
	}
	// Every string of up to five characters of these.
	const alphabet = "aZ0_-\n"
	var all func(prefix string)
	all = func(prefix string) {
		check(prefix)
		if len(prefix) < 5 {
			for _, c := range alphabet {
				all(prefix + string(c))
			}
		}
	}
	all("")
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same strings every time
	for range 20_000 {
		var b strings.Builder
		for range random.IntN(60) {
			b.WriteByte("abcXYZ019__--- é\x00"[random.IntN(17)])
		}
		if utf8.ValidString(b.String()) {
			check(b.String())
		}
	}
}

// found renders violations as `field REASON`.
func found(violations []violation) string {
	var all []string
	for _, v := range violations {
		all = append(all, v.path()+" "+v.reason)
	}
	return strings.Join(all, ", ")
}

func TestValidate(t *testing.T) {
	many := map[string]string{}
	for i := range 65 {
		many[fmt.Sprint(i)] = ""
	}
	heavy := map[string]string{}
	for i := range 17 {
		heavy[fmt.Sprintf("%02d", i)] = strings.Repeat("v", 2046) // 34,816 bytes
	}
	for _, c := range []struct {
		name string
		edit func(*useradminv1.ConfirmSignUpRequest)
		want string
	}{
		{"valid", func(*useradminv1.ConfirmSignUpRequest) {}, ""},
		{"all valid at the limits", func(r *useradminv1.ConfirmSignUpRequest) {
			r.UserPoolId = strings.Repeat("-", 53) + "_0"
			r.Username = strings.Repeat("𝒳", 128)
			r.ClientMetadata = map[string]string{strings.Repeat("ä", 128): strings.Repeat("ö", 2048), " ": "\x00"}
		}, ""},
		{"nothing", func(r *useradminv1.ConfirmSignUpRequest) { r.Reset() }, "user_pool_id REQUIRED, username REQUIRED"},
		{"pool too long and malformed", func(r *useradminv1.ConfirmSignUpRequest) { r.UserPoolId = strings.Repeat("é", 56) },
			"user_pool_id TOO_LONG, user_pool_id BAD_FORMAT"},
		{"pool of 55 code points in 56 bytes", func(r *useradminv1.ConfirmSignUpRequest) { r.UserPoolId = "é" + strings.Repeat("a", 52) + "_b" },
			"user_pool_id BAD_FORMAT"},
		{"pool not UTF-8", func(r *useradminv1.ConfirmSignUpRequest) { r.UserPoolId = "a\xff_b" }, "user_pool_id NOT_UTF8"},
		{"name too long and blank", func(r *useradminv1.ConfirmSignUpRequest) { r.Username = strings.Repeat(" ", 129) },
			"username TOO_LONG, username BAD_CHARACTERS"},
		{"name with a zero width joiner", func(r *useradminv1.ConfirmSignUpRequest) { r.Username = "👩\u200d🔬" }, "username BAD_CHARACTERS"},
		{"name not UTF-8", func(r *useradminv1.ConfirmSignUpRequest) { r.Username = "\xff" }, "username NOT_UTF8"},
		{"too many entries", func(r *useradminv1.ConfirmSignUpRequest) { r.ClientMetadata = many }, "client_metadata TOO_MANY"},
		{"too much", func(r *useradminv1.ConfirmSignUpRequest) { r.ClientMetadata = heavy }, "client_metadata TOO_LONG"},
		{"bad entries", func(r *useradminv1.ConfirmSignUpRequest) {
			r.ClientMetadata = map[string]string{"": "", "b": strings.Repeat("v", 2049), "a\xff": "\xff", strings.Repeat("k", 129): ""}
		}, `client_metadata[""] REQUIRED, client_metadata["a` + "\ufffd" + `"] NOT_UTF8, client_metadata["a` + "\ufffd" + `"] NOT_UTF8, ` +
			`client_metadata["b"] TOO_LONG, client_metadata["` + strings.Repeat("k", 64) + `"] TOO_LONG`},
	} {
		req := validRequest()
		c.edit(req)
		if got := found(validate(req)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestEscape(t *testing.T) {
	for text, wanted := range map[string]string{
		"": "", "a": "a", `"\`: `\"\\`, "\n\r\t": `\n\r\t`, "\x00\x1f\x7f": `\u0000\u001f\u007f`, "\u2028": `\u2028`, "é€": "é€",
		strings.Repeat("a", 63) + "é": strings.Repeat("a", 63), strings.Repeat("a", 60) + "\x00": strings.Repeat("a", 60),
	} {
		if got := escape(text, 64); got != wanted {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestParseInvalidParameter(t *testing.T) {
	const failed = "' failed to satisfy constraint: "
	for message, wanted := range map[string]string{
		"": "", "Invalid phone number.": "", " validation error detected: Value at 'username" + failed + "x": "",
		"1 validation error detected: ": "", "1 validation error detected: Value at 'username": "",
		"1 validation error detected: Value 'us' at 'userPoolId" + failed + "Member must satisfy regular expression pattern: [\\w-]+_[0-9a-zA-Z]+":                                       "user_pool_id BAD_FORMAT",
		"1 validation error detected: Value null at 'username" + failed + "Member must not be null":                                                                                      "username REQUIRED",
		"1 validation error detected: Value at 'username" + failed + "Member must have length less than or equal to 128":                                                                 "username TOO_LONG",
		"1 validation error detected: Value at 'username" + failed + "Member must have length greater than or equal to 1":                                                                "username TOO_SHORT",
		"1 validation error detected: Value '{a=b}' at 'clientMetadata" + failed + "Map value must satisfy constraint: [x]":                                                              "client_metadata REFUSED",
		"1 validation error detected: Value 'x' at 'clientMetadata.a.member" + failed + "Member must have length less than or equal to 131072":                                           "client_metadata TOO_LONG",
		"1 validation error detected: Value 'x' at 'accessToken" + failed + "Member must not be null":                                                                                    "",
		"2 validation errors detected: Value 'x' at 'userPoolId" + failed + "Member must satisfy regular expression pattern: x; Value at 'username" + failed + "Member must not be null": "user_pool_id BAD_FORMAT, username REQUIRED",
		"2 validation errors detected: Value at 'username" + failed + "Member must not be null; Value at 'username" + failed + "Member must not be null":                                 "username REQUIRED",
	} {
		if got := found(parseInvalidParameter(message)); got != wanted {
			t.Errorf("%s: %s, want %s", message, got, wanted)
		}
	}
}

func TestTriggerName(t *testing.T) {
	for message, wanted := range map[string]string{
		"": "PostConfirmation", "Unrecognizable lambda output": "PostConfirmation", "PreSignUp failed with error x.": "PreSignUp",
		"PostConfirmation invocation failed due to error AccessDeniedException.": "PostConfirmation", "PreSignUpX failed": "PostConfirmation",
	} {
		if got := triggerName(message); got != wanted {
			t.Errorf("%q: %s", message, got)
		}
	}
}

func TestLambdaError(t *testing.T) {
	req := &useradminv1.ConfirmSignUpRequest{Username: "bob", ClientMetadata: map[string]string{"a": "1", "b": "x\"y\n", "c": "123456789012-z", "d": "arn"}}
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
		"arn:aws:iam::123456789012:role/a,b+c d": "[masked] d",
		"\"arn:aws-cn:sns:x\" learn: it":         "\"[masked]\" learn: it",
		"a\x00b\u200bc\u2028d\xffe":              "abcde",
		strings.Repeat("é", 300):                 strings.Repeat("é", 256),
		"a" + strings.Repeat("é", 300):           "a" + strings.Repeat("é", 255),
	} {
		if got := lambdaError("PostConfirmation failed with error "+text, req); got != wanted {
			t.Errorf("%q: %q, want %q", text, got, wanted)
		}
	}
	for _, message := range []string{"", "canary", "PostConfirmation invocation failed due to error canary."} {
		if got := lambdaError(message, req); got != "" {
			t.Errorf("%q: %q", message, got)
		}
	}
}
