package devca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
)

// Write writes the authority's certificate, which only the owner of the file may read. The key is never written.
func (a *Authority) Write(path string) error { return WriteFile(path, CertificatesPEM(a.Certificate)) }

// Write writes the certificate with those above it, and the key. Only the owner of the files may read them.
func (p *Pair) Write(certPath, keyPath string) error {
	key, err := KeyPEM(p.Key)
	if err != nil {
		return err
	}
	if err := WriteFile(keyPath, key); err != nil {
		return err
	}
	return WriteFile(certPath, CertificatesPEM(p.Chain...))
}

// CertificatesPEM returns the certificates as a file has them.
func CertificatesPEM(certs ...*x509.Certificate) []byte {
	var text bytes.Buffer
	for _, cert := range certs {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}) // a buffer takes everything
	}
	return text.Bytes()
}

// KeyPEM returns the key in PKCS #8.
func KeyPEM(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// WriteFile replaces the file at once, so that nobody reads half of it; its mode is 0600 from the first moment on.
func WriteFile(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".devca-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the first error says why
	}
	return err
}
