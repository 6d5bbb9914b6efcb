package server

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// recorder is a stats handler: it makes the record of each call before grpc looks at the message, and counts the calls that
// never meet an interceptor.
type recorder struct{ server *Server }

// TagRPC puts the call's record into its context.
func (h *recorder) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if !h.server.methods[info.FullMethodName] {
		h.server.metrics.refused.WithLabelValues("unknown_method").Inc()
	}
	r := h.server.newRecord(ctx, info.FullMethodName)
	if r.call = callOf(ctx); r.call != nil {
		r.caller = r.call.caller
		r.call.begin(r)
		return ctx
	}
	return context.WithValue(ctx, recordKey{}, r)
}

// HandleRPC counts the calls that grpc-go refused before any interceptor: those that ended unobserved, and those whose
// method was too malformed to be tagged.
func (h *recorder) HandleRPC(ctx context.Context, s stats.RPCStats) {
	r, tagged := ctx.Value(recordKey{}).(*record)
	switch s := s.(type) {
	case *stats.End:
		if !tagged {
			return
		}
		if !r.observed && s.Error != nil {
			h.server.metrics.refused.WithLabelValues(r.refusal(status.Code(s.Error))).Inc()
		}
		r.call.end()
	case *stats.OutTrailer:
		if !tagged {
			h.server.metrics.refused.WithLabelValues("malformed_method").Inc()
		}
	}
}

// refusal tells from grpc-go's code why it refused a request.
func (r *record) refusal(code codes.Code) string {
	switch code {
	case codes.DeadlineExceeded:
		if r.call != nil && r.call.late.Load() {
			return "message_late"
		}
		return "abandoned"
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

// TagConn makes the context of which the streams' are children.
func (*recorder) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	from, ok := info.RemoteAddr.(address)
	if !ok {
		panic("a connection that did not come from the listener")
	}
	return newLifetime(ctx, from.connection)
}

// HandleConn sees the end of a connection, after which nothing is refused on it.
func (*recorder) HandleConn(ctx context.Context, s stats.ConnStats) {
	if _, ended := s.(*stats.ConnEnd); ended {
		lifetimeOf(ctx).connection.ended()
	}
}

// growStack makes the goroutine's stack as large as a call needs, once its message is there and while there is little on it
// to copy: grpc begins each call on a goroutine of its own.
//
//go:noinline
func growStack() {
	var frame [8 << 10]byte
	touch(&frame)
}

//go:noinline
func touch(frame *[8 << 10]byte) { frame[0] = 1 }
