package logqueue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// reader is a writer that takes what comes only while it is told to, and answers with its error.
type reader struct {
	mu     sync.Mutex
	reads  chan struct{} // nil: always
	writes []string
	err    error
}

func (r *reader) Write(p []byte) (int, error) {
	if r.reads != nil {
		<-r.reads
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	r.writes = append(r.writes, string(p))
	return len(p), nil
}

func (r *reader) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.writes, "")
}

func (r *reader) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// line is one of 100 bytes.
func line(number int) string { return fmt.Sprintf("%099d\n", number) }

func put(q *Queue, from, to int) {
	for i := from; i < to; i++ {
		_, _ = io.WriteString(q, line(i))
	}
}

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(line(i))
	}
	return b.String()
}

// With a reader that reads nothing, the queue takes its bytes and not one more, and no write waits.
func TestWhatDoesNotFitIsLostAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{reads: make(chan struct{})}
		q := New(r, 1000)
		q.TellLost(func(n uint64) { _, _ = fmt.Fprintf(q, "%d lost\n", n) })
		put(q, 0, 15)
		synctest.Wait() // the first chunk is being written
		put(q, 15, 17)
		if _, err := q.Write(nil); err != nil {
			t.Error(err)
		}
		if got := q.Lost(); got != 7 {
			t.Errorf("%d lines are lost, want 7", got)
		}
		close(r.reads)
		synctest.Wait()
		if got, want := r.text(), lines(0, 10)+"7 lost\n"; got != want {
			t.Errorf("written:\n%swant:\n%s", got, want)
		}
		put(q, 20, 30)
		q.Close(time.Second)
		if got, want := r.text(), lines(0, 10)+"7 lost\n"+lines(20, 30); got != want {
			t.Errorf("written:\n%swant:\n%s", got, want)
		}
		if got := q.Lost(); got != 7 {
			t.Errorf("%d lines are lost, want 7", got)
		}
	})
}

// The losses are told once half of the queue is free, not for each line that fits again.
func TestLossesAreToldSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{reads: make(chan struct{})}
		const chunks = 10
		q := New(r, chunks*chunkBytes)
		var told []uint64
		q.TellLost(func(n uint64) { told = append(told, n) })
		whole := strings.Repeat("x", chunkBytes)
		for range chunks {
			_, _ = io.WriteString(q, whole)
		}
		for range 20 {
			put(q, 0, 1) // does not fit
			r.reads <- struct{}{}
			synctest.Wait()
			_, _ = io.WriteString(q, whole)
		}
		for range chunks/2 - 1 {
			r.reads <- struct{}{}
			synctest.Wait()
		}
		if len(told) != 0 || q.Lost() != 20 {
			t.Errorf("more than half full: told %d, lost %d", told, q.Lost())
		}
		r.reads <- struct{}{}
		synctest.Wait()
		if len(told) != 1 || told[0] != 20 {
			t.Errorf("half full: told %d", told)
		}
		close(r.reads)
		q.Close(time.Second)
	})
}

// A reader that died loses lines and nothing else; who comes after it is told.
func TestReaderThatDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{}
		q := New(r, 1000)
		q.TellLost(func(n uint64) { _, _ = fmt.Fprintf(q, "%d lost\n", n) })
		r.fail(errors.New("broken pipe"))
		for i := range 50 {
			put(q, i, i+1)
			synctest.Wait()
		}
		if got := q.Lost(); got != 50 {
			t.Errorf("%d lines are lost, want 50", got)
		}
		r.fail(nil)
		put(q, 50, 51)
		q.Close(time.Second)
		if got, want := r.text(), lines(50, 51)+"50 lost\n"; got != want {
			t.Errorf("written:\n%swant:\n%s", got, want)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{reads: make(chan struct{})}
		q := New(r, 1000)
		put(q, 0, 3)
		began := time.Now()
		q.Close(time.Second)
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %s", took)
		}
		put(q, 3, 5)
		if got := q.Lost(); got != 2 {
			t.Errorf("%d lines are lost, want the 2 that came after the end", got)
		}
		close(r.reads)
	})
}

