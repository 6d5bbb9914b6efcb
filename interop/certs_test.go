//go:build interop

package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const callerURI = "spiffe://example.test/ns/backend/sa/caller"

// pki is a new certificate authority with one server and one caller.
type pki struct {
	dir   string
	pool  *x509.CertPool
	ca    *x509.Certificate
	caKey *ecdsa.PrivateKey
	// caller presents the caller's certificate, stranger none.
	caller, stranger *tls.Config
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{dir: t.TempDir(), pool: x509.NewCertPool()}
	p.caKey = newKey(t)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "interop CA"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	caDER := sign(t, ca, ca, p.caKey, p.caKey)
	var err error
	if p.ca, err = x509.ParseCertificate(caDER); err != nil {
		t.Fatal(err)
	}
	p.pool.AddCert(p.ca)
	p.write(t, "callers-ca.crt", "CERTIFICATE", caDER)

	p.issue(t, "server", &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "useradmin"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
	})
	p.stranger = &tls.Config{RootCAs: p.pool, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	p.caller = p.callerOf(t, callerURI)
	return p
}

// callerOf presents a certificate with this URI.
func (p *pki) callerOf(t *testing.T, uri string) *tls.Config {
	t.Helper()
	parsed, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return p.presenting(t, &x509.Certificate{Subject: pkix.Name{CommonName: "caller"}, URIs: []*url.URL{parsed}})
}

// presenting presents a client's certificate made of the template.
func (p *pki) presenting(t *testing.T, template *x509.Certificate) *tls.Config {
	t.Helper()
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(3), p.ca.NotBefore, p.ca.NotAfter
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	key := newKey(t)
	config := p.stranger.Clone()
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{sign(t, template, p.ca, key, p.caKey)}, PrivateKey: key}}
	return config
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, cert, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// issue writes NAME.crt, NAME.key and, for HAProxy, both as NAME.pem.
func (p *pki) issue(t *testing.T, name string, cert *x509.Certificate) {
	t.Helper()
	key := newKey(t)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	crt := p.write(t, name+".crt", "CERTIFICATE", sign(t, cert, p.ca, key, p.caKey))
	pair := p.write(t, name+".key", "PRIVATE KEY", keyDER)
	if err := os.WriteFile(filepath.Join(p.dir, name+".pem"), append(bytes.Clone(crt), pair...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *pki) write(t *testing.T, name, kind string, der []byte) []byte {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(filepath.Join(p.dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return text
}
