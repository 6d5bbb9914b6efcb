package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

func TestConfirmSuccess(t *testing.T) {
	address := serveStub(t, answering(confirmedBefore, nil))
	code, stdout, stderr := inProcess("confirm", "--address="+address, "p_1", "jane")
	want := `jane: ALREADY_CONFIRMED

  The user was confirmed before this call, or by somebody else while it ran;
  sent only with ` + "`allow_confirmed`" + `.

  This call ran no trigger; whoever confirmed the user may have run one.

  Pool         p_1
  Request id   7d3f
`
	if code != 0 || stdout != want || stderr != "" {
		t.Errorf("exit code %d, %q:\n%s", code, stderr, stdout)
	}
	for _, result := range []useradminv1.ConfirmSignUpResponse_Result{0, 99} {
		code, stdout, _ := inProcess("confirm", "--address="+serveStub(t, answering(result, nil)), "p_1", "ja\x1bne")
		if code != 0 || !strings.HasPrefix(stdout, `"ja\x1bne": CONFIRMED_UNATTRIBUTED`) {
			t.Errorf("%d: exit code %d, %q", result, code, stdout)
		}
	}
}

func TestConfirmFailure(t *testing.T) {
	unknownDetail := &anypb.Any{TypeUrl: "example.com/example.Detail", Value: []byte("abc")}
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{statusError(codes.NotFound, "USER_NOT_FOUND", "NOT_APPLIED", &errdetails.ResourceInfo{ResourceType: "cognito.User"}), 69, `USER_NOT_FOUND (NOT_FOUND): An example.

  User         jane.doe
  Pool         p_1
  Outcome      NOT_APPLIED: Cognito refused: the call had no effect and will
               have none.
  Do           Check the username and its case; use the username or the ` + "`sub`" + `
               that SignUp returned, not an unverified alias.
  Request id   7d3f

Details:
  attempts      1
  ResourceInfo  resource_type cognito.User
`},
		{statusError(codes.InvalidArgument, "INVALID_REQUEST", "NOT_SENT", &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "username", Reason: "REQUIRED", Description: "A username is needed."}, {Field: `client_metadata["k"]`, Description: "Bad."},
		}}), 67, `INVALID_REQUEST (INVALID_ARGUMENT): An example.

  User         jane.doe
  Pool         p_1
  Outcome      NOT_SENT: Nothing was sent to Cognito: the call had no effect and
               will have none.
  Do           Fix the fields that the details name, then send the call again.
  Request id   7d3f

Details:
  attempts              1
  username              REQUIRED: A username is needed.
  client_metadata["k"]  Bad.
`},
		{statusError(codes.FailedPrecondition, "LAMBDA_REJECTED", "APPLIED"), 73, `LAMBDA_REJECTED (FAILED_PRECONDITION): An example.

  User         jane.doe
  Pool         p_1
  Outcome      APPLIED: The call had its effect and failed afterwards.
               The user is CONFIRMED. The work of the pool's trigger is missing,
               and another call does not run it again.
  Do           This call's trigger ran and failed, and the user is CONFIRMED
               now: do the trigger's work yourself, since no other call runs it.
  Request id   7d3f

Details:
  attempts     1
`},
		{statusError(codes.FailedPrecondition, "OF_TOMORROW", "HALF"), 73, `OF_TOMORROW (FAILED_PRECONDITION): An example.

  User         jane.doe
  Pool         p_1
  Outcome      UNKNOWN: The call may have had its effect, or may still have it.
  Find out     Run this command again without --strict; success means that the
               user is confirmed.
  Request id   7d3f

Details:
  attempts     1
`},
		{statusError(codes.Unavailable, "", "", after(time.Minute), unknownDetail, &errdetails.ErrorInfo{
			Domain: "proxy.example", Reason: "R", Metadata: map[string]string{"b": "2", "a": "\x1b"},
		}, &errdetails.DebugInfo{StackEntries: []string{"x", "y"}}, &spb.Status{Details: []*anypb.Any{{Value: []byte("\xff")}}}, &emptypb.Empty{}), 78, `UNAVAILABLE: An example.

  User         jane.doe
  Pool         p_1
  Outcome      UNKNOWN: The service did not send this status; a proxy, a
               library, a cut connection, or this command's own time limit
               caused it. The call may have confirmed the user, or may still do
               so.
  Do           Check that the service runs and that its address is
               ADDRESS.
  Find out     Run this command again without --strict; success means that the
               user is confirmed.
  Request id   7d3f

Details:
  RetryInfo    retry_delay (1m0s)
  Detail       3 bytes of a type that this program cannot read:
               example.com/example.Detail
  ErrorInfo    reason R, domain proxy.example, metadata a="\x1b" b=2
  DebugInfo    stack_entries x y
  Status       value "\xff"
  Empty
`},
		{status.Error(99, ""), 66, "UNKNOWN: \"\"\n"},
		{status.Error(codes.Unauthenticated, "no\nentry"), 80, "UNAUTHENTICATED: \"no\\nentry\"\n"},
	} {
		address := serveStub(t, answering(0, c.err))
		code, stdout, stderr := inProcess("confirm", "--address="+address, "p_1", "jane.doe", "--strict")
		stderr = strings.ReplaceAll(stderr, address, "ADDRESS")
		if code != c.code || stdout != "" || !strings.HasPrefix(stderr, c.want) {
			t.Errorf("exit code %d, want %d, %q:\n%s\nwant:\n%s", code, c.code, stdout, stderr, c.want)
		}
	}
}

