package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	confirmedByCall = useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED
	confirmedBefore = useradminv1.ConfirmSignUpResponse_RESULT_ALREADY_CONFIRMED
)

// stub is a service that responds as a test wants.
type stub struct {
	useradminv1.UnimplementedUserAdminServer
	confirm func(context.Context, *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error)
}

func (s stub) ConfirmSignUp(ctx context.Context, req *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
	return s.confirm(ctx, req)
}

// serveStub returns its address.
func serveStub(t *testing.T, s stub, options ...grpc.ServerOption) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveStubOn(t, lis, s, options...)
	return lis.Addr().String()
}

func serveStubOn(t *testing.T, lis net.Listener, s stub, options ...grpc.ServerOption) {
	t.Helper()
	srv := grpc.NewServer(options...)
	useradminv1.RegisterUserAdminServer(srv, s)
	go func() { _ = srv.Serve(lis) }()
	t.Cleanup(srv.Stop)
}

func answering(result useradminv1.ConfirmSignUpResponse_Result, err error) stub {
	return stub{confirm: func(ctx context.Context, _ *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
		_ = grpc.SetTrailer(ctx, metadata.Pairs("x-request-id", "7d3f"))
		return &useradminv1.ConfirmSignUpResponse{Result: result}, err
	}}
}

// statusError is an error of the service, or of something else if the reason is empty.
func statusError(code codes.Code, reason, outcome string, details ...proto.Message) error {
	if reason != "" {
		details = append([]proto.Message{&errdetails.ErrorInfo{
			Domain: failure.Domain, Reason: reason, Metadata: map[string]string{
				"outcome": outcome, "attempts": "1", "exception": "", "cognitoRequestId": "", "repeated": "false",
			},
		}, &errdetails.RequestInfo{RequestId: "7d3f"}}, details...)
	}
	s := &spb.Status{Code: status.New(code, "").Proto().GetCode(), Message: "An example."}
	for _, detail := range details {
		if packed, ok := detail.(*anypb.Any); ok {
			s.Details = append(s.Details, packed)
			continue
		}
		packed, err := anypb.New(detail)
		if err != nil {
			panic(err)
		}
		s.Details = append(s.Details, packed)
	}
	return status.ErrorProto(s)
}

func after(delay time.Duration) proto.Message {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}

// inProcess runs the program's code in this process.
func inProcess(args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = run(args, streams{&out, &errOut})
	return code, out.String(), errOut.String()
}

func TestConfirmSendsWhatIsTyped(t *testing.T) {
	var got *useradminv1.ConfirmSignUpRequest
	address := serveStub(t, stub{confirm: func(_ context.Context, req *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
		got = req
		return &useradminv1.ConfirmSignUpResponse{Result: confirmedByCall}, nil
	}})
	for _, c := range []struct {
		args []string
		want *useradminv1.ConfirmSignUpRequest
	}{
		{[]string{"p_1", "jane"}, &useradminv1.ConfirmSignUpRequest{UserPoolId: "p_1", Username: "jane", AllowConfirmed: true}},
		{[]string{"p_1", "jane", "--strict"}, &useradminv1.ConfirmSignUpRequest{UserPoolId: "p_1", Username: "jane"}},
		{[]string{"", ""}, &useradminv1.ConfirmSignUpRequest{AllowConfirmed: true}},
		{[]string{"p_1", "--", "-jane"}, &useradminv1.ConfirmSignUpRequest{UserPoolId: "p_1", Username: "-jane", AllowConfirmed: true}},
		{[]string{"p_1", "jane", "--metadata=a=1,2;b=3", "--metadata", "b==", "--metadata", "c="}, &useradminv1.ConfirmSignUpRequest{
			UserPoolId: "p_1", Username: "jane", AllowConfirmed: true, ClientMetadata: map[string]string{"a": "1,2;b=3", "b": "=", "c": ""},
		}},
	} {
		if code, _, stderr := inProcess(append([]string{"confirm", "--address=" + address}, c.args...)...); code != 0 || !proto.Equal(got, c.want) {
			t.Errorf("%q: exit code %d, %q, sent %v, want %v", c.args, code, stderr, got, c.want)
		}
	}
}

func TestConfirmWrongUsage(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca")
	if err := os.WriteFile(notPEM, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		says string
		args []string
	}{
		{`expected "<pool> <user>"`, nil},
		{`expected "<user>"`, []string{"p_1"}},
		{"unexpected argument", []string{"p_1", "jane", "joe"}},
		{`has the key "a" twice`, []string{"p_1", "jane", "--metadata=a=1", "--metadata=a=1"}},
		{"is not of the form KEY=VALUE", []string{"p_1", "jane", "--metadata=a"}},
		{"argument 4 is not UTF-8", []string{"p_1", "jane", "--metadata=a=\xff"}},
		{"argument 3 is not UTF-8", []string{"p_1", "jane\xff"}},
		{"--timeout must be positive", []string{"p_1", "jane", "--timeout=0"}},
		{"--output must be one of", []string{"p_1", "jane", "--output=xml"}},
		{"is not an address", []string{"p_1", "jane", "--address=nowhere"}},
		{"is not an address", []string{"p_1", "jane", "--address=:50051"}},
		{"is not an address", []string{"p_1", "jane", "--address=127.0.0.1:"}},
		{"a Unix socket needs an absolute path", []string{"p_1", "jane", "--address=unix:"}},
		{"--ca: open " + notPEM + ".none: no such file", []string{"p_1", "jane", "--ca=" + notPEM + ".none"}},
		{"the file has no certificate in PEM", []string{"p_1", "jane", "--ca=" + notPEM}},
	} {
		code, stdout, stderr := inProcess(append([]string{"confirm"}, c.args...)...)
		if code != exitUsage || stdout != "" || !strings.HasPrefix(stderr, "useradmin: ") || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q, %q; want %q", c.args, code, stdout, stderr, c.says)
		}
	}
}

