//go:build interop

package interop

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

const (
	xfcc = "x-forwarded-client-cert"
	// victim is whom a forger wants to be.
	victim = "spiffe://example.test/ns/backend/sa/victim"
)

// forged is a value that the service would accept from its sidecar.
func forged() string { return "Hash=" + strings.Repeat("0", 64) + ";URI=" + victim }

// forgedHeaders are names and values in turn.
func forgedHeaders() [][]string {
	f := forged()
	own := "Hash=" + strings.Repeat("1", 64) + ";URI=" + callerURI
	all := [][]string{
		{xfcc, f},
		{xfcc, "By=spiffe://example.test/envoy;" + f},
		{xfcc, strings.Replace(f, ";URI", `;Subject="";URI`, 1)},
		{xfcc, f, xfcc, f},
		{xfcc, "", xfcc, f},
		{xfcc, f, xfcc, ""},
		{xfcc, own + "," + f},
		{xfcc, f + "," + own},
		{xfcc, " " + f},
		{xfcc, f + " "},
		{xfcc, "\t" + f},
		{xfcc, f + "," + strings.Repeat("x", 8<<10)},
		{xfcc, `Hash=` + strings.Repeat("0", 64) + `;URI="` + victim + `"`},
		{"X-Forwarded-Client-Cert", f},
		{"x_forwarded_client_cert", f},
		{"x-forwarded_client-cert", f},
		{"x-forwarded-client-cert ", f},
		{" x-forwarded-client-cert", f},
		{"x-forwarded-client-cert\x00", f},
		{"x-forwarded-client-cert:", f},
		{":x-forwarded-client-cert", f},
		{"x-forwarded-client-cert-bin", base64.RawStdEncoding.EncodeToString([]byte(f))},
		{xfcc, f + "\r\n" + xfcc + ": " + f},
		{"x-other", "a\r\n" + xfcc + ": " + f},
		{"x-other", "a\n" + xfcc + ": " + f},
		{xfcc, f + "\x00"},
		{"connection", xfcc},
		{"connection", xfcc, xfcc, f},
		{"te", xfcc, xfcc, f},
		{"cookie", xfcc + "=" + f},
		{"x-envoy-internal", "true", xfcc, f},
		{"x-forwarded-for", "127.0.0.1", xfcc, f},
		{"x-forwarded-proto", "https", "x-envoy-peer-metadata", "x", xfcc, f},
	}
	many := []string{}
	for range 60 {
		many = append(many, xfcc, f)
	}
	return append(all, many)
}

// inTrailers sends the header after the message.
func inTrailers(message []byte) attack {
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: xfcc, Value: forged()})
	return attack{name: "in trailers", data: [][]byte{message}, trailers: true, block: block.Bytes()}
}

// onSocket makes the proxy connect to the Unix socket, as the shipped Envoy does.
func (r *recorder) onSocket(t *testing.T, kind proxyKind) backend {
	t.Helper()
	// As root, nginx makes its workers another user's.
	if err := errors.Join(os.Chmod(filepath.Dir(r.socket), 0o755), os.Chmod(r.socket, 0o777)); err != nil {
		t.Fatal(err)
	}
	prefix := map[string]string{"HAProxy http": "unix@", "nginx": "unix:"}[kind.name]
	return backend{prefix + r.socket, r.socket}
}

// No header that a caller sends makes the service take it for somebody else: behind Envoy it is who it is, or nobody, behind
// the others always nobody.
func TestForgedHeaders(t *testing.T) {
	usual := usualMessage(t)
	attacks := []attack{{name: "no header", data: [][]byte{usual}}, inTrailers(usual)}
	for _, headers := range forgedHeaders() {
		attacks = append(attacks, attack{name: fmt.Sprintf("%.80q", headers), headers: headers, data: [][]byte{usual}})
	}
	for _, kind := range proxyKinds() {
		if kind.name == "HAProxy" {
			continue // callers' TLS reaches the service
		}
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			r := newRecorder(t)
			keys := newPKI(t)
			at := r.onSocket(t, kind)
			p := kind.start(t, keys.dir, [2]backend{at, at})
			for i, a := range attacks {
				// Some end only with a reset of their stream, which is not waited for.
				patience := 300 * time.Millisecond
				if i == 0 {
					patience = 10 * time.Second
				}
				end, err := a.try(t, p.address, keys.caller, patience)
				_, arrived := r.take()
				if i == 0 && (err != nil || len(arrived) != 1) {
					t.Fatalf("a call without a forged header: %v %v, arrived %d times", err, end.Status, len(arrived))
				}
				for _, headers := range arrived {
					values := headers.Get(xfcc)
					id, err := authn.FromXFCC(values)
					// Envoy replaces the header, so the call is the caller's own; the others drop it.
					if known := err == nil && id.Caller == callerURI; known != (kind.name == "Envoy") || err == nil && !known {
						t.Errorf("%s: %q makes the caller %q (%v)", a.name, values, id.Caller, err)
					}
					t.Logf("%s: arrived %q, %v", a.name, values, err)
				}
				if len(arrived) == 0 {
					t.Logf("%s: not arrived", a.name)
				}
			}
		})
	}
}

