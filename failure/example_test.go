package failure_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/server"
)

// Most callers ask what happened and go on.
func Example() {
	client, stop := serve(cognitoclient.Error{Cause: cognitoclient.UserNotFound, Outcome: cognitoclient.NotApplied})
	defer stop()

	_, err := client.ConfirmSignUp(context.Background(), request())
	if err == nil {
		fmt.Println("the user is confirmed")
		return
	}
	switch f := failure.Of(err); {
	case f.Reason == useradminv1.ErrorReason_ERROR_REASON_USER_NOT_FOUND:
		fmt.Println("there is no such user")
	case f.Retryable():
		fmt.Println("send the same call again after", f.RetryDelay)
	case f.NotApplied():
		fmt.Println("not confirmed:", f)
	default:
		fmt.Println("perhaps confirmed, the same call again would tell:", f)
	}
	// Output: there is no such user
}

// Repeat: the same call, after the delay that the service asks for, and not for ever.
func ExampleFailure_Retryable() {
	client, stop := serve(
		cognitoclient.Error{Cause: cognitoclient.TooManyRequests, Outcome: cognitoclient.NotApplied, Attempts: 3},
		cognitoclient.Error{Cause: cognitoclient.ResponseLost, Outcome: cognitoclient.Unknown, Attempts: 3},
	)
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	for try := 1; ; try++ {
		_, err := client.ConfirmSignUp(ctx, request())
		if err == nil {
			fmt.Println("the user is confirmed")
			return
		}
		f := failure.Of(err)
		if !f.Retryable() || try == 5 {
			fmt.Println("gave up:", f)
			return
		}
		fmt.Println("again, because of", f.Reason)
		select {
		case <-time.After(cmp.Or(f.RetryDelay, time.Second)):
		case <-ctx.Done():
			fmt.Println("out of time; the last failure was", f)
			return
		}
	}
	// Output:
	// again, because of ERROR_REASON_TOO_MANY_REQUESTS
	// again, because of ERROR_REASON_COGNITO_RESPONSE_LOST
	// the user is confirmed
}

// Give up: where nothing happened and a repeat can't help, tell what is wrong with the request.
func ExampleFailure_NotApplied() {
	client, stop := serve()
	defer stop()

	_, err := client.ConfirmSignUp(context.Background(), &useradminv1.ConfirmSignUpRequest{Username: "not a username"})
	if f := failure.Of(err); f.NotApplied() && !f.Retryable() {
		fmt.Println("nothing happened to the user")
		for _, v := range f.Violations {
			fmt.Println(v.Field, v.Reason)
		}
	}
	// Output:
	// nothing happened to the user
	// user_pool_id REQUIRED
	// username BAD_CHARACTERS
}

// Report: the outcome is unknown, and the request id leads the service's operators to the call.
func ExampleFailure_OutcomeUnknown() {
	client, stop := serve(cognitoclient.Error{
		Cause: cognitoclient.LambdaRejected, Outcome: cognitoclient.Unknown, Attempts: 1,
		Exception: "UserLambdaValidationException", Message: "PostConfirmation failed with error no mail today.",
	})
	defer stop()

	_, err := client.ConfirmSignUp(context.Background(), request())
	if f := failure.Of(err); f.OutcomeUnknown() && !f.Retryable() {
		fmt.Println("to report:", f.ReasonName, "of call", f.RequestID)
		fmt.Println("the trigger said:", f.Metadata["lambdaError"])
	}
	// Output:
	// to report: ERROR_REASON_LAMBDA_REJECTED of call 7d3f
	// the trigger said: no mail today
}

func request() *useradminv1.ConfirmSignUpRequest {
	return &useradminv1.ConfirmSignUpRequest{
		UserPoolId: "us-east-1_EXAMPLE01", Username: "new-1", AllowConfirmed: true,
	}
}

// serve runs the service in this process. Its calls fail as given, one after the other; then they succeed.
func serve(failures ...cognitoclient.Error) (useradminv1.UserAdminClient, func()) {
	conn, stop, err := connect(func(context.Context, cognitoclient.Request) (cognitoclient.Result, error) {
		if len(failures) == 0 {
			return cognitoclient.Result{Confirmation: cognitoclient.Confirmed, Attempts: 1}, nil
		}
		failed := failures[0]
		failures = failures[1:]
		return cognitoclient.Result{}, &failed
	})
	if err != nil {
		panic(err)
	}
	return useradminv1.NewUserAdminClient(conn), stop
}

type confirmFunc func(context.Context, cognitoclient.Request) (cognitoclient.Result, error)

func (f confirmFunc) ConfirmSignUp(ctx context.Context, r cognitoclient.Request) (cognitoclient.Result, error) {
	return f(ctx, r)
}

func connect(confirm confirmFunc) (*grpc.ClientConn, func(), error) {
	srv, err := server.New(confirm, server.Config{
		Region:       "us-east-1",
		Logger:       slog.New(slog.DiscardHandler),
		NewRequestID: func() string { return "7d3f" },
		Jitter:       func() float64 { return 0.5 },
	})
	if err != nil {
		return nil, nil, err
	}
	lis := bufconn.Listen(1 << 20)
	conn, err := grpc.NewClient("passthrough:///bufconn",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(ctx, lis)
	}()
	return conn, func() {
		_ = conn.Close()
		cancel()
		<-served
	}, nil
}
