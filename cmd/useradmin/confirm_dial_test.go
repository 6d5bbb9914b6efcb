package main

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

func TestTarget(t *testing.T) {
	for address, want := range map[string]target{
		"127.0.0.1:1":         {name: "dns:///127.0.0.1:1", local: true},
		"127.9.9.9:1":         {name: "dns:///127.9.9.9:1", local: true},
		"[::1]:1":             {name: "dns:///[::1]:1", local: true},
		"localhost:1":         {name: "dns:///localhost:1", local: true},
		"unix:/run/s":         {name: "passthrough:///localhost", socket: "/run/s", local: true},
		"unix:///run/s":       {name: "passthrough:///localhost", socket: "/run/s", local: true},
		"unix:/run/100% of ?": {name: "passthrough:///localhost", socket: "/run/100% of ?", local: true},
		"0.0.0.0:1":           {name: "dns:///0.0.0.0:1"},
		"[::]:1":              {name: "dns:///[::]:1"},
		"10.0.0.1:1":          {name: "dns:///10.0.0.1:1"},
		"localhost.example:1": {name: "dns:///localhost.example:1"},
		"127.0.0.1.example:1": {name: "dns:///127.0.0.1.example:1"},
		"passthrough:1":       {name: "dns:///passthrough:1"},
	} {
		want.address = address
		if got, err := targetOf(address); got != want || err != nil {
			t.Errorf("%s: got %+v, %v", address, got, err)
		}
	}
	for _, address := range []string{"", "nowhere", ":1", "127.0.0.1:", "unix:", "unix:run/s", "unix://run/s", "unix://", "unix:@s"} {
		if got, err := targetOf(address); err == nil || !errors.As(err, new(usageError)) {
			t.Errorf("%s: got %+v, %v", address, got, err)
		}
	}
}

// A name that claims to be this machine gets plaintext only where it leads there. 0.0.0.0 stands for a place elsewhere: it
// is reached, and is not loopback.
func TestPlaintextGoesToLoopbackOnly(t *testing.T) {
	address := serveStub(t, answering(confirmedByCall, nil))
	elsewhere := strings.Replace(address, "127.0.0.1", "0.0.0.0", 1)
	for _, c := range []struct {
		flags connectFlags
		want  codes.Code
	}{{connectFlags{}, codes.Unavailable}, {connectFlags{Plaintext: true}, codes.OK}} {
		options, err := target{name: "dns:///" + elsewhere, local: true}.options(c.flags)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := grpc.NewClient("dns:///"+elsewhere, options...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), new(useradminv1.ConfirmSignUpRequest))
		_ = conn.Close()
		if status.Code(err) != c.want || c.want != codes.OK && (!strings.Contains(err.Error(), "not a loopback address") || !errors.As(err, new(unsentError))) {
			t.Errorf("%+v: %v, want %s", c.flags, err, c.want)
		}
	}
	if code, _, stderr := inProcess("confirm", "--address="+strings.Replace(address, "127.0.0.1", "localhost", 1), "p_1", "jane"); code != 0 {
		t.Errorf("localhost: exit code %d:\n%s", code, stderr)
	}
}

func TestConfirmPlaintext(t *testing.T) {
	loopback := serveStub(t, answering(confirmedByCall, nil))
	for _, address := range []string{loopback, strings.Replace(loopback, "127.0.0.1", "0.0.0.0", 1)} {
		if code, _, stderr := inProcess("confirm", "--address="+address, "p_1", "jane", "--plaintext"); code != 0 {
			t.Errorf("%s: exit code %d:\n%s", address, code, stderr)
		}
	}
}

func TestConfirmUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a %41?.sock")
	lis, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	serveStubOn(t, lis, answering(confirmedByCall, nil))
	for _, address := range []string{"unix:" + path, "unix://" + path} {
		if code, _, stderr := inProcess("confirm", "--address="+address, "p_1", "jane"); code != 0 {
			t.Errorf("%s: exit code %d:\n%s", address, code, stderr)
		}
	}
}

// An address that is not loopback gets TLS, and nothing else when that fails.
func TestConfirmNeverFallsBackToPlaintext(t *testing.T) {
	address := serveStub(t, answering(confirmedByCall, nil))
	// This one is reached over loopback too.
	address = strings.Replace(address, "127.0.0.1", "0.0.0.0", 1)
	code, stdout, stderr := inProcess("confirm", "--address="+address, "p_1", "jane", "--timeout=20s")
	if code != 78 || stdout != "" || !strings.Contains(stderr, "TLS handshake") {
		t.Errorf("exit code %d, %q:\n%s", code, stdout, stderr)
	}
}

func TestConfirmTLS(t *testing.T) {
	certificate, ca := certificateOf(t)
	address := serveStub(t, answering(confirmedByCall, nil), grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	if code, _, stderr := inProcess("confirm", "--address="+address, "p_1", "jane", "--ca="+ca); code != 0 {
		t.Errorf("with the CA: exit code %d:\n%s", code, stderr)
	}
	if code, _, stderr := inProcess("confirm", "--address="+address, "p_1", "jane"); code != 78 {
		t.Errorf("plaintext to TLS: exit code %d:\n%s", code, stderr)
	}
	elsewhere := strings.Replace(address, "127.0.0.1", "0.0.0.0", 1)
	code, _, stderr := inProcess("confirm", "--address="+elsewhere, "p_1", "jane")
	if code != 78 || !strings.Contains(strings.Join(strings.Fields(stderr), " "), "failed to verify certificate") {
		t.Errorf("with the system's certificates: exit code %d:\n%s", code, stderr)
	}
	// Who gives a CA wants TLS on loopback too.
	code, _, stderr = inProcess("confirm", "--address="+serveStub(t, answering(confirmedByCall, nil)), "p_1", "jane", "--ca="+ca)
	if code != 78 || !strings.Contains(stderr, "TLS handshake") {
		t.Errorf("TLS to plaintext: exit code %d:\n%s", code, stderr)
	}
}

// certificateOf returns a certificate for 127.0.0.1 and the file of its CA.
func certificateOf(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return web.TLS.Certificates[0], ca
}
