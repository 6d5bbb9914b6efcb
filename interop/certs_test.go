//go:build interop

package interop

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/policy"
	"cognito.internal/useradmin/server"
)

const (
	callerURI = "spiffe://example.test/ns/backend/sa/caller"
	// holderURI is a second caller, who takes all places.
	holderURI = "spiffe://example.test/ns/backend/sa/holder"
)

// pki is a new certificate authority with one server and one caller.
type pki struct {
	dir string
	ca  *devca.Authority
	// caller presents the caller's certificate, stranger none.
	caller, stranger *tls.Config
}

// newPKI writes the files that deploy/README.md names.
func newPKI(t *testing.T) *pki {
	t.Helper()
	ca, err := devca.New(devca.Request{Name: "interop CA"})
	if err != nil {
		t.Fatal(err)
	}
	p := &pki{dir: t.TempDir(), ca: ca}
	server, err := ca.Server("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	health, err := ca.Client("spiffe://example.test/haproxy")
	if err != nil {
		t.Fatal(err)
	}
	authority := devca.CertificatesPEM(ca.Certificate)
	crt, key := pemOf(t, server)
	p.write(t, "callers-ca.crt", authority)
	p.write(t, "server-ca.crt", authority)
	p.write(t, "server.crt", crt)
	p.write(t, "server.key", key)
	p.write(t, "server.pem", crt, key)
	crt, key = pemOf(t, health)
	p.write(t, "health.pem", crt, key)
	p.stranger = &tls.Config{RootCAs: ca.Pool(), NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	p.caller = p.presenting(t, devca.Request{Name: "caller", URIs: []string{callerURI}})
	return p
}

func pemOf(t *testing.T, pair *devca.Pair) (crt, key []byte) {
	t.Helper()
	key, err := devca.KeyPEM(pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return devca.CertificatesPEM(pair.Chain...), key
}

func (p *pki) write(t *testing.T, name string, parts ...[]byte) {
	t.Helper()
	if err := devca.WriteFile(filepath.Join(p.dir, name), bytes.Join(parts, nil)); err != nil {
		t.Fatal(err)
	}
}

// presenting presents a new certificate of a caller.
func (p *pki) presenting(t *testing.T, r devca.Request) *tls.Config {
	t.Helper()
	r.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	pair, err := p.ca.Issue(r)
	if err != nil {
		t.Fatal(err)
	}
	config := p.stranger.Clone()
	config.Certificates = []tls.Certificate{pair.TLS()}
	return config
}

// before is the configuration of a service behind the proxy: Envoy tells it who calls, HAProxy in mode tcp lets it see that
// itself, and behind the others callers have no names.
func (p *pki) before(t *testing.T, config server.Config, proxy string) server.Config {
	t.Helper()
	switch proxy {
	case "Envoy":
		config.Authn = authn.XFCC
	case "HAProxy":
		files := authn.Files{Cert: filepath.Join(p.dir, "server.crt"), Key: filepath.Join(p.dir, "server.key"), ClientCA: filepath.Join(p.dir, "callers-ca.crt")}
		loaded, err := authn.Load(files, tls.VersionTLS13)
		if err != nil {
			t.Fatal(err)
		}
		config.Authn, config.TLS = authn.MTLS, loaded
	default:
		return config
	}
	rules, err := policy.Parse([]byte(policyOf(callerURI) + policyOf(holderURI)))
	if err != nil {
		t.Fatal(err)
	}
	config.Policy = func() *policy.Policy { return rules }
	return config
}

// policyOf lets one caller do everything.
func policyOf(caller string) string {
	return `permit (principal == Caller::"` + caller + `", action, resource);` + "\n"
}
