// Package audit keeps evidence of who asked for what: JSON lines in a file of their own. A call has one before it is carried
// out, without which it must not be, and one after it. docs/audit.md says what the lines mean and what they survive.
package audit

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// patience is how long a call waits for its intent to be written.
const patience = 250 * time.Millisecond

// closePatience is how long Close waits for the lines that are queued.
const closePatience = time.Second

// lookPause is how often the path is looked at where no line is written.
const lookPause = 10 * time.Second

// ErrUnavailable is why a call must not be made: there is no evidence of it.
var ErrUnavailable = errors.New("the audit log could not be written")

// Config is how a Log works.
type Config struct {
	Path string
	// Key is the key of the HMACs of usernames; at least 32 bytes.
	Key        []byte
	Logger     *slog.Logger
	Registerer prometheus.Registerer

	// open is openFile, unless a test has its own.
	open func(path string) (*opened, error)
}

// Call is what is known of a call before it is carried out. Pool must have the form of a pool's id, or be empty: a caller may
// have put a username there.
type Call struct {
	Caller, Authn, Method, Pool, Username, RequestID, Rule, Policy string
	Repeated                                                       bool
}

// End is how a call ended.
type End struct {
	Code, Reason, Outcome string
	Attempts              []Attempt
}

// Attempt is one at Cognito: OK or a reason, and Cognito's request id, which is empty where there was no response.
type Attempt struct{ Result, RequestID string }

// Log writes the lines. One goroutine writes to the file, so a disk that hangs holds up nobody else.
type Log struct {
	config  Config
	metrics *metrics
	failing failures
	lines   encoder
	denials denials
	ended   chan struct{}
	// wake has a value where there may be something to write.
	wake chan struct{}

	// file, torn, end and buffer belong to the goroutine that writes. torn says that the file ends within a line, end is its
	// size.
	file   *opened
	torn   bool
	end    int64
	buffer []byte

	mu    sync.Mutex // guards what follows, and the entries
	queue []*entry
	// batch is what is being written.
	batch []*entry
	// spare is the last batch, to be filled again.
	spare []*entry
	// size and entries are what is not written yet, that which is being written included.
	size, entries int
	closing, over bool
}

// Open opens the file, makes it if there is none, and locks it: two processes would tear each other's lines.
func Open(config Config) (*Log, error) {
	lines, err := newEncoder(config.Key)
	if err != nil {
		return nil, err
	}
	if config.open == nil {
		config.open = openFile
	}
	file, err := config.open(config.Path)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(config.Registerer)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	l := &Log{
		config: config, metrics: m, lines: lines,
		ended: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	l.use(file)
	l.failing.logger, l.failing.level = config.Logger, slog.LevelWarn
	go l.write()
	return l, nil
}

// Intent is a call whose intent is written. It needs an End.
type Intent struct {
	log *Log
	id  string
	// call are the call's fields, encoded.
	call []byte
	// line and last are the entries of both lines.
	line, last entry
	done       chan struct{} // has a value once line is settled
	once       sync.Once
}

// Intend returns once the intent is written. After an error the call must not be made: it is ErrUnavailable if the line could
// not be written within 250 ms, or that of the context.
func (l *Log) Intend(ctx context.Context, c Call) (*Intent, error) {
	i := &Intent{log: l, id: l.lines.newID(), call: l.lines.call(c), done: make(chan struct{}, 1)}
	i.line = entry{event: intent, text: l.lines.intent(time.Now(), i), intent: i}
	if why := l.push(&i.line); why != "" {
		return nil, l.noIntent(ErrUnavailable, why)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var why kind
	var err error
	select {
	case <-i.done:
	case <-timer.C:
		why, err = timedOut, ErrUnavailable
	case <-ctx.Done():
		why, err = gaveUp, ctx.Err()
		if errors.Is(err, context.DeadlineExceeded) { // the caller still waits, for the disk
			why = timedOut
		}
	}
	switch l.leave(&i.line) {
	case written:
		return i, nil
	case failed: // which is counted
		return nil, ErrUnavailable
	default:
		return nil, l.noIntent(err, why)
	}
}

func (l *Log) noIntent(err error, why kind) error {
	l.fail(intent, why, 1, nil)
	return err
}

// End queues the outcome. It never waits, and what cannot be written changes nothing for the call. The first one counts.
func (i *Intent) End(e End) {
	if i == nil {
		return
	}
	i.once.Do(func() {
		i.last = entry{event: outcome, text: i.log.lines.outcome(time.Now(), i, e)}
		i.log.put(&i.last)
	})
}

// Deny queues the line of a call that was refused. It never waits, and the call stays refused whatever becomes of the line. A
// caller gets ten lines a second; the rest is counted, and told in one line after that second.
func (l *Log) Deny(c Call, reason string) {
	if !l.admit(c) {
		return
	}
	l.put(&entry{event: denial, text: l.lines.denial(time.Now(), l.lines.newID(), c, reason)})
}

// put queues a line that nobody waits for.
func (l *Log) put(e *entry) {
	if why := l.push(e); why != "" {
		l.fail(e.event, why, 1, nil)
	}
}

// Close writes what is queued, for at most a second. Lines that come later fail.
func (l *Log) Close() {
	l.tellDenials()
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.signal()
	timer := time.NewTimer(closePatience)
	defer timer.Stop()
	select {
	case <-l.ended:
	case <-timer.C:
		l.giveUp()
	}
	l.failing.tell()
}

// giveUp counts the lines that the disk has not taken.
func (l *Log) giveUp() {
	lost := map[event]int{}
	l.mu.Lock()
	l.over = true
	for _, e := range slices.Concat(l.batch, l.queue) {
		if e.state != late { // which is counted
			lost[e.event]++
		}
	}
	l.mu.Unlock()
	for e, lines := range lost {
		l.fail(e, closed, lines, nil)
	}
}

// opened is a file to append to.
type opened struct {
	file
	// info says which file it was when it was opened.
	info os.FileInfo
	// torn says that it ends within a line.
	torn bool
}

// file is what Log needs of an os.File.
type file interface {
	Write([]byte) (int, error)
	Stat() (os.FileInfo, error)
	Close() error
}
