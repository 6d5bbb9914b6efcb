package audit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// What a storm is made of.
const (
	storms       = 40
	stormCallers = 20
	stormCalls   = 15
)

// TestStorm lets calls come and go while the disk is slow, breaks and fills up, and the file is rotated. Whatever happens, the
// file, the metrics and the callers' answers agree.
func TestStorm(t *testing.T) {
	for seed := range uint64(storms) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit")
			synctest.Test(t, func(t *testing.T) {
				s := &storm{fixture: open(t, path), random: rand.New(rand.NewPCG(seed, 1)), made: map[string]bool{}} //nolint:gosec // a test repeats it
				s.on(s.write)
				s.rage(t)
				s.calm(t)
				s.check(t)
			})
		})
	}
}

type storm struct {
	*fixture

	dice   sync.Mutex // guards what follows
	random *rand.Rand
	made   map[string]bool // by request id, whether the call was made
	// files are the rotated ones, the oldest first.
	files []string
}

func (s *storm) below(n int) int {
	s.dice.Lock()
	defer s.dice.Unlock()
	return s.random.IntN(n)
}

func (s *storm) upTo(ms int) time.Duration { return time.Duration(s.below(ms)) * time.Millisecond }

// write is that of the disk.
func (s *storm) write(f file, b []byte) (int, error) {
	switch s.below(8) {
	case 0:
		time.Sleep(s.upTo(600))
	case 1:
		return 0, syscall.EIO
	case 2:
		n := s.below(len(b) + 1)
		if s.below(3) == 0 {
			n = len(b) - 1 // only the line break does not fit
		}
		if n, err := f.Write(b[:n]); err != nil {
			return n, err
		}
		return n, syscall.ENOSPC
	}
	time.Sleep(s.upTo(20))
	return f.Write(b)
}

// rage returns when all calls have ended.
func (s *storm) rage(t *testing.T) {
	var calls, rotation sync.WaitGroup
	for caller := range stormCallers {
		calls.Go(func() {
			for n := range stormCalls {
				s.call(t, fmt.Sprintf("%d-%d", caller, n))
			}
		})
	}
	ended := make(chan struct{})
	rotation.Go(func() { s.rotate(ended) })
	calls.Wait()
	close(ended)
	rotation.Wait()
}

// call may be given up before its intent is written.
func (s *storm) call(t *testing.T, id string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	switch s.below(4) {
	case 0:
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, s.upTo(300))
		defer done()
	case 1:
		time.AfterFunc(s.upTo(300), cancel)
	}
	i, err := s.Intend(ctx, call(id))
	if (i == nil) == (err == nil) || err != nil && !errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
		t.Errorf("%s: %v, %v", id, i, err)
	}
	s.dice.Lock()
	s.made[id] = i != nil
	s.dice.Unlock()
	if s.below(5) == 0 {
		s.Deny(call("denied"), "CALLER_NOT_ALLOWED")
	}
	time.Sleep(s.upTo(100))
	i.End(end())
}

// rotate moves the file away again and again.
func (s *storm) rotate(ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(s.upTo(700)):
		}
		to := fmt.Sprintf("%s.%d", s.path, len(s.files))
		if os.Rename(s.path, to) == nil {
			s.files = append(s.files, to)
		}
	}
}

// calm heals the disk and closes the log, sometimes while lines are queued.
func (s *storm) calm(t *testing.T) {
	t.Helper()
	s.on(nil)
	if s.below(2) == 0 {
		time.Sleep(2 * time.Second)
	}
	s.Close()
	time.Sleep(2 * time.Second)
	if _, err := os.Stat(s.path); err == nil { // otherwise nothing was written after the last rotation
		s.files = append(s.files, s.path)
	}
}

func (s *storm) check(t *testing.T) {
	t.Helper()
	intents, outcomes, counts := s.joined(t)
	for e := range s.metrics.lines {
		if got := s.counted(t, "useradmin_audit_lines_total", string(e)); got != counts[string(e)] {
			t.Errorf("%d lines of %s are in the files, %d are counted", counts[string(e)], e, got)
		}
	}
	open := 0
	for id, made := range s.made {
		outcome, ended := outcomes[id]
		want := "NOT_SENT"
		if made {
			want = end().Outcome
		}
		switch {
		case made && intents[id].ID == "":
			t.Errorf("%s was made without an intent", id)
		case ended && outcome.Outcome != want:
			t.Errorf("%s has the outcome %s, want %s", id, outcome.Outcome, want)
		case intents[id].ID != "" && !ended:
			open++
		}
	}
	if lost := s.counted(t, "useradmin_audit_failures_total", string(outcome)); lost != open {
		t.Errorf("%d intents have no outcome, %d failures are counted", open, lost)
	}
	if lost := s.counted(t, "useradmin_audit_failures_total", string(intent)); lost+len(intents) < len(s.made) {
		t.Errorf("%d intents and %d failures of %d calls", len(intents), lost, len(s.made))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries != 0 || s.size != 0 || len(s.queue) != 0 {
		t.Errorf("%d entries, %d bytes, %d queued are left", s.entries, s.size, len(s.queue))
	}
}

// joined returns the lines of all files by request id, and how many there are of each event.
func (s *storm) joined(t *testing.T) (intents, outcomes map[string]line, counts map[string]int) {
	t.Helper()
	intents, outcomes, counts = map[string]line{}, map[string]line{}, map[string]int{}
	for _, path := range s.files {
		lines, _ := read(t, path)
		for _, l := range lines {
			counts[l.Event]++
			switch event(l.Event) {
			case intent:
				intents[l.RequestID] = l
			case outcome:
				if intents[l.RequestID].ID != l.ID {
					t.Errorf("%s has an outcome before its intent", l.RequestID)
				}
				outcomes[l.RequestID] = l
			}
		}
	}
	for e, byID := range map[event]map[string]line{intent: intents, outcome: outcomes} {
		if len(byID) != counts[string(e)] {
			t.Errorf("%d lines of %s are of %d calls", counts[string(e)], e, len(byID))
		}
	}
	return intents, outcomes, counts
}
