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

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

func TestConfirmSuccess(t *testing.T) {
	address := serveStub(t, answering(confirmedBefore, nil))
	code, stdout, stderr := inProcess("confirm", address, "p_1", "jane")
	want := `jane: ALREADY_CONFIRMED

  The user had been confirmed before this call; sent only with
  ` + "`allow_confirmed`" + `. No trigger ran.

  Request id   7d3f
`
	if code != 0 || stdout != want || stderr != "" {
		t.Errorf("exit code %d, %q:\n%s", code, stderr, stdout)
	}
	for _, result := range []useradminv1.ConfirmSignUpResponse_Result{0, 99} {
		code, stdout, _ := inProcess("confirm", serveStub(t, answering(result, nil)), "p_1", "ja\x1bne")
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

  Outcome      NOT_APPLIED: Cognito said no: this call had no effect and will
               have none.
  Do           check the username, its upper and lower case too where the pool
               tells them apart.
  Request id   7d3f

Details:
  attempts      1
  ResourceInfo  resource_type cognito.User
`},
		{statusError(codes.InvalidArgument, "INVALID_REQUEST", "NOT_SENT", &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "username", Reason: "REQUIRED", Description: "A username is needed."}, {Field: `client_metadata["k"]`, Description: "Bad."},
		}}), 67, `INVALID_REQUEST (INVALID_ARGUMENT): An example.

  Outcome      NOT_SENT: Nothing went out to Cognito: this call had no effect
               and will have none.
  Do           mend the fields that are named, then send it again.
  Request id   7d3f

Details:
  attempts              1
  username              REQUIRED: A username is needed.
  client_metadata["k"]  Bad.
`},
		{statusError(codes.FailedPrecondition, "OF_TOMORROW", "HALF"), 73, `OF_TOMORROW (FAILED_PRECONDITION): An example.

  Outcome      UNKNOWN: It can't be told whether this call confirmed the user,
               or still will.
  Find out     run this command again; success means that the user is confirmed.
  Request id   7d3f

Details:
  attempts     1
`},
		{statusError(codes.Unavailable, "", "", after(time.Minute), unknownDetail, &errdetails.ErrorInfo{
			Domain: "proxy.example", Reason: "R", Metadata: map[string]string{"b": "2", "a": "\x1b"},
		}, &errdetails.DebugInfo{StackEntries: []string{"x", "y"}}, &spb.Status{Details: []*anypb.Any{{Value: []byte("\xff")}}}, &emptypb.Empty{}), 78, `UNAVAILABLE: An example.

  Outcome      UNKNOWN: This status does not come from the service but from
               elsewhere: a proxy, a library, a cut connection, this command's
               time limit or its interruption. It can't be told whether the call
               confirmed the user.
  Do           check that the service runs and that ADDRESS is its
               address.
  Find out     run this command again; success means that the user is confirmed.
  Request id   7d3f

Details:
  RetryInfo    retry_delay (1m0s)
  Detail       3 bytes of a type that this program can't read:
               example.com/example.Detail
  ErrorInfo    reason R, domain proxy.example, metadata a="\x1b" b=2
  DebugInfo    stack_entries x y
  Status       value "\xff"
  Empty
`},
		{status.Error(99, ""), 66, "Code(99): \"\"\n"},
		{status.Error(codes.Unauthenticated, "no\nentry"), 80, "UNAUTHENTICATED: \"no\\nentry\"\n"},
	} {
		address := serveStub(t, answering(0, c.err))
		code, stdout, stderr := inProcess("confirm", address, "p_1", "jane.doe")
		stderr = strings.ReplaceAll(stderr, strings.TrimPrefix(address, "--address="), "ADDRESS")
		if code != c.code || stdout != "" || !strings.HasPrefix(stderr, c.want) {
			t.Errorf("exit code %d, want %d, %q:\n%s\nwant:\n%s", code, c.code, stdout, stderr, c.want)
		}
		if strings.Contains(stderr, "jane.doe") {
			t.Errorf("the username is in the report:\n%s", stderr)
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
		{answering(confirmedByCall, nil), 0, `{"confirmed":true,"result":"RESULT_CONFIRMED","code":"OK","reason":"","outcome":"","message":"","do":"",` +
			`"from_service":true,"not_applied":false,"retryable":false,"retry_delay_seconds":0,"request_id":"7d3f","tries":1,` +
			`"earlier_try_may_have_confirmed":false,"violations":[],"metadata":{},"details":[]}` + "\n"},
		{answering(0, statusError(codes.InvalidArgument, "INVALID_REQUEST", "NOT_SENT", &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "<", Reason: "REQUIRED", Description: "d"}},
		})), 67, `{"confirmed":false,"result":"","code":"INVALID_ARGUMENT","reason":"ERROR_REASON_INVALID_REQUEST","outcome":"OUTCOME_NOT_SENT",` +
			`"message":"An example.","do":"mend the fields that are named, then send it again.",` +
			`"from_service":true,"not_applied":true,"retryable":false,"retry_delay_seconds":0,"request_id":"7d3f","tries":1,` +
			`"earlier_try_may_have_confirmed":false,"violations":[{"field":"<","reason":"REQUIRED","description":"d"}],` +
			`"metadata":{"attempts":"1","outcome":"OUTCOME_NOT_SENT"},"details":[` +
			`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"ERROR_REASON_INVALID_REQUEST","domain":"useradmin.v1",` +
			`"metadata":{"attempts":"1","outcome":"OUTCOME_NOT_SENT"}},` +
			`{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"7d3f"},` +
			`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"<","description":"d","reason":"REQUIRED"}]}]}` + "\n"},
	} {
		code, stdout, stderr := inProcess("confirm", serveStub(t, c.stub), "p_1", "jane", "--output=json")
		if code != c.code || stdout != c.want || stderr != "" {
			t.Errorf("exit code %d, %q:\n%s\nwant:\n%s", code, stderr, stdout, c.want)
		}
	}
	unreadable := status.ErrorProto(&spb.Status{Code: 5, Details: []*anypb.Any{{TypeUrl: "example.com/example.Detail", Value: []byte("abc")}}})
	_, stdout, _ := inProcess("confirm", serveStub(t, answering(0, unreadable)), "p_1", "jane", "--output=json")
	if !json.Valid([]byte(stdout)) || !strings.Contains(stdout, `"details":[{"@type":"example.com/example.Detail","value":"YWJj"}]`) {
		t.Errorf("a detail of an unknown type: %s", stdout)
	}
}
