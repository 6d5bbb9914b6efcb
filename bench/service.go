package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/health/grpc_health_v1"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Service is a useradmin that runs as it is shipped, in a process of its own.
type Service struct {
	Cmd     *exec.Cmd
	Address string
	Gate    Gate
}

// BuildService builds the program.
func BuildService(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "cognito.internal/useradmin/cmd/useradmin") //nolint:gosec // a path of our own
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// StartService starts the program in front of the endpoint, with a log line a call as it has by default, and waits until its
// health is SERVING.
func StartService(ctx context.Context, binary, log, endpoint string) (*Service, error) {
	return StartGated(ctx, binary, log, endpoint, Gate{})
}

// StartGated starts the program with the gate before it.
func StartGated(ctx context.Context, binary, log, endpoint string, gate Gate, more ...string) (*Service, error) {
	s, err := Launch(ctx, binary, log, endpoint, gate, more...)
	if err != nil {
		return nil, err
	}
	if err := s.serving(ctx); err != nil {
		s.End()
		return nil, fmt.Errorf("the service does not serve: %w", err)
	}
	return s, nil
}

// Launch starts the program, and does not wait until it serves. The log is appended to.
func Launch(ctx context.Context, binary, log, endpoint string, gate Gate, more ...string) (*Service, error) {
	address, err := gate.address()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	cmd := exec.CommandContext(ctx, binary, "serve", "--region="+Region, "--listen="+address, "--cognito-endpoint="+endpoint, //nolint:gosec // what BuildService made
		"--drain-delay=0s", "--drain-timeout=3s")
	cmd.Args = append(append(cmd.Args, gate.Flags()...), more...)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+AccessKeyID, "AWS_SECRET_ACCESS_KEY="+SecretAccessKey,
		"AWS_SESSION_TOKEN=", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Service{Cmd: cmd, Address: address, Gate: gate}, nil
}

// End drains the service, and kills it if that takes too long.
func (s *Service) End() {
	_ = s.Cmd.Process.Signal(os.Interrupt)
	timer := time.AfterFunc(10*time.Second, func() { _ = s.Cmd.Process.Kill() })
	defer timer.Stop()
	_ = s.Cmd.Wait()
}

func freeAddress() (string, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return lis.Addr().String(), lis.Close()
}

// As is the same service as somebody else sees it.
func (s *Service) As(who string) *Service {
	other := *s
	other.Gate = s.Gate.As(who)
	return &other
}

// Dial is a connection of the caller's.
func (s *Service) Dial(options ...grpc.DialOption) (*grpc.ClientConn, error) {
	return s.Gate.Dial(s.Address, options...)
}

// serving watches the health of the service until it has its credentials.
func (s *Service) serving(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := s.Dial(grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 5 * time.Millisecond, Multiplier: 1.5, MaxDelay: 100 * time.Millisecond}}))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	watch, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx,
		&grpc_health_v1.HealthCheckRequest{Service: useradminv1.UserAdmin_ServiceDesc.ServiceName}, grpc.WaitForReady(true))
	for err == nil {
		var state *grpc_health_v1.HealthCheckResponse
		if state, err = watch.Recv(); state.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING {
			return nil
		}
	}
	return err
}
