//go:build unix

package audit

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const asService = "TEST_AUDIT_PATH"

// TestMain lets the test binary be a service, so that tests can kill one.
func TestMain(m *testing.M) {
	if path := os.Getenv(asService); path != "" {
		runService(path, os.Getenv("TEST_AUDIT_PREFIX"))
	}
	os.Exit(m.Run())
}

// runService makes calls without end. Each that has its intent is told on stdout, as if it reached Cognito.
func runService(path, prefix string) {
	l, err := Open(Config{Path: path, Key: testKey, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Registerer: prometheus.NewRegistry()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var callers sync.WaitGroup
	for caller := range 16 {
		callers.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%s-%d-%d", prefix, caller, n)
				i, err := l.Intend(context.Background(), call(id))
				if err != nil {
					continue // a machine this slow makes no call
				}
				_, _ = io.WriteString(os.Stdout, id+"\n")
				i.End(end())
			}
		})
	}
	callers.Wait()
}

// service prepares a process that writes to the file.
func service(t *testing.T, path, prefix string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), asService+"="+path, "TEST_AUDIT_PREFIX="+prefix)
	cmd.Stderr = os.Stderr
	return cmd
}

// killed runs a service, kills it after it has made that many calls, and returns all that it has made.
func killed(t *testing.T, path, prefix string, calls int) (made []string) {
	t.Helper()
	cmd := service(t, path, prefix)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := bufio.NewReader(out)
	for {
		text, err := told.ReadString('\n')
		if err != nil {
			break
		}
		made = append(made, strings.TrimSpace(text))
		if len(made) == calls {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if len(made) < calls {
		t.Fatalf("%d calls, want %d", len(made), calls)
	}
	return made
}

// A service is killed at 300 random moments. Each call that it made has its intent, and no line is torn but the last one
// before each start.
func TestKilledService(t *testing.T) {
	moments := 300
	if testing.Short() {
		moments = 30
	}
	path := filepath.Join(t.TempDir(), "audit")
	torn, without, end := 0, 0, byte('\n')
	var size int64
	for moment := range moments {
		made := killed(t, path, fmt.Sprint(moment), 1+rand.IntN(200)) //nolint:gosec // a moment
		text := readFrom(t, path, size)
		part := filepath.Join(t.TempDir(), "part")
		if err := os.WriteFile(part, text, 0o600); err != nil {
			t.Fatal(err)
		}
		lines, broken := read(t, part)
		if end != '\n' && text[0] != '\n' {
			t.Errorf("moment %d: it goes on with the torn line", moment)
		}
		if end = text[len(text)-1]; broken > 1 || broken == 1 && end == '\n' {
			t.Errorf("moment %d: %d torn lines, then %q", moment, broken, end)
		}
		size, torn = size+int64(len(text)), torn+broken
		intents, open := map[string]bool{}, map[string]bool{}
		for _, l := range lines {
			if l.Event == string(intent) {
				intents[l.RequestID], open[l.RequestID] = true, true
			} else if !intents[l.RequestID] {
				t.Errorf("moment %d: the outcome of %s comes first", moment, l.RequestID)
			}
			if l.Event == string(outcome) {
				delete(open, l.RequestID)
			}
		}
		for _, id := range made {
			if !intents[id] {
				t.Errorf("moment %d: %s was made without an intent", moment, id)
			}
		}
		without += len(open)
		if got := len(strings.Fields(pendingIn(t, part))); got != len(open) {
			t.Errorf("moment %d: %d are pending, want %d", moment, got, len(open))
		}
	}
	if got := len(strings.Fields(pendingIn(t, path))); got != without || without == 0 {
		t.Errorf("%d are pending, want %d", got, without)
	}
	t.Logf("%d bytes, %d torn lines, %d intents without an outcome", size, torn, without)
}

// readFrom reads the file from there on.
func readFrom(t *testing.T, path string, from int64) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A second process on the file is refused, as is a second Log.
func TestOneProcessAFile(t *testing.T) {
	x := open(t, "")
	cmd := service(t, x.path, "second")
	cmd.Stderr = nil
	_, err := cmd.Output()
	want := x.path + " is the audit log of another process that runs: each needs a file of its own"
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 || string(exit.Stderr) != want+"\n" { //nolint:errorlint // as Output returns it
		t.Error(err)
	}
	_, err = Open(Config{Path: x.path, Key: testKey, Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || err.Error() != want {
		t.Error(err)
	}
}
