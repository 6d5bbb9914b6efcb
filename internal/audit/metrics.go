package audit

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// event is what a line tells.
type event string

const (
	intent  event = "intent"
	outcome event = "outcome"
	denial  event = "denial"
	// furtherDenials counts those that have no lines of their own.
	furtherDenials event = "denials"
)

// kind is why a line was not written.
type kind string

const (
	fullDisk    kind = "full_disk"
	writeFailed kind = "write"
	openFailed  kind = "open"
	timedOut    kind = "timed_out"
	gaveUp      kind = "gave_up"
	queueFull   kind = "queue_full"
	tooLong     kind = "too_long"
	closed      kind = "closed"
)

type metrics struct {
	lines    map[event]prometheus.Counter
	failures *prometheus.CounterVec
	reopened prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	lines := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "useradmin_audit_lines_total",
		Help: "Lines that were written to the audit log, by event.",
	}, []string{"event"})
	m := &metrics{
		lines: map[event]prometheus.Counter{},
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "useradmin_audit_failures_total",
			Help: "Lines that were not written to the audit log, by event and by why.",
		}, []string{"event", "kind"}),
		reopened: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "useradmin_audit_reopened_total",
			Help: "How often the file of the audit log was opened anew, because it was moved or deleted.",
		}),
	}
	for _, c := range []prometheus.Collector{lines, m.failures, m.reopened} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	// All begin at 0: a rate does not see a series that begins at 1.
	for _, e := range []event{intent, outcome, denial, furtherDenials} {
		m.lines[e] = lines.WithLabelValues(string(e))
		for _, k := range []kind{fullDisk, writeFailed, openFailed, queueFull, tooLong, closed} {
			m.failures.WithLabelValues(string(e), string(k))
		}
	}
	for _, k := range []kind{timedOut, gaveUp} {
		m.failures.WithLabelValues(string(intent), string(k))
	}
	return m, nil
}

// failurePause is the least time between two lines of the log about failures.
const failurePause = time.Second

// failures are told in the log at most once a second.
type failures struct {
	logger *slog.Logger
	mu     sync.Mutex // guards what follows
	// due says that a line is on its way, lines how many failed since the last one, level how bad the worst is, kind and problem
	// why the latest did.
	due     bool
	lines   int
	level   slog.Level
	kind    kind
	problem string
}

// fail counts lines that were not written. That a caller left is no failure of the audit log, and is not told.
func (l *Log) fail(e event, why kind, lines int, err error) {
	if lines > 0 {
		l.metrics.failures.WithLabelValues(string(e), string(why)).Add(float64(lines))
	}
	if why != gaveUp {
		l.failing.add(levelOf(e), why, lines, problemOf(err))
	}
}

// levelOf is that of the service's log: without an intent a call fails, without another line evidence is missing.
func levelOf(lost event) slog.Level {
	if lost == intent {
		return slog.LevelError
	}
	return slog.LevelWarn
}

// add tells the first failure at once, and those of the next second after it.
func (f *failures) add(level slog.Level, why kind, lines int, problem string) {
	f.mu.Lock()
	f.lines += lines
	f.level = max(f.level, level)
	f.kind, f.problem = why, problem
	due := f.due
	f.due = true
	f.mu.Unlock()
	if !due {
		f.tell()
	}
}

// tell writes a line about the failures since the last one, if there are any.
func (f *failures) tell() {
	f.mu.Lock()
	level, why, lines, problem := f.level, f.kind, f.lines, f.problem
	f.level, f.kind, f.lines, f.problem = slog.LevelWarn, "", 0, ""
	f.due = why != ""
	f.mu.Unlock()
	if why == "" {
		return
	}
	time.AfterFunc(failurePause, f.tell)
	line := []slog.Attr{slog.String("kind", string(why)), slog.Int("lines", lines)}
	if problem != "" {
		line = append(line, slog.String("problem", problem))
	}
	f.logger.LogAttrs(context.Background(), level, "the audit log is not written", line...)
}

// problemOf is the error without the path, if it is one of the system.
func problemOf(err error) string {
	if err == nil {
		return ""
	}
	var number syscall.Errno
	var path *fs.PathError
	switch {
	case errors.As(err, &number):
		return number.Error()
	case errors.As(err, &path):
		return path.Err.Error()
	default:
		return err.Error()
	}
}
