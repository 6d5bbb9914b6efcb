package server

import (
	"context"
	"time"

	grpcprometheus "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/cognitoclient"
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
	}
	for _, c := range []prometheus.Collector{m.grpc, m.calls, m.refused, m.cut} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
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

// recorder is a stats handler: it makes the record of each call before grpc looks at the message, and counts the calls that
// never meet an interceptor.
type recorder struct{ server *Server }

// TagRPC puts the call's record into its context.
func (h *recorder) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if !h.server.methods[info.FullMethodName] {
		h.server.metrics.refused.WithLabelValues("unknown_method").Inc()
	}
	growStack()
	return context.WithValue(ctx, recordKey{}, h.server.newRecord(ctx, info.FullMethodName))
}

// HandleRPC looks at ends: those of calls that no interceptor observed, and trailers of calls that were never tagged.
func (h *recorder) HandleRPC(ctx context.Context, s stats.RPCStats) {
	r, tagged := ctx.Value(recordKey{}).(*record)
	switch s := s.(type) {
	case *stats.End:
		if tagged && !r.observed && s.Error != nil {
			h.server.metrics.refused.WithLabelValues(refusal(status.Code(s.Error))).Inc()
		}
	case *stats.OutTrailer:
		if !tagged {
			h.server.metrics.refused.WithLabelValues("malformed_method").Inc()
		}
	}
}

// refusal tells from grpc-go's code why it refused a request.
func refusal(code codes.Code) string {
	switch code {
	case codes.ResourceExhausted:
		return "too_large"
	case codes.Internal:
		return "undecodable"
	case codes.Unimplemented:
		return "unknown_encoding"
	default:
		return "abandoned" // the caller left before its request was complete
	}
}

// TagConn leaves the context as it is.
func (*recorder) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn counts nothing: this handler is about calls.
func (*recorder) HandleConn(context.Context, stats.ConnStats) {}

// growStack makes the goroutine's stack as large as a call needs while there is little on it to copy: grpc begins each call
// on a goroutine of its own.
//
//go:noinline
func growStack() {
	var frame [8 << 10]byte
	touch(&frame)
}

//go:noinline
func touch(frame *[8 << 10]byte) { frame[0] = 1 }
