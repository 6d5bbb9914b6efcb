package authn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
)

// material is what the three files hold. It is never changed.
type material struct {
	config *tls.Config
	// The server's certificate with those above it, and the CAs of the callers.
	chain, clientCAs []*x509.Certificate
}

// parse makes material of the files' texts.
func (t *TLS) parse(texts [][]byte) (*material, error) {
	chain, err := certificates(t.files.Cert, texts[0])
	if err != nil {
		return nil, err
	}
	if err := checkServer(t.files.Cert, chain[0], time.Now()); err != nil {
		return nil, err
	}
	pair, err := t.pair(texts[0], texts[1])
	if err != nil {
		return nil, err
	}
	cas, err := certificates(t.files.ClientCA, texts[2])
	if err != nil {
		return nil, err
	}
	if err := checkClientCAs(t.files.ClientCA, cas, time.Now()); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, ca := range cas {
		pool.AddCert(ca)
	}
	return &material{config: serverConfig(pair, pool, t.minVersion), chain: chain, clientCAs: cas}, nil
}

// pair joins the server's certificate and its key. It never shows what the library says of a key, which may be a part of it.
func (t *TLS) pair(certs, key []byte) (tls.Certificate, error) {
	if err := checkKey(t.files.Key, key); err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(certs, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: the key cannot be read, or is not that of the first certificate in %s: make both anew, together", t.files.Key, t.files.Cert)
	}
	return pair, nil
}

// checkKey refuses a file that does not have just one key.
func checkKey(path string, text []byte) error {
	blocks, err := pemBlocks(path, text)
	if err != nil {
		return err
	}
	// openssl writes a curve's name before the key.
	blocks = slices.DeleteFunc(blocks, func(b *pem.Block) bool { return b.Type == "EC PARAMETERS" })
	switch {
	case len(blocks) > 1:
		return fmt.Errorf("%s has %d blocks: leave only the private key there", path, len(blocks))
	case len(blocks) == 0 || !isKey(blocks[0]):
		return fmt.Errorf("%s has no private key in PEM: put the server's key there", path)
	case blocks[0].Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(blocks[0].Headers["Proc-Type"], "ENCRYPTED"):
		return fmt.Errorf("%s: the private key is encrypted: decrypt it, for example with openssl pkey", path)
	default:
		return nil
	}
}

func isKey(block *pem.Block) bool { return strings.HasSuffix(block.Type, "PRIVATE KEY") }

// certificates returns those of a file that has nothing else in it.
func certificates(path string, text []byte) ([]*x509.Certificate, error) {
	blocks, err := pemBlocks(path, text)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for i, block := range blocks {
		switch {
		case isKey(block):
			return nil, fmt.Errorf("%s has a private key in it: leave only certificates there, and replace the key if others could read it", path)
		case block.Type != "CERTIFICATE":
			return nil, fmt.Errorf("%s: block %d is no certificate: leave only certificates there", path, i+1)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d cannot be read: make it anew", path, i+1)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s has no certificate in PEM: put one there", path)
	}
	return certs, nil
}

// pemBlocks returns all blocks, or an error if one is broken: pem.Decode would pass over it.
func pemBlocks(path string, text []byte) ([]*pem.Block, error) {
	begun := bytes.Count(text, []byte("-----BEGIN "))
	var blocks []*pem.Block
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		blocks = append(blocks, block)
	}
	if len(blocks) != begun {
		return nil, fmt.Errorf("%s: a PEM block in it is broken or incomplete: copy it anew", path)
	}
	return blocks, nil
}

func checkServer(path string, cert *x509.Certificate, now time.Time) error {
	switch {
	case now.After(cert.NotAfter):
		return fmt.Errorf("%s: the certificate expired at %s: renew it", path, stamp(cert.NotAfter))
	case now.Before(cert.NotBefore):
		return fmt.Errorf("%s: the certificate is valid only from %s on: use another one, or set the clock", path, stamp(cert.NotBefore))
	case !servesTLS(cert):
		return fmt.Errorf("%s: the certificate is not for server authentication: issue one with the extended key usage serverAuth", path)
	case !strong(cert):
		return fmt.Errorf("%s: the certificate's %s", path, weakWords)
	default:
		return nil
	}
}

const weakWords = "key is too weak: use RSA with 2048 bits or more, ECDSA with P-256 or larger, or Ed25519"

func servesTLS(cert *x509.Certificate) bool {
	limited := len(cert.ExtKeyUsage) > 0 || len(cert.UnknownExtKeyUsage) > 0
	return !limited || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// checkClientCAs refuses certificates that are no CA's: a caller's own one there would let in that caller, whatever else it is.
func checkClientCAs(path string, cas []*x509.Certificate, now time.Time) error {
	for i, ca := range cas {
		switch {
		case !ca.BasicConstraintsValid || !ca.IsCA || ca.KeyUsage != 0 && ca.KeyUsage&x509.KeyUsageCertSign == 0:
			return fmt.Errorf("%s: certificate %d is not a CA's: leave only those of CAs there", path, i+1)
		case !strong(ca):
			return fmt.Errorf("%s: certificate %d: its %s", path, i+1, weakWords)
		}
	}
	if !slices.ContainsFunc(cas, func(ca *x509.Certificate) bool { return now.Before(ca.NotAfter) }) {
		return fmt.Errorf("%s: every CA in it has expired: put the present ones there", path)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
