package server

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

func FuzzStatus(f *testing.F) {
	f.Add(uint8(1), uint8(2), "userPoolId", "text", 1, false, false)
	f.Add(uint8(8), uint8(4), "username", strings.Repeat("é", 256), 3, true, true)
	f.Add(uint8(8), uint8(3), "", "", 2, false, true)
	f.Add(uint8(255), uint8(255), "no member", "", 0, false, false)
	s := newServer(f, succeeding(), Config{Region: "us-east-1"})
	f.Fuzz(func(t *testing.T, cause, outcome uint8, member, triggerError string, attempts int, allow, repeated bool) {
		req := validRequest()
		req.AllowConfirmed = allow
		e := &cognitoclient.Error{
			Cause: cognitoclient.Cause(cause), Outcome: cognitoclient.Outcome(outcome), UserStatus: "STATUS", Attempts: attempts,
			Violations: []cognitoclient.Violation{{Member: member, Reason: "REQUIRED"}}, TriggerError: strings.ToValidUTF8(triggerError, ""),
		}
		if repeated && e.Outcome != cognitoclient.Applied {
			e.Outcome = cognitoclient.Unknown // as cognitoclient does
		}
		a := convertError(t, s, &record{requestID: "request-1", repeated: repeated}, req, e)
		a.check(t)
		if a.Code() > codes.Unauthenticated || a.Code() == codes.Unknown {
			t.Errorf("code %d", a.Code())
		}
		info := infoOf(t, a.Err())
		if info.GetDomain() != domain || useradminv1.ErrorReason_value[schema.ReasonPrefix+info.GetReason()] == 0 {
			t.Errorf("%v", info)
		}
		if info.GetMetadata()["outcome"] == "UNKNOWN" && !allow && a.told() {
			t.Errorf("%s invites to repeat", a.Code())
		}
		for _, v := range badRequestOf(a).GetFieldViolations() {
			if req.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(v.GetField())) == nil {
				t.Errorf("the request has no field %q", v.GetField())
			}
		}
	})
}

// badRequestOf is the status's BadRequest, or an empty one.
func badRequestOf(a answer) *errdetails.BadRequest {
	for _, d := range a.Details() {
		if found, ok := d.(*errdetails.BadRequest); ok {
			return found
		}
	}
	return &errdetails.BadRequest{}
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
		violations := validateConfirmSignUp(req)
		if valid != (len(violations) == 0) {
			t.Errorf("valid is %v: %s", valid, found(violations))
		}
		if len(violations) == 0 {
			return
		}
		convertError(t, s, &record{requestID: "request-1"}, req, &invalidRequest{violations}).check(t)
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
		wanted := "made"
		if pattern.MatchString(given) {
			wanted = given
		}
		if got := s.newRecord(ctx, "/a.B/C").requestID; got != wanted {
			t.Errorf("%q became %q", given, got)
		}
	})
}
