package server

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

func FuzzStatus(f *testing.F) {
	f.Add(uint8(1), uint8(2), "InvalidParameterException", "1 validation error detected: Value 'x' at 'userPoolId' failed to satisfy constraint: Member must not be null", "", "", "id", 1, false, false)
	f.Add(uint8(8), uint8(3), "UserLambdaValidationException", "PostConfirmation failed with error new-1@example.com\x00\xff.", "", "", "id", 3, true, true)
	f.Add(uint8(22), uint8(3), "no code at all", "\xff", "a b", "CONFIRMED", strings.Repeat("i", 99), -1, true, false)
	f.Add(uint8(255), uint8(255), "", "", "", "", "", 0, false, false)
	s := newServer(f, succeeding(), Config{Region: "us-east-1"})
	f.Fuzz(func(t *testing.T, cause, outcome uint8, exception, message, reason, userStatus, id string, attempts int, allow, repeated bool) {
		req := validRequest()
		req.AllowConfirmed = allow
		a := convertError(t, s, &call{requestID: "request-1", repeated: repeated}, req, &cognitoclient.Error{
			Cause: cognitoclient.Cause(cause), Outcome: cognitoclient.Outcome(outcome), Exception: exception, Message: message,
			ReasonCode: reason, UserStatus: userStatus, RequestID: id, Attempts: attempts,
		})
		a.check(t)
		if a.Code() > codes.Unauthenticated || a.Code() == codes.Unknown {
			t.Errorf("code %d", a.Code())
		}
		info := infoOf(t, a.Err())
		if info.GetDomain() != domain || useradminv1.ErrorReason_value[info.GetReason()] == 0 {
			t.Errorf("%v", info)
		}
		unknown := info.GetMetadata()["outcome"] == "OUTCOME_UNKNOWN"
		if unknown && !allow && a.told() {
			t.Errorf("%s invites to repeat", a.Code())
		}
		for key, value := range info.GetMetadata() {
			if !utf8.ValidString(value) || key != "lambdaError" && !wellFormed(value, 64, "_.:-") {
				t.Errorf("%s is %q", key, value)
			}
		}
		if info.GetMetadata()["lambdaError"] == "" && strings.Contains(prototext.Format(a.Proto()), req.GetUsername()) {
			t.Error("the username got out")
		}
	})
}

func FuzzValidate(f *testing.F) {
	f.Add("us-east-1_EXAMPLE01", "jane", "key", "value", 1)
	f.Add("", "", "", "", 0)
	f.Add("a_\xff", "a b", "\x00\"\\", strings.Repeat("v", 2049), 70)
	pool, name := regexp.MustCompile(userPoolIDPattern), regexp.MustCompile(usernamePattern)
	s := newServer(f, succeeding(), Config{})
	f.Fuzz(func(t *testing.T, id, username, key, value string, entries int) {
		req := &useradminv1.ConfirmSignUpRequest{UserPoolId: id, Username: username, ClientMetadata: map[string]string{}}
		total, badEntry := 0, false
		for i := range min(max(entries, 0), 200) {
			k := strings.Repeat("+", i) + key
			req.ClientMetadata[k] = value
			total += len(k) + len(value)
			badEntry = badEntry || k == "" || !utf8.ValidString(k+value) || utf8.RuneCountInString(k) > 128 || utf8.RuneCountInString(value) > 2048
		}
		valid := pool.MatchString(id) && utf8.RuneCountInString(id) <= 55 &&
			name.MatchString(username) && utf8.ValidString(username) && utf8.RuneCountInString(username) <= 128 &&
			len(req.GetClientMetadata()) <= 64 && total <= 32<<10 && !badEntry
		violations := validate(req)
		if valid != (len(violations) == 0) {
			t.Errorf("valid is %v: %s", valid, found(violations))
		}
		if len(violations) == 0 {
			return
		}
		convertError(t, s, &call{requestID: "request-1"}, req, &invalidRequest{violations}).check(t)
	})
}

func FuzzParseInvalidParameter(f *testing.F) {
	f.Add("1 validation error detected: Value 'us' at 'userPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w-]+_[0-9a-zA-Z]+")
	f.Add("2 validation errors detected: Value at 'username' failed to satisfy constraint: Member must not be null; Value '{a=b}' at 'clientMetadata' failed to satisfy constraint: x")
	f.Add("9 validation errors detected: ' failed to satisfy constraint: ' failed to satisfy constraint:  at '")
	f.Fuzz(func(t *testing.T, message string) {
		violations := parseInvalidParameter(message)
		if len(violations) > 15 {
			t.Errorf("%d violations", len(violations))
		}
		for _, v := range violations {
			if v.field != fieldUserPoolID && v.field != fieldUsername && v.field != fieldClientMetadata ||
				!strings.HasPrefix(v.description, "Cognito ") || !wellFormed(v.reason, 20, "_") {
				t.Errorf("%+v", v)
			}
		}
	})
}

func FuzzRequestID(f *testing.F) {
	f.Add("abc-1._:Z")
	f.Add("")
	f.Add(strings.Repeat("a", 65))
	f.Add("a\r\nb")
	pattern := regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)
	s := newServer(f, succeeding(), Config{NewRequestID: func() string { return "made" }})
	f.Fuzz(func(t *testing.T, given string) {
		ctx := metadata.NewIncomingContext(t.Context(), metadata.MD{requestIDKey: {given}})
		_, ctx = observer{s}.ServerReporter(ctx, interceptors.CallMeta{})
		wanted := "made"
		if pattern.MatchString(given) {
			wanted = given
		}
		if got := callFrom(ctx).requestID; got != wanted {
			t.Errorf("%q became %q", given, got)
		}
	})
}

func FuzzLambdaError(f *testing.F) {
	f.Add("user bob has arn:aws:iam::123456789012:role/x", "bob", "value")
	f.Add("\xff\x00bob\n123456789012", "o", "\xff")
	f.Add(strings.Repeat("é", 600), "é", "[masked]")
	arn, account := regexp.MustCompile(`arn:[^\x00-\x20"'<>()\[\]{}`+"`"+`]`), regexp.MustCompile(`(^|\D)\d{12}(\D|$)`)
	f.Fuzz(func(t *testing.T, text, username, value string) {
		req := &useradminv1.ConfirmSignUpRequest{Username: username, ClientMetadata: map[string]string{"k": value}}
		text = strings.ReplaceAll(text, "\u200b", "")
		got := lambdaError("PostConfirmation failed with error "+text, req)
		if len(got) > maxLambdaError || !utf8.ValidString(got) {
			t.Errorf("%d bytes: %q", len(got), got)
		}
		if got != stripControls(got) {
			t.Errorf("control characters in %q", got)
		}
		if text != stripControls(text) || len(got) == maxLambdaError {
			return // what is stripped joins what it parted, and the end may be cut
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
		if word == value {
			return true
		}
	}
	return false
}
