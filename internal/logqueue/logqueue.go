// Package logqueue queues a log, so that a slow reader never blocks the writer.
package logqueue

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"
	"syscall"
	"time"
)

// chunkBytes is how much is written at once. On Linux a pipe takes this much in one piece, whoever else writes to it (PIPE_BUF).
const chunkBytes = 4 << 10

// spareChunks is how many written chunks are kept to be filled again.
const spareChunks = 8

// fullPause is how long a pipe that does not block, as somebody else has set it, gets to become free.
const fullPause = 10 * time.Millisecond

// Queue is a writer that never blocks and never fails: one goroutine writes to the real one. What does not fit into the
// queue is lost and counted. Each Write is a line, or a few; its text is written whole and in order.
type Queue struct {
	w     io.Writer
	limit int
	ended chan struct{}
	// torn says that the last write ended within a line. It belongs to the goroutine that writes.
	torn bool

	mu sync.Mutex
	// more is signalled when there is something to write, or no more to come.
	more   sync.Cond
	chunks []chunk
	spare  []chunk
	// size is how many bytes are not written yet, those that are being written included.
	size    int
	closing bool
	over    bool

	// lost is how many lines were lost, told how many of them tell knows of.
	lost, told uint64
	tell       func(lines uint64)
}

// chunk is whole lines.
type chunk struct {
	text  []byte
	lines uint64
}

// New makes a queue of that many bytes in front of a writer. Close ends it.
func New(w io.Writer, limit int) *Queue {
	q := &Queue{w: w, limit: limit, ended: make(chan struct{})}
	q.more.L = &q.mu
	go q.write()
	return q
}

// TellLost sets what is told how many lines were lost, as soon as lines are written again and half of the queue is free. It
// may write to the queue.
func (q *Queue) TellLost(tell func(lines uint64)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tell = tell
}

// Lost is how many lines were lost: they did not fit, could not be written, or came after the end.
func (q *Queue) Lost() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost
}

// Write takes a copy of the line.
func (q *Queue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over || len(line) > q.limit-q.size {
		q.lost++
		return len(line), nil
	}
	q.size += len(line)
	last := len(q.chunks) - 1
	if last < 0 || len(q.chunks[last].text)+len(line) > chunkBytes {
		q.chunks = append(q.chunks, q.empty())
		last++
	}
	q.chunks[last].text = append(q.chunks[last].text, line...)
	q.chunks[last].lines++
	q.more.Signal()
	return len(line), nil
}

// empty is a chunk without lines.
func (q *Queue) empty() chunk {
	last := len(q.spare) - 1
	if last < 0 {
		return chunk{text: make([]byte, 0, chunkBytes)}
	}
	c := q.spare[last]
	q.spare = q.spare[:last]
	return c
}

// write writes chunk by chunk, until the queue is closing and empty.
func (q *Queue) write() {
	defer close(q.ended)
	for {
		c, ok := q.next()
		if !ok {
			return
		}
		n, err := q.put(c.text)
		if err != nil {
			c.lines -= min(c.lines, uint64(bytes.Count(c.text[:n], []byte{'\n'}))) //nolint:gosec // a count
		}
		if tell, lines := q.written(c, err); lines > 0 {
			tell(lines)
		}
	}
}

// put writes the text, after a line break where the last write ended within a line. It returns how much of the text was
// written.
func (q *Queue) put(text []byte) (n int, err error) {
	if q.torn {
		if _, err := q.w.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		q.torn = false
	}
	for {
		wrote, err := q.w.Write(text[n:])
		n += wrote
		switch {
		case err == nil:
			return n, nil
		case !errors.Is(err, syscall.EAGAIN):
			q.torn = n > 0 && text[n-1] != '\n'
			return n, err
		}
		time.Sleep(fullPause)
	}
}

// next waits for the oldest chunk.
func (q *Queue) next() (chunk, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.chunks) == 0 {
		if q.closing {
			q.over = true
			return chunk{}, false
		}
		q.more.Wait()
	}
	c := q.chunks[0]
	q.chunks = slices.Delete(q.chunks, 0, 1)
	return c, true
}

// written frees the chunk's bytes. It returns how many lost lines are to be told now: only where something was written, or
// a reader that died would be told for ever.
func (q *Queue) written(c chunk, err error) (tell func(uint64), lines uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.size -= len(c.text)
	if cap(c.text) == chunkBytes && len(q.spare) < spareChunks {
		q.spare = append(q.spare, chunk{text: c.text[:0]})
	}
	if err != nil {
		q.lost += c.lines
		return nil, 0
	}
	if q.tell == nil || q.size > q.limit/2 {
		return nil, 0
	}
	lines = q.lost - q.told
	q.told = q.lost
	return q.tell, lines
}

// Close waits until all is written, but no longer than the timeout. Lines that come later are lost.
func (q *Queue) Close(timeout time.Duration) {
	q.mu.Lock()
	q.closing = true
	q.more.Signal()
	q.mu.Unlock()
	select {
	case <-q.ended:
	case <-time.After(timeout):
		q.mu.Lock()
		q.over = true
		q.mu.Unlock()
	}
}
