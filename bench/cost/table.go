package main

import (
	"fmt"
	"slices"
	"strings"
)

// table shows each set-up in parts of what bare gRPC and the direct SDK cost together.
func table(callers int, rounds []round) string {
	var sum round
	ratios := make([]float64, 0, len(rounds))
	for _, r := range rounds {
		sum.bare, sum.direct, sum.service = plus(sum.bare, r.bare), plus(sum.direct, r.direct), plus(sum.service, r.service)
		ratios = append(ratios, r.ratio())
	}
	slices.Sort(ratios)
	whole := sum.bare.total() + sum.direct.total()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-24s %8s %8s %8s %8s\n", fmt.Sprintf("%d concurrent callers", callers), "client", "server", "cognito", "total")
	for _, line := range []struct {
		name string
		cost cost
	}{{"bare gRPC", sum.bare}, {"direct SDK", sum.direct}, {"both together", plus(sum.bare, sum.direct)}, {"this service", sum.service}} {
		c := line.cost
		fmt.Fprintf(&b, "%-24s %8.2f %8.2f %8.2f %8.2f\n", line.name, c.client/whole, c.server/whole, c.cognito/whole, c.total()/whole)
	}
	fmt.Fprintf(&b, "this service / (bare gRPC + direct SDK): median %.2f, of %d rounds from %.2f to %.2f\n",
		ratios[len(ratios)/2], len(ratios), ratios[0], ratios[len(ratios)-1])
	return b.String()
}

func plus(a, b cost) cost {
	return cost{a.client + b.client, a.server + b.server, a.cognito + b.cognito}
}
