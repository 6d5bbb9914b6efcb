package schema_test

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

func load(t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ExampleSchema_Comment() {
	s, err := schema.Load()
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Comment("useradmin.v1.ERROR_REASON_USER_DISABLED"))
	// Output:
	// The user is disabled.
	//
	// Code: FAILED_PRECONDITION.
	// Details: PreconditionFailure (type `USER_ENABLED`, subject `user`).
	// Outcome: NOT_APPLIED.
	// Do: Enable the user first, if that is right.
}

// TestEveryElementHasAComment walks the descriptors, so that a new kind of element can't go without.
func TestEveryElementHasAComment(t *testing.T) {
	s := load(t)
	elements := 0
	for file := range s.Files().RangeFiles {
		if s.Comment(file.Package()) == "" {
			t.Errorf("package %s has no comment", file.Package())
		}
		walk(file, func(element protoreflect.Descriptor) {
			elements++
			if s.Comment(element.FullName()) == "" {
				t.Errorf("%s has no comment", element.FullName())
			}
		})
	}
	if elements == 0 {
		t.Error("the embedded set has no elements")
	}
}

func TestCommentOfUnknownNamesIsEmpty(t *testing.T) {
	s := load(t)
	for _, name := range []protoreflect.FullName{"", "useradmin", "useradmin.v1.Nobody", "google.rpc.ErrorInfo", "no name"} {
		if got := s.Comment(name); got != "" {
			t.Errorf("Comment(%q) = %q, want none", name, got)
		}
	}
}

// TestSetHasEveryProtoFile catches a file that was added to proto/ and never generated.
func TestSetHasEveryProtoFile(t *testing.T) {
	want, err := fs.Glob(os.DirFS("../../proto"), "*/*/*.proto")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for file := range load(t).Files().RangeFiles {
		got = append(got, file.Path())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the embedded set has %v, proto/ has %v", got, want)
	}
}

// TestSetAgreesWithGeneratedCode compares everything but the comments, which generated code lacks.
func TestSetAgreesWithGeneratedCode(t *testing.T) {
	s := load(t)
	generated := []protoreflect.FileDescriptor{
		useradminv1.File_useradmin_v1_user_admin_proto,
		useradminv1.File_useradmin_v1_errors_proto,
	}
	if got := s.Files().NumFiles(); got != len(generated) {
		t.Errorf("the embedded set has %d files, this test compares %d", got, len(generated))
	}
	for _, file := range generated {
		embedded, err := s.Files().FindFileByPath(file.Path())
		if err != nil {
			t.Errorf("%s: %v", file.Path(), err)
			continue
		}
		got := protodesc.ToFileDescriptorProto(embedded)
		got.SourceCodeInfo = nil
		if want := protodesc.ToFileDescriptorProto(file); !proto.Equal(got, want) {
			t.Errorf("%s: the embedded set and the generated code differ; run `make generate`", file.Path())
		}
	}
}

// TestReflection asks both versions of the service, as grpcurl does.
func TestReflection(t *testing.T) {
	conn := serveReflection(t, load(t))
	details := string((&errdetails.ErrorInfo{}).ProtoReflect().Descriptor().FullName())

	for _, version := range []string{"v1", "v1alpha"} {
		t.Run(version, func(t *testing.T) {
			comments := commentsOf(t, filesOf(t, conn, version, "useradmin.v1.UserAdmin"))
			if !strings.Contains(comments, "Confirms a user's sign-up") {
				t.Errorf("the service's file came without its comments: %q", comments)
			}
			if files := filesOf(t, conn, version, details); len(files) == 0 {
				t.Errorf("%s is not found", details)
			}
			if files := filesOf(t, conn, version, "useradmin.v1.Nobody"); len(files) != 0 {
				t.Error("an unknown name is found")
			}
		})
	}
}

// serveReflection serves it on an in-memory connection for the length of the test.
func serveReflection(t *testing.T, s *schema.Schema) *grpc.ClientConn {
	t.Helper()
	server := grpc.NewServer()
	opts := reflection.ServerOptions{Services: server, DescriptorResolver: s}
	reflectionv1.RegisterServerReflectionServer(server, reflection.NewServerV1(opts))
	reflectionv1alpha.RegisterServerReflectionServer(server, reflection.NewServer(opts))

	listener := bufconn.Listen(64 << 10)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})

	conn, err := grpc.NewClient("passthrough:///bufconn",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// filesOf asks one version of the service for the file of a symbol, and what it imports. The messages of both versions
// are the same on the wire.
func filesOf(t *testing.T, conn *grpc.ClientConn, version, symbol string) [][]byte {
	t.Helper()
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
		"/grpc.reflection."+version+".ServerReflection/ServerReflectionInfo")
	if err != nil {
		t.Fatal(err)
	}
	err = stream.SendMsg(&reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: symbol},
	})
	if err != nil {
		t.Fatal(err)
	}
	var answer reflectionv1.ServerReflectionResponse
	if err := stream.RecvMsg(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.GetFileDescriptorResponse().GetFileDescriptorProto()
}

// commentsOf returns every leading comment of the files.
func commentsOf(t *testing.T, files [][]byte) string {
	t.Helper()
	var comments strings.Builder
	for _, raw := range files {
		var file descriptorpb.FileDescriptorProto
		if err := proto.Unmarshal(raw, &file); err != nil {
			t.Fatal(err)
		}
		for _, location := range file.GetSourceCodeInfo().GetLocation() {
			comments.WriteString(location.GetLeadingComments())
		}
	}
	return comments.String()
}

// container is what files and messages have in common.
type container interface {
	Enums() protoreflect.EnumDescriptors
	Messages() protoreflect.MessageDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}

// walk visits every element of a file that an author writes.
func walk(file protoreflect.FileDescriptor, visit func(protoreflect.Descriptor)) {
	walkContainer(file, visit)
	for service := range all(file.Services()) {
		visit(service)
		for method := range all(service.Methods()) {
			visit(method)
		}
	}
}

func walkContainer(c container, visit func(protoreflect.Descriptor)) {
	for enum := range all(c.Enums()) {
		visit(enum)
		for value := range all(enum.Values()) {
			visit(value)
		}
	}
	for extension := range all(c.Extensions()) {
		visit(extension)
	}
	for message := range all(c.Messages()) {
		if message.IsMapEntry() { // the compiler's, nobody wrote it
			continue
		}
		visit(message)
		for field := range all(message.Fields()) {
			visit(field)
		}
		for oneof := range all(message.Oneofs()) {
			if !oneof.IsSynthetic() { // the compiler's, for an optional field
				visit(oneof)
			}
		}
		walkContainer(message, visit)
	}
}

// list is what protoreflect's lists have in common.
type list[D protoreflect.Descriptor] interface {
	Len() int
	Get(i int) D
}

func all[D protoreflect.Descriptor](l list[D]) iter.Seq[D] {
	return func(yield func(D) bool) {
		for i := range l.Len() {
			if !yield(l.Get(i)) {
				return
			}
		}
	}
}
