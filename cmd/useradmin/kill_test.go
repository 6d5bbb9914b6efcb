//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/metadata"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/fakecognito"
)

// A kill loses no evidence: whatever reached Cognito has its intent, however the service ended, and the next one goes on with
// the same file and the same socket.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	lanes, rounds := 3, 100
	if testing.Short() {
		lanes, rounds = 2, 10
	}
	binary := shipped(t)
	var kills, calls, pending atomic.Int64
	t.Run("lanes", func(t *testing.T) {
		for i := range lanes {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				w := newWitness(t, binary, authn.XFCC)
				w.callers(t, "unix:"+w.gate.Path("s"), 8)
				for range rounds {
					w.round(t)
					kills.Add(1)
				}
				calls.Add(int64(w.seen))
				pending.Add(int64(w.pending(t)))
			})
		}
	})
	t.Logf("%d kills, %d requests at Cognito, %d intents without an outcome", kills.Load(), calls.Load(), pending.Load())
}

// witness compares what Cognito saw with the audit log.
type witness struct {
	binary, endpoint string
	gate             bench.Gate
	fake             *fakecognito.Server
	// seq is what of the journal was looked at, seen how many requests it had.
	seq, seen int
	// answered has a value when a call of a caller succeeded.
	answered chan struct{}
	// old are the files of the audit log before the present one.
	old []string
}

func newWitness(t *testing.T, binary, proof string) *witness {
	t.Helper()
	w := &witness{binary: binary, gate: gateOf(t, proof, true), answered: make(chan struct{}, 1)}
	w.fake = fakecognito.New(fakecognito.Config{Fault: mixed, JournalSize: 1 << 20})
	web := httptest.NewServer(w.fake)
	t.Cleanup(func() {
		w.fake.Close()
		web.Close()
	})
	w.endpoint = web.URL
	return w
}

// mixed confirms everybody. Some responses take a moment, and some do not come.
func mixed(r fakecognito.Request) fakecognito.Fault {
	f := fakecognito.Fault{
		Effect: fakecognito.EffectNever, Answer: fakecognito.AnswerBody, Status: http.StatusOK, Body: "{}",
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
	}
	switch r.Number % 10 {
	case 0:
		f.Answer = fakecognito.AnswerReset
	case 1, 2, 3:
		f.Wait = time.Duration(r.Number%7) * time.Millisecond
	}
	return f
}

// callers call until the test ends, whatever they get.
func (w *witness) callers(t *testing.T, address string, n int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range n {
		conn, err := w.gate.Dial(address, grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: time.Millisecond, Multiplier: 1, MaxDelay: 5 * time.Millisecond},
		}))
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer func() { _ = conn.Close() }()
			w.call(ctx, useradminv1.NewUserAdminClient(conn), i)
		})
	}
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
}

func (w *witness) call(ctx context.Context, client useradminv1.UserAdminClient, caller int) {
	for n := 0; ctx.Err() == nil; n++ {
		one, cancel := context.WithTimeout(ctx, 5*time.Second)
		one = metadata.AppendToOutgoingContext(one, "x-request-id", fmt.Sprintf("%d-%d", caller, n))
		_, err := client.ConfirmSignUp(one, bench.Request(), grpc.WaitForReady(true))
		cancel()
		if err == nil {
			select {
			case w.answered <- struct{}{}:
			default:
			}
		}
	}
}

// round starts the service, kills it, and looks at what it left behind.
func (w *witness) round(t *testing.T) {
	t.Helper()
	select {
	case <-w.answered: // of the one before
	default:
	}
	s, err := bench.Launch(t.Context(), w.binary, w.gate.Path("log"), w.endpoint, w.gate)
	if err != nil {
		t.Fatal(err)
	}
	if rand.IntN(10) > 0 { //nolint:gosec // no secret; otherwise it is killed while it starts
		select {
		case <-w.answered:
		case <-time.After(30 * time.Second):
			log, _ := os.ReadFile(w.gate.Path("log"))
			_ = s.Cmd.Process.Kill()
			t.Fatalf("no call succeeds:\n%s", log[max(0, len(log)-2_000):])
		}
	}
	time.Sleep(rand.N(20 * time.Millisecond)) //nolint:gosec // no secret
	if err := s.Cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = s.Cmd.Wait()
	w.look(t)
}

// look demands an intent for each request that has reached Cognito since the last look. What was sent and is not read yet is
// looked at in the next round.
func (w *witness) look(t *testing.T) {
	t.Helper()
	entries := w.fake.JournalSince(w.seq)
	intents := map[string]bool{}
	for _, l := range w.lines(t) {
		if l.Event == "intent" {
			intents[l.RequestID] = true
		}
	}
	for _, e := range entries {
		w.seq = e.Seq
		if e.Kind != fakecognito.KindReceived {
			continue
		}
		w.seen++
		_, id, found := strings.Cut(e.Request.UserAgent, " request/")
		if !found || !intents[id] {
			t.Errorf("Cognito saw the call %q, the audit log did not", id)
		}
	}
}

// auditLine is what the tests read of a line.
type auditLine struct {
	Event, ID, Outcome, Reason, Code string
	RequestID                        string `json:"request_id"`
	Count                            int
}

// lines are the whole lines of the audit log, in all its files.
func (w *witness) lines(t *testing.T) []auditLine {
	t.Helper()
	var all []auditLine
	for _, path := range w.files() {
		all = append(all, auditLines(t, path)...)
	}
	return all
}

func (w *witness) files() []string { return append(slices.Clone(w.old), w.gate.Path("audit")) }

func auditLines(t *testing.T, path string) []auditLine {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // the first kill may come before the first line
		t.Fatal(err)
	}
	var all []auditLine
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var l auditLine
		if json.Unmarshal(lines.Bytes(), &l) == nil {
			all = append(all, l)
		}
	}
	return all
}

// pending compares what `useradmin audit pending` lists with what is in the files, and returns how many intents have no outcome.
func (w *witness) pending(t *testing.T) int {
	t.Helper()
	w.look(t)
	var want []string
	for _, l := range w.lines(t) {
		switch l.Event {
		case "intent":
			want = append(want, l.ID)
		case "outcome":
			want = slices.DeleteFunc(want, func(id string) bool { return id == l.ID })
		}
	}
	got, says := w.listed(t, w.files())
	if !slices.Equal(got, want) || !strings.Contains(says, "outcomes without an intent: 0,") {
		t.Errorf("%d are listed, want %d: %s", len(got), len(want), says)
	}
	return len(got)
}

// listed are the ids of the lines that the command lists, and what it says.
func (w *witness) listed(t *testing.T, files []string) (ids []string, says string) {
	t.Helper()
	code, stdout, stderr := finish(t, program(t, append([]string{"audit", "pending"}, files...)...))
	for line := range strings.Lines(stdout) {
		var l auditLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.ID)
	}
	if want := min(len(ids), 1); code != want {
		t.Errorf("exit code %d, want %d: %s", code, want, stderr)
	}
	return ids, stderr
}
