package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The bounds of the admin server, whose address the network may reach.
const (
	adminConnections = 32
	adminScrapes     = 4
	adminHeaderBytes = 8 << 10
	adminReadTimeout = 5 * time.Second
	adminTimeout     = 10 * time.Second
)

// admin serves what operators and probes look at: metrics and health, nothing of users. Nil serves nothing.
type admin struct {
	lis  net.Listener
	http *http.Server
}

func newAdmin(at listenAddress, registry *prometheus.Registry, ready func() bool) (*admin, error) {
	if at.address == "" {
		return nil, nil //nolint:nilnil // nil is a good admin that serves nothing
	}
	lis, err := at.listen()
	if err != nil {
		return nil, err
	}
	return &admin{lis: lis, http: adminServer(registry, ready)}, nil
}

func adminServer(registry *prometheus.Registry, ready func() bool) *http.Server {
	connections := &connLimit{limit: adminConnections}
	return &http.Server{
		Handler:           adminHandler(registry, ready),
		MaxHeaderBytes:    adminHeaderBytes,
		ReadTimeout:       adminReadTimeout,
		ReadHeaderTimeout: adminReadTimeout,
		WriteTimeout:      2 * adminTimeout, // a scrape is made within adminTimeout, then it is read
		IdleTimeout:       time.Minute,
		ConnState:         connections.track,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

func adminHandler(registry *prometheus.Registry, ready func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: adminScrapes,
		Timeout:             adminTimeout,
	}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusOK, "live\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready() {
			writeText(w, http.StatusOK, "ready\n")
		} else {
			writeText(w, http.StatusServiceUnavailable, "not ready\n")
		}
	})
	return mux
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// connLimit bounds the connections of an HTTP server: at the bound the oldest is closed. Otherwise idle connections would fail
// the liveness probe, and the process would be restarted.
type connLimit struct {
	limit int
	mu    sync.Mutex
	open  []net.Conn // the oldest first
}

// track is the server's hook ConnState.
func (l *connLimit) track(conn net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(l.open) >= l.limit {
			_ = l.open[0].Close()
			l.open = slices.Delete(l.open, 0, 1)
		}
		l.open = append(l.open, conn)
	case http.StateClosed, http.StateHijacked:
		l.open = slices.DeleteFunc(l.open, func(c net.Conn) bool { return c == conn })
	case http.StateActive, http.StateIdle:
	}
}

func (a *admin) serve(logger *slog.Logger) {
	if a == nil {
		return
	}
	logger.Info("serving metrics and probes", "address", a.lis.Addr().String())
	if err := a.http.Serve(a.lis); !errors.Is(err, http.ErrServerClosed) {
		logger.Error("metrics and probes are no longer served", "error", err.Error())
	}
}

func (a *admin) close() {
	if a != nil {
		_ = a.http.Close()
	}
}
