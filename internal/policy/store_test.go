package policy_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cognito.internal/useradmin/internal/policy"
)

// version is a policy whose last rule forbids what its first one permits: a part of it would allow what the whole denies.
func version(n int) string {
	permit := modelRule{permit: true, caller: one}.cedar()
	return fmt.Sprintf("%s// %s\n@id(\"v%d\")\n%s", strings.Repeat(permit, 50), strings.Repeat("x", 5000), n, modelRule{caller: one}.cedar())
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Error(err)
	}
}

// TestNoDecisionComesFromAHalfReadFile replaces a policy while eight goroutines decide: in place, in pieces and after
// truncating it, and with a rename.
func TestNoDecisionComesFromAHalfReadFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policy.cedar")
		write(t, path, version(0))
		store, err := policy.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		taken := 0
		running.Go(func() {
			store.Watch(ctx, func(p *policy.Policy) {
				if taken++; p != store.Current() {
					t.Error("changed got another policy")
				}
			}, func(error) {})
		})
		seen := make([]map[string]bool, 8)
		for i := range seen {
			seen[i] = map[string]bool{}
			running.Go(func() {
				for ctx.Err() == nil {
					got := store.Current().Decide(policy.Request{Caller: one, Method: watch})
					if got.Allowed {
						t.Errorf("allowed by %s", got.Rule)
					}
					seen[i][got.Rule] = true
					time.Sleep(time.Duration(i+1) * 50 * time.Millisecond)
				}
			})
		}
		const versions = 8
		for n := 1; n <= versions; n++ {
			replace(t, path, version(n), n)
			time.Sleep(25 * time.Second)
			synctest.Wait()
			if taken != n {
				t.Errorf("version %d: %d policies taken", n, taken)
			}
		}
		cancel()
		running.Wait()
		for i, rules := range seen {
			if len(rules) != versions+1 {
				t.Errorf("goroutine %d saw %d versions: %v", i, len(rules), rules)
			}
		}
	})
}

// replace writes the text in place for even numbers, so that a look at the file can meet any part of it, and with a rename
// for odd ones.
func replace(t *testing.T, path, text string, n int) {
	t.Helper()
	if n%2 == 1 {
		write(t, path+".new", text)
		if err := os.Rename(path+".new", path); err != nil {
			t.Error(err)
		}
		return
	}
	// Each part stays for less than a second, but the file is incomplete for longer than from one look to the next.
	for size := 0; size < len(text); size += 700 {
		write(t, path, text[:size])
		time.Sleep(900 * time.Millisecond)
	}
	write(t, path, text)
}

func TestABadPolicyLeavesTheLastOneInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policy.cedar")
		write(t, path, version(0))
		store, err := policy.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		opened := time.Now()
		first := store.Current()
		ctx, cancel := context.WithCancel(t.Context())
		var failures []string
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			store.Watch(ctx, func(*policy.Policy) {}, func(err error) { failures = append(failures, err.Error()) })
		}()
		write(t, path, version(1)+"\npermit (principal, action, resource);")
		time.Sleep(12 * time.Second)
		synctest.Wait()
		if store.Current() != first || !store.Loaded().Equal(opened) {
			t.Errorf("%s is in force since %s", store.Current().Sum(), store.Loaded())
		}
		want := path + `: line 55: a permit must name its caller: write principal == Caller::"spiffe://..."`
		if len(failures) != 1 || failures[0] != want {
			t.Errorf("failures %q, want %q", failures, want)
		}
		write(t, path, version(2))
		time.Sleep(12 * time.Second)
		synctest.Wait()
		if got := store.Current().Decide(policy.Request{Caller: one, Method: watch}); got.Rule != "v2" || !store.Loaded().After(opened) {
			t.Errorf("decided by %s, in force since %s", got.Rule, store.Loaded())
		}
		cancel()
		<-ended
	})
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.cedar")
	write(t, path, "permit (principal, action, resource);")
	if _, err := policy.Open(path); err == nil || err.Error() != path+`: line 1: a permit must name its caller: write principal == Caller::"spiffe://..."` {
		t.Errorf("bad: %v", err)
	}
	write(t, path, version(0))
	if err := os.Chmod(path, 0o620); err != nil {
		t.Fatal(err)
	}
	if _, err := policy.Open(path); err == nil || err.Error() != path+" may be written by its group or by others (mode 0620): run chmod go-w "+path {
		t.Errorf("writable by its group: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Repeat("// x\n", 300_000))
	if _, err := policy.Open(path); err == nil || err.Error() != path+" is larger than 1048576 bytes" {
		t.Errorf("large: %v", err)
	}
}
