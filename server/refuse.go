package server

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/fair"
)

// The kinds of calls that are refused before a stream begins.
const (
	kindCallerBusy = "caller_busy"
	kindOverloaded = "overloaded"
	kindHealthBusy = "health_busy"
	kindHeaders    = "too_many_headers"
)

// refuse makes the status of a call that got no place. It has no trailers: before a stream there are none.
func (s *Server) refuse(ctx context.Context, method string, from caller, verdict fair.Verdict, details bool) error {
	if method == grpc_health_v1.Health_Check_FullMethodName {
		s.noteRefusal(ctx, kindHealthBusy, from, slog.LevelWarn)
		return status.Error(codes.ResourceExhausted, "too many health checks at once")
	}
	cause, kind := cognitoclient.CallerBusy, kindCallerBusy
	if verdict == fair.Full {
		cause, kind = cognitoclient.Overloaded, kindOverloaded
	}
	r := s.newRecord(ctx, method)
	f := s.newFailure(ctx, r, nil, cognitoclient.Refused(cause, r.repeated))
	if r.rpc != nil {
		s.metrics.calls.WithLabelValues(r.rpc.name, f.code.String(), f.reason(), f.outcome.String()).Inc()
		s.countCaller(from, f.code.String(), f.reason())
	}
	s.noteRefusal(ctx, kind, from, f.row.level)
	if !details {
		return status.Error(f.code, "too many refused calls; nobody reads their statuses")
	}
	return s.fit(f)
}

// noteRefusal counts a refusal, and logs them once a second.
func (s *Server) noteRefusal(ctx context.Context, kind string, by caller, level slog.Level) {
	s.metrics.refused.WithLabelValues(kind).Inc()
	var from net.Addr
	if p, ok := peer.FromContext(ctx); ok {
		from = p.Addr
	}
	s.sample(kind, func(calls int) {
		line := appendText(eventLine(kind, "calls", calls, from), "caller", by.id)
		s.config.Logger.LogAttrs(context.Background(), level, "calls refused", line...)
	})
}

// noteHandshake counts a handshake that failed, and logs them once a second. Probes that only connect are many and harmless.
func (s *Server) noteHandshake(err error, from net.Addr) {
	kind, level := kindOf(err), slog.LevelInfo
	s.metrics.handshakes.WithLabelValues(kind).Inc()
	if kind == authn.Cut {
		level = slog.LevelDebug
	}
	s.sample(kind, func(handshakes int) {
		line := eventLine(kind, "handshakes", handshakes, from)
		s.config.Logger.LogAttrs(context.Background(), level, "handshakes failed", line...)
	})
}

func eventLine(kind, counted string, events int, from net.Addr) []slog.Attr {
	line := []slog.Attr{slog.String("kind", kind), slog.Int(counted, events)}
	if from != nil {
		line = appendText(line, "peer", from.String())
	}
	return line
}

// sample counts an event, and tells how many there were of its kind, at most once a second.
func (s *Server) sample(kind string, tell func(events int)) {
	wait, due := s.refusals.add(kind, time.Now())
	if !due {
		return
	}
	report := func() { tell(s.refusals.take(kind, time.Now())) }
	if wait <= 0 {
		report()
		return
	}
	time.AfterFunc(wait, report)
}

// refusalPause is the least time between two lines about refusals of a kind.
const refusalPause = time.Second

// sampled counts events that are logged together.
type sampled struct {
	mu    sync.Mutex // guards kinds
	kinds map[string]sample
}

type sample struct {
	// last is when the last line was written, since how many events there were after it.
	last  time.Time
	since int
	// due says that a line is on its way.
	due bool
}

// add counts an event. It reports whether a line is due for it and those that follow, and after which time.
func (s *sampled) add(kind string, now time.Time) (wait time.Duration, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kinds == nil {
		s.kinds = map[string]sample{}
	}
	k := s.kinds[kind]
	k.since++
	due, k.due = !k.due, true
	s.kinds[kind] = k
	return k.last.Add(refusalPause).Sub(now), due
}

// take returns how many events there were since the last line.
func (s *sampled) take(kind string, now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.kinds[kind].since
	s.kinds[kind] = sample{last: now}
	return events
}
