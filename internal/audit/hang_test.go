package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// hang lets no write end before release is called, and then writes.
func (x *fixture) hang() (release func()) {
	gate := make(chan struct{})
	x.on(func(f file, b []byte) (int, error) {
		<-gate
		return f.Write(b)
	})
	return sync.OnceFunc(func() {
		x.on(nil)
		close(gate)
	})
}

// A disk that hangs costs a call 250 ms, and nobody else anything. What the disk then writes all the same has an outcome that
// says that there was no call.
func TestHungDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		earlier := x.intend(t, "r-0")
		release := x.hang()
		defer release()
		for _, id := range []string{"r-1", "r-2", "r-3"} { // the first is being written, the others wait
			began := time.Now()
			if i, err := x.Intend(t.Context(), call(id)); i != nil || !errors.Is(err, ErrUnavailable) || time.Since(began) != 250*time.Millisecond {
				t.Errorf("%s: %v, %v after %s", id, i, err, time.Since(began))
			}
		}
		began := time.Now()
		earlier.End(end())
		x.Deny(call("r-4"), "CALLER_NOT_ALLOWED")
		if time.Since(began) != 0 {
			t.Error("End or Deny waited")
		}
		x.failed(t, intent, timedOut, 3)
		if got := events(t, x.path); got != "intent r-0" {
			t.Error(got)
		}
		release()
		x.intend(t, "r-5")
		x.Close()
		const want = "intent r-0; intent r-1; outcome r-1 NOT_SENT AUDIT_UNAVAILABLE; outcome r-0 CONFIRMED; denial r-4  CALLER_NOT_ALLOWED; intent r-5"
		if got := events(t, x.path); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := pendingIn(t, x.path); got != "r-5" {
			t.Errorf("pending: %s", got)
		}
	})
}

// A write that fails after its caller gave up leaves nothing, and is counted once.
func TestLateFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		x.on(func(file, []byte) (int, error) {
			time.Sleep(time.Second)
			return 0, syscall.EIO
		})
		if _, err := x.Intend(t.Context(), call("r-1")); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := x.counted(t, "useradmin_audit_failures_total"); got != 1 {
			t.Errorf("%d failures", got)
		}
		x.on(nil)
		x.intend(t, "r-2")
		if got := events(t, x.path); got != "intent r-2" {
			t.Error(got)
		}
	})
}

// A caller who leaves gets no intent, and it is no failure of the disk.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		release := x.hang()
		defer release()
		for _, id := range []string{"r-1", "r-2"} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(patience/2, cancel)
			if _, err := x.Intend(ctx, call(id)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		release()
		x.Close()
		if got := events(t, x.path); got != "intent r-1; outcome r-1 NOT_SENT AUDIT_UNAVAILABLE" {
			t.Error(got)
		}
		x.failed(t, intent, gaveUp, 2)
		if log := x.log.String(); log != "" {
			t.Error(log)
		}
	})
}

// Callers with short deadlines do not hide that the disk hangs.
func TestDeadlineWhileTheDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		release := x.hang()
		defer release()
		ctx, cancel := context.WithTimeout(t.Context(), patience/2)
		defer cancel()
		if _, err := x.Intend(ctx, call("r-1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		x.failed(t, intent, timedOut, 1)
		if log := x.log.String(); !strings.Contains(log, "kind=timed_out lines=1") {
			t.Error(log)
		}
	})
}

// The queue is bounded. Denials take no place from calls, and intents none from outcomes.
func TestQueueIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ id, reason string }{
		"entries": {"r", "R"},
		"bytes":   {"r", strings.Repeat("R", 4000)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := open(t, "")
				var open []*Intent
				for range 200 {
					open = append(open, x.intend(t, c.id))
				}
				release := x.hang()
				defer release()
				open[0].End(end())
				synctest.Wait()
				caller := call(c.id)
				for n := range maxEntries { // each a caller of its own, so that none is only counted
					caller.Caller = fmt.Sprint(n % 900)
					x.Deny(caller, c.reason)
				}
				x.mu.Lock()
				entries, size := x.entries, x.size
				x.mu.Unlock()
				denials := maxEntries - x.counted(t, "useradmin_audit_failures_total", "denial")
				if entries > maxEntries/2 || size > maxBytes/2 || size < maxBytes/2-maxLine && entries < maxEntries/2 || denials != entries-1 {
					t.Errorf("%d entries, %d bytes, %d denials", entries, size, denials)
				}
				if _, err := x.Intend(t.Context(), call("r")); !errors.Is(err, ErrUnavailable) {
					t.Error(err)
				}
				x.failed(t, intent, timedOut, 1) // it got a place
				for _, i := range open {
					i.End(end())
				}
				x.failed(t, outcome, queueFull, 0)
				for range maxEntries {
					x.put(&entry{event: outcome, text: []byte(strings.Repeat("o", 600) + "\n")})
				}
				x.mu.Lock()
				entries, size = x.entries, x.size
				x.mu.Unlock()
				lost := x.counted(t, "useradmin_audit_failures_total", "outcome", "queue_full")
				if entries > maxEntries || size > maxBytes || lost == 0 || lost+entries != maxEntries+len(open)+denials {
					t.Errorf("%d entries, %d bytes, %d outcomes lost", entries, size, lost)
				}
				release()
				x.Close()
				if got := pendingIn(t, x.path); got != "" {
					t.Errorf("pending: %s", got)
				}
				x.mu.Lock()
				defer x.mu.Unlock()
				if x.entries != 0 || x.size != 0 {
					t.Errorf("%d entries, %d bytes are left", x.entries, x.size)
				}
			})
		})
	}
}

