package failure_test

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	unknown    = useradminv1.Outcome_OUTCOME_UNKNOWN
	maxMessage = 1 << 10
)

// service fails its calls with one error after the other, then succeeds, and keeps what it got.
type service struct {
	useradminv1.UnimplementedUserAdminServer
	errors   []error
	requests []*useradminv1.ConfirmSignUpRequest
	headers  []metadata.MD
}

func (s *service) ConfirmSignUp(ctx context.Context, r *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	s.requests, s.headers = append(s.requests, r), append(s.headers, headers)
	if len(s.errors) == 0 {
		return &useradminv1.ConfirmSignUpResponse{Result: useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED}, nil
	}
	err := s.errors[0]
	s.errors = s.errors[1:]
	return nil, err
}

// serve runs a service in this process whose calls fail with these errors, then succeed.
func serve(errors ...error) (useradminv1.UserAdminClient, func()) {
	conn, stop := dial(&service{errors: errors})
	return useradminv1.NewUserAdminClient(conn), stop
}

func dial(s *service) (*grpc.ClientConn, func()) {
	lis := bufconn.Listen(1 << 16)
	stop := start(s, lis)
	conn, err := grpc.NewClient("passthrough:///bufconn",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	return conn, func() {
		_ = conn.Close()
		stop()
	}
}

func start(s *service, lis net.Listener) func() {
	srv := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage))
	useradminv1.RegisterUserAdminServer(srv, s)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(lis)
	}()
	return func() {
		srv.Stop()
		<-served
	}
}

func statusError(code codes.Code, message string, details ...proto.Message) error {
	return status.ErrorProto(statusProto(code, message, details...))
}

func request() *useradminv1.ConfirmSignUpRequest {
	return &useradminv1.ConfirmSignUpRequest{UserPoolId: "us-east-1_EXAMPLE01", Username: "new-1"}
}
