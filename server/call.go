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

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	requestIDKey    = "x-request-id"
	maxRequestID    = 64
	requestIDMarks  = "._:-"
	retriesKey      = "grpc-previous-rpc-attempts" // set by gRPC clients: 1 and up on a retry
	envoyAttemptKey = "x-envoy-attempt-count"      // set by Envoy: 2 and up on a retry
)

// call is what is known of a call: the log line and the metrics tell it, handler and conversion fill it in. A call
// that is refused before any interceptor keeps observed at false.
type call struct {
	interceptors.NoopReporter

	server   *Server
	ctx      context.Context
	observed bool
	service  string
	method   string

	requestID string
	// repeated says that a library or a proxy had sent the call before.
	repeated bool

	reason           string
	outcome          string
	attempts         int
	exception        string
	problem          string
	cognitoRequestID string
	level            slog.Level
	panic            *panicked
}

type callKey struct{}

// callFrom is the call that the context belongs to; outside of any, one that nobody reads.
func callFrom(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// observer begins the record of every call that reaches the interceptors.
type observer struct{ server *Server }

// ServerReporter returns the call, which reports itself, and the context that carries it.
func (o observer) ServerReporter(ctx context.Context, meta interceptors.CallMeta) (interceptors.Reporter, context.Context) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		c = &call{}
		ctx = context.WithValue(ctx, callKey{}, c)
	}
	c.server, c.ctx, c.observed = o.server, ctx, true
	c.service, c.method = meta.Service, meta.Method
	c.repeated = repeated(ctx)
	c.requestID = first(metadata.ValueFromIncomingContext(ctx, requestIDKey))
	if !wellFormed(c.requestID, maxRequestID, requestIDMarks) {
		c.requestID = o.server.config.NewRequestID()
	}
	if !c.ours() {
		c.level = slog.LevelDebug
	}
	return c, ctx
}

// repeated takes a count that it can't read for a repeat, since that promises less.
func repeated(ctx context.Context) bool {
	retries := first(metadata.ValueFromIncomingContext(ctx, retriesKey))
	attempt := first(metadata.ValueFromIncomingContext(ctx, envoyAttemptKey))
	return retries != "" && retries != "0" || attempt != "" && attempt != "0" && attempt != "1"
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// wellFormed says whether the text is short and has nothing but ASCII letters, digits and the marks, so that it may be
// shown to callers and in logs.
func wellFormed(text string, limit int, marks string) bool {
	if text == "" || len(text) > limit {
		return false
	}
	for i := range len(text) {
		if !alphanumeric(text[i]) && strings.IndexByte(marks, text[i]) < 0 {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// ours tells our calls from those of health and reflection.
func (c *call) ours() bool { return c.service == useradminv1.UserAdmin_ServiceDesc.ServiceName }

// PostCall counts the call and writes its line.
func (c *call) PostCall(err error, took time.Duration) {
	code := status.Code(err)
	if c.ours() {
		c.server.metrics.calls.WithLabelValues(code.String(), c.reason, c.outcome).Inc()
	}
	logger := c.server.config.Logger
	if !logger.Enabled(c.ctx, c.level) {
		return
	}
	line := make([]slog.Attr, 0, 14)
	line = append(line, slog.String("method", c.service+"/"+c.method), slog.String("code", code.String()))
	line = appendText(line, "reason", c.reason)
	line = appendText(line, "outcome", c.outcome)
	if c.outcome != "" {
		line = append(line, slog.Int("attempts", c.attempts))
	}
	line = append(line, slog.Duration("duration", took))
	if p, ok := peer.FromContext(c.ctx); ok && p.Addr != nil {
		line = append(line, slog.String("peer", p.Addr.String()))
	}
	line = append(line, slog.String("request_id", c.requestID))
	line = appendText(line, "cognito_request_id", c.cognitoRequestID)
	line = appendText(line, "exception", c.exception)
	line = appendText(line, "problem", c.problem)
	if c.repeated {
		line = append(line, slog.Bool("repeated", true))
	}
	if c.panic != nil {
		line = append(line, slog.String("panic", c.panic.what), slog.String("stack", c.panic.stack))
	}
	logger.LogAttrs(c.ctx, c.level, "call", line...)
}

func appendText(line []slog.Attr, key, value string) []slog.Attr {
	if value == "" {
		return line
	}
	return append(line, slog.String(key, value))
}

// fail takes over what is known of a failed call.
func (c *call) fail(v verdict, f *failure) {
	c.reason = shortReason(v.row.reason)
	if f.req != nil {
		c.outcome = v.outcome.String()
	}
	c.attempts, c.exception, c.cognitoRequestID = f.cognito.Attempts, f.cognito.Exception, f.cognito.RequestID
	c.problem = f.cognito.Problem
	if f.req != nil || v.row.level > slog.LevelInfo {
		c.level = max(c.level, v.row.level) // a drain that ends health streams is no news
	}
	c.panic = f.panic
}
