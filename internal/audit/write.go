package audit

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"time"
)

// What waits for the disk. Each event has its share, so that a flood of denials takes no place from calls, and that a call
// which was made finds one for its outcome.
const (
	maxEntries = 8192
	maxBytes   = 4 << 20
	// maxLine is what pending reads as one line.
	maxLine = 64 << 10
	// keepBuffer is how large the buffer of the writer stays.
	keepBuffer = 256 << 10
)

// entry is a line on its way.
type entry struct {
	event event
	text  []byte
	// intent is set where somebody waits for the line.
	intent *Intent
	state  state
}

type state int

const (
	queued state = iota
	writing
	// late: it is being written, and its caller gave up.
	late
	written
	failed
)

// share is the part of the queue that an event can fill, in quarters.
func (e event) share() int {
	switch e {
	case denial, furtherDenials:
		return 2
	case intent:
		return 3
	default:
		return 4
	}
}

// push queues the entry, or says why it cannot.
func (l *Log) push(e *entry) kind {
	l.mu.Lock()
	defer l.mu.Unlock()
	share := e.event.share()
	switch {
	case l.closing:
		return closed
	case len(e.text) > maxLine:
		return tooLong
	case l.entries >= maxEntries*share/4, l.size+len(e.text) > maxBytes*share/4:
		return queueFull
	}
	l.queue = append(l.queue, e)
	l.entries++
	l.size += len(e.text)
	l.signal()
	return ""
}

func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// leave ends the wait for an intent, and returns what became of it. One that nobody writes yet is taken out.
func (l *Log) leave(e *entry) state {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.state {
	case queued:
		at := slices.Index(l.queue, e)
		l.queue = slices.Delete(l.queue, at, at+1)
		l.free(e)
	case writing:
		e.state = late
	}
	return e.state
}

func (l *Log) free(e *entry) {
	l.entries--
	l.size -= len(e.text)
}

// write writes what is queued, until the end.
func (l *Log) write() {
	defer close(l.ended)
	defer func() { _ = l.file.Close() }()
	look := time.NewTicker(lookPause)
	defer look.Stop()
	for {
		batch, ended := l.take()
		switch {
		case ended:
			return
		case len(batch) > 0:
			l.writeBatch(batch)
			continue
		}
		select {
		case <-l.wake:
		case <-look.C:
			if err := l.follow(); err != nil {
				l.fail("", openFailed, 0, err)
			}
		}
	}
}

// take takes all that is queued.
func (l *Log) take() (batch []*entry, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || l.closing && len(l.queue) == 0 {
		l.closing = true
		return nil, true
	}
	if len(l.queue) == 0 {
		return nil, false
	}
	batch, l.queue, l.spare = l.queue, l.spare, nil
	l.batch = batch
	for _, e := range batch {
		e.state = writing
	}
	return batch, false
}

// writeBatch writes the lines with one write, after a line break where the file ends within a line.
func (l *Log) writeBatch(batch []*entry) {
	if err := l.follow(); err != nil {
		l.settle(batch, 0, openFailed, err)
		return
	}
	b := l.buffer[:0]
	if l.torn {
		b = append(b, '\n')
	}
	begun := len(b)
	for _, e := range batch {
		b = append(b, e.text...)
	}
	n, err := l.file.Write(b)
	l.end += int64(n)
	if n > 0 {
		l.torn = b[n-1] != '\n'
	}
	if l.buffer = b; cap(b) > keepBuffer {
		l.buffer = nil
	}
	l.settle(batch, n-begun, kindOf(err), err)
}

// settle says which lines are in the file: those that are whole within the n bytes that were written. A line of which only
// the line break is missing is whole, since the next write begins with one.
func (l *Log) settle(batch []*entry, n int, why kind, err error) {
	lost := map[event]int{}
	l.mu.Lock()
	l.batch = nil
	var notSent []*entry
	end := 0
	for _, e := range batch {
		l.free(e)
		end += len(e.text)
		was := e.state
		if e.state = failed; n >= end-1 {
			e.state = written
			l.metrics.lines[e.event].Inc()
		}
		switch {
		case was == late && e.state == written:
			notSent = append(notSent, l.notSent(e.intent))
		case was == writing && e.state == failed && !l.over: // the others are counted: they are late, or Close gave up
			lost[e.event]++
		}
	}
	l.queue = slices.Insert(l.queue, 0, notSent...)
	l.mu.Unlock()
	for e, lines := range lost {
		l.fail(e, why, lines, err)
	}
	l.release(batch)
}

// release ends the waits for a batch, after all of it is counted.
func (l *Log) release(batch []*entry) {
	for _, e := range batch {
		if e.intent != nil {
			e.intent.done <- struct{}{}
		}
	}
	clear(batch)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spare = batch[:0]
}

// notSent is the outcome of an intent that is in the file although its call was not made. Its caller holds l.mu.
func (l *Log) notSent(i *Intent) *entry {
	i.last = entry{event: outcome, text: l.lines.outcome(time.Now(), i, End{Reason: reasonUnavailable, Outcome: outcomeNotSent})}
	l.entries++
	l.size += len(i.last.text)
	return &i.last
}

// use makes it the file that is written to.
func (l *Log) use(o *opened) { l.file, l.torn, l.end = o, o.torn, o.info.Size() }

// follow opens the path anew where it no longer leads to the file, as after a rotation.
func (l *Log) follow() error {
	at, err := os.Stat(l.config.Path)
	// A path such as /dev/stdout leads to a file that was deleted, too.
	if err == nil && os.SameFile(at, l.file.info) && !deleted(at) {
		l.compare(at.Size())
		return nil
	}
	next, err := l.config.open(l.config.Path)
	if err != nil {
		return err
	}
	if info, err := l.file.Stat(); err == nil && deleted(info) {
		l.config.Logger.Warn("the audit log was deleted: a new file is written")
	} else {
		l.config.Logger.Info("the audit log was moved: a new file is written")
	}
	l.metrics.reopened.Inc()
	_ = l.file.Close()
	l.use(next)
	return nil
}

// compare notices that somebody else changed the file: lines may be gone, and it may end within a line.
func (l *Log) compare(size int64) {
	if size == l.end {
		return
	}
	if size < l.end {
		l.config.Logger.Warn("the audit log was shortened: lines may be lost")
	}
	l.end, l.torn = size, size > 0
}

// kindOf says what is wrong with the disk.
func kindOf(err error) kind {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fullDisk
	}
	return writeFailed
}
