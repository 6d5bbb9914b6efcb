package main

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// unsentError is the error of a call of which nothing was handed to any connection. It has the call's status.
type unsentError struct{ error }

func (e unsentError) Unwrap() error { return e.error }

func (e unsentError) GRPCStatus() *status.Status { return status.Convert(e.error) }

// reportUnsent makes a connection return an unsentError where that is certain. A status cannot say it: UNAVAILABLE is a
// refused connection as well as one that was cut under the call.
func reportUnsent() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithStatsHandler(sentRecorder{}), grpc.WithUnaryInterceptor(tellUnsent)}
}

// sentKey is the context's key for the *atomic.Bool that tells whether a call was sent.
type sentKey struct{}

func tellUnsent(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	var sent atomic.Bool
	err := invoke(context.WithValue(ctx, sentKey{}, &sent), method, req, reply, conn, options...)
	if err != nil && !sent.Load() {
		return unsentError{err}
	}
	return err
}

// sentRecorder notes that a call's header is on its way. gRPC reports that before the call can end, for each of its attempts.
type sentRecorder struct{}

func (sentRecorder) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.OutHeader); !ok {
		return
	}
	if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
		sent.Store(true)
	}
}

func (sentRecorder) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (sentRecorder) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (sentRecorder) HandleConn(context.Context, stats.ConnStats)                       {}