// A slow reader gets everything if it needs less than the timeout, and nobody waits longer than it needs.
func TestCloseWaitsForASlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{reads: make(chan struct{})}
		q := New(r, 100*chunkBytes)
		put(q, 0, 90)
		go func() {
			time.Sleep(700 * time.Millisecond)
			close(r.reads)
		}()
		began := time.Now()
		q.Close(time.Second)
		if took := time.Since(began); took != 700*time.Millisecond || r.text() != lines(0, 90) {
			t.Errorf("took %s, written:\n%s", took, r.text())
		}
	})
}

// Lines of many writers stay whole, and those of each stay in order; no write has part of a line or more than a pipe takes
// at once, unless one line is longer.
func TestLinesAreWholeAndInOrder(t *testing.T) {
	const writers, each = 8, 500
	r := &reader{}
	q := New(r, 1<<20)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				_, _ = fmt.Fprintf(q, "%d %d %s\n", w, i, strings.Repeat("x", i*w%400))
			}
		})
	}
	all.Wait()
	long := strings.Repeat("y", 3*chunkBytes) + "\n"
	_, _ = io.WriteString(q, long)
	q.Close(time.Minute)
	for _, text := range r.writes {
		if !strings.HasSuffix(text, "\n") || len(text) > chunkBytes && text != long {
			t.Fatalf("a write of %d bytes: %q", len(text), text)
		}
	}
	var next [writers]int
	for text := range strings.Lines(strings.TrimSuffix(r.text(), long)) {
		var w, i int
		if _, err := fmt.Sscanf(text, "%d %d", &w, &i); err != nil || next[w] != i {
			t.Fatalf("line %q, want number %d", text, next[w])
		}
		next[w]++
	}
	if got := bytes.Count([]byte(r.text()), []byte("\n")); got != writers*each+1 || q.Lost() != 0 {
		t.Errorf("%d lines, %d lost", got, q.Lost())
	}
}

// Where the reader keeps up, neither lines nor chunks allocate.
func TestWriteAllocatesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const chunks = 1000
		q := New(io.Discard, 1<<20)
		text := []byte(line(1))
		fill := func() {
			for range chunkBytes / len(text) {
				_, _ = q.Write(text)
			}
			synctest.Wait() // the chunk is written
		}
		fill()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range chunks {
			fill()
		}
		runtime.ReadMemStats(&after)
		if got := after.Mallocs - before.Mallocs; got > chunks/10 { // the runtime itself has a few
			t.Errorf("%d allocations for %d chunks", got, chunks)
		}
		q.Close(time.Minute)
	})
}

// partial is a writer that takes so many bytes, then fails so often, then takes everything.
type partial struct {
	reader

	takes, fails int
	with         error
}

func (p *partial) Write(b []byte) (int, error) {
	if p.fails == 0 {
		return p.reader.Write(b)
	}
	p.fails--
	n := min(p.takes, len(b))
	p.takes -= n
	_, _ = p.reader.Write(b[:n])
	if n == len(b) {
		return n, nil
	}
	return n, p.with
}

// A disk that is full in the middle of a line costs that line and those that follow, no others, and each is counted.
func TestNoLineIsTornIntoTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &partial{takes: 150, fails: 1000, with: errors.New("no space")}
		q := New(w, 1<<20)
		put(q, 0, 3)
		synctest.Wait()
		put(q, 3, 4)
		synctest.Wait()
		w.fails = 0 // there is room again
		put(q, 4, 5)
		q.Close(time.Second)
		if want := lines(0, 1) + line(1)[:50] + "\n" + lines(4, 5); w.text() != want {
			t.Errorf("got %q, want %q", w.text(), want)
		}
		if lost := q.Lost(); lost != 3 {
			t.Errorf("%d lines are lost, want 3", lost)
		}
	})
}

// Somebody else may have set the pipe not to block: nothing is lost, and nothing is written twice.
func TestPipeThatDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &partial{takes: 150, fails: 20, with: syscall.EAGAIN}
		q := New(w, 1<<20)
		put(q, 0, 5)
		q.Close(time.Second)
		if w.text() != lines(0, 5) || q.Lost() != 0 {
			t.Errorf("%d lines are lost, got %q", q.Lost(), w.text())
		}
	})
}
