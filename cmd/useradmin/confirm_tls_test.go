package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// caller is a certificate that names a caller, with the files that the command gets.
type caller struct {
	certificate *x509.Certificate
	cert, key   string
}

func newCaller(t *testing.T) caller {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return caller{certificate, pemFile(t, "CERTIFICATE", der), pemFile(t, "PRIVATE KEY", secret)}
}

func pemFile(t *testing.T, kind string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// mutual makes a service ask for the certificates of callers, as the proxies in deploy/ do.
func mutual(certificate tls.Certificate, known *x509.Certificate) grpc.ServerOption {
	pool := x509.NewCertPool()
	pool.AddCert(known)
	return grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}))
}

func TestConfirmMutualTLS(t *testing.T) {
	certificate, ca := certificateOf(t)
	known, stranger := newCaller(t), newCaller(t)
	address := serveStub(t, answering(confirmedByCall, nil), mutual(certificate, known.certificate))
	// Who writes before the server's alert has come gets the connection's error instead.
	const cut = "|broken pipe|connection reset|EOF"
	for _, c := range []struct {
		args         []string
		code         int
		says, manner string
	}{
		{[]string{"--ca=" + ca, "--cert=" + known.cert, "--key=" + known.key}, 0, "jane: CONFIRMED", ""},
		{[]string{"--ca=" + ca}, 78, "certificate required" + cut, "with TLS and without a client certificate: if it asks for one, give --cert and --key."},
		{[]string{"--ca=" + ca, "--cert=" + stranger.cert, "--key=" + stranger.key}, 78, "unknown certificate authority" + cut, "with TLS and the client certificate in " + stranger.cert + "."},
		// A certificate turns TLS on, with the system's CAs.
		{[]string{"--cert=" + known.cert, "--key=" + known.key}, 78, "failed to verify certificate", "with TLS and the client certificate in " + known.cert + "."},
		{nil, 78, "", "without TLS."},
	} {
		code, stdout, stderr := inProcess(append([]string{"confirm", "--address=" + address, "p_1", "jane"}, c.args...)...)
		text := strings.Join(strings.Fields(stdout+stderr), " ")
		advised := strings.Contains(text, "NOT_SENT: Nothing was sent") && strings.Contains(text, "and that it takes connections "+c.manner)
		if code != c.code || !regexp.MustCompile(c.says).MatchString(text) || advised == (code == 0) {
			t.Errorf("%q: exit code %d:\n%s%s", c.args, code, stdout, stderr)
		}
	}
}

// A key that somebody puts into a setting, instead of the path of its file, is not shown.
func TestConfirmKeysAsPathsAreNotShown(t *testing.T) {
	one := newCaller(t)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("the canary is a little longer than that")}))
	body := strings.Split(key, "\n")[1]
	for _, args := range [][]string{
		{"--cert=" + one.cert, "--key=" + key}, {"--cert=" + key, "--key=" + one.key}, {"--ca=" + key}, {"--cert=" + one.cert, "--key=" + body},
	} {
		for _, command := range [][]string{{"confirm", "p_1", "jane"}, {"health"}} {
			code, stdout, stderr := inProcess(append(command, args...)...)
			if code != exitUsage || stdout != "" || strings.Contains(stderr, body) || !strings.Contains(stderr, "the value is not shown") || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%q: exit code %d, %q, %q", command, code, stdout, stderr)
			}
		}
	}
}

// One line names the file and has nothing of what is in it.
func TestConfirmUnusableFiles(t *testing.T) {
	one, other := newCaller(t), newCaller(t)
	garbage := pemFile(t, "SECRET STUFF", []byte("canary"))
	broken, brokenKey := pemFile(t, "CERTIFICATE", []byte("canary")), pemFile(t, "EC PRIVATE KEY", []byte("canary"))
	encrypted := pemFile(t, "ENCRYPTED PRIVATE KEY", []byte("canary"))
	old := filepath.Join(t.TempDir(), "old.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("canary"), Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "DES,canary"}})
	if err := os.WriteFile(old, text, 0o600); err != nil {
		t.Fatal(err)
	}
	both := "--cert and --key belong together: give both or none"
	for _, c := range []struct {
		says string
		args []string
	}{
		{both, []string{"--cert=" + one.cert}},
		{both, []string{"--key=" + one.key}},
		{both, []string{"--ca=" + one.cert, "--key=" + one.key}},
		{"--cert: open " + one.cert + ".none: no such file", []string{"--cert=" + one.cert + ".none", "--key=" + one.key}},
		{"--key: open " + one.key + ".none: no such file", []string{"--cert=" + one.cert, "--key=" + one.key + ".none"}},
		{"--cert " + one.key + ": the file has no certificate", []string{"--cert=" + one.key, "--key=" + one.key}},
		{"--cert " + garbage + ": the file has no certificate", []string{"--cert=" + garbage, "--key=" + one.key}},
		{"--cert " + broken + ": the file has no certificate", []string{"--cert=" + broken, "--key=" + one.key}},
		{"--key " + one.cert + ": the file has no private key", []string{"--cert=" + one.cert, "--key=" + one.cert}},
		{"--key " + garbage + ": the file has no private key", []string{"--cert=" + one.cert, "--key=" + garbage}},
		{"--key " + encrypted + ": the private key is encrypted", []string{"--cert=" + one.cert, "--key=" + encrypted}},
		{"--key " + old + ": the private key is encrypted", []string{"--cert=" + one.cert, "--key=" + old}},
		{"--key " + brokenKey + ": the private key does not belong to the certificate in " + one.cert, []string{"--cert=" + one.cert, "--key=" + brokenKey}},
		{"--key " + other.key + ": the private key does not belong to the certificate in " + one.cert, []string{"--cert=" + one.cert, "--key=" + other.key}},
		{"--plaintext excludes --ca, --cert and --key", []string{"--plaintext", "--ca=" + one.cert}},
		{"--plaintext excludes --ca, --cert and --key", []string{"--plaintext", "--cert=" + one.cert, "--key=" + one.key}},
		{"--plaintext excludes --ca, --cert and --key", []string{"--plaintext", "--key=" + one.key}},
	} {
		for _, command := range [][]string{{"confirm", "p_1", "jane"}, {"health"}} {
			code, stdout, stderr := inProcess(append(command, c.args...)...)
			if code != exitUsage || stdout != "" || !strings.HasPrefix(stderr, "useradmin: "+c.says) || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "canary") {
				t.Errorf("%q %q: exit code %d, %q, %q; want %q", command, c.args, code, stdout, stderr, c.says)
			}
		}
	}
}
