package server

import (
	"strings"
	"time"

	grpcprometheus "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/policy"
	"cognito.internal/useradmin/internal/schema"
)

// metrics are those of calls; their labels are values of ours, never a caller's.
type metrics struct {
	grpc *grpcprometheus.ServerMetrics
	// calls counts calls of UserAdmin by their end.
	calls *prometheus.CounterVec
	// refused counts what never meets an interceptor.
	refused *prometheus.CounterVec
	// cut counts statuses that lost a part because of their size.
	cut *prometheus.CounterVec
	// evicted counts the connections that were closed to make room for another one.
	evicted prometheus.Counter
	// callers counts calls of UserAdmin by those who make them.
	callers *prometheus.CounterVec
	// handshakes counts those that failed, revoked the connections that had to go after a change of the CAs.
	handshakes *prometheus.CounterVec
	revoked    prometheus.Counter
	// ignoredXFCC counts calls with a header that proves nothing here.
	ignoredXFCC prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		grpc: grpcprometheus.NewServerMetrics(grpcprometheus.WithServerHandlingTimeHistogram(
			grpcprometheus.WithHistogramBuckets([]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30}))),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "useradmin_calls_total",
			Help: "Calls of useradmin.v1.UserAdmin by method, gRPC code, reason of the error, and outcome.",
		}, []string{"method", "code", "reason", "outcome"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "useradmin_refused_calls_total",
			Help: "Calls that were refused before they reached the service, by kind.",
		}, []string{"kind"}),
		cut: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "useradmin_cut_statuses_total",
			Help: "Error statuses that lost a part because they were too large, by part.",
		}, []string{"part"}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "useradmin_evicted_connections_total",
			Help: "Idle connections of callers that were closed to make room for another one.",
		}),
		callers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "useradmin_caller_calls_total",
			Help: "Calls of useradmin.v1.UserAdmin by caller, as far as the policy names it, gRPC code and reason of the error.",
		}, []string{"caller", "code", "reason"}),
		handshakes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "useradmin_failed_handshakes_total",
			Help: "TLS handshakes of callers that failed, by kind.",
		}, []string{"kind"}),
		revoked: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "useradmin_revoked_connections_total",
			Help: "Connections that had to go because the CAs do not verify their certificates any more.",
		}),
		ignoredXFCC: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "useradmin_ignored_xfcc_total",
			Help: "Calls with a header x-forwarded-client-cert that was ignored, since callers are not authenticated.",
		}),
	}
	for _, c := range []prometheus.Collector{
		m.grpc, m.calls, m.refused, m.cut, m.evicted, m.callers, m.handshakes, m.revoked, m.ignoredXFCC,
	} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// registerReady adds the gauge of the server's readiness.
func registerReady(registerer prometheus.Registerer, s *Server) error {
	return registerer.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "useradmin_ready",
		Help: "1 from the first AWS credentials until the drain begins, as health says for useradmin.v1.UserAdmin; otherwise 0.",
	}, func() float64 {
		if s.Ready() {
			return 1
		}
		return 0
	}))
}

// registerUse registers how much there is of what is bounded.
func (s *Server) registerUse(registerer prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "useradmin_calls_under_way", Help: "Calls under way, streams too, health checks aside.",
		}, func() float64 { return float64(s.calls.Use().Held) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "useradmin_client_connections", Help: "Open connections of callers.",
		}, s.connections.count),
	} {
		if err := registerer.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// begin makes the series of the RPC's failures, so that each begins at 0: a rate does not see the first event of a series that
// begins at 1.
func (m *metrics) begin(r *rpc, contract []row) {
	for reason := range contract {
		row := r.row(contract, useradminv1.ErrorReason(reason))
		if row.says == "" {
			continue
		}
		name := strings.TrimPrefix(useradminv1.ErrorReason(reason).String(), schema.ReasonPrefix)
		for outcome := cognitoclient.NotSent; outcome <= cognitoclient.Unknown; outcome++ {
			if outcome == cognitoclient.Applied && row.applied == "" {
				continue
			}
			m.calls.WithLabelValues(r.name, row.code.String(), name, outcome.String())
			if outcome == cognitoclient.Unknown && row.invites() {
				m.calls.WithLabelValues(r.name, codes.Aborted.String(), name, outcome.String())
			}
		}
	}
	for _, kind := range []string{
		"unknown_method", "malformed_method", "undecodable", "too_large", "unknown_encoding", "abandoned", "message_late",
		kindCallerBusy, kindOverloaded, kindHealthBusy, kindHeaders,
	} {
		m.refused.WithLabelValues(kind)
	}
}

// beginHandshakes makes the series of failed handshakes.
func (m *metrics) beginHandshakes() {
	for _, kind := range append(authn.Kinds(), kindOther, kindCrowded) {
		m.handshakes.WithLabelValues(kind)
	}
}

// otherCallers stands for those whom the policy does not name: there is no bound on how many there are.
const otherCallers = "other"

// countCaller asks the policy in use: a series that PolicyChanged has removed must not come back.
func (s *Server) countCaller(by caller, code, reason string) {
	name := otherCallers
	if by.id == anonymous || s.names(by.id) {
		name = by.id
	}
	s.metrics.callers.WithLabelValues(name, code, reason).Inc()
}

// PolicyChanged begins the series of the callers whom the policy names, and removes those of callers whom only the one before
// names, which may be nil.
func (s *Server) PolicyChanged(before, after *policy.Policy) {
	for _, caller := range after.Callers() {
		s.metrics.callers.WithLabelValues(caller, codes.OK.String(), "")
	}
	if before == nil {
		return
	}
	for _, caller := range before.Callers() {
		if !after.Names(caller) {
			s.metrics.callers.DeletePartialMatch(prometheus.Labels{"caller": caller})
		}
	}
}

// AttemptMetrics measures the attempts that are made at Cognito.
type AttemptMetrics struct {
	durations *prometheus.HistogramVec
}

// NewAttemptMetrics registers the histogram of attempts. Its Observe is a hook for cognitoclient's Config.OnAttempt.
func NewAttemptMetrics(registerer prometheus.Registerer) (*AttemptMetrics, error) {
	m := &AttemptMetrics{durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "useradmin_cognito_attempt_seconds",
		Help:    "How long attempts at Cognito took, by result: OK or a reason.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 20},
	}, []string{"result"})}
	if err := registerer.Register(m.durations); err != nil {
		return nil, err
	}
	return m, nil
}

// Observe records an attempt; the zero cause is a success.
func (m *AttemptMetrics) Observe(cause cognitoclient.Cause, took time.Duration) {
	m.durations.WithLabelValues(cause.String()).Observe(took.Seconds())
}

// RegisterSlots registers the gauges of the slots for attempts.
func RegisterSlots(registerer prometheus.Registerer, use func() cognitoclient.Slots) error {
	for state, value := range map[string]func(cognitoclient.Slots) int{
		"busy":    func(s cognitoclient.Slots) int { return s.Busy },
		"free":    func(s cognitoclient.Slots) int { return s.Free },
		"waiting": func(s cognitoclient.Slots) int { return s.Waiting },
	} {
		gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "useradmin_slots",
			Help:        "Slots for attempts at Cognito that are busy and free, and attempts that are waiting for one.",
			ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return float64(value(use())) })
		if err := registerer.Register(gauge); err != nil {
			return err
		}
	}
	return nil
}
