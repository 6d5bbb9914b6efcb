package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/fakecognito"
)

// words splits a command as a shell does, as far as the guide needs it.
func words(command string) []string {
	var list []string
	for _, word := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(command, -1) {
		list = append(list, strings.Trim(word, "'"))
	}
	return list
}

// Every command that dev prints does what the guide says.
func TestDevDoesWhatItPrints(t *testing.T) {
	r := start(t, program(t, "dev", "--listen=127.0.0.1:0", "--log-level=warn"))
	address := devAddress(t, r)
	if line := r.await(t, "export USERADMIN_ADDRESS="); line != "  export USERADMIN_ADDRESS="+address {
		t.Errorf("printed %q, want the address %s", line, address)
	}
	t.Setenv("USERADMIN_ADDRESS", address)
	for _, e := range slices.Concat(workingExamples(), failingExamples(), trapExamples()) {
		line := r.await(t, "go run ./cmd/useradmin confirm ")
		if want := "  go run ./cmd/useradmin confirm " + devPool + " " + e.args; line != want {
			t.Errorf("printed %q, want %q", line, want)
		}
		began := time.Now()
		code, stdout, stderr := inProcess(words(line)[3:]...)
		if took := time.Since(began); e.args == "trigger-slow" && took < devSlowTrigger {
			t.Errorf("%s took %s, want at least %s", e.args, took, devSlowTrigger)
		}
		first, _, _ := strings.Cut(stdout+stderr, "\n")
		want := regexp.MustCompile(`^\w+`).FindString(e.says)
		fails := slices.Contains(failingExamples(), e)
		if (code != 0) != fails || !regexp.MustCompile(`\b`+want+`\b`).MatchString(first) {
			t.Errorf("%s: exit code %d, %q, want %s", e.args, code, first, e.says)
		}
	}
	r.call(t, address)
	if line := r.await(t, "PostConfirmation trigger got"); !strings.Contains(line, `"clientMetadata":{"source":"form"}`) ||
		!strings.Contains(line, `"email_verified":"false"`) {
		t.Errorf("the trigger's event: %s", line)
	}
	r.stop(t)
}

// call makes the call that dev prints for grpcurl.
func (r *running) call(t *testing.T, address string) {
	t.Helper()
	line := r.await(t, "grpcurl -plaintext -d")
	if !strings.HasSuffix(line, "' "+address+" useradmin.v1.UserAdmin/ConfirmSignUp") {
		t.Errorf("printed %q", line)
	}
	var req useradminv1.ConfirmSignUpRequest
	if err := protojson.Unmarshal([]byte(words(line)[3]), &req); err != nil {
		t.Fatal(err)
	}
	resp, err := useradminv1.NewUserAdminClient(dial(t, address)).ConfirmSignUp(t.Context(), &req)
	if err != nil || resp.GetResult() != useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED {
		t.Errorf("%s: %v, %v", line, resp, err)
	}
}

// At the default address the commands need no setting.
func TestGuideAtDefaultAddress(t *testing.T) {
	if text := guide("127.0.0.1:50051", "http://127.0.0.1:1"); strings.Contains(text, "USERADMIN_ADDRESS") {
		t.Errorf("the guide says %s", text)
	}
}

// The calls in the README work with dev: their pool and their users exist.
func TestReadmeCalls(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	known := func(pool, username string) bool {
		return pool == devPool && slices.ContainsFunc(devUserPool(nil).Users, func(u fakecognito.User) bool { return u.Username == username })
	}
	calls := regexp.MustCompile(`grpcurl -plaintext -d '(.*)' 127\.0\.0\.1:50051 useradmin\.v1\.UserAdmin/ConfirmSignUp`).FindAllSubmatch(readme, -1)
	commands := regexp.MustCompile(`go run ./cmd/useradmin confirm (\S+) (\S+)`).FindAllStringSubmatch(string(readme), -1)
	if len(calls)+len(commands) == 0 {
		t.Error("the README has no call")
	}
	for _, call := range calls {
		var req useradminv1.ConfirmSignUpRequest
		if err := protojson.Unmarshal(call[1], &req); err != nil || !known(req.GetUserPoolId(), req.GetUsername()) {
			t.Errorf("%s: %v", call[0], err)
		}
	}
	for _, command := range commands {
		if !known(command[1], command[2]) {
			t.Errorf("dev does not know the user of %q", command[0])
		}
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

// With certificates too, every command that dev prints does what the guide says.
func TestDevWithCallersDoesWhatItPrints(t *testing.T) {
	r := start(t, program(t, "dev", "--listen=127.0.0.1:0", "--authn=mtls"))
	var folder string
	for range 2 {
		for _, setting := range words(r.await(t, "  export USERADMIN_"))[1:] {
			name, value, _ := strings.Cut(setting, "=")
			t.Setenv(name, value)
			folder = filepath.Dir(value)
		}
	}
	callers := &devCallers{dir: folder}
	for i, e := range callers.examples() {
		line := r.await(t, "go run ./cmd/useradmin confirm ")
		if want := "  go run ./cmd/useradmin confirm " + e.args; line != want {
			t.Errorf("printed %q, want %q", line, want)
		}
		code, stdout, stderr := inProcess(words(line)[3:]...)
		first, _, _ := strings.Cut(e.says, ".")
		if i == len(callers.examples())-1 {
			first = "Nothing was sent to the service"
		}
		if (code != 0) != (i > 0) || !strings.Contains(stdout+stderr, first) {
			t.Errorf("%s: exit code %d, %q", e.args, code, stdout+stderr)
		}
	}
	if code, stdout, _ := inProcess(words(r.await(t, "policy explain"))[3:]...); code != 1 || !strings.Contains(stdout, "signup-confirms") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	if code, _, stderr := inProcess(words(r.await(t, "audit pending"))[3:]...); code != 0 {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	audited, err := os.ReadFile(callers.path("audit.log"))
	if err != nil || strings.Count(string(audited), `"event":"denial"`) != 3 || strings.Count(string(audited), `"event":"outcome"`) != 1 {
		t.Errorf("audited %s, %v", audited, err)
	}
	r.await(t, "grpcurl -cacert ")
	if line := r.await(t, "msg=serving"); !strings.Contains(line, fmt.Sprintf("policy=%x ", sha256.Sum256([]byte(devPolicy)))) {
		t.Errorf("which policy is in use, the log does not say: %s", line)
	}
	r.stop(t)
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", folder, err)
	}
}
