package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// The roles that this program plays in processes of its own.
const (
	rolePrefix  = "role"
	roleCognito = "cognito"
	roleBare    = "bare"
	roleGRPC    = "grpc-callers"
	roleSDK     = "sdk-callers"
)

// patience bounds one call.
const patience = 10 * time.Second

func play(ctx context.Context, args []string) error {
	input := bufio.NewScanner(os.Stdin)
	switch args[0] {
	case roleCognito, roleBare:
		return serveRole(ctx, args[0], input)
	case roleGRPC, roleSDK:
		return callRole(ctx, args, input)
	default:
		return fmt.Errorf("no role %q", args[0])
	}
}

// serveRole serves until the input ends.
func serveRole(ctx context.Context, role string, input *bufio.Scanner) error {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	if role == roleBare {
		s := grpc.NewServer()
		useradminv1.RegisterUserAdminServer(s, bench.Bare{})
		go func() { served <- s.Serve(lis) }()
	} else {
		s := &http.Server{Handler: bench.Upstream(), ReadHeaderTimeout: patience}
		go func() { served <- s.Serve(lis) }()
	}
	fmt.Println(lis.Addr())
	go func() {
		for input.Scan() {
			continue
		}
		served <- nil
	}()
	return <-served
}

// callRole warms up, says that it is ready, makes the calls when it is told to, and stays until the input ends.
func callRole(ctx context.Context, args []string, input *bufio.Scanner) error {
	if len(args) != 4 && len(args) != 6 {
		return errors.New("a caller needs a target, a number of callers and one of calls, and perhaps how it proves who it is, and its files")
	}
	var gate bench.Gate
	if len(args) == 6 {
		gate.Authn, gate.Dir = args[4], args[5]
	}
	callers, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	calls, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	call, err := caller(args[0], args[1], gate)
	if err != nil {
		return err
	}
	if err := spread(ctx, call, callers, calls/10+callers); err != nil {
		return err
	}
	fmt.Println("ready")
	for input.Scan() {
		answer := "ok"
		if err := spread(ctx, call, callers, calls); err != nil {
			answer = err.Error()
		}
		fmt.Println(answer)
	}
	return nil
}

func caller(role, target string, gate bench.Gate) (func(context.Context) error, error) {
	if role == roleSDK {
		client := bench.Direct(target)
		return func(ctx context.Context) error { return bench.ConfirmDirectly(ctx, client, bench.Request()) }, nil
	}
	conn, err := gate.Dial(target)
	if err != nil {
		return nil, err
	}
	client := useradminv1.NewUserAdminClient(conn)
	return func(ctx context.Context) error {
		_, err := client.ConfirmSignUp(ctx, bench.Request())
		for status.Code(err) == codes.Unavailable && ctx.Err() == nil { // as where the disk is too slow for the audit log
			_, err = client.ConfirmSignUp(ctx, bench.Request())
		}
		return err
	}, nil
}

// spread makes the calls from that many goroutines. One that fails ends them all.
func spread(ctx context.Context, call func(context.Context) error, callers, calls int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var left atomic.Int64
	left.Store(int64(calls))
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				one, done := context.WithTimeout(ctx, patience)
				if err := call(one); err != nil {
					cancel(err)
				}
				done()
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
