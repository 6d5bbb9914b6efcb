package server

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Each row at its worst: everything that varies is as long as it may be.
func TestSizeAtItsWorst(t *testing.T) {
	s := newServer(t, succeeding(), Config{Region: strings.Repeat("r", 32)})
	id := strings.Repeat("i", maxRequestID)
	worst := func(cause cognitoclient.Cause) *cognitoclient.Error {
		return &cognitoclient.Error{
			Cause: cause, Outcome: cognitoclient.NotApplied, Attempts: 1 << 40, Exception: strings.Repeat("E", 64),
			ReasonCode: strings.Repeat("R", 64), UserStatus: strings.Repeat("U", 64), RequestID: id,
			Trigger: "VerifyAuthChallengeResponse", TriggerError: strings.Repeat("€", 170),
		}
	}
	req := validRequest()
	req.UserPoolId = strings.Repeat("a", 53) + "_b"
	largest, largestList := 0, 0
	weigh := func(name string, a answer) {
		a.check(t)
		largest, largestList = max(largest, proto.Size(a.Proto())), max(largestList, a.headerList(t))
		if t.Failed() {
			t.Fatal(name)
		}
	}
	for _, cause := range cognitoclient.Causes() {
		for _, allow := range []bool{false, true} {
			req.AllowConfirmed = allow
			weigh(cause.String(), convertError(t, s, &record{requestID: id, repeated: true}, req, worst(cause)))
		}
	}
	e := worst(cognitoclient.InvalidParameter)
	for _, member := range []string{"userPoolId", "username", "clientMetadata"} {
		for _, reason := range []string{reasonRequired, reasonTooShort, reasonTooLong, reasonBadFormat, "REFUSED"} {
			e.Violations = append(e.Violations, cognitoclient.Violation{Member: member, Reason: reason})
		}
	}
	weigh("every constraint", convertError(t, s, &record{requestID: id, repeated: true}, req, e))
	for n := range 100 {
		bad := &useradminv1.ConfirmSignUpRequest{UserPoolId: strings.Repeat("!", 99), Username: strings.Repeat(" ", 999), ClientMetadata: map[string]string{}}
		for i := range n {
			bad.ClientMetadata[fmt.Sprintf("%02d", i)+strings.Repeat("k", 200)] = strings.Repeat("v", 3000)
		}
		violations := validateConfirmSignUp(bad)
		a := convertError(t, s, &record{requestID: id, repeated: true}, req, &invalidRequest{violations})
		weigh(fmt.Sprintf("%d entries", n), a)
		shown := len(detail[*errdetails.BadRequest](t, a.Err()).GetFieldViolations())
		omitted := 0
		_, _ = fmt.Sscan(infoOf(t, a.Err()).GetMetadata()["violationsOmitted"], &omitted)
		if shown+omitted != len(violations) || shown < min(len(violations), 11) {
			t.Errorf("%d violations: %d shown, %d omitted", len(violations), shown, omitted)
		}
	}
	t.Logf("largest status %d bytes, largest header list %d bytes", largest, largestList)
}

func TestCutsInOrder(t *testing.T) {
	f := &failure{cognito: cognitoclient.Error{TriggerError: "text"}}
	for i := range 20 {
		f.violations = append(f.violations, violation{field: fmt.Sprint(i)})
	}
	var parts []string
	for part := f.shrink(); part != ""; part = f.shrink() {
		if len(parts) == 0 || parts[len(parts)-1] != part {
			parts = append(parts, part)
		}
	}
	if got := strings.Join(parts, " "); got != "violations descriptions lambda_error violations" || f.omitted != 20 {
		t.Errorf("%s, %d omitted", got, f.omitted)
	}
}
