package main

import (
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// The bounds of callers are those of the flags.
func TestBoundsOfCallers(t *testing.T) {
	r := start(t, program(t, "serve", "--region=us-east-1", "--listen=127.0.0.1:0", "--log-format=text", "--max-calls=1", "--max-client-connections=34"))
	address := addressOf(t, r.await(t, "msg=serving"))
	conn := dial(t, address)
	watch, err := grpc_health_v1.NewHealthClient(conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	_, err = useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: "new-1"})
	if got, want := reasonAndOutcome(err), "CALLER_BUSY NOT_SENT"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	r.await(t, "calls refused")

	var first net.Conn
	for range 34 {
		idle, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = idle.Close() }()
		if first == nil {
			first = idle
		}
	}
	// Long before the time for the handshake is over.
	if err := first.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, first); err != nil {
		t.Errorf("the oldest connection was not closed: %v", err)
	}
}
