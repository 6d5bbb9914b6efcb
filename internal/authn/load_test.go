package authn_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

// canary stands wherever a key's file may have text of its own.
const canary = "CANARYCANARY"

func read(t *testing.T, path string) string {
	t.Helper()
	return string(must[[]byte](t)(os.ReadFile(path)))
}

func block(kind string, der []byte, headers map[string]string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der, Headers: headers}))
}

// badFiles is a set of files that is refused: what is done to a good set, and the error, where {cert}, {key} and {ca}
// stand for the paths.
type badFiles struct {
	name, want string
	spoil      func(*testing.T, *world)
}

// server has another server certificate.
func server(name, want string, change func(*devca.Request)) badFiles {
	return badFiles{name, want, func(t *testing.T, w *world) {
		r := devca.Request{Name: "server", DNS: []string{hostname}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		change(&r)
		pair := must[*devca.Pair](t)(w.servers.Issue(r))
		if err := pair.Write(w.files.Cert, w.files.Key); err != nil {
			t.Fatal(err)
		}
	}}
}

// file has other text in one file.
func file(path func(authn.Files) string, name, want string, text func(old string) string) badFiles {
	return badFiles{name, want, func(t *testing.T, w *world) {
		write(t, path(w.files), text(read(t, path(w.files))), 0o600)
	}}
}

func certFile(f authn.Files) string { return f.Cert }
func keyFile(f authn.Files) string  { return f.Key }
func caFile(f authn.Files) string   { return f.ClientCA }

func always(text string) func(string) string { return func(string) string { return text } }

func half(text string) string { return text[:len(text)/2] }

func mode(path func(authn.Files) string, name string, mode os.FileMode, want string) badFiles {
	return badFiles{name, want, func(t *testing.T, w *world) {
		if err := os.Chmod(path(w.files), mode); err != nil {
			t.Fatal(err)
		}
	}}
}

func missing(path func(authn.Files) string, name, want string) badFiles {
	return badFiles{name, want, func(t *testing.T, w *world) {
		if err := os.Remove(path(w.files)); err != nil {
			t.Fatal(err)
		}
	}}
}

// trusting has other client CAs.
func trusting(name, want string, requests ...devca.Request) badFiles {
	return badFiles{name, want, func(t *testing.T, w *world) {
		var all []*devca.Authority
		for _, r := range requests {
			all = append(all, must[*devca.Authority](t)(devca.New(r)))
		}
		w.trust(t, all...)
	}}
}

func allBadFiles(t *testing.T) []badFiles {
	weakRSA, _ := rsaKey(t, 1024).(*rsa.PrivateKey)
	p224 := ecKey(t, elliptic.P224())
	otherKey, _ := ecKey(t, elliptic.P256()).(*ecdsa.PrivateKey)
	sec1 := must[[]byte](t)(x509.MarshalECPrivateKey(otherKey))
	params := must[[]byte](t)(asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}))
	leaf := func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }
	old := devca.Request{Name: "old", NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	const (
		mismatch  = "{key}: the key cannot be read, or is not that of the first certificate in {cert}: make both anew, together"
		encrypted = "{key}: the private key is encrypted: decrypt it, for example with openssl pkey"
		noKey     = "{key} has no private key in PEM: put the server's key there"
		tooWeak   = "key is too weak: use RSA with 2048 bits or more, ECDSA with P-256 or larger, or Ed25519"
		broken    = ": a PEM block in it is broken or incomplete: copy it anew"
		notCA     = " is not a CA's: leave only those of CAs there"
	)
	return []badFiles{
		missing(certFile, "no certificate file", "open {cert}: no such file or directory"),
		missing(keyFile, "no key file", "open {key}: no such file or directory"),
		missing(caFile, "no CA file", "open {ca}: no such file or directory"),
		mode(keyFile, "a key that others may read", 0o644, "{key} is secret and may be read by others (mode 0644): run chmod o-r {key}"),
		mode(certFile, "a certificate that others may write", 0o666, "{cert} may be written by its group or by others (mode 0666): run chmod go-w {cert}"),
		mode(caFile, "CAs that the group may write", 0o664, "{ca} may be written by its group or by others (mode 0664): run chmod go-w {ca}"),

		file(certFile, "an empty certificate file", "{cert} has no certificate in PEM: put one there", always("")),
		file(certFile, "text instead of a certificate", "{cert} has no certificate in PEM: put one there", always(canary)),
		file(certFile, "half of a certificate", "{cert}"+broken, half),
		file(certFile, "an indented certificate", "{cert}"+broken, func(old string) string { return "  " + old }),
		file(certFile, "a certificate that is none", "{cert}: certificate 1 cannot be read: make it anew", always(block("CERTIFICATE", []byte(canary), nil))),
		file(certFile, "a second certificate that is none", "{cert}: certificate 2 cannot be read: make it anew", func(old string) string { return old + block("CERTIFICATE", []byte(canary), nil) }),
		file(certFile, "a key beside the certificate", "{cert} has a private key in it: leave only certificates there, and replace the key if others could read it", func(old string) string { return old + block("PRIVATE KEY", sec1, nil) }),
		file(certFile, "a request beside the certificate", "{cert}: block 2 is no certificate: leave only certificates there", func(old string) string { return old + block("CERTIFICATE REQUEST", []byte(canary), nil) }),
		server("an expired certificate", "{cert}: the certificate expired at 2020-01-02T00:00:00Z: renew it", func(r *devca.Request) {
			r.NotBefore, r.NotAfter = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)
		}),
		server("a certificate of the future", "{cert}: the certificate is valid only from 2120-01-01T00:00:00Z on: use another one, or set the clock", func(r *devca.Request) {
			r.NotBefore, r.NotAfter = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2120, 1, 2, 0, 0, 0, 0, time.UTC)
		}),
		server("a caller's certificate", "{cert}: the certificate is not for server authentication: issue one with the extended key usage serverAuth", func(r *devca.Request) {
			r.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}),
		server("a weak RSA key", "{cert}: the certificate's "+tooWeak, func(r *devca.Request) { r.Key = weakRSA }),
		server("P-224", "{cert}: the certificate's "+tooWeak, func(r *devca.Request) { r.Key = p224 }),

		file(keyFile, "an empty key file", noKey, always("")),
		file(keyFile, "a certificate instead of a key", noKey, always(block("CERTIFICATE", []byte(canary), nil))),
		file(keyFile, "an unknown block", noKey, always(block(canary, []byte(canary), nil))),
		file(keyFile, "a curve without a key", noKey, always(block("EC PARAMETERS", params, nil))),
		file(keyFile, "half of a key", "{key}"+broken, half),
		file(keyFile, "two keys", "{key} has 2 blocks: leave only the private key there", func(old string) string { return old + block("EC PRIVATE KEY", sec1, nil) }),
		file(keyFile, "another key", mismatch, always(block("EC PARAMETERS", params, nil)+block("EC PRIVATE KEY", sec1, nil))),
		file(keyFile, "a key of another kind", mismatch, always(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weakRSA), nil))),
		file(keyFile, "a key that is none", mismatch, always(canary+"\n"+block("PRIVATE KEY", []byte(canary), map[string]string{canary: canary}))),
		file(keyFile, "an encrypted key", encrypted, always(block("ENCRYPTED PRIVATE KEY", []byte(canary), nil))),
		file(keyFile, "a key encrypted as long ago", encrypted, always(block("EC PRIVATE KEY", []byte(canary), map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": canary}))),

		file(caFile, "an empty CA file", "{ca} has no certificate in PEM: put one there", always("# none yet\n")),
		file(caFile, "half of a CA", "{ca}"+broken, half),
		file(caFile, "a broken CA before a good one", "{ca}"+broken, func(old string) string { return strings.Replace(old, "MII", "!!!", 1) + old }),
		file(caFile, "a CA of OpenSSL's own", "{ca}: block 1 is no certificate: leave only certificates there", always(block("TRUSTED CERTIFICATE", []byte(canary), nil))),
		trusting("a caller's own certificate as a CA", "{ca}: certificate 2"+notCA, devca.Request{Name: "callers"}, devca.Request{Name: "caller", Change: leaf}),
		trusting("a CA whose key must not sign", "{ca}: certificate 1"+notCA, devca.Request{Name: "callers", Change: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }}),
		trusting("a certificate without constraints as a CA", "{ca}: certificate 1"+notCA, devca.Request{Name: "callers", Change: func(c *x509.Certificate) { c.BasicConstraintsValid, c.IsCA, c.KeyUsage = false, false, 0 }}),
		trusting("a CA with a weak key", "{ca}: certificate 1: its "+tooWeak, devca.Request{Name: "callers", Key: weakRSA}),
		trusting("expired CAs only", "{ca}: every CA in it has expired: put the present ones there", old),
	}
}

