package server

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/fakecognito"
)

// Whoever adds an RPC is told here what it still lacks: every method of UserAdmin that the proto has is called, and looked
// for wherever it must be named.
func TestEveryRPCIsComplete(t *testing.T) {
	file := useradminv1.File_useradmin_v1_user_admin_proto
	methods := file.Services().ByName("UserAdmin").Methods()
	if methods.Len() != len(rpcs()) {
		t.Errorf("the proto has %d RPCs, rpcs() %d", methods.Len(), len(rpcs()))
	}
	for i := range methods.Len() {
		method := methods.Get(i)
		name := string(method.Name())
		t.Run(name, func(t *testing.T) {
			e := serve(t, stub{}, Config{Region: "us-east-1"}) // every call of it panics
			full := "/" + serviceName + "/" + name
			r := e.rpcs[full]
			if r == nil {
				t.Fatalf("%s: add it to rpcs() in rpc.go", name)
			}
			checkRPC(t, e, full, method)
			checkRows(t, e.Server, full, method)
			checkPlaces(t, r)
		})
	}
}

// checkRPC calls the method with an empty request: it must be refused, with an outcome, and counted under its name.
func checkRPC(t *testing.T, e *edge, full string, method protoreflect.MethodDescriptor) {
	t.Helper()
	err := e.conn.Invoke(t.Context(), full, messageOf(t, method.Input()), messageOf(t, method.Output()))
	info := infoOf(t, err)
	if info.GetReason() != "INVALID_REQUEST" || info.GetMetadata()["outcome"] != "NOT_SENT" {
		t.Errorf("an empty request gives %v: validate it before anything is sent", info)
	}
	label := fmt.Sprintf("%q", method.Name())
	eventually(t, "counting under "+label, func() bool { return e.counted(t, "useradmin_calls_total", label) == 1 })
}

func messageOf(t *testing.T, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return kind.New().Interface()
}

// checkRows demands a row and an outcome for every cause, on a first sending and on a repeat.
func checkRows(t *testing.T, s *Server, full string, method protoreflect.MethodDescriptor) {
	t.Helper()
	r := s.rpcs[full]
	for _, cause := range cognitoclient.Causes() {
		for _, repeated := range []bool{false, true} {
			c := &record{rpc: r, requestID: "r", repeated: repeated}
			f := s.newFailure(t.Context(), c, messageOf(t, method.Input()), sampleError(cause, cognitoclient.Unknown))
			if f.row.code == 0 || f.row.says == "" || len(f.message()) > 256 {
				t.Errorf("%s has no row for %s, or its message %q is too long", r.name, cause, f.message())
			}
			if m := f.metadata(); len(m) < 5 || m[0].key != "outcome" || m[0].value == "" {
				t.Errorf("%s, %s: no outcome", r.name, cause)
			}
		}
	}
	if r.unknown == "" || r.safe == nil || r.quota == "" {
		t.Errorf("%s: say how to find out after UNKNOWN, whether its request is safe to repeat, and Cognito's quota category", r.name)
	}
}

// checkPlaces looks for the RPC outside of this package.
func checkPlaces(t *testing.T, r *rpc) {
	t.Helper()
	if !slices.Contains(fakecognito.Operations(), r.operation) {
		t.Errorf("the embedded Cognito has no %s: add it in internal/fakecognito", r.operation)
	}
	for path, text := range map[string]string{
		"README.md":             "UserAdmin/" + r.name,
		"docs/operate.md":       "cognito-idp:" + r.operation,
		"interop/cases_test.go": `"` + r.name + `"`,
		"cognitoclient":         `"` + r.operation + `"`,
	} {
		if !mentioned(t, filepath.Join("..", path), text) {
			t.Errorf("%s must mention %s", path, text)
		}
	}
}

// mentioned looks for the text in a file, or in the Go files of a folder.
func mentioned(t *testing.T, path, text string) bool {
	t.Helper()
	files := []string{path}
	if filepath.Ext(path) == "" {
		var err error
		if files, err = filepath.Glob(filepath.Join(path, "*.go")); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), text) {
			return true
		}
	}
	return false
}
