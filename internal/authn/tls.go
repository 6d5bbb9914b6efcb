package authn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"sync/atomic"
	"time"

	"cognito.internal/useradmin/internal/conffile"
)

// Files are in PEM: the server's certificate, followed by those of the CAs below the root; its key; and the CAs whose client
// certificates are accepted.
type Files struct{ Cert, Key, ClientCA string }

// TLS proves who calls by client certificates.
type TLS struct {
	files      Files
	minVersion uint16
	inUse      [][]byte // what the first material was made of
	current    atomic.Pointer[material]
}

// Load reads the files. Its errors have one line and say how to fix it; nothing of a key is in them.
func Load(files Files, minVersion uint16) (*TLS, error) {
	t := &TLS{files: files, minVersion: minVersion}
	texts, err := conffile.ReadAll(t.protected()...)
	if err != nil {
		return nil, err
	}
	first, err := t.parse(texts)
	if err != nil {
		return nil, err
	}
	t.inUse = texts
	t.current.Store(first)
	return t, nil
}

func (t *TLS) protected() []conffile.File {
	return []conffile.File{{Path: t.files.Cert}, {Path: t.files.Key, Secret: true}, {Path: t.files.ClientCA}}
}

// Watch follows the files until the context ends. New ones hold for new connections, and changed says whether the client CAs
// are others. Whatever is wrong goes to failed, again at each look; then the old ones stay in use.
func (t *TLS) Watch(ctx context.Context, changed func(clientCA bool), failed func(error)) {
	conffile.Watch(ctx, t.protected(), t.inUse, func(texts [][]byte) error {
		next, err := t.parse(texts)
		if err != nil {
			return err
		}
		old := t.current.Swap(next)
		changed(!old.config.ClientCAs.Equal(next.config.ClientCAs))
		return nil
	}, failed)
}

// Verify tells whether the chain of the connection's peer is still good, by the client CAs in use and at the present time. Its
// error wraps a *Failure.
func (t *TLS) Verify(c *tls.Conn) error {
	_, err := verify(c.ConnectionState().PeerCertificates, t.current.Load().config.ClientCAs)
	return err
}

// Expiry returns when the first certificate of the server's chain in use expires, and when the next of the client CAs does. One
// that has expired already is left out: nobody relies on it, and it may stay in the file for ever.
func (t *TLS) Expiry() (chain, clientCA time.Time) {
	used := t.current.Load()
	return earliest(used.chain), next(used.clientCAs, time.Now())
}

// next is the time at which the first of the certificates that are still good expires, or the last of them all did.
func next(certs []*x509.Certificate, now time.Time) time.Time {
	good := slices.DeleteFunc(slices.Clone(certs), func(cert *x509.Certificate) bool { return now.After(cert.NotAfter) })
	if len(good) > 0 {
		return earliest(good)
	}
	return slices.MaxFunc(certs, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }).NotAfter
}
