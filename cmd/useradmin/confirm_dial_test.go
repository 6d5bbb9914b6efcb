package main

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

func TestTarget(t *testing.T) {
	for address, want := range map[string]struct {
		name  string
		local bool
	}{
		"127.0.0.1:1":         {"dns:///127.0.0.1:1", true},
		"127.9.9.9:1":         {"dns:///127.9.9.9:1", true},
		"[::1]:1":             {"dns:///[::1]:1", true},
		"localhost:1":         {"dns:///localhost:1", true},
		"unix:/run/s":         {"unix:/run/s", true},
		"0.0.0.0:1":           {"dns:///0.0.0.0:1", false},
		"[::]:1":              {"dns:///[::]:1", false},
		"10.0.0.1:1":          {"dns:///10.0.0.1:1", false},
		"localhost.example:1": {"dns:///localhost.example:1", false},
		"127.0.0.1.example:1": {"dns:///127.0.0.1.example:1", false},
		"passthrough:1":       {"dns:///passthrough:1", false},
	} {
		if name, local, err := target(address); name != want.name || local != want.local || err != nil {
			t.Errorf("%s: got %s, %t, %v", address, name, local, err)
		}
	}
}

// An address that is not loopback gets TLS, and nothing else when that fails.
func TestConfirmNeverFallsBackToPlaintext(t *testing.T) {
	address := serveStub(t, answering(confirmedByCall, nil))
	// This one is reached over loopback too.
	address = strings.Replace(address, "127.0.0.1", "0.0.0.0", 1)
	code, stdout, stderr := inProcess("confirm", address, "p_1", "jane", "--timeout=20s")
	if code != 78 || stdout != "" || !strings.Contains(stderr, "TLS handshake") {
		t.Errorf("exit code %d, %q:\n%s", code, stdout, stderr)
	}
}

func TestConfirmTLS(t *testing.T) {
	certificate, ca := certificateOf(t)
	address := serveStub(t, answering(confirmedByCall, nil), grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	if code, _, stderr := inProcess("confirm", address, "p_1", "jane", "--ca="+ca); code != 0 {
		t.Errorf("with the CA: exit code %d:\n%s", code, stderr)
	}
	if code, _, stderr := inProcess("confirm", address, "p_1", "jane"); code != 78 {
		t.Errorf("plaintext to TLS: exit code %d:\n%s", code, stderr)
	}
	elsewhere := strings.Replace(address, "127.0.0.1", "0.0.0.0", 1)
	code, _, stderr := inProcess("confirm", elsewhere, "p_1", "jane")
	if code != 78 || !strings.Contains(strings.Join(strings.Fields(stderr), " "), "failed to verify certificate") {
		t.Errorf("with the system's certificates: exit code %d:\n%s", code, stderr)
	}
	// Who gives a CA wants TLS on loopback too.
	code, _, stderr = inProcess("confirm", serveStub(t, answering(confirmedByCall, nil)), "p_1", "jane", "--ca="+ca)
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
