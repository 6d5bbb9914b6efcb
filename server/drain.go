package server

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"
)

const (
	// readyPause is between two tries to become ready.
	readyPause = 2 * time.Second
	// haltNotice is how long before the end of a drain the handlers are cancelled, so that their statuses still leave.
	haltNotice = 2 * time.Second
)

// awaitReady sets the service's health to SERVING once there were credentials, and never back: if it followed AWS, all
// replicas would fall at once and callers would get bare statuses instead of detailed ones.
func (s *Server) awaitReady(ctx context.Context) {
	for s.config.Ready != nil {
		err := s.config.Ready(ctx)
		if err == nil {
			break
		}
		if ctx.Err() == nil {
			s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "not ready yet", slog.String("error", err.Error()))
		}
		select {
		case <-time.After(readyPause):
		case <-ctx.Done():
			return
		}
	}
	s.health.SetServingStatus(serviceName, grpc_health_v1.HealthCheckResponse_SERVING)
	s.config.Logger.LogAttrs(ctx, slog.LevelInfo, "ready")
}

// drain first lets load balancers see NOT_SERVING, then lets calls finish, then cancels those that still run; Hurry skips to
// the cancelling. It returns when no call is left, when the time after the cancelling is over, or when Stop is called.
func (s *Server) drain() {
	bound := time.NewTimer(s.config.DrainTimeout)
	defer bound.Stop()
	notice := min(haltNotice, s.config.DrainTimeout/2)
	patience := time.NewTimer(s.config.DrainTimeout - notice)
	defer patience.Stop()
	s.health.Shutdown()
	s.config.Logger.Info("draining", seconds("delay", s.config.DrainDelay), seconds("timeout", s.config.DrainTimeout))

	select {
	case <-time.After(s.config.DrainDelay):
	case <-s.hurried:
	case <-s.stopped:
		return
	}
	s.endStreams()
	defer time.AfterFunc(lastHandshakes, s.connections.endHandshakes).Stop()
	graceful := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(graceful)
	}()
	select {
	case <-graceful:
		return
	case <-patience.C:
	case <-s.hurried:
	case <-s.stopped:
		return
	}
	s.halt(stopping{})
	hurry := time.NewTimer(notice)
	defer hurry.Stop()
	select {
	case <-graceful:
		return
	case <-hurry.C:
	case <-bound.C: // sooner, if the delay took nearly all of the time
	case <-s.stopped:
		return
	}
	s.config.Logger.Warn("calls did not end in time, cutting those that remain")
}
