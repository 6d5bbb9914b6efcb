package bench_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"cognito.internal/useradmin/bench"
	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/server"
)

// stub is a Cognito that costs nothing.
type stub struct {
	server.Cognito
	result cognitoclient.Result
	err    error
}

func (s stub) ConfirmSignUp(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
	return s.result, s.err
}

func succeeding() server.Cognito {
	return stub{result: cognitoclient.Result{Attribution: cognitoclient.ByThisCall, Attempts: 1, RequestID: "5d6e7f80"}}
}

// refusing makes a status of three details: ErrorInfo, RequestInfo and ResourceInfo.
func refusing() server.Cognito {
	return stub{err: &cognitoclient.Error{
		Cause: cognitoclient.UserNotFound, Outcome: cognitoclient.NotApplied, Exception: "UserNotFoundException", RequestID: "5d6e7f80", Attempts: 1,
	}}
}

// logger makes each line in full, as in production.
func logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // DiscardHandler would not even make the line
}

// service serves our chain and handler over an in-memory connection, with a log line a call.
func service(tb testing.TB, upstream server.Cognito) useradminv1.UserAdminClient {
	tb.Helper()
	s, err := server.New(upstream, server.Config{Logger: logger()})
	if err != nil {
		tb.Fatal(err)
	}
	lis := bufconn.Listen(1 << 20)
	go func() { _ = s.Serve(context.Background(), lis) }()
	tb.Cleanup(s.Stop)
	return dial(tb, lis)
}

func bare(tb testing.TB) useradminv1.UserAdminClient {
	tb.Helper()
	s := grpc.NewServer()
	useradminv1.RegisterUserAdminServer(s, bench.Bare{})
	lis := bufconn.Listen(1 << 20)
	go func() { _ = s.Serve(lis) }()
	tb.Cleanup(s.Stop)
	return dial(tb, lis)
}

func dial(tb testing.TB, lis *bufconn.Listener) useradminv1.UserAdminClient {
	tb.Helper()
	conn, err := grpc.NewClient("passthrough:///bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return useradminv1.NewUserAdminClient(conn)
}

// upstream is the endpoint of an embedded Cognito.
func upstream(tb testing.TB) string {
	tb.Helper()
	web := httptest.NewServer(bench.Upstream())
	tb.Cleanup(web.Close)
	return web.URL
}

// cognito is our client of the endpoint.
func cognito(tb testing.TB, endpoint string) *cognitoclient.Client {
	tb.Helper()
	client, err := cognitoclient.New(cognitoclient.Config{
		AWS: aws.Config{Region: bench.Region, Credentials: aws.NewCredentialsCache(
			credentials.NewStaticCredentialsProvider(bench.AccessKeyID, bench.SecretAccessKey, ""))},
		Endpoint: endpoint,
		Random:   func() float64 { return 0.5 },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// call makes one call that must end with the code.
func call(tb testing.TB, client useradminv1.UserAdminClient, req *useradminv1.ConfirmSignUpRequest, want codes.Code) {
	tb.Helper()
	if _, err := client.ConfirmSignUp(context.Background(), req); status.Code(err) != want {
		tb.Fatal(err)
	}
}

func invalid() *useradminv1.ConfirmSignUpRequest {
	return &useradminv1.ConfirmSignUpRequest{UserPoolId: "no pool", Username: "no user"}
}

// What each layer costs, without a network but with gRPC's own work: the difference to bare is ours.
func BenchmarkBareGRPC(b *testing.B) { measure(b, bare(b), bench.Request(), codes.OK) }

func BenchmarkChain(b *testing.B) { measure(b, service(b, succeeding()), bench.Request(), codes.OK) }

func BenchmarkStatus(b *testing.B) {
	measure(b, service(b, refusing()), bench.Request(), codes.NotFound)
}

func BenchmarkValidation(b *testing.B) {
	measure(b, service(b, succeeding()), invalid(), codes.InvalidArgument)
}

func BenchmarkFullCall(b *testing.B) {
	measure(b, service(b, cognito(b, upstream(b))), bench.Request(), codes.OK)
}

func BenchmarkCognitoClient(b *testing.B) {
	client := cognito(b, upstream(b))
	req := bench.Request()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.ConfirmSignUp(b.Context(), own(req)); err != nil {
			b.Fatal(err)
		}
	}
}

// own is the request as our client takes it.
func own(req *useradminv1.ConfirmSignUpRequest) cognitoclient.ConfirmSignUp {
	return cognitoclient.ConfirmSignUp{UserPoolID: req.GetUserPoolId(), Username: req.GetUsername(), ClientMetadata: req.GetClientMetadata()}
}

func BenchmarkDirectSDK(b *testing.B) {
	client := bench.Direct(upstream(b))
	b.ReportAllocs()
	for b.Loop() {
		if err := bench.ConfirmDirectly(b.Context(), client, bench.Request()); err != nil {
			b.Fatal(err)
		}
	}
}

func measure(b *testing.B, client useradminv1.UserAdminClient, req *useradminv1.ConfirmSignUpRequest, want codes.Code) {
	b.Helper()
	call(b, client, req, want) // the connection is made
	b.ReportAllocs()
	for b.Loop() {
		call(b, client, req, want)
	}
}
