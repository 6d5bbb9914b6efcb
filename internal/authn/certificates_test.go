package authn_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

func rsaKey(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	return must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, bits))
}

func ecKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	return must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(curve, rand.Reader))
}

func edKey(t *testing.T) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must[ed25519.PrivateKey](t)(key, err)
}

// certCase is a caller's certificate that differs from a good one.
type certCase struct {
	name   string
	kind   string // of the failure; empty if it is accepted
	change func(*testing.T, *devca.Request)
}

func withURI(name, kind string, uris ...string) certCase {
	return certCase{name, kind, func(_ *testing.T, r *devca.Request) { r.URIs = uris }}
}

func withKey(name, kind string, key func(*testing.T) crypto.Signer) certCase {
	return certCase{name, kind, func(t *testing.T, r *devca.Request) { r.Key = key(t) }}
}

func withUsages(name, kind string, usages ...x509.ExtKeyUsage) certCase {
	return certCase{name, kind, func(_ *testing.T, r *devca.Request) { r.Usages = usages }}
}

func withTimes(name, kind string, from, to time.Duration) certCase {
	return certCase{name, kind, func(_ *testing.T, r *devca.Request) {
		r.NotBefore, r.NotAfter = time.Now().Add(from), time.Now().Add(to)
	}}
}

func changed(name, kind string, change func(*x509.Certificate)) certCase {
	return certCase{name, kind, func(_ *testing.T, r *devca.Request) { r.Change = change }}
}

func certCases() []certCase {
	long := "spiffe://prod.example/" + strings.Repeat("a", 2048-len("spiffe://prod.example/"))
	return []certCase{
		{"a good one", "", func(*testing.T, *devca.Request) {}},
		withURI("another trust domain", "", "spiffe://other.example/ns/signup/sa/api"),
		withURI("all characters of an ID", "", "spiffe://prod_1.ex-ample/Ns/a_b-c.d/..."),
		withURI("the longest ID", "", long),
		withKey("Ed25519", "", edKey),
		withKey("P-384", "", func(t *testing.T) crypto.Signer { return ecKey(t, elliptic.P384()) }),
		withKey("P-521", "", func(t *testing.T) crypto.Signer { return ecKey(t, elliptic.P521()) }),
		withKey("RSA of 2048 bits", "", func(t *testing.T) crypto.Signer { return rsaKey(t, 2048) }),
		withUsages("no extended usage", ""),
		withUsages("both extended usages", "", x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth),
		withTimes("for one more minute", "", -time.Hour, time.Minute),
		changed("no key usage", "", func(c *x509.Certificate) { c.KeyUsage = 0 }),
		changed("no basic constraints", "", func(c *x509.Certificate) { c.BasicConstraintsValid = false }),
		{"a DNS name and an IP address too", "", func(_ *testing.T, r *devca.Request) {
			r.DNS, r.IPs = []string{"api.prod.example"}, []net.IP{net.IPv4(10, 0, 0, 1)}
		}},

		withTimes("expired", "expired", -time.Hour, -time.Second),
		withTimes("of the future", "not_yet_valid", time.Minute, time.Hour),
		withTimes("of no time", "not_yet_valid", time.Hour, -time.Hour),

		withUsages("a server's", "wrong_usage", x509.ExtKeyUsageServerAuth),
		withUsages("for signing code", "wrong_usage", x509.ExtKeyUsageCodeSigning),
		withUsages("any usage", "wrong_usage", x509.ExtKeyUsageAny),
		changed("an unknown usage", "wrong_usage", func(c *x509.Certificate) {
			c.ExtKeyUsage, c.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{{1, 2, 3}}
		}),
		changed("a key that must not sign", "wrong_usage", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }),
		changed("a CA", "is_ca", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }),
		changed("a CA in its constraints only", "is_ca", func(c *x509.Certificate) { c.IsCA = true }),
		changed("a key that signs revocations", "is_ca", func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }),
		changed("a key that signs certificates", "is_ca", func(c *x509.Certificate) {
			c.KeyUsage = 0
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: []byte{3, 2, 2, 0x84}})
		}),

		withURI("no names", "not_spiffe"),
		{"a DNS name only", "not_spiffe", func(_ *testing.T, r *devca.Request) { r.URIs, r.DNS = nil, []string{"prod.example"} }},
		withURI("two URIs", "several_uris", caller, "spiffe://prod.example/ns/admin/sa/api"),
		withURI("the same URI twice", "several_uris", caller, caller),
		withURI("an URI of another kind too", "several_uris", caller, "https://prod.example/"),
		withURI("http", "not_spiffe", "http://prod.example/ns/signup/sa/api"),
		withURI("an upper-case scheme", "not_spiffe", "SPIFFE://prod.example/ns/signup/sa/api"),
		withURI("no authority", "not_spiffe", "spiffe:/ns/signup/sa/api"),
		withURI("an opaque URI", "not_spiffe", "spiffe:prod.example"),
		withURI("an upper-case trust domain", "not_spiffe", "spiffe://Prod.example/ns/signup/sa/api"),
		withURI("NUL", "malformed", caller+"\x00.evil.example"),
		withURI("a new line", "malformed", caller+"\n"),
		withURI("percent", "not_spiffe", "spiffe://prod.example/ns/signup/sa/%61pi"),
		withURI("percent and nothing", "malformed", caller+"%"),
		withURI("a fragment", "not_spiffe", caller+"#x"),
		withURI("an empty fragment", "not_spiffe", caller+"#"),
		withURI("a query", "not_spiffe", caller+"?x"),
		withURI("an empty query", "not_spiffe", caller+"?"),
		withURI("a port", "not_spiffe", "spiffe://prod.example:443/ns/signup/sa/api"),
		withURI("an empty port", "not_spiffe", "spiffe://prod.example:/ns/signup/sa/api"),
		withURI("user info", "not_spiffe", "spiffe://root@prod.example/ns/signup/sa/api"),
		withURI("no path", "not_spiffe", "spiffe://prod.example"),
		withURI("an empty path", "not_spiffe", "spiffe://prod.example/"),
		withURI("a trailing slash", "not_spiffe", caller+"/"),
		withURI("an empty segment", "not_spiffe", "spiffe://prod.example/ns//api"),
		withURI("a dot segment", "not_spiffe", "spiffe://prod.example/ns/./api"),
		withURI("a segment of two dots", "not_spiffe", "spiffe://prod.example/ns/admin/../api"),
		withURI("a space", "not_spiffe", caller+" x"),
		withURI("a comma", "not_spiffe", caller+",URI=spiffe://prod.example/ns/admin/sa/api"),
		withURI("a semicolon", "not_spiffe", caller+";URI=spiffe://prod.example/ns/admin/sa/api"),
		withURI("a letter that is not ASCII", "malformed", "spiffe://prod.example/ns/signup/sa/apí"),
		withURI("too long", "not_spiffe", long+"a"),
		withURI("empty", "not_spiffe", ""),

		withKey("RSA of 1024 bits", "weak_key", func(t *testing.T) crypto.Signer { return rsaKey(t, 1024) }),
		withKey("RSA of 2047 bits", "weak_key", func(t *testing.T) crypto.Signer { return rsaKey(t, 2047) }),
		withKey("P-224", "weak_key", func(t *testing.T) crypto.Signer { return ecKey(t, elliptic.P224()) }),
		changed("SHA-1", "weak_key", func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }),
		changed("an unknown critical extension", "bad_chain", func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}})
		}),
	}
}