// The members of the JSON object are an interface: scripts read them.
func TestConfirmJSON(t *testing.T) {
	for _, c := range []struct {
		stub stub
		code int
		want string
	}{
		{answering(confirmedByCall, nil), 0, `{"user_pool_id":"p_1","username":"jane","confirmed":true,"result":"CONFIRMED","code":"OK","reason":"","outcome":"","message":"","do":"",` +
			`"from_service":true,"not_applied":false,"applied":false,"retryable":false,"retry_delay_seconds":0,"request_id":"7d3f","tries":1,` +
			`"earlier_try_may_have_confirmed":false,"interrupted":false,"violations":[],"metadata":{},"details":[]}` + "\n"},
		{answering(0, statusError(codes.InvalidArgument, "INVALID_REQUEST", "NOT_SENT", &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "<", Reason: "REQUIRED", Description: "d"}},
		})), 67, `{"user_pool_id":"p_1","username":"jane","confirmed":false,"result":"","code":"INVALID_ARGUMENT","reason":"INVALID_REQUEST","outcome":"NOT_SENT",` +
			`"message":"An example.","do":"Fix the fields that the details name, then send the call again.",` +
			`"from_service":true,"not_applied":true,"applied":false,"retryable":false,"retry_delay_seconds":0,"request_id":"7d3f","tries":1,` +
			`"earlier_try_may_have_confirmed":false,"interrupted":false,"violations":[{"field":"<","reason":"REQUIRED","description":"d"}],` +
			`"metadata":{"attempts":"1","cognitoRequestId":"","exception":"","outcome":"NOT_SENT","repeated":"false"},"details":[` +
			`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"INVALID_REQUEST","domain":"useradmin.cognito.internal",` +
			`"metadata":{"attempts":"1","cognitoRequestId":"","exception":"","outcome":"NOT_SENT","repeated":"false"}},` +
			`{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"7d3f"},` +
			`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"<","description":"d","reason":"REQUIRED"}]}]}` + "\n"},
	} {
		code, stdout, stderr := inProcess("confirm", "--address="+serveStub(t, c.stub), "p_1", "jane", "--output=json")
		if code != c.code || stdout != c.want || stderr != "" {
			t.Errorf("exit code %d, %q:\n%s\nwant:\n%s", code, stderr, stdout, c.want)
		}
	}
	applied := statusError(codes.FailedPrecondition, "LAMBDA_FAILED", "APPLIED")
	code, stdout, _ := inProcess("confirm", "--address="+serveStub(t, answering(0, applied)), "p_1", "jane", "--output=json")
	if code != 73 || !strings.Contains(stdout, `"confirmed":true,"result":"",`) || !strings.Contains(stdout, `"not_applied":false,"applied":true,`) {
		t.Errorf("a trigger that failed: exit code %d, %s", code, stdout)
	}
	unreadable := status.ErrorProto(&spb.Status{Code: 5, Details: []*anypb.Any{{TypeUrl: "example.com/example.Detail", Value: []byte("abc")}}})
	_, stdout, _ = inProcess("confirm", "--address="+serveStub(t, answering(0, unreadable)), "p_1", "jane", "--output=json")
	if !json.Valid([]byte(stdout)) || !strings.Contains(stdout, `"details":[{"@type":"example.com/example.Detail","value":"YWJj"}]`) {
		t.Errorf("a detail of an unknown type: %s", stdout)
	}
}

// What the contract says to do is printed once, and in this command's words where it speaks of the request.
func TestConfirmSaysWhatToDoOnce(t *testing.T) {
	g, err := loadGlossary()
	if err != nil {
		t.Fatal(err)
	}
	unknown := (&report{glossary: g}).unknown()
	if unknown == "" {
		t.Fatal("the contract does not say how to find out")
	}
	for _, reason := range g.reasons {
		for _, outcome := range append(reason.OutcomeNames(), "UNKNOWN") {
			failed := status.Convert(statusError(codes.Internal, reason.Name, outcome)).Proto()
			failed.Message = reason.Message(outcome, unknown)
			r := &report{command: &confirmCommand{Strict: true}, glossary: g, answer: answer{err: status.ErrorProto(failed), tries: 1}}
			r.answer.failure = failure.Of(r.answer.err)
			text := strings.Join(strings.Fields(r.failure(textWidth)), " ")
			if !strings.Contains(text, reason.Message("", "")) || strings.Contains(text, "x-useradmin-repeat") {
				t.Errorf("%s, %s:\n%s", reason.Name, outcome, r.failure(textWidth))
			}
			if got := strings.Count(text, "Find out Run this command again without --strict"); got != map[bool]int{true: 1}[outcome == "UNKNOWN"] {
				t.Errorf("%s, %s: it says %d times how to find out:\n%s", reason.Name, outcome, got, r.failure(textWidth))
			}
			if do := reason.Do(outcome, ""); do != "" && strings.Count(text, " Do ") != 1 {
				t.Errorf("%s, %s: it does not say what to do once:\n%s", reason.Name, outcome, r.failure(textWidth))
			}
		}
	}
}
