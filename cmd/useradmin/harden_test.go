package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Go prints the headers of all calls if it is told to.
func TestHTTP2Debug(t *testing.T) {
	for _, args := range []string{"serve --region=us-east-1", "dev --listen=127.0.0.1:0", "confirm us-east-1_EXAMPLE01 new-1", "health"} {
		for _, value := range []string{"http2debug=2", "madvdontneed=1,http2debug=1"} {
			cmd := program(t, strings.Fields(args)...)
			cmd.Env = append(cmd.Env, "GODEBUG="+value)
			if code, stdout, stderr := finish(t, cmd); code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "GODEBUG has http2debug") {
				t.Errorf("%s with %s: exit code %d, %q", args, value, code, stdout+stderr)
			}
		}
	}
}

// gRPC's own lines go nowhere, however much is asked of it.
func TestGRPCPrintsNothing(t *testing.T) {
	loud := []string{"GRPC_GO_LOG_SEVERITY_LEVEL=info", "GRPC_GO_LOG_VERBOSITY_LEVEL=99", "GRPC_GO_LOG_FORMATTER=json"}
	cmd := program(t, "dev", "--listen=127.0.0.1:0", "--log-level=error")
	cmd.Env = append(cmd.Env, loud...)
	r := start(t, cmd)
	address := devAddress(t, r)
	confirm := program(t, "confirm", devPool, "new-1", "--address="+address)
	confirm.Env = append(confirm.Env, loud...)
	if code, stdout, stderr := finish(t, confirm); code != 0 || stderr != "" {
		t.Errorf("confirm: exit code %d, %q, %q", code, stdout, stderr)
	}
	r.await(t, "PostConfirmation trigger got")
	r.stop(t)
	if regexp.MustCompile(`(?i)\[?(core|transport|server)\]|"component"`).MatchString(r.output()) {
		t.Errorf("gRPC printed:\n%s", r.output())
	}
}

// What a credential_process prints stays out of the log; that it failed, and how, is in it.
func TestCredentialProcessIsSilent(t *testing.T) {
	config := t.TempDir() + "/config"
	if err := os.WriteFile(config, []byte("[default]\ncredential_process = echo canary-out; echo canary-err >&2; exit 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := program(t, "serve", "--region=us-east-1", "--listen=127.0.0.1:0", "--log-format=text", "--log-level=debug", "--drain-delay=0s")
	cmd.Env = append(cmd.Env, "AWS_CONFIG_FILE="+config)
	r := start(t, cmd)
	if line := r.await(t, "not ready yet"); !strings.Contains(line, "no AWS credentials: credential_process of the profile: exit code 3; run its command") {
		t.Errorf("logged %s", line)
	}
	r.stop(t)
	if strings.Contains(r.output(), "canary") {
		t.Errorf("printed:\n%s", r.output())
	}
}

// Errors at the start name nothing of the files.
func TestStartNamesNoValue(t *testing.T) {
	const canary = "arn:aws:iam::123456789012:role/canary"
	for name, file := range map[string]string{
		"role": "[default]\nrole_arn = " + canary + "\nsource_profile = canary\n", "mode": "[default]\nretry_mode = " + canary + "\n",
		"key": "[default]\naws_access_key_id = canary\n", "endpoint": "[default]\nservices = s\n[services s]\nsts =\n  endpoint_url = http://canary.example\n",
		"Region": "[default]\nregion = canary/" + canary + "\n",
	} {
		config := t.TempDir() + "/config"
		if err := os.WriteFile(config, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := program(t, "serve", "--listen=127.0.0.1:0")
		cmd.Env = append(cmd.Env, "AWS_CONFIG_FILE="+config)
		if name != "Region" {
			cmd.Env = append(cmd.Env, "AWS_REGION=us-east-1")
		}
		code, stdout, stderr := finish(t, cmd)
		if code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "canary") || strings.Contains(stderr, "123456789012") {
			t.Errorf("%s: exit code %d, %q", name, code, stdout+stderr)
		}
	}
}

// The pod's token goes to STS encrypted, or not at all.
func TestNoTokenInClear(t *testing.T) {
	cmd := program(t, "serve", "--region=us-east-1")
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_STS=http://sts.example", "AWS_WEB_IDENTITY_TOKEN_FILE=/canary", "AWS_ROLE_ARN=canary")
	code, stdout, stderr := finish(t, cmd)
	text := reported(t, stderr, true)
	if want := "AWS_ENDPOINT_URL_STS must be https, or http on a loopback address such as 127.0.0.1"; code != exitUsage || stdout != "" || strings.TrimSpace(text) != want {
		t.Errorf("exit code %d, %q", code, stdout+stderr)
	}
}

// A Region that the program does not know is served, and the log says which one may be meant.
func TestUnknownRegion(t *testing.T) {
	r := start(t, program(t, "serve", "--region=us-esat-1", "--listen=127.0.0.1:0", "--log-format=text", "--drain-delay=0s"))
	line := r.await(t, "Region is not known")
	for _, want := range []string{"level=WARN", "region=us-esat-1", "nearest=us-east-1"} {
		if !strings.Contains(line, want) {
			t.Errorf("logged %s, want %s", line, want)
		}
	}
	r.await(t, "msg=serving")
	r.stop(t)
	for _, region := range []string{"us-esat-1", "x.y"} {
		r = start(t, program(t, "serve", "--region="+region, "--cognito-endpoint=http://127.0.0.1:1", "--listen=127.0.0.1:0", "--log-format=text", "--drain-delay=0s"))
		r.await(t, "msg=serving")
		r.stop(t)
		if strings.Contains(r.output(), "Region is not known") {
			t.Errorf("with an endpoint of its own:\n%s", r.output())
		}
	}
}

// A page in a browser can make its own name lead to dev's Cognito.
func TestDevRefusesOtherHosts(t *testing.T) {
	r := start(t, program(t, "dev", "--listen=127.0.0.1:0", "--log-level=error"))
	fields := strings.Fields(r.await(t, "useradmin serves on "))
	endpoint := strings.TrimSuffix(fields[len(fields)-1], ".")
	for host, want := range map[string]int{"evil.example": http.StatusForbidden, "localhost:1": http.StatusNotFound} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s", host, resp.Status)
		}
	}
	r.stop(t)
}
