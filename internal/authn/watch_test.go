package authn_test

import (
	"context"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/memnet"
)

// look is a little more than the time between two looks at the files, and until what is new has settled.
const look = 11*time.Second + time.Millisecond

// live is a server in a bubble, on a listener in memory, which watches its files.
type live struct {
	*world

	server   *authn.TLS
	listener *memnet.Listener

	mu       sync.Mutex
	changed  []bool
	failures []string
}

// seen is what the watch has said so far.
func (l *live) seen() (changed []bool, failures []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.changed), slices.Clone(l.failures)
}

func (l *live) change(clientCA bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = append(l.changed, clientCA)
}

func (l *live) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, err.Error())
}

func newLive(t *testing.T, w *world) *live {
	t.Helper()
	l := &live{world: w, server: w.load(t), listener: memnet.Listen()}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.server.Watch(ctx, l.change, l.fail)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return l
}

// pass waits for the next look.
func (l *live) pass() {
	time.Sleep(look)
	synctest.Wait()
}

// checkSeen compares what the watch has said; nothing must have failed.
func (l *live) checkSeen(t *testing.T, want ...bool) {
	t.Helper()
	if changed, failures := l.seen(); !slices.Equal(changed, want) || failures != nil {
		t.Errorf("changed %v, failures %q", changed, failures)
	}
}

// served is a connection, at both ends.
type served struct {
	client, server *tls.Conn
	identity       authn.Identity
}

func (l *live) connect(t *testing.T, config *tls.Config) (*served, error) {
	t.Helper()
	var s served
	accepted := make(chan error, 1)
	go func() {
		raw, err := l.listener.Accept()
		if err != nil {
			accepted <- err
			return
		}
		if s.server, s.identity, err = l.server.Handshake(raw); err != nil {
			_ = raw.Close()
		}
		accepted <- err
	}()
	raw := must[net.Conn](t)(l.listener.Dial(t.Context(), "", ""))
	s.client = tls.Client(raw, config)
	t.Cleanup(func() { _ = raw.Close() })
	clientErr := s.client.HandshakeContext(t.Context())
	if clientErr == nil {
		go func() { _, _ = io.Copy(io.Discard, s.client) }()
	}
	if err := <-accepted; err != nil {
		return nil, err
	}
	return &s, clientErr
}

func (l *live) mustConnect(t *testing.T, config *tls.Config) *served {
	t.Helper()
	return must[*served](t)(l.connect(t, config))
}

// works sends something to the client.
func (s *served) works(t *testing.T) {
	t.Helper()
	if _, err := s.server.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

// shows is the certificate that the server showed.
func (s *served) shows() *x509.Certificate { return s.client.ConnectionState().PeerCertificates[0] }

func TestANewCertificateHoldsForNewConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, newWorld(t))
		between := must[*devca.Authority](t)(l.callers.Intermediate(devca.Request{Name: "between"}))
		config := l.client(must[*devca.Pair](t)(between.Client(caller)).TLS())
		before := l.mustConnect(t, config)
		next := l.renew(t)
		l.pass()
		after := l.mustConnect(t, config)
		if before.shows().Equal(after.shows()) || !after.shows().Equal(next.Chain[0]) {
			t.Error("the old certificate")
		}
		if cert, _ := l.server.Expiry(); !cert.Equal(next.Chain[0].NotAfter) {
			t.Errorf("expiry %s", cert)
		}
		before.works(t)
		if err := l.server.Verify(before.server); err != nil {
			t.Error(err)
		}
		l.checkSeen(t, false)
	})
}

func TestABadPairKeepsTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, newWorld(t))
		config := l.client(must[*devca.Pair](t)(l.callers.Client(caller)).TLS())
		first := l.mustConnect(t, config).shows()
		oldKey := read(t, l.files.Key)
		l.renew(t)
		newKey := read(t, l.files.Key)
		for i, spoil := range []func(){
			func() { write(t, l.files.Key, oldKey, 0o600) },
			func() { write(t, l.files.Key, newKey, 0o644) },
			func() { write(t, l.files.Key, half(newKey), 0o600) },
			func() { _ = os.Remove(l.files.Key) },
		} {
			spoil()
			l.pass()
			changed, failures := l.seen()
			if len(failures) < i+1 || changed != nil || !l.mustConnect(t, config).shows().Equal(first) {
				t.Fatalf("%d: changed %v, failures %q", i, changed, failures)
			}
			if last := failures[len(failures)-1]; showsKey(last, []byte(oldKey)) || showsKey(last, []byte(newKey)) || strings.Contains(last, "\n") {
				t.Errorf("%d: %q", i, last)
			}
		}
		write(t, l.files.Key, newKey, 0o600)
		l.pass()
		if changed, failures := l.seen(); !slices.Equal(changed, []bool{false}) || l.mustConnect(t, config).shows().Equal(first) {
			t.Errorf("good again: changed %v, failures %q", changed, failures)
		}
	})
}

