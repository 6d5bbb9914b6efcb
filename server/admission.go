package server

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"cognito.internal/useradmin/internal/fair"
)

// maxHeaders is how many header fields a request may have.
const maxHeaders = 64

// maxChecks is how many health checks may be under way. They have places of their own: health never follows load.
const maxChecks = 32

// admit is grpc's tap: it takes a place for a stream before any of its message is read, or refuses it.
func (s *Server) admit(ctx context.Context, info *tap.Info) (context.Context, error) {
	life := lifetimeOf(ctx)
	end := life.newest()
	from := s.identify(ctx, life.connection, info.Header)
	by := s.holderOf(from, life.connection, info.FullMethodName)
	places, err := s.take(ctx, life.connection, from, by, info)
	switch {
	case err != nil:
		life.end(end)
		return ctx, err
	case places == nil:
		return ctx, nil
	}
	c := &call{Context: ctx, places: places, by: by, caller: from, life: life, cancel: end}
	c.timer = time.AfterFunc(s.config.CallTimeout, c.expire)
	return c, nil
}

// take takes a place and says of which; of none for a method that grpc refuses at once, without its message.
func (s *Server) take(ctx context.Context, conn *connection, from caller, by holder, info *tap.Info) (*fair.Places[holder], error) {
	method, places := info.FullMethodName, s.calls
	switch {
	case !keepNeeded(info.Header):
		conn.refused()
		s.noteRefusal(ctx, kindHeaders, from, slog.LevelInfo)
		return nil, status.Errorf(codes.ResourceExhausted, "more than %d header fields", maxHeaders)
	case !s.methods[method]:
		return nil, nil //nolint:nilnil // no places and no refusal
	case method == grpc_health_v1.Health_Check_FullMethodName:
		places = s.checks
	}
	if verdict := places.TryTake(by); verdict != fair.Taken {
		return nil, s.refuse(ctx, method, from, verdict, conn.refused())
	}
	if !conn.begin() {
		places.Give(by)
		return nil, status.Error(codes.Unavailable, "the connection is closed")
	}
	return places, nil
}

// keepNeeded drops the headers that this service does not read, since they would stay in memory as long as the call does. It
// reports whether there were few enough: the map itself does not shrink.
func keepNeeded(headers metadata.MD) bool {
	fields := 0
	for name, values := range headers {
		fields += len(values)
		switch name {
		case requestIDKey, retriesKey, envoyAttemptKey, repeatKey:
		default:
			delete(headers, name)
		}
	}
	return fields <= maxHeaders
}

// call is a stream that was admitted, from the tap to its end. It is the stream's context.
type call struct {
	context.Context

	places *fair.Places[holder]
	by     holder
	caller caller
	life   *lifetime
	// cancel ends the stream's context.
	cancel func()
	// timer runs until the message is there.
	timer *time.Timer
	// late says that the message did not come in time.
	late atomic.Bool
	// begun says that there will be an end.
	begun, ended atomic.Bool
	record       *record
}

type callKey struct{}

// callOf is the call to which the context belongs; nil where the tap did not count it.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// Value finds the call itself and its record.
func (c *call) Value(key any) any {
	switch {
	case key == callKey{}:
		return c
	case key == recordKey{} && c.record != nil:
		return c.record
	default:
		return c.Context.Value(key)
	}
}

// Err is that of the stream. grpc asks for it right after the tap: a stream that is over by then is never begun.
func (c *call) Err() error {
	err := c.Context.Err()
	if err != nil && !c.begun.Load() {
		c.end()
	}
	return err
}

// begin is called before the message is read; end follows.
func (c *call) begin(r *record) {
	c.record = r
	c.begun.Store(true)
}

// arrived stops the timer: the message is there.
func (c *call) arrived() {
	if c != nil {
		c.timer.Stop()
	}
}

// expire ends a stream whose message did not come.
func (c *call) expire() {
	c.late.Store(true)
	c.life.end(c.cancel)
}

// end gives the place back, once.
func (c *call) end() {
	if c == nil || c.ended.Swap(true) {
		return
	}
	c.timer.Stop()
	c.places.Give(c.by)
	c.life.connection.end()
}

// receive is the first interceptor of unary calls: their message is there.
func receive(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	callOf(ctx).arrived()
	discardUnknown(req)
	growStack()
	return handler(ctx, req)
}

// receiveStream is the first interceptor of streams.
func receiveStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return handler(srv, received{stream})
}

// received is a stream whose first message stops the timer.
type received struct{ grpc.ServerStream }

// RecvMsg receives a message.
func (r received) RecvMsg(m any) error {
	err := r.ServerStream.RecvMsg(m)
	if err == nil {
		callOf(r.Context()).arrived()
		discardUnknown(m)
	}
	return err
}
