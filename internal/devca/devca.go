// Package devca is a certificate authority for tests and for `useradmin dev`. Its keys live in memory, and its certificates
// for a day.
package devca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"time"
)

// Request says what a certificate shall be. What is missing is as it mostly is: a new P-256 key, valid for a day from an hour
// ago on.
type Request struct {
	// Name is the subject's common name.
	Name string
	// URIs get into the certificate as they are, even if they are none.
	URIs []string
	DNS  []string
	IPs  []net.IP
	// Usages of the key; none allow all.
	Usages              []x509.ExtKeyUsage
	NotBefore, NotAfter time.Time
	Key                 crypto.Signer
	// Change has the last word, for certificates that break the rules.
	Change func(*x509.Certificate)
}

// Authority issues certificates.
type Authority struct {
	Certificate *x509.Certificate
	key         crypto.Signer
	// chain leads from this authority to its root, which is not in it.
	chain []*x509.Certificate
}

// Pair is a certificate with the authorities between it and the root, and its key.
type Pair struct {
	Chain []*x509.Certificate
	Key   crypto.Signer
}

// New returns an authority that nobody stands above.
func New(r Request) (*Authority, error) {
	template, key, err := r.template(true)
	if err != nil {
		return nil, err
	}
	cert, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &Authority{Certificate: cert, key: key}, nil
}

// Intermediate returns an authority below this one.
func (a *Authority) Intermediate(r Request) (*Authority, error) {
	cert, key, err := a.issue(r, true)
	if err != nil {
		return nil, err
	}
	return &Authority{Certificate: cert, key: key, chain: append([]*x509.Certificate{cert}, a.chain...)}, nil
}

// Issue returns a certificate that is no authority's.
func (a *Authority) Issue(r Request) (*Pair, error) {
	cert, key, err := a.issue(r, false)
	if err != nil {
		return nil, err
	}
	return &Pair{Chain: append([]*x509.Certificate{cert}, a.chain...), Key: key}, nil
}

// Server returns a server's certificate for the names and IP addresses.
func (a *Authority) Server(hosts ...string) (*Pair, error) {
	r := Request{Name: "server", Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			r.IPs = append(r.IPs, ip)
		} else {
			r.DNS = append(r.DNS, host)
		}
	}
	return a.Issue(r)
}

// Client returns a caller's certificate.
func (a *Authority) Client(uri string) (*Pair, error) {
	return a.Issue(Request{Name: "caller", URIs: []string{uri}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

// Pool has this authority in it.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// TLS is the pair as crypto/tls takes it.
func (p *Pair) TLS() tls.Certificate {
	pair := tls.Certificate{PrivateKey: p.Key, Leaf: p.Chain[0]}
	for _, cert := range p.Chain {
		pair.Certificate = append(pair.Certificate, cert.Raw)
	}
	return pair
}

func (a *Authority) issue(r Request, ca bool) (*x509.Certificate, crypto.Signer, error) {
	template, key, err := r.template(ca)
	if err != nil {
		return nil, nil, err
	}
	cert, err := sign(template, a.Certificate, key.Public(), a.key)
	return cert, key, err
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	// One that cannot be parsed is still one to show to a server.
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return &x509.Certificate{Raw: der}, nil //nolint:nilerr // see above
	}
	return cert, nil
}

// template returns the certificate before it is signed, and its key.
func (r Request) template(ca bool) (*x509.Certificate, crypto.Signer, error) {
	key := r.Key
	if key == nil {
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		key = made
	}
	cert := &x509.Certificate{
		Subject:   pkix.Name{CommonName: r.Name},
		NotBefore: r.NotBefore, NotAfter: r.NotAfter,
		BasicConstraintsValid: true, IsCA: ca,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: r.Usages,
	}
	if ca {
		cert.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	if cert.NotBefore.IsZero() {
		cert.NotBefore = time.Now().Add(-time.Hour)
	}
	if cert.NotAfter.IsZero() {
		cert.NotAfter = time.Now().Add(24 * time.Hour)
	}
	if err := r.names(cert); err != nil {
		return nil, nil, err
	}
	if r.Change != nil {
		r.Change(cert)
	}
	return cert, key, nil
}

// The tags of names in a certificate: RFC 5280, GeneralName.
const (
	tagDNS = 2
	tagURI = 6
	tagIP  = 7
)

// names writes the extension by hand, since crypto/x509 would change URIs.
func (r Request) names(cert *x509.Certificate) error {
	var names []asn1.RawValue
	add := func(tag int, value []byte) {
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: value})
	}
	for _, name := range r.DNS {
		add(tagDNS, []byte(name))
	}
	for _, uri := range r.URIs {
		add(tagURI, []byte(uri))
	}
	for _, ip := range r.IPs {
		if four := ip.To4(); four != nil {
			ip = four
		}
		add(tagIP, ip)
	}
	if len(names) == 0 {
		return nil
	}
	der, err := asn1.Marshal(names)
	if err != nil {
		return err
	}
	cert.ExtraExtensions = append(cert.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: der})
	return nil
}
