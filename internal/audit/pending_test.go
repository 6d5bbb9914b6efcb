package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func TestPendingReadsTornFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		for n := range 4 {
			if i := x.intend(t, fmt.Sprint("r-", n)); n%2 == 0 {
				i.End(end())
			}
		}
		x.Deny(call("r-5"), "CALLER_NOT_ALLOWED")
		x.Close()
		text, err := os.ReadFile(x.path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(text), "\n")
		long := lineStart + strings.Repeat("x", 5*maxLine) + "\n"
		for _, c := range []struct {
			name, text, pending string
			outcomes            int
			early, torn, other  int
			err                 error
		}{
			{"whole", string(text), "r-1 r-3", 2, 0, 0, 0, nil},
			{"empty", "", "", 0, 0, 0, 0, nil},
			{"no last break", strings.TrimSuffix(string(text), "\n"), "r-1 r-3", 2, 0, 0, 0, nil},
			{"torn at the end", lines[0] + lines[1] + lines[2][:50], "", 1, 0, 1, 0, nil},
			{"torn outcome", lines[0] + lines[1][:50] + "\n" + lines[2], "r-0 r-1", 0, 0, 1, 0, nil},
			{"nothing but a torn line", lines[0][:50], "", 0, 0, 1, 0, nil},
			{"the first bytes", lines[0][:3], "", 0, 0, 1, 0, nil},
			{"an empty line", lines[0] + "\n" + lines[1], "", 1, 0, 0, 0, nil},
			{"too long", lines[0] + long + lines[1], "", 1, 0, 1, 0, nil},
			{"too long at the end", lines[0] + long[:len(long)-1], "r-0", 0, 0, 1, 0, nil},
			{"an outcome alone", lines[1] + lines[2], "r-1", 0, 1, 0, 0, nil},
			{"after a torn line", lines[0][:50] + lines[2], "r-1", 0, 0, 1, 0, nil},
			{"after a whole line", lines[0][:len(lines[0])-1] + lines[2] + lines[1], "r-1", 1, 0, 0, 0, nil},
			{"after something else", "hello" + lines[2], "r-1", 0, 0, 0, 1, nil},
			{"something else in between", lines[0] + "hello\n" + `{"time":"x","msg":"call"}` + "\n" + lines[1], "", 1, 0, 0, 2, nil},
			{"another log", `{"time":"x","msg":"call"}` + "\n", "", 0, 0, 0, 1, ErrNoAudit},
			{"another type", `{"event":1}` + "\n", "", 0, 0, 0, 1, ErrNoAudit},
			{"text", "hello\nworld", "", 0, 0, 0, 2, ErrNoAudit},
			{"binary", strings.Repeat("\x00\xff", 3*maxLine), "", 0, 0, 0, 1, ErrNoAudit},
		} {
			var p Pending
			err := p.Read(iotest.OneByteReader(strings.NewReader(c.text)))
			var ids []string
			for _, text := range p.Lines() {
				_, id, _ := bytes.Cut(text, []byte(`"request_id":"`))
				id, _, _ = bytes.Cut(id, []byte(`"`))
				ids = append(ids, string(id))
			}
			if got := strings.Join(ids, " "); got != c.pending || p.Outcomes != c.outcomes || p.Early != c.early || p.Torn != c.torn ||
				p.Foreign != c.other || !errors.Is(err, c.err) {
				t.Errorf("%s: %q, %+v, %v", c.name, got, []int{p.Outcomes, p.Early, p.Torn, p.Foreign}, err)
			}
		}
		broken := errors.New("broken")
		if err := new(Pending).Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
			t.Error(err)
		}
	})
}

// Two files that belong together are one.
func TestPendingReadsRotatedFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		i, _ := x.intend(t, "r-1"), x.intend(t, "r-2")
		if err := os.Rename(x.path, x.path+".1"); err != nil {
			t.Fatal(err)
		}
		i.End(end())
		x.Close()
		if got := pendingIn(t, x.path+".1", x.path); got != "r-2" {
			t.Error(got)
		}
		if got := pendingIn(t, x.path, x.path+".1"); got != "r-2" {
			t.Errorf("in the wrong order: %s", got)
		}
		if got := pendingIn(t, x.path+".1"); got != "r-1 r-2" {
			t.Error(got)
		}
	})
}

// generator is a file of so many calls, made while it is read. Of every so many, one has no outcome.
type generator struct {
	encoder

	calls, lost, made int
	rest              []byte
}

func (g *generator) Read(b []byte) (int, error) {
	if len(g.rest) == 0 {
		if g.made == g.calls {
			return 0, io.EOF
		}
		i := &Intent{id: g.newID(), call: g.call(call(fmt.Sprint(g.made)))}
		g.rest = g.intent(time.Unix(0, 0), i)
		if g.made%g.lost != 0 {
			g.rest = append(g.rest, g.outcome(time.Unix(0, 0), i, end())...)
		}
		g.made++
	}
	n := copy(b, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// A large file takes no more memory than its open intents.
func TestPendingIsBounded(t *testing.T) {
	e, err := newEncoder(testKey)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var p Pending
	if err := p.Read(&generator{encoder: e, calls: 5000, lost: 1000}); err != nil || len(p.Lines()) != 5 || p.Outcomes != 4995 {
		t.Errorf("%v, %d, %d", err, len(p.Lines()), p.Outcomes)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 1<<20 { //nolint:gosec // the heap is no exbibyte
		t.Errorf("it holds %d bytes", held)
	}
	runtime.KeepAlive(&p)
	few := Pending{limit: 100}
	if err := few.Read(&generator{encoder: e, calls: 100, lost: 1}); err != nil {
		t.Error(err)
	}
	if err := few.Read(&generator{encoder: e, calls: 1, lost: 1}); err == nil || !strings.Contains(err.Error(), "too many intents") {
		t.Error(err)
	}
}
