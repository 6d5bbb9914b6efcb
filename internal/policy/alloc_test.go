//go:build !race

package policy_test

import (
	"testing"

	"cognito.internal/useradmin/internal/policy"
)

// TestADecisionNeedsLittleMemory holds for any number of other callers' rules and of pools in a list.
func TestADecisionNeedsLittleMemory(t *testing.T) {
	const most = 20
	for _, size := range [][2]int{{1, 1}, {1, 500}, {500, 2}} {
		p := parse(t, costly(size[0], size[1]))
		if got := p.Decide(usual()); got != (policy.Decision{Allowed: true, Rule: "c0"}) {
			t.Fatalf("%+v", got)
		}
		r := usual()
		if got := testing.AllocsPerRun(1000, func() { p.Decide(r) }); got > most {
			t.Errorf("%d callers, %d pools: %v allocations, want at most %d", size[0], size[1], got, most)
		}
	}
}