// The real service, as people try it.
func TestConfirmWithDev(t *testing.T) {
	dev := start(t, program(t, "dev", "--listen=127.0.0.1:0", "--log-level=warn"))
	address := devAddress(t, dev)
	for _, c := range []struct {
		user, flag string
		code       int
		says       string
	}{
		{"new-1", "--metadata=source=form", 0, "new-1: CONFIRMED\n"},
		{"new-1", "--timeout=30s", 0, "new-1: ALREADY_CONFIRMED\n"},
		{"new-1", "--strict", 73, "USER_ALREADY_CONFIRMED (FAILED_PRECONDITION): "},
		{"answer-lost", "--timeout=30s", 0, "answer-lost: CONFIRMED_UNATTRIBUTED\n"},
		{"nobody", "--timeout=30s", 69, "USER_NOT_FOUND (NOT_FOUND): "},
		{"not a username", "--timeout=30s", 67, "INVALID_REQUEST (INVALID_ARGUMENT): "},
		{"trigger-rejects", "--timeout=30s", 73, "LAMBDA_REJECTED (FAILED_PRECONDITION): "},
		{"answers-lost", "--strict", 74, "COGNITO_RESPONSE_LOST (ABORTED): "},
		{"throttled", "--timeout=1s", 72, "TOO_MANY_REQUESTS (RESOURCE_EXHAUSTED): "},
	} {
		code, stdout, stderr := inProcess("confirm", "--address="+address, devPool, c.user, c.flag)
		if code != c.code || !strings.HasPrefix(stdout+stderr, c.says) {
			t.Errorf("%s: exit code %d:\n%s%s", c.user, code, stdout, stderr)
		}
		if c.code != 0 && !strings.Contains(stderr, "\n  User         "+c.user+"\n  Pool         "+devPool+"\n") {
			t.Errorf("%s: the report names neither user nor pool:\n%s", c.user, stderr)
		}
	}
	if event := dev.await(t, "PostConfirmation trigger got"); !strings.Contains(event, `"clientMetadata":{"source":"form"}`) {
		t.Errorf("the trigger's event: %s", event)
	}
}

// An interrupted command still prints the outcome.
func TestConfirmInterrupted(t *testing.T) {
	began := make(chan struct{}, 1)
	address := serveStub(t, stub{confirm: func(ctx context.Context, _ *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
		began <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	r := start(t, program(t, "confirm", "--address="+address, "p_1", "jane"))
	<-began
	r.signal(t, syscall.SIGINT)
	r.await(t, "CANCELLED: ")
	r.await(t, "Outcome      UNKNOWN: This command was interrupted during the call.")
	if code := r.exit(t); code != 65 {
		t.Errorf("exit code %d", code)
	}
}

// So does one that is interrupted while it waits; its exit code is that of the last try.
func TestConfirmInterruptedWhileItWaits(t *testing.T) {
	throttled := statusError(codes.ResourceExhausted, "TOO_MANY_REQUESTS", "NOT_APPLIED", after(time.Hour))
	address := serveStub(t, answering(0, throttled))
	for output, says := range map[string]string{"text": "TOO_MANY_REQUESTS (RESOURCE_EXHAUSTED): ", "json": `"interrupted":true`} {
		r := start(t, program(t, "confirm", "--address="+address, "p_1", "jane", "--timeout=2h", "--output="+output))
		r.await(t, "sending the call again in 1h0m0s")
		r.signal(t, syscall.SIGINT)
		r.await(t, "useradmin: interrupted before try 2; what try 1 said:")
		r.await(t, says)
		if code := r.exit(t); code != 72 {
			t.Errorf("%s: exit code %d", output, code)
		}
	}
}

func TestConfirmOutOfTime(t *testing.T) {
	address := serveStub(t, stub{confirm: func(ctx context.Context, _ *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	code, _, stderr := inProcess("confirm", "--address="+address, "p_1", "jane", "--timeout=50ms")
	if code != 68 || !strings.HasPrefix(stderr, "DEADLINE_EXCEEDED: ") || !strings.Contains(stderr, "Outcome      UNKNOWN") {
		t.Errorf("exit code %d:\n%s", code, stderr)
	}
}

// brokenPipe fails as a closed pipe does.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestConfirmCannotPrint(t *testing.T) {
	var errOut bytes.Buffer
	code := run([]string{"confirm", "--address=" + serveStub(t, answering(confirmedByCall, nil)), "p_1", "jane"}, streams{brokenPipe{}, &errOut})
	if code != exitFailure || errOut.String() != "useradmin: broken pipe\n" {
		t.Errorf("exit code %d, %q", code, errOut.String())
	}
}
