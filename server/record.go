package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/audit"
)

const (
	requestIDKey    = "x-request-id"
	maxRequestID    = 64
	retriesKey      = "grpc-previous-rpc-attempts" // set by gRPC clients: 1 and up on a retry
	envoyAttemptKey = "x-envoy-attempt-count"      // set by Envoy: 2 and up on a retry
	repeatKey       = "x-useradmin-repeat"         // set by callers who send a call again themselves
)

// record is what is known of a call; the log line and the metrics are made of it. newRecord is the one place that makes
// one, before grpc looks at the message; handler and conversion fill it in.
type record struct {
	interceptors.NoopReporter

	server *Server
	ctx    context.Context
	// call is what the tap admitted; nil where it counted nothing.
	call *call
	// observed says that the call met the interceptors, which report it.
	observed bool
	// method is the full one without the leading slash; rpc is nil where it is not UserAdmin's.
	method string
	rpc    *rpc

	// caller is who calls, rule what decided about it, policy the beginning of the policy's SHA-256.
	caller       caller
	rule, policy string
	// about is what the call is about. Of it, the log has pool, where that may be shown.
	about  target
	pool   string
	intent *audit.Intent

	requestID string
	// repeated says that the call is marked as a repeat.
	repeated bool

	reason           string
	outcome          string
	attempts         int
	history          []cognitoclient.Attempt
	exception        string
	problem          string
	cognitoRequestID string
	level            slog.Level
	panic            *panicked
}

type recordKey struct{}

func (s *Server) newRecord(ctx context.Context, fullMethod string) *record {
	r := &record{
		server:    s,
		method:    strings.TrimPrefix(fullMethod, "/"),
		rpc:       s.rpcs[fullMethod],
		requestID: requestIDOf(ctx),
		repeated:  repeated(ctx),
	}
	if r.requestID == "" {
		r.requestID = s.config.NewRequestID()
	}
	if r.rpc == nil {
		r.level = slog.LevelDebug
	}
	return r
}

// recordOf is the record of the call that the context belongs to. One without a record is a bug.
func recordOf(ctx context.Context) *record {
	r, ok := ctx.Value(recordKey{}).(*record)
	if !ok {
		panic("a call without a record: the server was built without its stats handler")
	}
	return r
}

// requestIDOf is the caller's id of the call, if it may be shown.
func requestIDOf(ctx context.Context) string {
	values := metadata.ValueFromIncomingContext(ctx, requestIDKey)
	if len(values) == 0 || !wellFormedID(values[0]) {
		return ""
	}
	return values[0]
}

// wellFormedID reports whether the text matches [A-Za-z0-9._:-]{1,64}.
func wellFormedID(text string) bool {
	if text == "" || len(text) > maxRequestID {
		return false
	}
	for i := range len(text) {
		if !alphanumeric(text[i]) && strings.IndexByte("._:-", text[i]) < 0 {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// repeated reports whether any value of any header marks the call as a repeat. A value that cannot be read counts
// as a mark, which is the safe reading.
func repeated(ctx context.Context) bool {
	for _, mark := range [...]struct{ key, first string }{{retriesKey, "0"}, {envoyAttemptKey, "1"}, {repeatKey, "0"}} {
		for _, value := range metadata.ValueFromIncomingContext(ctx, mark.key) {
			if value != mark.first && value != "0" {
				return true
			}
		}
	}
	return false
}

// observer hands each call's record to the middleware that reports its end.
type observer struct{}

// ServerReporter returns the record of the call.
func (observer) ServerReporter(ctx context.Context, _ interceptors.CallMeta) (interceptors.Reporter, context.Context) {
	r := recordOf(ctx)
	r.ctx, r.observed = ctx, true
	return r, ctx
}

// PostCall counts the call and writes its line.
func (r *record) PostCall(err error, took time.Duration) {
	code := status.Code(err)
	if r.rpc != nil {
		r.server.metrics.calls.WithLabelValues(r.rpc.name, code.String(), r.reason, r.outcome).Inc()
		r.server.countCaller(r.caller, code.String(), r.reason)
	}
	r.endIntent(code.String())
	logger := r.server.config.Logger
	if !logger.Enabled(r.ctx, r.level) {
		return
	}
	line := make([]slog.Attr, 0, 19)
	line = append(line, slog.String("method", r.method), slog.String("code", code.String()))
	line = appendText(line, "reason", r.reason)
	line = appendText(line, "outcome", r.outcome)
	if r.outcome != "" {
		line = append(line, slog.Int("attempts", r.attempts))
	}
	line = append(line, seconds("duration", took))
	if p, ok := peer.FromContext(r.ctx); ok && p.Addr != nil {
		line = append(line, slog.String("peer", p.Addr.String()))
	}
	line = appendText(line, "caller", r.caller.id)
	line = append(line, slog.String("authn", r.server.config.Authn))
	line = appendText(line, "rule", r.rule)
	line = appendText(line, "policy", r.policy)
	line = appendText(line, "pool", r.pool)
	line = append(line, slog.String("request_id", r.requestID))
	line = appendText(line, "cognito_request_id", r.cognitoRequestID)
	line = appendText(line, "exception", r.exception)
	line = appendText(line, "problem", r.problem)
	if r.repeated {
		line = append(line, slog.Bool("repeated", true))
	}
	if r.panic != nil {
		line = append(line, slog.String("panic", r.panic.what), slog.String("stack", r.panic.stack))
	}
	logger.LogAttrs(r.ctx, r.level, "call", line...)
}

// seconds is a duration as the metrics have it, in seconds, to the microsecond.
func seconds(key string, d time.Duration) slog.Attr {
	return slog.Float64(key, float64(d.Round(time.Microsecond).Microseconds())/1e6)
}

func appendText(line []slog.Attr, key, value string) []slog.Attr {
	if value == "" {
		return line
	}
	return append(line, slog.String(key, value))
}

// succeed notes what is known of a successful call; outcome is the name of its result.
func (r *record) succeed(result cognitoclient.Result, outcome string) {
	r.outcome, r.attempts, r.cognitoRequestID, r.history = outcome, result.Attempts, result.RequestID, result.History
}

// fail notes what is known of a failed call.
func (r *record) fail(f *failure) {
	r.reason = f.reason()
	r.attempts, r.exception, r.cognitoRequestID = f.cognito.Attempts, f.cognito.Exception, f.cognito.RequestID
	r.problem, r.history = f.cognito.Problem, f.cognito.History
	r.panic = f.panic
	if r.rpc != nil {
		r.outcome = f.outcome.String()
	}
	// A drain that ends health or reflection streams stays at debug.
	if r.rpc != nil || f.row.level > slog.LevelInfo {
		r.level = max(r.level, f.row.level)
	}
}
