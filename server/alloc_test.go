//go:build !race

package server

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// The bounds are budgets with some room, to notice when a call becomes dearer.
func TestAllocations(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := newServer(t, succeeding(), Config{Registerer: registry, Logger: slog.New(slog.NewJSONHandler(&log{}, nil))})
	ctx := metadata.NewIncomingContext(t.Context(), metadata.MD{"x-request-id": {"abc"}, "user-agent": {"grpc"}})
	ctx = peer.NewContext(ctx, &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1234}})
	ctx = grpc.NewContextWithServerTransportStream(ctx, discard{})
	ctx = (&recorder{s}).TagRPC(ctx, &stats.RPCTagInfo{FullMethodName: useradminv1.UserAdmin_ConfirmSignUp_FullMethodName})
	req, resp := validRequest(), &useradminv1.ConfirmSignUpResponse{}
	bare := func(context.Context, any) (any, error) { return resp, nil }
	chain := chained(s, bare)
	atMost(t, "the chain", 25, func() { _, _ = chain(ctx, req) })
	atMost(t, "validation", 0, func() { validateConfirmSignUp(req) })
	u := &userAdmin{server: s}
	atMost(t, "the handler", 16, func() { _, _ = u.ConfirmSignUp(ctx, req) })

	r := &record{rpc: s.rpcs[useradminv1.UserAdmin_ConfirmSignUp_FullMethodName], requestID: "abc"}
	failed := sampleError(cognitoclient.UserNotFound, cognitoclient.NotApplied)
	if st := status.Convert(s.fit(s.newFailure(ctx, r, req, failed))); len(st.Details()) != 3 {
		t.Fatalf("%d details", len(st.Details()))
	}
	atMost(t, "a status with three details", 35, func() { _ = s.fit(s.newFailure(ctx, r, req, failed)) })
}

func atMost(t *testing.T, what string, limit float64, f func()) {
	t.Helper()
	got := testing.AllocsPerRun(500, f)
	t.Logf("%s: %v allocations", what, got)
	if got > limit {
		t.Errorf("%s: %v allocations, at most %v are meant", what, got, limit)
	}
}

// discard is a transport stream that keeps nothing.
type discard struct{}

func (discard) Method() string { return useradminv1.UserAdmin_ConfirmSignUp_FullMethodName }

func (discard) SetHeader(metadata.MD) error { return nil }

func (discard) SendHeader(metadata.MD) error { return nil }

func (discard) SetTrailer(metadata.MD) error { return nil }

// chained composes the unary chain as grpc does.
func chained(s *Server, handler grpc.UnaryHandler) grpc.UnaryHandler {
	info := &grpc.UnaryServerInfo{FullMethod: useradminv1.UserAdmin_ConfirmSignUp_FullMethodName}
	chain := s.unaryChain()
	var next func(i int) grpc.UnaryHandler
	next = func(i int) grpc.UnaryHandler {
		if i == len(chain) {
			return handler
		}
		return func(ctx context.Context, req any) (any, error) { return chain[i](ctx, req, info, next(i+1)) }
	}
	return next(0)
}
