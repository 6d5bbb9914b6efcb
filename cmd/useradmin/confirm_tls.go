package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"google.golang.org/grpc/credentials"
)

// tls makes credentials of the files that the flags name. Errors name a file and nothing that is in it.
func (f connectFlags) tls() (credentials.TransportCredentials, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		text, err := readPEM("--ca", f.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, noCertificate("--ca", f.CA)
		}
	}
	if f.Cert == "" && f.Key == "" {
		return credentials.NewTLS(config), nil
	}
	pair, err := f.pair()
	if err != nil {
		return nil, err
	}
	// It is shown even where the server names no CA of its own: then the server says what it does not like.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return credentials.NewTLS(config), nil
}

// pair is the certificate that names this caller, with its key.
func (f connectFlags) pair() (tls.Certificate, error) {
	if f.Cert == "" || f.Key == "" {
		return tls.Certificate{}, usageError{errors.New("--cert and --key belong together: give both or none")}
	}
	cert, err := readPEM("--cert", f.Cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readPEM("--key", f.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(cert) {
		return tls.Certificate{}, noCertificate("--cert", f.Cert)
	}
	block := firstKey(key)
	switch {
	case block == nil:
		return tls.Certificate{}, usageError{fmt.Errorf("--key %s: the file has no private key in PEM", f.Key)}
	case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return tls.Certificate{}, usageError{fmt.Errorf("--key %s: the private key is encrypted: give a file with it decrypted", f.Key)}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		// What the library says may have a part of the file in it.
		return tls.Certificate{}, usageError{fmt.Errorf("--key %s: the private key does not belong to the certificate in %s, or one of them cannot be read", f.Key, f.Cert)}
	}
	return pair, nil
}

// firstKey is the first private key in a PEM file, or nil.
func firstKey(text []byte) *pem.Block {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return block
		}
	}
	return nil
}

func readPEM(flag, file string) ([]byte, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the file that the person names
	if err != nil {
		return nil, usageError{withoutSecret(fmt.Errorf("%s: %w", flag, err), []string{flag, file})}
	}
	return text, nil
}

func noCertificate(flag, file string) error {
	return usageError{fmt.Errorf("%s %s: the file has no certificate in PEM", flag, file)}
}
