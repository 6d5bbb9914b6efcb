package failure_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// readmeCall is the README's snippet, with the address as the only difference.
func readmeCall(ctx context.Context, address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, err = useradminv1.NewUserAdminClient(conn).ConfirmSignUp(ctx, &useradminv1.ConfirmSignUpRequest{
		UserPoolId: "us-east-1_EXAMPLE01", Username: "new-2", AllowConfirmed: true,
	})
	if err != nil {
		f := failure.Of(err)
		return fmt.Errorf("sign-up not confirmed: %s (again: %t, nothing happened: %t)", f, f.Retryable(), f.NotApplied())
	}
	return nil
}

func TestReadmeSnippet(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := start(&service{errors: []error{statusError(codes.NotFound, "Gone.", notFoundInfo())}}, lis)
	defer stop()
	err = readmeCall(t.Context(), lis.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "USER_NOT_FOUND") || !strings.Contains(err.Error(), "again: false, nothing happened: true") {
		t.Errorf("got %v", err)
	}
}

// The snippet that the test above runs is the one in the README.
func TestReadmeHasTheSnippet(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, snippet, _ := strings.Cut(string(readme), "```go\n")
	snippet, _, _ = strings.Cut(snippet, "```")
	snippet = strings.NewReplacer(`"127.0.0.1:50051"`, "address", "defer conn.Close()", "defer func() { _ = conn.Close() }()").Replace(snippet)
	for line := range strings.Lines(snippet) {
		if line != "\n" && !strings.Contains(string(source), "\t"+line) {
			t.Errorf("the README's line %q is not tested", line)
		}
	}
	if snippet == "" {
		t.Error("the README has no snippet")
	}
}
