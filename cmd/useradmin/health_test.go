package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// serveHealth serves health of "up", "down" and "strange", and of the defaults.
func serveHealth(t *testing.T, network, address string, options ...grpc.ServerOption) string {
	t.Helper()
	lis, err := new(net.ListenConfig).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	checks := health.NewServer()
	checks.SetServingStatus("useradmin.v1.UserAdmin", grpc_health_v1.HealthCheckResponse_SERVING)
	checks.SetServingStatus("down", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	checks.SetServingStatus("strange", 99)
	srv := grpc.NewServer(options...)
	grpc_health_v1.RegisterHealthServer(srv, checks)
	go func() { _ = srv.Serve(lis) }()
	t.Cleanup(srv.Stop)
	return lis.Addr().String()
}

func TestHealth(t *testing.T) {
	address := serveHealth(t, "tcp", "127.0.0.1:0")
	socket := filepath.Join(t.TempDir(), "s")
	serveHealth(t, "unix", socket)
	certificate, ca := certificateOf(t)
	known := newCaller(t)
	guarded := serveHealth(t, "tcp", "127.0.0.1:0", mutual(certificate, known.certificate))
	refused := refusing(t)
	for _, c := range []struct {
		args         []string
		code         int
		says, stderr string
	}{
		{[]string{address}, 0, "SERVING\n", ""},
		{[]string{address, "--service="}, 0, "SERVING\n", ""},
		{[]string{"unix:" + socket}, 0, "SERVING\n", ""},
		{[]string{"unix://" + socket}, 0, "SERVING\n", ""},
		{[]string{strings.Replace(address, "127.0.0.1", "0.0.0.0", 1), "--plaintext"}, 0, "SERVING\n", ""},
		{[]string{guarded, "--ca=" + ca, "--cert=" + known.cert, "--key=" + known.key}, 0, "SERVING\n", ""},
		{[]string{address, "--service=down"}, 1, "NOT_SERVING\n", ""},
		{[]string{address, "--service=strange"}, 1, "99\n", ""},
		{[]string{address, "--service=none"}, 1, "", "useradmin: health of " + address + ": NOT_FOUND: "},
		{[]string{guarded, "--ca=" + ca}, 1, "", "useradmin: health of " + guarded + ": UNAVAILABLE: "},
		{[]string{refused}, 1, "", "useradmin: health of " + refused + ": UNAVAILABLE: "},
		{[]string{silent(t), "--timeout=50ms"}, 1, "", "useradmin: health of "},
		{[]string{"unix:s"}, exitUsage, "", `useradmin: "unix:s" is not an address: `},
		{[]string{address, "--timeout=0"}, exitUsage, "", "useradmin: --timeout must be positive"},
		{[]string{address, "more"}, exitUsage, "", "useradmin: unexpected argument"},
	} {
		code, stdout, stderr := inProcess(append([]string{"health"}, c.args...)...)
		if code != c.code || stdout != c.says || !strings.HasPrefix(stderr, c.stderr) || strings.Count(stdout+stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q, %q; want %d, %q, %q", c.args, code, stdout, stderr, c.code, c.says, c.stderr)
		}
	}
	t.Setenv("USERADMIN_ADDRESS", address)
	if code, stdout, stderr := inProcess("health"); code != 0 || stdout != "SERVING\n" {
		t.Errorf("the address of the environment: exit code %d, %q, %q", code, stdout, stderr)
	}
	if code, stdout, _ := inProcess("health", "unix:"+socket, "--service=down"); code != 1 || stdout != "NOT_SERVING\n" {
		t.Errorf("an argument does not win over the environment: exit code %d, %q", code, stdout)
	}
	if code := run([]string{"health"}, streams{brokenPipe{}, new(strings.Builder)}); code != exitFailure {
		t.Errorf("a broken pipe: exit code %d", code)
	}
}

// The real service, as a probe sees it.
func TestHealthOfDev(t *testing.T) {
	dev := start(t, program(t, "dev", "--listen=127.0.0.1:0", "--log-level=warn"))
	address := devAddress(t, dev)
	for _, service := range []string{"--service=useradmin.v1.UserAdmin", "--service="} {
		if code, stdout, stderr := inProcess("health", address, service); code != 0 || stdout != "SERVING\n" {
			t.Errorf("%s: exit code %d, %q, %q", service, code, stdout, stderr)
		}
	}
}
