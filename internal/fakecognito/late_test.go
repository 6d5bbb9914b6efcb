package fakecognito_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/internal/memnet"
)

// bubble runs the test in a synctest bubble with a server on a listener in memory.
func bubble(t *testing.T, pool fakecognito.Pool, test func(*testing.T, *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		fake := fakecognito.New(fakecognito.Config{})
		if err := fake.AddPool(pool); err != nil {
			t.Fatal(err)
		}
		lis := memnet.Listen()
		server := &http.Server{Handler: fake}
		go func() { _ = server.Serve(lis) }()
		transport := &http.Transport{DialContext: lis.Dial}
		f := &fixture{Server: fake, t: t, url: "http://cognito.test", http: &http.Client{Transport: transport}}
		f.client = newClient(f.url, f.http, func(o *cip.Options) { o.HTTPClient = f.http })
		test(t, f)
		fake.Close()
		transport.CloseIdleConnections()
		_ = server.Close()
	})
}

func TestApplyLate(t *testing.T) {
	for _, hang := range []bool{false, true} {
		bubble(t, testPool(), func(t *testing.T, f *fixture) {
			begin := time.Now()
			fault := fakecognito.ApplyLate(10 * time.Minute)
			if hang {
				fault = fakecognito.HangAndApplyLate(10 * time.Minute)
			}
			f.ScriptUser(poolID, "ada", fault)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := f.confirmContext(ctx, "ada", nil); err == nil {
				t.Error("no error")
			}
			time.Sleep(9 * time.Minute)
			if got := f.adasStatus(); got != fakecognito.StatusUnconfirmed {
				t.Errorf("status %s", got)
			}
			f.Close() // waits for it
			if took := time.Since(begin); took != 10*time.Minute {
				t.Errorf("closed after %s", took)
			}
			last := f.Journal()[2]
			if last.Kind != fakecognito.KindConfirmed || !last.Time.Equal(begin.Add(10*time.Minute)) {
				t.Errorf("entry %+v", last)
			}
		})
	}
}

// The late effect meets a user whom somebody else has confirmed meanwhile.
func TestLateMeetsOthers(t *testing.T) {
	bubble(t, testPool(), func(t *testing.T, f *fixture) {
		f.ScriptUser(poolID, "ada", fakecognito.ApplyLate(time.Second))
		if err := f.confirm("ada", nil); err == nil {
			t.Error("no error")
		}
		if err := f.confirm("ada", nil); err != nil {
			t.Error(err)
		}
		f.Settle()
		if got, want := f.kinds(), "received, received, confirmed, denied"; got != want {
			t.Errorf("journal %q", got)
		}
	})
}

func TestSlowInBubble(t *testing.T) {
	bubble(t, testPool(), func(t *testing.T, f *fixture) {
		begin := time.Now()
		f.ScriptUser(poolID, "ada", fakecognito.Slow(time.Hour), fakecognito.Slow(time.Hour),
			fakecognito.Hang(), fakecognito.ResetAfterProcessing(), fakecognito.Truncated())
		if err := f.confirm("ada", nil); err != nil || time.Since(begin) != time.Hour {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := f.confirmContext(ctx, "ada", nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
		}
		for range 2 {
			if err := f.confirm("ada", nil); err == nil {
				t.Error("no error")
			}
		}
	})
}
