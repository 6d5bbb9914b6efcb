//go:build interop

package interop

import (
	"strings"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/fakecognito"
)

// end is how a call ends while Cognito has not responded yet.
type end struct {
	name                 string
	deadlineMS, cancelMS int
	// logged is the code in the service's log line, arrived the one that the caller gets.
	logged, arrived string
}

// Deadlines and cancellations reach the service over every path, and it logs them as what they are.
func TestEnds(t *testing.T) {
	hang := fakecognito.Hang()
	w := newWorld(t, func(r fakecognito.Request) fakecognito.Fault {
		if strings.HasPrefix(r.Username, "end-") {
			return hang
		}
		return fakecognito.Fault{}
	})
	ends := []end{
		{"deadline", 2000, 0, "DeadlineExceeded", "DEADLINE_EXCEEDED"},
		{"cancel", 15_000, 700, "Canceled", "CANCELLED"},
	}
	for _, kind := range callerKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			calling := kind.open(t)
			for _, p := range w.paths {
				t.Run(p.name, func(t *testing.T) {
					results.note(t, "Deadlines and cancels", kind.name, p.name)
					// The time to connect is not measured.
					calling.call(t, testCase{name: "warm"}.request(kind, p))
					for _, e := range ends {
						w.checkEnd(t, calling, kind, p, e)
					}
				})
			}
		})
	}
}

func (w *world) checkEnd(t *testing.T, calling caller, kind callerKind, p path, e end) {
	t.Helper()
	r := testCase{name: "end-" + e.name}.request(kind, p)
	r.DeadlineMS, r.CancelMS = e.deadlineMS, e.cancelMS
	if kind.name == "grpcurl" && e.cancelMS > 0 {
		r.CancelMS += 2000 // each call is a process, which needs time to start
	}
	r.RequestID = strings.ReplaceAll(strings.Join([]string{"end", e.name, kind.name, p.name}, "."), " ", "-")
	begin := time.Now()
	got := calling.call(t, r)
	if took := time.Since(begin); got.Code != e.arrived || took > 10*time.Second {
		t.Errorf("%s: after %s %s, want %s", e.name, took, got.short(), e.arrived)
	}
	for range 100 {
		if lines := w.logged(r.RequestID); len(lines) > 0 {
			if len(lines) > 1 || lines[0]["code"] != e.logged || lines[0]["outcome"] != "UNKNOWN" {
				t.Errorf("%s: logged as %v, want %s", e.name, lines, e.logged)
			}
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	t.Errorf("%s: the service logged nothing within 3 s", e.name)
}
