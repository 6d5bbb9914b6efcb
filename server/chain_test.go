package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"cognito.internal/useradmin/cognitoclient"
)

func TestPanic(t *testing.T) {
	var none []int
	for _, bug := range []func(){
		func() { panic("canary") }, func() { panic(errors.New("canary")) }, func() { none[len(none)]++ },
	} {
		e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			bug()
			return cognitoclient.Result{}, nil
		}), Config{})
		_, err := e.ConfirmSignUp(t.Context(), validRequest())
		want(t, err, codes.Internal, "INTERNAL", "UNKNOWN")
		eventually(t, "the line", func() bool { return containsAll(e.log.String(), []string{`"level":"ERROR"`, "TestPanic", `"panic":`}) })
		if text := e.log.String() + prototext.Format(status.Convert(err).Proto()); strings.Contains(text, "canary") {
			t.Errorf("the panic's text got out: %s", text)
		}
		if strings.Contains(prototext.Format(status.Convert(err).Proto()), "TestPanic") {
			t.Error("the stack got to the caller")
		}
	}
}

func TestPanicInAStream(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	chain := s.streamChain()
	var next func(i int) grpc.StreamHandler
	next = func(i int) grpc.StreamHandler {
		if i == len(chain) {
			return func(any, grpc.ServerStream) error { panic("canary") }
		}
		return func(srv any, stream grpc.ServerStream) error {
			return chain[i](srv, stream, &grpc.StreamServerInfo{FullMethod: "/a.B/C", IsServerStream: true}, next(i+1))
		}
	}
	ctx := grpc.NewContextWithServerTransportStream((&recorder{s}).TagRPC(t.Context(), &stats.RPCTagInfo{FullMethodName: "/a.B/C"}), &stream{})
	err := next(0)(nil, serverStream{ctx: ctx})
	info := infoOf(t, err)
	if _, told := info.GetMetadata()["outcome"]; told || status.Code(err) != codes.Internal || info.GetReason() != "INTERNAL" {
		t.Errorf("got %v %v", err, info)
	}
}

type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s serverStream) Context() context.Context { return s.ctx }

func TestForeignStatusesPassUnchanged(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	for _, c := range []struct {
		err     error
		code    codes.Code
		message string
	}{
		{status.Error(codes.NotFound, "unknown service"), codes.NotFound, "unknown service"},
		{fmt.Errorf("canary: %w", status.Error(codes.NotFound, "unknown service")), codes.NotFound, "unknown service"},
		{context.Canceled, codes.Canceled, "context canceled"},
		{context.DeadlineExceeded, codes.DeadlineExceeded, "context deadline exceeded"},
	} {
		ctx := (&recorder{s}).TagRPC(t.Context(), &stats.RPCTagInfo{FullMethodName: "/a.B/C"})
		got := status.Convert(s.convert(ctx, nil, c.err))
		if got.Code() != c.code || got.Message() != c.message || len(got.Details()) > 0 {
			t.Errorf("%v became %v", c.err, got)
		}
	}
	want := convertError(t, s, &record{requestID: "r"}, nil, errors.New("canary"))
	if want.Code() != codes.Internal || strings.Contains(want.String(), "canary") {
		t.Errorf("got %v", want)
	}
}

func TestHealthOfAnUnknownService(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	_, err := grpc_health_v1.NewHealthClient(e.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "canary"})
	if st := status.Convert(err); st.Code() != codes.NotFound || st.Message() != "unknown service" || len(st.Details()) > 0 {
		t.Errorf("got %v", err)
	}
	eventually(t, "the line", func() bool { return strings.Contains(e.log.String(), "grpc.health.v1.Health/Check") })
	for line := range strings.Lines(e.log.String()) {
		if strings.Contains(line, "Health/Check") && !strings.Contains(line, `"level":"DEBUG"`) {
			t.Errorf("a health check was logged as %s", line)
		}
	}
	if n := e.counted(t, "useradmin_calls_total"); n != 0 {
		t.Errorf("a health check was counted as %v calls", n)
	}
}

func TestReflection(t *testing.T) {
	e := serve(t, succeeding(), Config{Reflection: true})
	v1, err := reflectionv1.NewServerReflectionClient(e.conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v1.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{
		FileContainingSymbol: "useradmin.v1.UserAdmin",
	}}); err != nil {
		t.Fatal(err)
	}
	resp, err := v1.Recv()
	if err != nil {
		t.Fatal(err)
	}
	comments := 0
	for _, serialized := range resp.GetFileDescriptorResponse().GetFileDescriptorProto() {
		var file descriptorpb.FileDescriptorProto
		if err := proto.Unmarshal(serialized, &file); err != nil {
			t.Fatal(err)
		}
		comments += len(file.GetSourceCodeInfo().GetLocation())
	}
	if comments == 0 {
		t.Error("reflection has no comments")
	}
	v1alpha, err := reflectionv1alpha.NewServerReflectionClient(e.conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v1alpha.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := v1alpha.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("v1alpha: %v", err)
	}
}

func TestReflectionIsOffByDefault(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	v1, err := reflectionv1.NewServerReflectionClient(e.conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = v1.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("got %v", err)
	}
}

// A call without a record is a bug that shows.
func TestCallWithoutARecord(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("nothing happened")
		}
	}()
	_ = newServer(t, succeeding(), Config{}).convert(t.Context(), nil, nil)
}