// Callers who gave up leave no lines behind in the queue.
func TestHungDiskKeepsNoIntents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		release := x.hang()
		defer release()
		var all sync.WaitGroup
		for n := range maxEntries {
			all.Go(func() { _, _ = x.Intend(t.Context(), call("r")) })
			if n == 0 {
				synctest.Wait() // the first one is being written
			}
		}
		all.Wait()
		x.failed(t, intent, timedOut, maxEntries*3/4)
		x.failed(t, intent, queueFull, maxEntries/4)
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.entries != 1 || len(x.queue) != 0 {
			t.Errorf("%d entries, %d of them queued", x.entries, len(x.queue))
		}
	})
}

func TestLongLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		c := call(strings.Repeat("r", maxLine))
		if _, err := x.Intend(t.Context(), c); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		x.failed(t, intent, tooLong, 1)
	})
}

// Close writes what is queued, but does not wait for a disk that hangs.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		i := x.intend(t, "r-1")
		release := x.hang()
		defer release()
		i.End(end())
		time.AfterFunc(closePatience-1, release)
		began := time.Now()
		x.Close()
		if got := events(t, x.path); got != "intent r-1; outcome r-1 CONFIRMED" || time.Since(began) != closePatience-1 {
			t.Errorf("%s after %s", got, time.Since(began))
		}
		if _, err := x.Intend(t.Context(), call("r-2")); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		x.Deny(call("r-3"), "CALLER_NOT_ALLOWED")
		x.failed(t, intent, closed, 1)
		x.failed(t, denial, closed, 1)
		open(t, x.path).Close() // it is not locked any more

		y := open(t, "")
		defer y.hang()()
		i, j := y.intendHung(t)
		i.End(end())
		j.End(end())
		began = time.Now()
		y.Close()
		if time.Since(began) != closePatience {
			t.Errorf("after %s", time.Since(began))
		}
		y.failed(t, outcome, closed, 2)
		if log := y.log.String(); !strings.Contains(log, "kind=closed lines=2") {
			t.Error(log)
		}
	})
}

// intendHung returns two intents of a disk that hangs only afterwards.
func (x *fixture) intendHung(t *testing.T) (i, j *Intent) {
	t.Helper()
	x.mu.Lock()
	breaks := x.breaks
	x.mu.Unlock()
	x.on(nil)
	defer x.on(breaks)
	return x.intend(t, "r-1"), x.intend(t, "r-2")
}

// A lost intent is an error, since its call fails. The other lines are told of at another level, even after an intent.
func TestALostIntentIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		kept := x.intend(t, "r-1")
		x.on(func(file, []byte) (int, error) { return 0, syscall.EIO })
		lose := func(losses ...func()) {
			for _, loss := range losses {
				loss()
				synctest.Wait()
			}
			time.Sleep(5 * time.Second)
		}
		denied := func() { x.Deny(call("r"), "X") }
		intended := func() { _, _ = x.Intend(t.Context(), call("r")) }
		lose(denied)
		lose(intended)
		lose(func() { kept.End(end()) })
		lose(denied, intended, denied, denied)
		lose(denied)
		var levels []string
		for text := range strings.Lines(x.log.String()) {
			_, text, _ := strings.Cut(text, "level=")
			levels = append(levels, strings.Fields(text)[0])
		}
		if got := strings.Join(levels, " "); got != "WARN ERROR WARN WARN ERROR WARN" {
			t.Errorf("%s\n%s", got, x.log)
		}
	})
}

// The log tells of failures at most once a second, and of all of them.
func TestFailuresAreToldOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		x.on(func(file, []byte) (int, error) { return 0, syscall.ENOSPC })
		for range 250 {
			_, _ = x.Intend(t.Context(), call("r"))
			time.Sleep(7 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		var told []string
		for text := range strings.Lines(x.log.String()) {
			_, text, _ := strings.Cut(text, "lines=")
			told = append(told, strings.Fields(text)[0])
		}
		if got := strings.Join(told, " "); got != "1 142 107" {
			t.Errorf("%s\n%s", got, x.log)
		}
		if !strings.Contains(x.log.String(), `level=ERROR msg="the audit log is not written" kind=full_disk lines=1 problem="no space left on device"`) {
			t.Error(x.log)
		}
	})
}
