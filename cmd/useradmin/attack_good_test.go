//go:build linux && !race

package main

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// goodConnection is that of another caller, from before the attack.
func goodConnection(t *testing.T, s *bench.Service) *grpc.ClientConn {
	t.Helper()
	conn, err := s.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), bench.Request()); err != nil {
		t.Fatal(err)
	}
	return conn
}

// goodCalls makes one call after the other until the context ends.
func goodCalls(t *testing.T, ctx context.Context, conn *grpc.ClientConn) (good int, bad []error) {
	t.Helper()
	client := useradminv1.NewUserAdminClient(conn)
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := client.ConfirmSignUp(one, &useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: "new-1"})
		cancel()
		if err != nil {
			bad = append(bad, err)
			continue
		}
		good++
		time.Sleep(5 * time.Millisecond)
	}
	return good, bad
}

// goodConnections makes calls as a good caller who connects anew for each.
func goodConnections(t *testing.T, ctx context.Context, s *bench.Service) {
	t.Helper()
	good, longest := 0, time.Duration(0)
	for ctx.Err() == nil {
		begin := time.Now()
		if err := connectAndCall(t.Context(), s); err != nil {
			t.Errorf("a new connection after %d good ones: %v", good, err)
			return
		}
		good++
		longest = max(longest, time.Since(begin))
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%d good connections, the longest took %s", good, longest)
}

func connectAndCall(ctx context.Context, s *bench.Service) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	conn, err := s.Dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = useradminv1.NewUserAdminClient(conn).ConfirmSignUp(ctx,
		&useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: "new-1"}, grpc.WaitForReady(true))
	return err
}
