package main

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// admin serves what operators look at. Nil serves nothing.
type admin struct {
	lis  net.Listener
	http *http.Server
}

func newAdmin(at place, registry *prometheus.Registry) (*admin, error) {
	if at.address == "" {
		return nil, nil //nolint:nilnil // nil is a good admin that serves nothing
	}
	lis, err := at.listen()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return &admin{lis: lis, http: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}}, nil
}

func (a *admin) serve(logger *slog.Logger) {
	if a == nil {
		return
	}
	logger.Info("serving metrics", "address", a.lis.Addr().String())
	if err := a.http.Serve(a.lis); !errors.Is(err, http.ErrServerClosed) {
		logger.Error("metrics are no longer served", "error", err.Error())
	}
}

func (a *admin) close() {
	if a != nil {
		_ = a.http.Close()
	}
}
