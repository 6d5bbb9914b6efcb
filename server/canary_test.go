package server

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// canaries are what must not get out.
const (
	canaryUser   = "canary-user@example.com"
	canaryValue  = "canary-value"
	canaryText   = "canary-text"
	canarySecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	canaryARN    = "arn:aws:sts::123456789012:assumed-role/canary-role/session"
	canaryID     = "123456789012"
)

// What the request and its headers hold gets out for no cause; what cognitoclient says of Cognito is fit for callers, and
// its tests see to that.
func TestCanaries(t *testing.T) {
	everything := strings.Join([]string{canaryUser, canaryValue, canarySecret, canaryARN, canaryID, canaryText}, " ")
	failed := cognitoclient.Error{Outcome: cognitoclient.NotApplied, Violations: []cognitoclient.Violation{{Member: everything, Reason: everything}}}
	e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		return cognitoclient.Result{}, &failed
	}), Config{})
	for i, cause := range cognitoclient.Causes() {
		failed.Cause = cause
		var trailer metadata.MD
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", canarySecret, "x-request-id", "a "+everything)
		_, err := e.ConfirmSignUp(ctx, &useradminv1.ConfirmSignUpRequest{
			UserPoolId: "us-east-1_EXAMPLE01", Username: canaryUser, ClientMetadata: map[string]string{"canary-key": canaryValue},
		}, grpc.Trailer(&trailer))
		eventually(t, "the line", func() bool { return strings.Count(e.log.String(), `"msg":"call"`) == i+1 })
		out := prototext.Format(status.Convert(err).Proto()) + fmt.Sprint(trailer) + e.log.String()
		if i == len(cognitoclient.Causes())-1 {
			out += exposition(t, e.registry)
		}
		for _, canary := range []string{canaryUser, canaryValue, canarySecret, canaryARN, canaryID, canaryText, "canary-key", "canary-role"} {
			if strings.Contains(out, canary) {
				t.Errorf("%s: %s got out: %s", cause, canary, out)
			}
		}
	}
}

func TestCanariesOfAnInvalidRequest(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	_, err := e.ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{
		UserPoolId: canaryText, Username: canaryUser + " ", ClientMetadata: map[string]string{"k": canaryValue + strings.Repeat("x", 3000)},
	})
	eventually(t, "the line", func() bool { return strings.Contains(e.log.String(), `"msg":"call"`) })
	out := prototext.Format(status.Convert(err).Proto()) + e.log.String() + exposition(t, e.registry)
	for _, canary := range []string{canaryText, canaryUser, canaryValue} {
		if strings.Contains(out, canary) {
			t.Errorf("%s got out: %s", canary, out)
		}
	}
}

func exposition(tb testing.TB, registry *prometheus.Registry) string {
	tb.Helper()
	families, err := registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprint(families)
}
