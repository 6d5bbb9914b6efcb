package audit

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fills takes so many bytes, then the disk is full.
func (x *fixture) fills(room int) {
	x.on(func(f file, b []byte) (int, error) {
		n := min(room, len(b))
		room -= n
		if n > 0 {
			if wrote, err := f.Write(b[:n]); err != nil {
				return wrote, err
			}
		}
		if n < len(b) {
			return n, &os.PathError{Op: "write", Path: "canary", Err: syscall.ENOSPC}
		}
		return n, nil
	})
}

// brief is an intent with a short line, so that there are fewer places where the disk can be full.
func (x *fixture) brief(t *testing.T, id string) *Intent {
	t.Helper()
	i, err := x.Intend(t.Context(), Call{RequestID: id})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func briefEnd() End { return End{Outcome: "CONFIRMED"} }

// The disk is full after any number of bytes of the two lines of a call. Who got an intent has one, and no line is torn but
// the one that did not fit.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		x.brief(t, "r-1").End(briefEnd())
		x.Close()
		info, err := os.Stat(x.path)
		if err != nil {
			t.Fatal(err)
		}
		lines, seen := int(info.Size()), map[string]int{}
		for room := range lines + 2 {
			x := open(t, "")
			x.fills(room)
			i, err := x.Intend(t.Context(), Call{RequestID: "r-1"})
			i.End(briefEnd())
			if err != nil && !errors.Is(err, ErrUnavailable) || (err == nil) != (i != nil) {
				t.Fatalf("room %d: %v, %v", room, i, err)
			}
			synctest.Wait()
			full := x.counted(t, "useradmin_audit_failures_total", "full_disk")
			x.on(nil)
			x.brief(t, "r-2").End(briefEnd())
			x.Close()
			got := strings.TrimSuffix(events(t, x.path), "; 1 torn")
			seen[got]++
			const second = "intent r-2; outcome r-2 CONFIRMED"
			want, pending, failures := second, "", 1
			switch {
			case i != nil && strings.Contains(got, "outcome r-1"):
				want, failures = "intent r-1; outcome r-1 CONFIRMED; "+second, 0
			case i != nil:
				want, pending = "intent r-1; "+second, "r-1"
			}
			if got != want || full != failures || pendingIn(t, x.path) != pending {
				t.Errorf("room %d, intent %t: %s, %d failures, pending %s", room, i != nil, got, full, pendingIn(t, x.path))
			}
			if text, err := os.ReadFile(x.path); err != nil || text[len(text)-1] != '\n' || strings.Contains(x.log.String(), "canary") {
				t.Errorf("room %d: %v, %s", room, err, x.log)
			}
		}
		// The last byte of a line is its line break, which need not fit.
		if len(seen) != 3 || seen["intent r-1; outcome r-1 CONFIRMED; intent r-2; outcome r-2 CONFIRMED"] != 3 {
			t.Error(seen)
		}
	})
}

// The same where both lines are those of calls that wait for them, written at once.
func TestFullDiskWithinABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrote, line := map[string]int{}, 0
		for room := 0; room == 0 || room <= 2*line; room++ {
			x := open(t, "")
			gate := make(chan struct{})
			x.on(func(f file, b []byte) (int, error) {
				<-gate
				return f.Write(b)
			})
			errs := map[string]error{}
			var mu sync.Mutex
			var all sync.WaitGroup
			for _, id := range []string{"r-0", "r-1", "r-2"} {
				all.Go(func() {
					_, err := x.Intend(t.Context(), Call{RequestID: id})
					mu.Lock()
					defer mu.Unlock()
					errs[id] = err
				})
				synctest.Wait()
			}
			x.mu.Lock()
			line = len(x.queue[0].text)
			x.mu.Unlock()
			x.fills(room)
			close(gate)
			all.Wait()
			x.on(nil)
			x.brief(t, "r-3")
			x.Close()
			want := "intent r-0; intent r-1; intent r-2; intent r-3"
			for id, err := range errs {
				if err != nil {
					want = strings.Replace(want, "intent "+id+"; ", "", 1)
				}
			}
			got := strings.TrimSuffix(events(t, x.path), "; 1 torn")
			wrote[got]++
			if got != want {
				t.Errorf("room %d: got %s, want %s", room, got, want)
			}
		}
		if len(wrote) != 3 || wrote["intent r-0; intent r-3"] != line-1 || wrote["intent r-0; intent r-1; intent r-2; intent r-3"] != 2 {
			t.Error(wrote)
		}
	})
}

