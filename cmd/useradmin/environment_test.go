package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// A variable that is no setting stops every command that has settings, and names the setting that was meant.
func TestUnknownVariable(t *testing.T) {
	for _, args := range []string{"serve --region=us-east-1", "dev --listen=127.0.0.1:0", "confirm us-east-1_EXAMPLE01 new-1", "health"} {
		cmd := program(t, strings.Fields(args)...)
		cmd.Env = append(cmd.Env, "USERADMIN_DRAIN_TIMOUT=canary-value")
		code, stdout, stderr := finish(t, cmd)
		text := reported(t, stderr, strings.HasPrefix(args, "serve"))
		want := "the environment variable USERADMIN_DRAIN_TIMOUT is not a setting: did you mean USERADMIN_DRAIN_TIMEOUT? Correct or remove it"
		if code != exitUsage || stdout != "" || strings.TrimSpace(text) != want {
			t.Errorf("%s: exit code %d, %q", args, code, stdout+stderr)
		}
	}
	for _, args := range []string{"version", "serve --help", "explain USER_NOT_FOUND", "completion bash"} {
		cmd := program(t, strings.Fields(args)...)
		cmd.Env = append(cmd.Env, "USERADMIN_DRAIN_TIMOUT=1s")
		if code, _, stderr := finish(t, cmd); code != 0 {
			t.Errorf("%s, which has no setting: exit code %d, %q", args, code, stderr)
		}
	}
}

// Which variables are settings, and which Kubernetes sets for a Service.
func TestVariables(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.DefaultEnvars(environmentPrefix), kong.Bind(streams{}), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for name, good := range map[string]bool{
		"USERADMIN_LISTEN=": true, "USERADMIN_REGION=": true, "USERADMIN_COGNITO_LISTEN=": true, "USERADMIN_ADDRESS=": true, "USERADMIN_REFLECTION=": true,
		"USERADMIN_I_ACCEPT_UNAUTHENTICATED_NETWORK_ACCESS=": true, "USERADMINX=": true, "useradmin_listen=": true,
		"USERADMIN_SERVICE_HOST=10.0.0.1": true, "USERADMIN_SERVICE_PORT=50051": true, "USERADMIN_SERVICE_PORT_GRPC=50051": true,
		"USERADMIN_PORT=tcp://10.0.0.1:50051": true, "USERADMIN_PORT_50051_TCP=tcp://10.0.0.1:50051": true, "USERADMIN_PORT_50051_TCP_ADDR=10.0.0.1": true,
		"USERADMIN_METRICS_SERVICE_HOST=10.0.0.1": true, "USERADMIN_METRICS_PORT=tcp://10.0.0.1:9090": true, "USERADMIN_METRICS_PORT_9090_TCP_PROTO=tcp": true,
		"USERADMIN_METRICS_PORT=9090": false, "USERADMIN_LISTEN_PORT=9090": false, "USERADMIN_STRICT=": false, "USERADMIN_METADATA=": false,
		"USERADMIN_VERSION=": false, "USERADMIN_LISTEN_=": false, "USERADMIN_=": false, "USERADMIN_listen=": false, "USERADMIN_SERVICE_HOSTS=": false,
	} {
		variable, value, _ := strings.Cut(name, "=")
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, value)
			if err := checkEnvironment(parser.Model); (err == nil) != good || !good && !strings.Contains(err.Error(), "did you mean USERADMIN_") {
				t.Errorf("got %v", err)
			}
		})
	}
	if known := settings(parser.Model); !slices.Contains(known, "USERADMIN_DRAIN_DELAY") || slices.Contains(known, "USERADMIN_VERSION") {
		t.Errorf("the settings are %v", known)
	}
}