// TestBadFiles loads each set.
func TestBadFiles(t *testing.T) {
	for _, c := range allBadFiles(t) {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.spoil(t, w)
			key, _ := os.ReadFile(w.files.Key) // one set has none
			_, err := authn.Load(w.files, tls.VersionTLS13)
			want := strings.NewReplacer("{cert}", w.files.Cert, "{key}", w.files.Key, "{ca}", w.files.ClientCA).Replace(c.want)
			if err == nil || err.Error() != want {
				t.Fatalf("got  %v\nwant %s", err, want)
			}
			if showsKey(err.Error(), key) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q shows the key", err)
			}
		})
	}
}

// showsKey looks for the canary and for any part of the key's file that is not known to everybody.
func showsKey(text string, key []byte) bool {
	if strings.Contains(text, canary) {
		return true
	}
	for line := range bytes.Lines(key) {
		for i := 0; !bytes.HasPrefix(line, []byte("-----")) && i+8 <= len(line); i++ {
			if strings.Contains(text, string(line[i:i+8])) {
				return true
			}
		}
	}
	return false
}

// TestGoodFiles has what is unusual and still right.
func TestGoodFiles(t *testing.T) {
	edPair := func(t *testing.T, w *world) {
		pair := must[*devca.Pair](t)(w.servers.Issue(devca.Request{DNS: []string{hostname}, Key: edKey(t)}))
		if err := pair.Write(w.files.Cert, w.files.Key); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*testing.T, *world){
		"Ed25519 and no extended usage": edPair,
		"text around the blocks": func(t *testing.T, w *world) {
			for _, path := range []string{w.files.Cert, w.files.Key, w.files.ClientCA} {
				write(t, path, "Bag Attributes\n"+read(t, path)+"the end\n", 0o600)
			}
		},
		"a curve before the key": func(t *testing.T, w *world) {
			key, _ := ecKey(t, elliptic.P256()).(*ecdsa.PrivateKey)
			pair := must[*devca.Pair](t)(w.servers.Issue(devca.Request{DNS: []string{hostname}, Key: key}))
			write(t, w.files.Cert, string(devca.CertificatesPEM(pair.Chain...)), 0o644)
			write(t, w.files.Key, block("EC PARAMETERS", []byte{6, 0}, nil)+block("EC PRIVATE KEY", must[[]byte](t)(x509.MarshalECPrivateKey(key)), nil), 0o640)
		},
		"an expired CA beside a good one": func(t *testing.T, w *world) {
			old := devca.Request{Name: "old", NotAfter: time.Now().Add(-time.Minute)}
			w.trust(t, must[*devca.Authority](t)(devca.New(old)), w.callers)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			change(t, w)
			pair := must[*devca.Pair](t)(w.callers.Client(caller))
			checkResult(t, meet(t, w.load(t), speak(w.client(pair.TLS()))), "")
		})
	}
}
