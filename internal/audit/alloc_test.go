//go:build !race

package audit

import (
	"testing"
	"testing/synctest"
)

func TestAllocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		c, e := call("r-1"), end()
		one := func() {
			i, err := x.Intend(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			i.End(e)
		}
		// Both lines, what they share and the id among them.
		if got := testing.AllocsPerRun(1000, one); got > 11 {
			t.Errorf("%v allocations", got)
		}
	})
}
