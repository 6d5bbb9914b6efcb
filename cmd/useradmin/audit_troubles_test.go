//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/authn"
)

// Whatever becomes of the audit log under load: no call without an intent, callers are told, and once the trouble is over
// calls go on by themselves.
func TestAuditTroubles(t *testing.T) {
	t.Parallel()
	w := newWitness(t, shipped(t), authn.MTLS)
	old := strings.Repeat(`{"time":"2026-01-01T00:00:00.000Z","event":"denial","id":"a-1","decision":"deny"}`+"\n", 5_000)
	if err := os.WriteFile(w.gate.Path("audit"), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := bench.StartGated(t.Context(), w.binary, w.gate.Path("log"), w.endpoint, w.gate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.End)
	w.callers(t, s.Address, 8)
	conn, err := s.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client := useradminv1.NewUserAdminClient(conn)
	for _, trouble := range []struct {
		name       string
		begin, end func(t *testing.T, w *witness, s *bench.Service)
	}{
		{"full disk", fillDisk, freeDisk},
		{"deleted", deleteAudit, nil},
		{"a directory is in its place", blockAudit, freeAudit},
		{"the directory is gone", hideDirectory, showDirectory},
		{"rotation", rotate, nil},
	} {
		w.probe(t, client, trouble.name+", before it", "")
		trouble.begin(t, w, s)
		if trouble.end != nil {
			w.probe(t, client, trouble.name, "AUDIT_UNAVAILABLE NOT_SENT")
			trouble.end(t, w, s)
		}
		w.probe(t, client, trouble.name+", after it", "")
	}
	w.finish(t, s)
}

// finish stops the service. What began after the other troubles has both lines, whichever files they are in.
func (w *witness) finish(t *testing.T, s *bench.Service) {
	t.Helper()
	s.End()
	all := w.pending(t)
	w.old = slices.DeleteFunc(w.old, func(path string) bool { return !strings.Contains(path, ".rotated.") })
	if left, says := w.listed(t, w.files()[1:]); len(left) > 0 {
		t.Errorf("after rotations, %v have no outcome: %s", left, says)
	}
	t.Logf("%d requests at Cognito, %d intents without an outcome, all of them while outcomes could not be written", w.seen, all)
	if w.seen == 0 {
		t.Error("no call reached Cognito")
	}
}

// probe calls until it gets that reason and outcome; none is a success.
func (w *witness) probe(t *testing.T, client useradminv1.UserAdminClient, when, want string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		got = ""
		if _, err := client.ConfirmSignUp(t.Context(), bench.Request()); err != nil {
			got = reasonAndOutcome(err)
		}
		if got == want {
			if got == "" { // otherwise the file may not even be there
				w.look(t)
			}
			return
		}
	}
	t.Fatalf("%s: %q, want %q", when, got, want)
}

// limit is what the service may write into one file from now on.
func limit(t *testing.T, s *bench.Service, bytes uint64) {
	t.Helper()
	var now unix.Rlimit
	if err := unix.Prlimit(s.Cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &now); err != nil {
		t.Fatal(err)
	}
	now.Cur = min(bytes, now.Max)
	if err := unix.Prlimit(s.Cmd.Process.Pid, unix.RLIMIT_FSIZE, &now, nil); err != nil {
		t.Fatal(err)
	}
}

// fillDisk lets a few lines more be written, and a part of one.
func fillDisk(t *testing.T, w *witness, s *bench.Service) {
	t.Helper()
	info, err := os.Stat(w.gate.Path("audit"))
	if err != nil {
		t.Fatal(err)
	}
	limit(t, s, uint64(info.Size())+5_000) //nolint:gosec // a size
}

func freeDisk(t *testing.T, _ *witness, s *bench.Service) {
	t.Helper()
	limit(t, s, unix.RLIM_INFINITY)
}

// moveAudit moves the present file away.
func (w *witness) moveAudit(t *testing.T, why string) {
	t.Helper()
	w.old = append(w.old, w.gate.Path(fmt.Sprintf("audit.%s.%d", why, len(w.old))))
	if err := os.Rename(w.gate.Path("audit"), w.old[len(w.old)-1]); err != nil {
		t.Fatal(err)
	}
}

// deleteAudit deletes the file. A second link to it is the test's.
func deleteAudit(t *testing.T, w *witness, _ *bench.Service) {
	t.Helper()
	link := w.gate.Path("audit.deleted")
	if err := os.Link(w.gate.Path("audit"), link); err != nil {
		t.Fatal(err)
	}
	w.old = append(w.old, link)
	if err := os.Remove(w.gate.Path("audit")); err != nil {
		t.Fatal(err)
	}
	awaitFile(t, w.gate.Path("audit"))
}

func awaitFile(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	t.Fatalf("no new %s", filepath.Base(path))
}

// blockAudit moves the file away, and a directory there, which keeps even root from making a new one.
func blockAudit(t *testing.T, w *witness, _ *bench.Service) {
	t.Helper()
	for range 1_000 {
		w.moveAudit(t, "blocked")
		if os.Mkdir(w.gate.Path("audit"), 0o700) == nil {
			return
		} // the service was faster
	}
	t.Fatal("the service is always faster")
}

func freeAudit(t *testing.T, w *witness, _ *bench.Service) {
	t.Helper()
	if err := os.Remove(w.gate.Path("audit")); err != nil {
		t.Fatal(err)
	}
	awaitFile(t, w.gate.Path("audit"))
}

// hideDirectory moves the directory away.
func hideDirectory(t *testing.T, w *witness, _ *bench.Service) {
	t.Helper()
	if err := os.Rename(w.gate.Dir, w.gate.Dir+".away"); err != nil {
		t.Fatal(err)
	}
}

func showDirectory(t *testing.T, w *witness, _ *bench.Service) {
	t.Helper()
	if err := os.Rename(w.gate.Dir+".away", w.gate.Dir); err != nil {
		t.Fatal(err)
	}
}

// rotate moves the file away, again and again.
func rotate(t *testing.T, w *witness, _ *bench.Service) {
	t.Helper()
	for range 20 {
		w.moveAudit(t, "rotated")
		awaitFile(t, w.gate.Path("audit"))
	}
}
