//go:build !race

package bench_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// What the service adds to a bare call, all of it: chain, stats handler, validation, handler, log line, trailers. The
// bounds are a little over what was measured, to notice when a call becomes dearer.
func TestAddedAllocations(t *testing.T) {
	base := allocations(t, bare(t), bench.Request(), codes.OK)
	for _, c := range []struct {
		name   string
		client useradminv1.UserAdminClient
		req    *useradminv1.ConfirmSignUpRequest
		want   codes.Code
		limit  float64
	}{
		{"success", service(t, succeeding()), bench.Request(), codes.OK, 70},
		{"status of three details", service(t, refusing()), bench.Request(), codes.NotFound, 95},
		{"invalid request", service(t, succeeding()), invalid(), codes.InvalidArgument, 75},
	} {
		got := allocations(t, c.client, c.req, c.want) - base
		t.Logf("%s: %.0f allocations more than the %.0f of bare gRPC", c.name, got, base)
		if got > c.limit {
			t.Errorf("%s: %.0f allocations more than bare gRPC, at most %.0f are meant", c.name, got, c.limit)
		}
	}
}

// Our client watches the SDK's attempt and leaves out the SDK's retryer: together that costs no more than the SDK alone.
func TestClientAllocatesNoMoreThanTheSDK(t *testing.T) {
	client, endpoint := upstream(t)
	direct, req := bench.Direct(endpoint), bench.Request()
	theirs := testing.AllocsPerRun(200, func() {
		if err := bench.ConfirmDirectly(t.Context(), direct, req); err != nil {
			t.Fatal(err)
		}
	})
	ours := testing.AllocsPerRun(200, func() {
		if _, err := client.ConfirmSignUp(t.Context(), own(req)); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("an attempt, embedded Cognito included: the SDK %.0f allocations, our client %.0f", theirs, ours)
	if ours > theirs+10 { // what a run differs by
		t.Error("our client allocates more than the SDK alone")
	}
}

func allocations(t *testing.T, client useradminv1.UserAdminClient, req *useradminv1.ConfirmSignUpRequest, want codes.Code) float64 {
	t.Helper()
	return testing.AllocsPerRun(500, func() { call(t, client, req, want) })
}
