package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"cognito.internal/useradmin/failure"
)

type healthCommand struct {
	Address string `arg:"" optional:"" env:"USERADMIN_ADDRESS" default:"127.0.0.1:50051" help:"The address of the service: host:port or unix:/path (${default})."`
	connectFlags
	Service string        `env:"-" default:"useradmin.v1.UserAdmin" placeholder:"NAME" help:"Whose health: useradmin.v1.UserAdmin serves once there are AWS credentials, the empty name as soon as the process does (${default})."`
	Timeout time.Duration `default:"5s" help:"The time limit for the command (${default})."`
}

// Help is shown above the arguments.
func (*healthCommand) Help() string {
	return `It asks grpc.health.v1.Health/Check and prints one line: SERVING, NOT_SERVING, or why there is no answer. Use it as a
probe where an image has no shell and no other client.

Connections to loopback addresses and Unix sockets are not encrypted, unless --ca or --cert is set. All others use TLS,
unless --plaintext is set.

Exit code: 0 if the service is SERVING, 2 for wrong usage, 1 for everything else.

Examples:

  useradmin health
  useradmin health --service ''
  useradmin health unix:/run/useradmin.sock
  useradmin health useradmin.example.com:443 --ca ca.pem --cert me.pem --key me.key`
}

// Run asks once.
func (c *healthCommand) Run(std streams) error {
	if c.Timeout <= 0 {
		return usageError{errors.New("--timeout must be positive")}
	}
	t, err := targetOf(c.Address)
	if err != nil {
		return err
	}
	conn, err := connect(t, c.connectFlags)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: c.Service})
	if err != nil {
		f := failure.Of(err)
		return fmt.Errorf("health of %s: %s: %s", printable(c.Address), f.CodeName(), printable(f.Message))
	}
	if _, err := io.WriteString(std.Out, answer.GetStatus().String()+"\n"); err != nil {
		return err
	}
	if answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return exitCode(exitFailure)
	}
	return nil
}
