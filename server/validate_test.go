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
		if got := found(validateConfirmSignUp(req)); got != c.want {
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
