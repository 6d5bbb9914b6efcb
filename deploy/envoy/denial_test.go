// Package envoy has the configurations for Envoy.
package envoy

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/server"
)

var update = flag.Bool("update", false, "write the denial of mesh.yaml as the service makes it")

// denying is a Cognito for whose calls the service answers CALLER_NOT_ALLOWED.
type denying struct{ server.Cognito }

// ConfirmSignUp refuses.
func (denying) ConfirmSignUp(_ context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
	return cognitoclient.Result{}, cognitoclient.Refused(cognitoclient.CallerNotAllowed, r.Repeated)
}

// denial is the service's status, without what differs between calls.
func denial(t *testing.T) *statuspb.Status {
	t.Helper()
	srv, err := server.New(denying{}, server.Config{Region: "us-east-1", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(t.Context(), lis) }()
	conn, err := grpc.NewClient("passthrough:///"+lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = conn.Close()
		srv.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	_, err = useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{UserPoolId: "us-east-1_A", Username: "a"})
	return canonical(t, status.Convert(err).Proto())
}

// canonical is the status without RequestInfo, and with sorted maps in its details.
func canonical(t *testing.T, full *statuspb.Status) *statuspb.Status {
	t.Helper()
	s := &statuspb.Status{Code: full.GetCode(), Message: full.GetMessage()}
	for _, detail := range full.GetDetails() {
		content, err := detail.UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		sorted := &anypb.Any{}
		if err := anypb.MarshalFrom(sorted, content, proto.MarshalOptions{Deterministic: true}); err != nil {
			t.Fatal(err)
		}
		if _, ok := content.(*errdetails.RequestInfo); !ok {
			s.Details = append(s.Details, sorted)
		}
	}
	return s
}

var (
	bodyLine    = regexp.MustCompile(`body: \{inline_string: "(.*)"\}`)
	detailsLine = regexp.MustCompile(`key: grpc-status-details-bin, value: "(.*)"\}`)
)

// A denial of mesh.yaml says what the service's own says.
func TestDenialIsTheServices(t *testing.T) {
	want := denial(t)
	if *update {
		write(t, want)
	}
	text := read(t, "mesh.yaml")
	body, details := bodyLine.FindStringSubmatch(text), detailsLine.FindStringSubmatch(text)
	if body == nil || details == nil {
		t.Fatal("mesh.yaml has no denial")
	}
	raw, err := base64.RawStdEncoding.DecodeString(details[1])
	if err != nil {
		t.Fatal(err)
	}
	got := &statuspb.Status{}
	if err := proto.Unmarshal(raw, got); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(canonical(t, got), want) || body[1] != want.GetMessage() {
		t.Errorf("mesh.yaml says %q %v, the service %v: run go test ./deploy/envoy -update", body[1], got, want)
	}
}

func write(t *testing.T, s *statuspb.Status) {
	t.Helper()
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	text := bodyLine.ReplaceAllLiteralString(read(t, "mesh.yaml"), fmt.Sprintf(`body: {inline_string: %q}`, s.GetMessage()))
	text = detailsLine.ReplaceAllLiteralString(text, fmt.Sprintf(`key: grpc-status-details-bin, value: %q}`, base64.RawStdEncoding.EncodeToString(raw)))
	if err := os.WriteFile("mesh.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Every line of envoy.yaml is in mesh.yaml, in the same order, so that the two do not drift apart.
func TestMeshExtendsEnvoy(t *testing.T) {
	mesh := strings.Split(settings(t, "mesh.yaml"), "\n")
	at := 0
	for line := range strings.Lines(settings(t, "envoy.yaml")) {
		line = strings.TrimSuffix(line, "\n")
		begin := at
		for at < len(mesh) && mesh[at] != line {
			at++
		}
		if at == len(mesh) {
			t.Fatalf("mesh.yaml lacks this line of envoy.yaml after its line %q:\n%s", mesh[max(begin-1, 0)], line)
		}
		at++
	}
}

// settings is the file without the comment that it begins with.
func settings(t *testing.T, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(read(t, name), "\nadmin:\n")
	if !ok {
		t.Fatalf("%s does not begin with admin", name)
	}
	return rest
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
