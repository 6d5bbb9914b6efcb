package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/cognitoclient"
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
func (s *Server) refuse(ctx context.Context, method string, verdict fair.Verdict, details bool) error {
	if method == grpc_health_v1.Health_Check_FullMethodName {
		s.noteRefusal(ctx, kindHealthBusy, slog.LevelWarn)
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
	}
	s.noteRefusal(ctx, kind, f.row.level)
	if !details {
		return status.Error(f.code, "too many refused calls; nobody reads their statuses")
	}
	return s.fit(f)
}

// noteRefusal counts a refusal, and logs one of them a second.
func (s *Server) noteRefusal(ctx context.Context, kind string, level slog.Level) {
	s.metrics.refused.WithLabelValues(kind).Inc()
	calls, due := s.refusals.add(kind, time.Now())
	if !due {
		return
	}
	line := []slog.Attr{slog.String("kind", kind), slog.Int("calls", calls)}
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		line = append(line, slog.String("peer", p.Addr.String()))
	}
	s.config.Logger.LogAttrs(ctx, level, "calls refused", line...)
}

// sampled says which of many events of a kind are logged: one a second.
type sampled struct {
	mu    sync.Mutex // guards kinds
	kinds map[string]sample
}

type sample struct {
	// last is when the last line was written, since how many events there were after it.
	last  time.Time
	since int
}

// add counts an event. When a line is due, it returns how many events there were since the last one.
func (s *sampled) add(kind string, now time.Time) (events int, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kinds == nil {
		s.kinds = map[string]sample{}
	}
	k := s.kinds[kind]
	k.since++
	events = k.since
	if due = now.Sub(k.last) >= time.Second; due {
		k = sample{last: now}
	}
	s.kinds[kind] = k
	return events, due
}