// TestCertificates shows each certificate to a server.
func TestCertificates(t *testing.T) {
	w := newWorld(t)
	server := w.load(t)
	for _, c := range certCases() {
		t.Run(c.name, func(t *testing.T) {
			r := devca.Request{Name: "caller", URIs: []string{caller}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
			c.change(t, &r)
			pair := must[*devca.Pair](t)(w.callers.Issue(r))
			got := meet(t, server, speak(w.client(pair.TLS())))
			checkResult(t, got, c.kind)
			if c.kind == "" && got.identity.Caller != r.URIs[0] {
				t.Errorf("identity %+v", got.identity)
			}
		})
	}
}

// checkResult compares the kind of the failure, and says that both sides agree.
func checkResult(t *testing.T, r result, kind string) {
	t.Helper()
	if got := r.kind(t); got != kind {
		t.Errorf("kind %q, want %q; the client: %v", got, kind, r.client)
	}
	switch {
	case kind == "":
		if r.err != nil || r.client != nil {
			t.Errorf("got %v and %v", r.err, r.client)
		}
	case r.client == nil || r.conn != nil || r.identity != (authn.Identity{}):
		t.Errorf("refused, but the client: %v, and the identity: %+v", r.client, r.identity)
	case !slices.Contains(authn.Kinds(), kind):
		t.Errorf("Kinds has no %q", kind)
	}
}

// chainCase is a caller's certificate from another authority.
type chainCase struct {
	name, kind string
	issue      func(*testing.T, *world) tls.Certificate
}

// below is a certificate from an authority below the callers'.
func below(name, kind string, change func(*testing.T, *devca.Request)) chainCase {
	return chainCase{name, kind, func(t *testing.T, w *world) tls.Certificate {
		r := devca.Request{Name: "below"}
		change(t, &r)
		between := must[*devca.Authority](t)(w.callers.Intermediate(r))
		return must[*devca.Pair](t)(between.Client(caller)).TLS()
	}}
}

func belowWith(name, kind string, change func(*x509.Certificate)) chainCase {
	return below(name, kind, func(_ *testing.T, r *devca.Request) { r.Change = change })
}

func chainCases() []chainCase {
	stranger := func(t *testing.T, name string) *devca.Authority {
		return must[*devca.Authority](t)(devca.New(devca.Request{Name: name}))
	}
	return []chainCase{
		below("a CA between", "", func(*testing.T, *devca.Request) {}),
		belowWith("a CA that may issue it", "", func(c *x509.Certificate) { c.PermittedURIDomains = []string{"prod.example"} }),
		belowWith("a CA for another trust domain", "bad_chain", func(c *x509.Certificate) { c.PermittedURIDomains = []string{"other.example"} }),
		belowWith("a CA not for this trust domain", "bad_chain", func(c *x509.Certificate) { c.ExcludedURIDomains = []string{"prod.example"} }),
		belowWith("a CA for servers", "wrong_usage", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
		belowWith("a CA that has expired", "expired", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) }),
		belowWith("a CA of the future", "not_yet_valid", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }),
		belowWith("a CA that is none", "unknown_authority", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }),
		below("a CA with a weak key", "weak_key", func(t *testing.T, r *devca.Request) { r.Key = rsaKey(t, 1024) }),
		{"the CA between is missing", "unknown_authority", func(t *testing.T, w *world) tls.Certificate {
			between := must[*devca.Authority](t)(w.callers.Intermediate(devca.Request{Name: "below"}))
			pair := must[*devca.Pair](t)(between.Client(caller)).TLS()
			pair.Certificate = pair.Certificate[:1]
			return pair
		}},
		{"an unknown CA", "unknown_authority", func(t *testing.T, _ *world) tls.Certificate {
			return must[*devca.Pair](t)(stranger(t, "stranger").Client(caller)).TLS()
		}},
		{"an unknown CA of the same name", "unknown_authority", func(t *testing.T, _ *world) tls.Certificate {
			return must[*devca.Pair](t)(stranger(t, "callers").Client(caller)).TLS()
		}},
		{"an unknown CA that is shown too", "unknown_authority", func(t *testing.T, _ *world) tls.Certificate {
			other := stranger(t, "stranger")
			pair := must[*devca.Pair](t)(other.Client(caller)).TLS()
			pair.Certificate = append(pair.Certificate, other.Certificate.Raw)
			return pair
		}},
		{"the CA of servers", "unknown_authority", func(t *testing.T, w *world) tls.Certificate {
			return must[*devca.Pair](t)(w.servers.Client(caller)).TLS()
		}},
		{"signed by itself", "unknown_authority", func(t *testing.T, _ *world) tls.Certificate {
			key := ecKey(t, elliptic.P256())
			self := must[*devca.Authority](t)(devca.New(devca.Request{
				Name: "self", URIs: []string{caller}, Key: key,
				Change: func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature },
			}))
			return tls.Certificate{Certificate: [][]byte{self.Certificate.Raw}, PrivateKey: key}
		}},
		{"the key of somebody else", "protocol", func(t *testing.T, w *world) tls.Certificate {
			pair := must[*devca.Pair](t)(w.callers.Client(caller)).TLS()
			pair.PrivateKey, pair.Leaf = ecKey(t, elliptic.P256()), nil
			return pair
		}},
		{"no certificate in it", "malformed", func(t *testing.T, _ *world) tls.Certificate {
			return tls.Certificate{Certificate: [][]byte{{0x30, 0}}, PrivateKey: ecKey(t, elliptic.P256())}
		}},
		{"none", "no_certificate", func(*testing.T, *world) tls.Certificate { return tls.Certificate{} }},
		{"many of 40 KiB", "too_large", func(t *testing.T, w *world) tls.Certificate {
			pair := must[*devca.Pair](t)(w.callers.Client(caller)).TLS()
			for range 40 << 10 / len(pair.Certificate[0]) {
				pair.Certificate = append(pair.Certificate, w.callers.Certificate.Raw)
			}
			return pair
		}},
		{"many of 24 KiB", "too_large", func(t *testing.T, w *world) tls.Certificate {
			pair := must[*devca.Pair](t)(w.callers.Client(caller)).TLS()
			for range 24 << 10 / len(pair.Certificate[0]) {
				pair.Certificate = append(pair.Certificate, w.callers.Certificate.Raw)
			}
			return pair
		}},
		{"five of CAs, two of a name", "", func(t *testing.T, w *world) tls.Certificate { return w.withCAs(t, 5, 2) }},
		{"six of CAs", "too_large", func(t *testing.T, w *world) tls.Certificate { return w.withCAs(t, 6, 1) }},
		{"three of CAs of the same name", "too_large", func(t *testing.T, w *world) tls.Certificate { return w.withCAs(t, 3, 3) }},
	}
}

// withCAs is a caller's certificate with those of as many CAs, some of which have the same name.
func (w *world) withCAs(t *testing.T, n, same int) tls.Certificate {
	t.Helper()
	pair := must[*devca.Pair](t)(w.callers.Client(caller)).TLS()
	for i := range n {
		name := "the same"
		if i >= same {
			name = "CA " + strconv.Itoa(i)
		}
		pair.Certificate = append(pair.Certificate, must[*devca.Authority](t)(devca.New(devca.Request{Name: name})).Certificate.Raw)
	}
	return pair
}

// TestChains shows certificates from other authorities to a server.
func TestChains(t *testing.T) {
	w := newWorld(t)
	server := w.load(t)
	for _, c := range chainCases() {
		t.Run(c.name, func(t *testing.T) {
			got := meet(t, server, speak(w.client(c.issue(t, w))))
			checkResult(t, got, c.kind)
			if c.kind == "" && got.identity.Caller != caller {
				t.Errorf("identity %+v", got.identity)
			}
		})
	}
}
