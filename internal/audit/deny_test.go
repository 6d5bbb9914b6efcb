package audit

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// perCaller counts the lines of denials, and what the lines that count tell.
func perCaller(t *testing.T, path string) (lines, told map[string]int) {
	t.Helper()
	lines, told = map[string]int{}, map[string]int{}
	all, torn := read(t, path)
	for _, l := range all {
		switch {
		case torn > 0, l.Decision != denied, l.Time < l.Since:
			t.Error(l, torn)
		case l.Event == string(denial):
			lines[l.Caller]++
		default:
			told[l.Caller] += l.Count
		}
	}
	return lines, told
}

// A caller's denials beyond ten in a second are counted, and each caller's in a line of its own.
func TestDenialsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		deny := func(caller string, times int) {
			for range times {
				c := call("r")
				c.Caller = caller
				x.Deny(c, "CALLER_NOT_ALLOWED")
			}
		}
		deny("a", 10)
		deny("b", 25)
		time.Sleep(denialPause - time.Millisecond)
		deny("a", 1)
		synctest.Wait()
		if lines, told := perCaller(t, x.path); lines["a"] != 10 || lines["b"] != 10 || len(told) != 0 {
			t.Error(lines, told)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if lines, told := perCaller(t, x.path); lines["a"] != 10 || lines["b"] != 10 || told["a"] != 1 || told["b"] != 15 {
			t.Error(lines, told)
		}
		time.Sleep(denialPause)
		deny("b", 12)
		x.Close() // tells what is counted
		if lines, told := perCaller(t, x.path); lines["b"] != 20 || told["b"] != 17 {
			t.Error(lines, told)
		}
		const want = `{"time":"2000-01-01T00:00:01.000Z","event":"denials","id":"ID","caller":"b","authn":"mtls","decision":"deny",` +
			`"count":15,"since":"2000-01-01T00:00:00.000Z"}`
		if text, err := os.ReadFile(x.path); err != nil || !containsLine(string(text), want) {
			t.Errorf("%v: %s", err, text)
		}
	})
}

// Callers beyond a thousand in a second are counted together.
func TestCallersOfDenialsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		const callers = 1500
		for n := range callers * 3 {
			c := call("r")
			c.Caller = fmt.Sprint("caller-", n%callers)
			x.Deny(c, "CALLER_NOT_ALLOWED")
			synctest.Wait()
		}
		kept := func() int {
			x.denials.mu.Lock()
			defer x.denials.mu.Unlock()
			return len(x.denials.callers)
		}
		if kept() != denialCallers+1 {
			t.Errorf("%d callers are kept", kept())
		}
		time.Sleep(denialPause)
		x.Close()
		lines, told := perCaller(t, x.path)
		sum := told[others]
		for _, n := range lines {
			sum += n
		}
		if sum != 3*callers || told[others] != 3*(callers-denialCallers)-denialLines || len(told) != 1 || kept() != 0 {
			t.Errorf("%d lines and counts, told %v", sum, told)
		}
	})
}
