package server

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

func (s *Server) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(s.unaryChain()...),
		grpc.ChainStreamInterceptor(s.streamChain()...),
		grpc.StatsHandler(&witness{server: s}),
		grpc.MaxConcurrentStreams(s.config.MaxConcurrentStreams),
		grpc.MaxRecvMsgSize(s.config.MaxMessageBytes),
		grpc.MaxHeaderListSize(s.config.MaxHeaderListBytes),
		grpc.ConnectionTimeout(s.config.HandshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge:      s.config.ConnectionAge,
			MaxConnectionAgeGrace: s.config.ConnectionAgeGrace,
			Time:                  time.Minute, // finds callers that vanished; the default takes two hours
			Timeout:               20 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime:             s.config.KeepaliveMinTime,
			PermitWithoutStream: true,
		}),
	}
}

func (s *Server) unaryChain() []grpc.UnaryServerInterceptor {
	return []grpc.UnaryServerInterceptor{
		deepen,
		interceptors.UnaryServerInterceptor(observer{s}),
		s.metrics.grpc.UnaryServerInterceptor(),
		s.convertUnary,
		recovery.UnaryServerInterceptor(recovery.WithRecoveryHandlerContext(recovered)),
	}
}

// deepen makes the goroutine's stack as large as a call of the SDK needs, while there is little on it to copy. Every call
// comes on a new goroutine, whose stack would otherwise be copied four times, the last ones dozens of frames deep.
func deepen(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	largeFrame()
	return handler(ctx, req)
}

//go:noinline
func largeFrame() {
	var frame [16 << 10]byte
	touch(&frame)
}

//go:noinline
func touch(frame *[16 << 10]byte) { frame[0] = 1 }

func (s *Server) streamChain() []grpc.StreamServerInterceptor {
	return []grpc.StreamServerInterceptor{
		interceptors.StreamServerInterceptor(observer{s}),
		s.metrics.grpc.StreamServerInterceptor(),
		s.convertStream,
		s.partStream,
		recovery.StreamServerInterceptor(recovery.WithRecoveryHandlerContext(recovered)),
	}
}

func (s *Server) register() error {
	useradminv1.RegisterUserAdminServer(s.grpc, &userAdmin{server: s})
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	s.health.SetServingStatus(useradminv1.UserAdmin_ServiceDesc.ServiceName, grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	if s.config.Reflection {
		descriptors, err := schema.Load()
		if err != nil {
			return fmt.Errorf("reflection: %w", err)
		}
		options := reflection.ServerOptions{Services: s.grpc, DescriptorResolver: descriptors}
		reflectionv1.RegisterServerReflectionServer(s.grpc, reflection.NewServerV1(options))
		reflectionv1alpha.RegisterServerReflectionServer(s.grpc, reflection.NewServer(options))
	}
	s.metrics.grpc.InitializeMetrics(s.grpc)
	s.methods = make(map[string]bool)
	for service, info := range s.grpc.GetServiceInfo() {
		for _, method := range info.Methods {
			s.methods["/"+service+"/"+method.Name] = true
		}
	}
	return nil
}

func (s *Server) convertUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	resp, err := handler(ctx, req)
	if err = s.convert(ctx, req, err); err != nil {
		return nil, err
	}
	return resp, nil
}

func (s *Server) convertStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return s.convert(stream.Context(), nil, handler(srv, stream))
}

// partStream ends a stream when the server parts. Watching health and reflection go on as long as the caller likes, and
// would make every drain take its whole time. The handler ends a moment later, when its stream is gone.
func (s *Server) partStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	done := make(chan error, 1)
	go func() { done <- handler(srv, stream) }()
	select {
	case err := <-done:
		return err
	case <-s.parted.Done():
		return stopping{}
	}
}

// panicked is the error of a handler that panicked: what and where, for the log. The panic's value may hold what a
// caller sent, so it is left out.
type panicked struct{ what, stack string }

func (p *panicked) Error() string { return "panic: " + p.what }

func recovered(_ context.Context, p any) error {
	what := fmt.Sprintf("%T", p)
	if err, ok := p.(runtime.Error); ok {
		what = err.Error() // names types and numbers only
	}
	return &panicked{what: what, stack: stack()}
}

// stack names the functions and lines of this goroutine, without the arguments that debug.Stack shows.
func stack() string {
	pcs := make([]uintptr, 48)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var b strings.Builder
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		fmt.Fprintf(&b, "%s %s:%d\n", frame.Function, frame.File, frame.Line)
	}
	return b.String()
}
