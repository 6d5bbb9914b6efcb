package authn_test

import (
	"testing"
	"testing/synctest"
	"time"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

// expires makes an authority that expires after that time.
func expires(t *testing.T, after time.Duration) *devca.Authority {
	t.Helper()
	return must[*devca.Authority](t)(devca.New(devca.Request{Name: after.String(), NotAfter: time.Now().Add(after).Truncate(time.Second)}))
}

// TestTheServersChainExpiresWithItsFirst has a CA that expires before the certificate below it.
func TestTheServersChainExpiresWithItsFirst(t *testing.T) {
	w := newWorld(t)
	between := must[*devca.Authority](t)(w.servers.Intermediate(devca.Request{Name: "between", NotAfter: time.Now().Add(time.Hour)}))
	pair := must[*devca.Pair](t)(between.Server(hostname))
	if err := pair.Write(w.files.Cert, w.files.Key); err != nil {
		t.Fatal(err)
	}
	if got, _ := w.load(t).Expiry(); !got.Equal(between.Certificate.NotAfter) {
		t.Errorf("%s, want %s, not %s", got, between.Certificate.NotAfter, pair.Chain[0].NotAfter)
	}
}

// TestAnExpiredClientCAIsNotTheNextToExpire has old CAs that stay in the file.
func TestAnExpiredClientCAIsNotTheNextToExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		old, first, last := expires(t, -time.Minute), expires(t, time.Hour), expires(t, 2*time.Hour)
		w.trust(t, last, old, first)
		server := w.load(t)
		checkClientCA(t, server, first)
		time.Sleep(time.Hour + time.Second)
		checkClientCA(t, server, last)
		// None is left: an alert has to go on.
		time.Sleep(time.Hour)
		checkClientCA(t, server, last)
	})
}

func checkClientCA(t *testing.T, server *authn.TLS, want *devca.Authority) {
	t.Helper()
	if _, got := server.Expiry(); !got.Equal(want.Certificate.NotAfter) {
		t.Errorf("%s, want %s", got, want.Certificate.NotAfter)
	}
}
