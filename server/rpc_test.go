package server

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/audit"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/internal/schema"
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
			full := "/" + serviceName + "/" + name
			r := newServer(t, stub{}, Config{}).rpcs[full]
			if r == nil || r.safe == nil {
				t.Fatalf("%s: add it to rpcs() in rpc.go, and say whether its request is safe to repeat", name)
			}
			checkEmptyRequest(t, full, method)
			checkRows(t, full, method)
			checkPlaces(t, r)
			checkWholeWay(t, full, method, r)
		})
	}
}

// checkEmptyRequest calls the method with an empty request: it must be refused, with an outcome, and counted under its name.
func checkEmptyRequest(t *testing.T, full string, method protoreflect.MethodDescriptor) {
	t.Helper()
	e := serve(t, stub{}, Config{}) // whose methods panic
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
func checkRows(t *testing.T, full string, method protoreflect.MethodDescriptor) {
	t.Helper()
	s := newServer(t, stub{}, Config{Region: "us-east-1"})
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
	contract, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	if told := strings.ReplaceAll(contract.Unknown(method.FullName()), "`", ""); r.unknown == "" || r.unknown != told {
		t.Errorf("%s tells callers after UNKNOWN %q, the proto's comment below Unknown %q", r.name, r.unknown, told)
	}
	if r.quota == "" {
		t.Errorf("%s: name Cognito's quota category", r.name)
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

// checkWholeWay makes the call against the embedded Cognito, so that a value that is wrong in one of the places shows.
func checkWholeWay(t *testing.T, full string, method protoreflect.MethodDescriptor, r *rpc) {
	t.Helper()
	const pool, user = "us-east-1_EXAMPLE01", "user-1"
	fake := fakecognito.New(fakecognito.Config{})
	if err := fake.AddPool(fakecognito.Pool{ID: pool, Users: []fakecognito.User{{Username: user}}}); err != nil {
		t.Fatal(err)
	}
	throttle := fakecognito.Throw("TooManyRequestsException", "")
	fake.ScriptUser(pool, user, throttle, throttle, fakecognito.ResetBeforeReading(),
		fakecognito.Throw("InvalidParameterException", "1 validation error detected: Value at 'username' failed to satisfy constraint: Member must not be null"))
	log, audited := auditLog(t)
	e := serve(t, cognitoOf(t, fake), Config{
		Region: "us-east-1", Audit: log, Authn: authn.XFCC,
		Policy: parsed(t, fmt.Sprintf(`permit (principal == Caller::%q, action == Action::%q, resource == UserPool::%q);`,
			signup, strings.TrimPrefix(full, "/"), pool)),
	})
	call := func(ctx context.Context) error {
		req := messageOf(t, method.Input())
		fields := req.ProtoReflect().Descriptor().Fields()
		req.ProtoReflect().Set(fields.ByName("user_pool_id"), protoreflect.ValueOfString(pool))
		req.ProtoReflect().Set(fields.ByName("username"), protoreflect.ValueOfString(user))
		return e.conn.Invoke(forwarded(ctx, signup), full, req, messageOf(t, method.Output()))
	}
	err := call(t.Context())
	want(t, err, codes.ResourceExhausted, "TOO_MANY_REQUESTS", "NOT_APPLIED")
	if got := detail[*errdetails.QuotaFailure](t, err).GetViolations()[0].GetQuotaId(); got != r.quota {
		t.Errorf("quota %q, want %q", got, r.quota)
	}
	want(t, call(metadata.AppendToOutgoingContext(t.Context(), repeatKey, "1")), codes.Aborted, "TOO_MANY_REQUESTS", "UNKNOWN")
	want(t, call(t.Context()), codes.Aborted, "COGNITO_RESPONSE_LOST", "UNKNOWN")
	err = call(t.Context())
	want(t, err, codes.InvalidArgument, "INVALID_PARAMETER", "NOT_APPLIED")
	if bad := detail[*errdetails.BadRequest](t, err).GetFieldViolations(); len(bad) != 1 || bad[0].GetField() != "username" {
		t.Errorf("Cognito's violation became %v: name the operation's members", bad)
	}
	if err := call(t.Context()); err != nil {
		t.Errorf("without a fault: %v", err)
	}
	eventually(t, "the log line of a success, with the outcome", func() bool {
		return containsAll(e.log.String(), []string{`"code":"OK","outcome":"`})
	})
	for _, entry := range fake.Journal() {
		if entry.Request.ID != "" && entry.Request.Operation != r.operation {
			t.Errorf("Cognito was asked for %s, want %s", entry.Request.Operation, r.operation)
		}
	}
	checkAudit(t, audited(), user)
}

// checkAudit looks for an intent and an outcome of each call, by the username's hash.
func checkAudit(t *testing.T, lines []map[string]any, user string) {
	t.Helper()
	hasher, err := audit.NewHasher([]byte(auditKey))
	if err != nil {
		t.Fatal(err)
	}
	events := map[any]int{}
	for _, line := range lines {
		events[line["event"]]++
		if line["user"] != hasher.User(user) {
			t.Errorf("the audit log has no hash of the username in %v: the RPC's target lacks it", line)
		}
	}
	if events["intent"] != 5 || events["outcome"] != 5 {
		t.Errorf("the audit log has %v: the handler must begin before it calls Cognito", events)
	}
}

// cognitoOf is a client of one attempt for the embedded Cognito.
func cognitoOf(t *testing.T, fake *fakecognito.Server) Cognito {
	t.Helper()
	web := httptest.NewServer(fake)
	t.Cleanup(web.Close)
	client, err := cognitoclient.New(cognitoclient.Config{
		AWS: aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(
			fakecognito.DefaultAccessKeyID, fakecognito.DefaultSecretAccessKey, "")},
		Endpoint: web.URL, Attempts: 1, Random: func() float64 { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
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