// A file that ends within a line, as after a crash of the machine, is gone on with on a fresh line.
func TestStartAfterATornLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		x.intend(t, "r-1")
		x.Close()
		text, err := os.ReadFile(x.path)
		if err != nil {
			t.Fatal(err)
		}
		for cut, want := range map[int]string{
			0: "intent r-1; intent r-2", 1: "intent r-1; intent r-2", // the line break
			2: "intent r-2; 1 torn", len(text) - 1: "intent r-2; 1 torn", len(text): "intent r-2",
		} {
			if err := os.WriteFile(x.path, text[:len(text)-cut], 0o600); err != nil {
				t.Fatal(err)
			}
			y := open(t, x.path)
			y.intend(t, "r-2")
			y.Close()
			if got := events(t, x.path); got != want {
				t.Errorf("without the last %d bytes: %s", cut, got)
			}
		}
	})
}

func TestMovedAndDeletedFiles(t *testing.T) {
	for _, c := range []struct {
		name, told string
		leave      func(path string) error
		before     string
	}{
		{"renamed", "level=INFO msg=\"the audit log was moved", func(path string) error { return os.Rename(path, path+".1") }, "intent r-1"},
		{"deleted", "level=WARN msg=\"the audit log was deleted", os.Remove, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := open(t, "")
				i := x.intend(t, "r-1")
				if err := c.leave(x.path); err != nil {
					t.Fatal(err)
				}
				i.End(end())
				x.intend(t, "r-2").End(end())
				x.Close()
				if got := events(t, x.path); got != "outcome r-1 CONFIRMED; intent r-2; outcome r-2 CONFIRMED" {
					t.Error(got)
				}
				if n := x.counted(t, "useradmin_audit_reopened_total"); n != 1 || strings.Count(x.log.String(), c.told) != 1 {
					t.Errorf("reopened %d times: %s", n, x.log)
				}
				if c.before == "" {
					return
				}
				if got := events(t, x.path+".1"); got != c.before {
					t.Error(got)
				}
				if got := pendingIn(t, x.path+".1", x.path); got != "" {
					t.Errorf("pending: %s", got)
				}
			})
		})
	}
}

// Somebody else writes to the file or shortens it: the next line stands alone, and what is gone is told.
func TestFileChangedByOthers(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(f *os.File, size int64) error
		told       int
	}{
		{"cut within a line", "intent r-1; intent r-2; outcome r-2 CONFIRMED; 1 torn", func(f *os.File, size int64) error { return f.Truncate(size - 30) }, 1},
		{"emptied", "intent r-2; outcome r-2 CONFIRMED", func(f *os.File, _ int64) error { return f.Truncate(0) }, 1},
		{"gone on with", "intent r-1; outcome r-1 CONFIRMED; intent r-2; outcome r-2 CONFIRMED; 1 torn", func(f *os.File, size int64) error {
			_, err := f.WriteAt([]byte("hello"), size)
			return err
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := open(t, "")
				x.intend(t, "r-1").End(end())
				synctest.Wait()
				f, err := os.OpenFile(x.path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = f.Close() }()
				size, err := f.Seek(0, io.SeekEnd)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.change(f, size); err != nil {
					t.Fatal(err)
				}
				x.intend(t, "r-2").End(end())
				x.Close()
				if got := events(t, x.path); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if got := strings.Count(x.log.String(), "the audit log was shortened"); got != c.told {
					t.Errorf("told %d times: %s", got, x.log)
				}
			})
		})
	}
}

// Without calls too, the path is looked at.
func TestMoveIsNoticedWithoutCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		if err := os.Remove(x.path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookPause + time.Millisecond)
		synctest.Wait()
		if _, err := os.Stat(x.path); err != nil || x.counted(t, "useradmin_audit_reopened_total") != 1 {
			t.Error(err)
		}
	})
}

// Where the new file cannot be opened there are no calls, until it can.
func TestNoNewFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		i := x.intend(t, "r-1")
		if err := os.Rename(x.path, x.path+".1"); err != nil {
			t.Fatal(err)
		}
		x.refuse(&os.PathError{Op: "open", Path: "canary", Err: syscall.EACCES})
		i.End(end())
		synctest.Wait()
		for range 3 {
			if i, err := x.Intend(t.Context(), call("r-2")); i != nil || !errors.Is(err, ErrUnavailable) {
				t.Error(i, err)
			}
		}
		x.failed(t, intent, openFailed, 3)
		x.failed(t, outcome, openFailed, 1)
		x.refuse(nil)
		x.intend(t, "r-3")
		x.Close()
		if got := events(t, x.path); got != "intent r-3" {
			t.Error(got)
		}
		if got := pendingIn(t, x.path+".1", x.path); got != "r-1 r-3" {
			t.Errorf("pending: %s", got)
		}
		if log := x.log.String(); !strings.Contains(log, `kind=open lines=1 problem="permission denied"`) || strings.Contains(log, "canary") {
			t.Error(log)
		}
	})
}
