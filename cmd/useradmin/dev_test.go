package main

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Every call that dev prints does what is said of it.
func TestDevDoesWhatItPrints(t *testing.T) {
	r := start(t, program(t, "dev", "--listen=127.0.0.1:0"))
	first := r.await(t, "useradmin serves on ")
	address := strings.TrimSuffix(strings.Fields(first)[3], ",")
	client := useradminv1.NewUserAdminClient(dial(t, address))
	examples := append(workingExamples(), failingExamples()...)
	for _, e := range examples {
		line := r.await(t, "grpcurl -plaintext -d")
		if !strings.Contains(line, "'"+e.request+"' "+address+" useradmin.v1.UserAdmin/ConfirmSignUp") {
			t.Errorf("printed %s, want the call %s", line, e.request)
		}
	}
	for _, e := range examples {
		var req useradminv1.ConfirmSignUpRequest
		if err := protojson.Unmarshal([]byte(e.request), &req); err != nil {
			t.Fatal(err)
		}
		resp, err := client.ConfirmSignUp(t.Context(), &req)
		got := resp.GetResult().String()
		if err != nil {
			got = strings.TrimPrefix(reasonAndOutcome(err), "ERROR_REASON_")
		}
		says, _, _ := strings.Cut(e.says, " ")
		if !strings.HasPrefix(got, strings.TrimRight(says, ";:,")) {
			t.Errorf("%s: got %s, want %s", e.request, got, e.says)
		}
	}
	if line := r.await(t, "PostConfirmation trigger got"); !strings.Contains(line, `"clientMetadata":{"source":"sign-up form"}`) {
		t.Errorf("the trigger's event: %s", line)
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := r.exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The call in the README is one that dev prints.
func TestReadmeCall(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`grpcurl -plaintext -d '(.*)' 127\.0\.0\.1:50051 useradmin\.v1\.UserAdmin/ConfirmSignUp`).FindSubmatch(readme)
	if call == nil || string(call[1]) != workingExamples()[0].request {
		t.Errorf("the README's call is %q, dev's is %q", call, workingExamples()[0].request)
	}
}

// The environment sets flags; one on the command line wins.
func TestEnvironmentSetsFlags(t *testing.T) {
	cmd := program(t, "dev", "--log-format=json")
	cmd.Env = append(cmd.Env, "USERADMIN_LISTEN=127.0.0.1:0", "USERADMIN_LOG_FORMAT=text")
	if line := start(t, cmd).await(t, `serving`); !strings.HasPrefix(line, "{") {
		t.Errorf("the flag does not win over the environment: %s", line)
	}
}
