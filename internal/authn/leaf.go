package authn

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"
)

// What a peer may send for the way from its certificate to a CA. It is nobody yet, and each try of a CA costs up to a few
// milliseconds: with 60 of the same name, x509 would make 100.
const (
	maxBetween  = 5
	maxSameName = 2
)

// verify says whom the certificates name, the first of which is the peer's own.
func verify(certs []*x509.Certificate, roots *x509.CertPool) (Identity, error) {
	if len(certs) == 0 {
		return Identity{}, fail(noCertificate)
	}
	between, names := x509.NewCertPool(), map[string]int{}
	for _, cert := range certs[1:] {
		between.AddCert(cert)
		if names[string(cert.RawSubject)]++; names[string(cert.RawSubject)] > maxSameName || len(certs) > 1+maxBetween {
			return Identity{}, fail(tooLarge)
		}
	}
	chains, err := certs[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return Identity{}, fail(chainKind(err, time.Now()))
	}
	return identify(chains)
}

// identify says whom a verified certificate names. Its rules are those of an X.509 SVID.
func identify(chains [][]*x509.Certificate) (Identity, error) {
	chains = slices.DeleteFunc(slices.Clone(chains), weak)
	if len(chains) == 0 {
		return Identity{}, fail(weakKey)
	}
	leaf := chains[0][0]
	if err := checkUsage(leaf); err != nil {
		return Identity{}, err
	}
	caller, err := callerOf(leaf)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Caller: caller, NotAfter: end(chains)}, nil
}

// checkUsage is stricter than the verification of the chain, which accepts CAs and keys for any usage.
func checkUsage(leaf *x509.Certificate) error {
	switch {
	case leaf.IsCA || leaf.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0:
		return fail(isCA)
	case leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return fail(wrongUsage)
	case len(leaf.ExtKeyUsage) > 0 && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return fail(wrongUsage)
	default:
		return nil
	}
}

// callerOf reads the one URI as it stands in the certificate: x509 parses URIs, and so loses an empty fragment.
func callerOf(leaf *x509.Certificate) (string, error) {
	var uris []string
	for _, extension := range leaf.Extensions {
		if !extension.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(extension.Value, &names); err != nil || len(rest) > 0 {
			return "", fail(malformed)
		}
		for _, name := range names {
			if name.Class == asn1.ClassContextSpecific && name.Tag == 6 { // uniformResourceIdentifier
				uris = append(uris, string(name.Bytes))
			}
		}
	}
	switch {
	case len(uris) > 1:
		return "", fail(severalURIs)
	case len(uris) == 0 || !isCaller(uris[0]):
		return "", fail(notSPIFFE)
	default:
		return uris[0], nil
	}
}

// weak tells whether anybody in the chain has a key that is too easily found.
func weak(chain []*x509.Certificate) bool {
	return slices.ContainsFunc(chain, func(cert *x509.Certificate) bool { return !strong(cert) })
}

func strong(cert *x509.Certificate) bool {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize >= 256
	case ed25519.PublicKey:
		return true
	default:
		return false
	}
}

// end is the time from which no chain holds any more.
func end(chains [][]*x509.Certificate) time.Time {
	var last time.Time
	for _, chain := range chains {
		if first := earliest(chain); first.After(last) {
			last = first
		}
	}
	return last
}

// earliest is the time at which the first of the certificates expires.
func earliest(certs []*x509.Certificate) time.Time {
	first := certs[0].NotAfter
	for _, cert := range certs[1:] {
		if cert.NotAfter.Before(first) {
			first = cert.NotAfter
		}
	}
	return first
}
