package server

import (
	"context"
	"fmt"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

func (s *Server) options() []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(s.unaryChain()...),
		grpc.ChainStreamInterceptor(s.streamChain()...),
		grpc.StatsHandler(&recorder{server: s}),
		grpc.InTapHandle(s.admit),
		grpc.MaxConcurrentStreams(maxConcurrentStreams),
		grpc.MaxRecvMsgSize(maxMessageBytes),
		grpc.MaxHeaderListSize(maxHeaderListBytes),
		grpc.StaticStreamWindowSize(streamWindowBytes),
		grpc.StaticConnWindowSize(connectionWindowBytes),
		grpc.ReadBufferSize(readBufferBytes),
		grpc.WriteBufferSize(writeBufferBytes),
		experimental.BufferPool(mem.NopBufferPool{}), // the default one rounds up, fourfold at worst
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle:     idleTimeout,
			MaxConnectionAge:      s.config.ConnectionAge,
			MaxConnectionAgeGrace: connectionAgeGrace,
			Time:                  time.Minute, // finds callers that vanished; the default takes two hours
			Timeout:               20 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime:             keepaliveMinTime,
			PermitWithoutStream: true,
		}),
	}
	if s.config.TLS != nil {
		options = append(options, grpc.Creds(&handshaker{server: s}))
	}
	return options
}

// unaryChain is what a call passes, from the outside in: receive notes that the message is there, the log line and the metrics
// see its end, conversion makes the status, recovery turns a panic into an error, authorization decides.
func (s *Server) unaryChain() []grpc.UnaryServerInterceptor {
	return []grpc.UnaryServerInterceptor{
		receive,
		interceptors.UnaryServerInterceptor(observer{}),
		s.metrics.grpc.UnaryServerInterceptor(),
		s.convertUnary,
		recovery.UnaryServerInterceptor(recovery.WithRecoveryHandlerContext(recovered)),
		s.authorizeUnary,
	}
}

func (s *Server) streamChain() []grpc.StreamServerInterceptor {
	return []grpc.StreamServerInterceptor{
		receiveStream,
		interceptors.StreamServerInterceptor(observer{}),
		s.metrics.grpc.StreamServerInterceptor(),
		s.convertStream,
		s.endWithDrain,
		recovery.StreamServerInterceptor(recovery.WithRecoveryHandlerContext(recovered)),
		s.authorizeStream,
	}
}

func (s *Server) register() error {
	useradminv1.RegisterUserAdminServer(s.grpc, &userAdmin{server: s})
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	s.health.SetServingStatus(serviceName, grpc_health_v1.HealthCheckResponse_NOT_SERVING)
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
	for service, info := range s.grpc.GetServiceInfo() {
		for _, method := range info.Methods {
			s.methods["/"+service+"/"+method.Name] = true
		}
	}
	for _, r := range rpcs() {
		s.rpcs["/"+serviceName+"/"+r.name] = r
		s.metrics.begin(r, s.contract)
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

// endWithDrain ends a stream once the drain delay is over. Health watches and reflection last as long as the caller likes,
// and would make every drain take its whole time. The handler returns a moment later, when its stream is gone.
func (s *Server) endWithDrain(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	done := make(chan error, 1)
	go func() { done <- handler(srv, stream) }()
	select {
	case err := <-done:
		return err
	case <-s.streams.Done():
		return stopping{}
	}
}
