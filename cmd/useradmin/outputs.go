package main

import (
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cognito.internal/useradmin/internal/logqueue"
)

const (
	// outputBytes is how much of each output waits for its reader.
	outputBytes = 4 << 20
	// flushTimeout is how long the end of the process waits for readers.
	flushTimeout = time.Second
)

// unblocked runs a service whose outputs are queued: a reader that is slow, hangs or dies cannot stop it. The error that ends
// it goes through the queue too, in the log's format.
func unblocked(std streams, format string, serve func(std streams, log *logqueue.Queue) error) error {
	catchBrokenPipes()
	out, log := logqueue.New(std.Out, outputBytes), logqueue.New(std.Err, outputBytes)
	code := fail(log, inFormat(format, serve(streams{out, log}, log)))
	var flushed sync.WaitGroup
	for _, q := range []*logqueue.Queue{out, log} {
		flushed.Go(func() { q.Close(flushTimeout) })
	}
	flushed.Wait()
	if code == 0 {
		return nil
	}
	return exitCode(code)
}

// lastWords reports the error of a command that does not begin. Nobody need read it.
func lastWords(w io.Writer, err error) int {
	catchBrokenPipes()
	q := logqueue.New(w, outputBytes)
	defer q.Close(flushTimeout)
	return fail(q, err)
}

// catchBrokenPipes: Go ends a process that writes to a closed stdout or stderr, unless it wants to be told. Ignoring the signal
// would also work, but a credential_process would inherit that.
func catchBrokenPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// tellLosses counts the log's lost lines and tells of them in the log, once it is written again.
func (s *service) tellLosses(log *logqueue.Queue) error {
	log.TellLost(func(lines uint64) {
		s.logger.Warn("log lines were lost", slog.Uint64("lines", lines))
	})
	return s.registry.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "useradmin_log_lines_dropped_total",
		Help: "Lines of the log that were lost, because nobody read them in time or at all.",
	}, func() float64 { return float64(log.Lost()) }))
}