func TestAChangedClientCA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, newWorld(t))
		other := must[*devca.Authority](t)(devca.New(devca.Request{Name: "others"}))
		first := l.client(must[*devca.Pair](t)(l.callers.Client(caller)).TLS())
		first.ClientSessionCache = tls.NewLRUClientSessionCache(10)
		second := l.client(must[*devca.Pair](t)(other.Client(caller)).TLS())
		old := l.mustConnect(t, first)
		if _, err := l.connect(t, second); (result{err: err}).kind(t) != "unknown_authority" {
			t.Errorf("not trusted yet: %v", err)
		}

		l.trust(t, l.callers, other)
		l.pass()
		both := l.mustConnect(t, second)
		if err := l.server.Verify(old.server); err != nil {
			t.Errorf("still trusted: %v", err)
		}

		l.trust(t, other, other)
		l.pass()
		if err := l.server.Verify(old.server); (result{err: err}).kind(t) != "unknown_authority" {
			t.Errorf("not trusted any more: %v", err)
		}
		if err := l.server.Verify(both.server); err != nil {
			t.Errorf("trusted: %v", err)
		}
		if _, err := l.connect(t, first); (result{err: err}).kind(t) != "unknown_authority" {
			t.Errorf("a new connection: %v", err)
		}

		l.trust(t, other) // the same CAs in other text
		l.pass()
		l.checkSeen(t, true, true, false)
	})
}

// TestKubernetesSwap replaces all files as Kubernetes does for a Secret: they are links into a folder that is a link itself.
func TestKubernetesSwap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		mount := t.TempDir()
		deliver := func(name string) {
			folder := filepath.Join(mount, name)
			if err := os.Mkdir(folder, 0o750); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{w.files.Cert, w.files.Key, w.files.ClientCA} {
				write(t, filepath.Join(folder, filepath.Base(path)), read(t, path), 0o440)
			}
			link := filepath.Join(mount, "..data_tmp")
			if err := os.Symlink(name, link); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(link, filepath.Join(mount, "..data")); err != nil {
				t.Fatal(err)
			}
		}
		deliver("..2026_01")
		mounted := *w
		for _, path := range []*string{&mounted.files.Cert, &mounted.files.Key, &mounted.files.ClientCA} {
			name := filepath.Base(*path)
			*path = filepath.Join(mount, name)
			if err := os.Symlink(filepath.Join("..data", name), *path); err != nil {
				t.Fatal(err)
			}
		}
		l := newLive(t, &mounted)
		config := l.client(must[*devca.Pair](t)(w.callers.Client(caller)).TLS())
		l.mustConnect(t, config)
		next := w.renew(t)
		deliver("..2026_02")
		if err := os.RemoveAll(filepath.Join(mount, "..2026_01")); err != nil {
			t.Fatal(err)
		}
		l.pass()
		if !l.mustConnect(t, config).shows().Equal(next.Chain[0]) {
			t.Error("the old certificate")
		}
		l.checkSeen(t, false)
	})
}

// TestVerifyKnowsTheTime keeps a connection for longer than its certificate is valid.
func TestVerifyKnowsTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, newWorld(t))
		end := time.Now().Add(time.Hour)
		pair := must[*devca.Pair](t)(l.callers.Issue(devca.Request{URIs: []string{caller}, NotAfter: end}))
		conn := l.mustConnect(t, l.client(pair.TLS()))
		if !conn.identity.NotAfter.Equal(end) {
			t.Errorf("not after %s", conn.identity.NotAfter)
		}
		time.Sleep(time.Hour)
		if err := l.server.Verify(conn.server); err != nil {
			t.Errorf("in time: %v", err)
		}
		time.Sleep(time.Millisecond)
		if err := l.server.Verify(conn.server); (result{err: err}).kind(t) != "expired" {
			t.Errorf("too late: %v", err)
		}
	})
}

// TestNotAfterIsTheWholeChains has CAs that expire before the caller's certificate.
func TestNotAfterIsTheWholeChains(t *testing.T) {
	w := newWorld(t)
	one := time.Now().Add(time.Hour).Truncate(time.Second)
	two, three, four := one.Add(time.Hour), one.Add(2*time.Hour), one.Add(3*time.Hour)
	key := ecKey(t, elliptic.P256())
	short := must[*devca.Authority](t)(devca.New(devca.Request{Name: "root", Key: key, NotAfter: two}))
	long := must[*devca.Authority](t)(devca.New(devca.Request{Name: "root", Key: key, NotAfter: four}))
	between := must[*devca.Authority](t)(short.Intermediate(devca.Request{Name: "between", NotAfter: three}))
	early := must[*devca.Authority](t)(short.Intermediate(devca.Request{Name: "early", NotAfter: one}))
	for _, c := range []struct {
		name   string
		roots  []*devca.Authority
		issuer *devca.Authority
		want   time.Time
	}{
		{"the CA between expires first", []*devca.Authority{short}, early, one},
		{"the root expires first", []*devca.Authority{short}, between, two},
		{"the better of two roots", []*devca.Authority{short, long}, between, three},
		{"the same in the other order", []*devca.Authority{long, short}, between, three},
	} {
		w.trust(t, c.roots...)
		server := w.load(t)
		pair := must[*devca.Pair](t)(c.issuer.Client(caller))
		got := meet(t, server, speak(w.client(pair.TLS())))
		checkResult(t, got, "")
		if !got.identity.NotAfter.Equal(c.want) {
			t.Errorf("%s: %s, want %s", c.name, got.identity.NotAfter, c.want)
		}
		if _, clientCA := server.Expiry(); !clientCA.Equal(two) {
			t.Errorf("%s: the first CA expires at %s", c.name, clientCA)
		}
	}
}