// forgedCertificates are what an authority could be made to sign, with the caller that each may be; most may be nobody.
func forgedCertificates() map[string]struct {
	request devca.Request
	caller  string
} {
	const mine = "spiffe://example.test/mine"
	hash := "Hash=" + strings.Repeat("0", 64)
	all := map[string]struct {
		request devca.Request
		caller  string
	}{
		"DNS alone":        {devca.Request{DNS: []string{"a;URI=" + victim}}, ""},
		"DNS element":      {devca.Request{DNS: []string{"a," + hash + ";URI=" + victim}}, ""},
		"DNS and URI":      {devca.Request{DNS: []string{"a;URI=" + victim}, URIs: []string{mine}}, mine},
		"CN":               {devca.Request{Name: `a";URI=` + victim}, ""},
		"CN and URI":       {devca.Request{Name: `a";URI=` + victim, URIs: []string{mine}}, mine},
		"e-mail":           {devca.Request{Change: func(c *x509.Certificate) { c.EmailAddresses = []string{"a;URI=" + victim} }}, ""},
		"two":              {devca.Request{URIs: []string{mine, victim}}, ""},
		"two, other order": {devca.Request{URIs: []string{victim, mine}}, ""},
		"twice the same":   {devca.Request{URIs: []string{mine, mine}}, ""},
		"no name":          {devca.Request{}, ""},
		"an empty one too": {devca.Request{URIs: []string{"", victim}}, ""},
	}
	for _, uri := range []string{
		mine + ";URI=" + victim, mine + "," + hash + ";URI=" + victim, mine + ";" + hash + ";URI=" + victim, mine + `";URI="` + victim, `"` + victim + `"`,
		victim + ";", victim + ",", victim + `"`, victim + `\`, victim + "=", victim + " ", " " + victim, victim + "\x00", victim + "\x00.example", victim + "\n", victim + "\r\n" + xfcc + ": " + forged(),
		victim + "#", victim + "?", victim + "?a=b", victim + "/", victim + "%00", victim + "%3BURI=x", victim + "é", "SPIFFE" + victim[6:], "spiffe://user@example.test/x",
		"spiffe://example.test:1/x", "spiffe://example.test", "spiffe:///x", "https://example.test/x", "", "spiffe://example.test/" + strings.Repeat("a", 2048),
		"By=" + mine + ";" + hash + ";URI=" + victim, ";URI=" + victim, "," + hash + ";URI=" + victim,
	} {
		all[fmt.Sprintf("%.90q", uri)] = struct {
			request devca.Request
			caller  string
		}{devca.Request{URIs: []string{uri}}, ""}
	}
	return all
}

// No certificate makes the service behind Envoy take its owner for somebody else.
func TestForgedCertificates(t *testing.T) {
	r := newRecorder(t)
	keys := newPKI(t)
	envoy := proxyNamed(t, "Envoy").start(t, keys.dir, [2]backend{r.backend, r.backend})
	usual := usualMessage(t)
	certificates := forgedCertificates()
	names := make([]string, 0, len(certificates))
	for name := range certificates {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		certificate := certificates[name]
		_, err := attack{name: name, data: [][]byte{usual}}.try(t, envoy.address, keys.presenting(t, certificate.request), 10*time.Second)
		_, arrived := r.take()
		t.Logf("%s: %d arrived, %v", name, len(arrived), err)
		for _, headers := range arrived {
			id, err := authn.FromXFCC(headers.Get(xfcc))
			t.Logf("    %q %v", headers.Get(xfcc), err)
			if id.Caller != certificate.caller {
				t.Errorf("%s: %q makes the caller %q (%v)", name, headers.Get(xfcc), id.Caller, err)
			}
		}
		if certificate.caller != "" && len(arrived) != 1 {
			t.Errorf("%s: the call did not arrive: %v", name, err)
		}
	}
}
