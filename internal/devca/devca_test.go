package devca_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/devca"
)

func authority(t *testing.T, r devca.Request) *devca.Authority {
	t.Helper()
	a, err := devca.New(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWhatIsIssuedVerifies(t *testing.T) {
	root := authority(t, devca.Request{Name: "root"})
	between, err := root.Intermediate(devca.Request{Name: "between"})
	if err != nil {
		t.Fatal(err)
	}
	for _, issuer := range []*devca.Authority{root, between} {
		server, err := issuer.Server("useradmin.test", "127.0.0.1", "::1")
		if err != nil {
			t.Fatal(err)
		}
		client, err := issuer.Client("spiffe://prod.example/api")
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"useradmin.test", "127.0.0.1", "::1"} {
			verify(t, root, server, x509.VerifyOptions{DNSName: host, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		}
		verify(t, root, client, x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		if uris := client.Chain[0].URIs; len(uris) != 1 || uris[0].String() != "spiffe://prod.example/api" {
			t.Errorf("URIs %v", uris)
		}
	}
}

func verify(t *testing.T, root *devca.Authority, pair *devca.Pair, options x509.VerifyOptions) {
	t.Helper()
	options.Roots, options.Intermediates = root.Pool(), x509.NewCertPool()
	for _, cert := range pair.Chain[1:] {
		options.Intermediates.AddCert(cert)
	}
	if _, err := pair.Chain[0].Verify(options); err != nil {
		t.Error(err)
	}
}

// TestURIsStayAsTheyAre has one that crypto/x509 would change, and one that it cannot read.
func TestURIsStayAsTheyAre(t *testing.T) {
	root := authority(t, devca.Request{Name: "root"})
	for _, uri := range []string{"spiffe://prod.example/x#", "spiffe://prod.example/\x00"} {
		pair, err := root.Client(uri)
		if err != nil || !bytes.Contains(pair.Chain[0].Raw, []byte(uri)) {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

func TestARequestIsHeard(t *testing.T) {
	from, to := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	pair, err := authority(t, devca.Request{Name: "root"}).Issue(devca.Request{
		Name: "name", DNS: []string{"a.test"}, IPs: []net.IP{net.IPv4(10, 0, 0, 1)}, NotBefore: from, NotAfter: to,
		Change: func(c *x509.Certificate) { c.Subject.Organization = []string{"org"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	cert := pair.Chain[0]
	if cert.Subject.String() != "CN=name,O=org" || cert.DNSNames[0] != "a.test" || !cert.IPAddresses[0].Equal(net.IPv4(10, 0, 0, 1)) ||
		!cert.NotBefore.Equal(from) || !cert.NotAfter.Equal(to) || cert.IsCA {
		t.Errorf("%+v", cert)
	}
}

func TestFilesAreTheOwners(t *testing.T) {
	dir := t.TempDir()
	certPath, keyPath, caPath := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt")
	root := authority(t, devca.Request{Name: "root"})
	for _, path := range []string{certPath, keyPath, caPath} { // from before, open to all
		if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := root.Server("useradmin.test")
	if err != nil {
		t.Fatal(err)
	}
	if err := pair.Write(certPath, keyPath); err != nil {
		t.Fatal(err)
	}
	if err := root.Write(caPath); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{certPath, keyPath, caPath} {
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if _, err := tls.LoadX509KeyPair(certPath, keyPath); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(caPath)
	if block, rest := pem.Decode(text); err != nil || block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		t.Errorf("%q, %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".devca-*")); err != nil || left != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := root.Write(filepath.Join(dir, "none", "ca.crt")); err == nil {
		t.Error("no folder, and no error")
	}
}
