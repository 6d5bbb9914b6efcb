//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/server"
)

// rotation is the change of all certificates under callers that go on calling.
type rotation struct {
	*certified

	previous, next *devca.Authority
	// stays keeps its old certificate, renews has a new one from some moment on.
	stays, renews atomic.Pointer[identity]
	// removed says that the old CA is about to go.
	removed, stop atomic.Bool
	// changed gets what Watch says of the client CAs.
	changed chan bool
	group   sync.WaitGroup

	mu     sync.Mutex
	made   map[string][]made // by the caller's name
	rounds map[string]int
}

// made is a call that ended.
type made struct {
	who, username string
	// late says that it began after the old CA was about to go.
	late   bool
	answer answer
}

func newRotation(t *testing.T) *rotation {
	t.Helper()
	r := &rotation{
		// grpc-java knows only the last of several CAs that have one name.
		previous: newAuthority(t, "interop CA 1"), next: newAuthority(t, "interop CA 2"), changed: make(chan bool, 1),
		made: map[string][]made{}, rounds: map[string]int{},
	}
	// Connections end every second too, so that every library connects again under every certificate.
	r.certified = newCertified(t, r.previous, server.Config{ConnectionAge: time.Second})
	stays, renews := issue(t, staysURI, r.previous, r.next), issue(t, renewsURI, r.previous, r.next)
	r.stays.Store(&stays)
	r.renews.Store(&renews)
	ctx, end := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.tls.Watch(ctx, func(clientCA bool) {
			r.server.Recheck()
			r.changed <- clientCA
		}, func(err error) { t.Error(err) })
	}()
	t.Cleanup(func() {
		end()
		<-watched
	})
	return r
}

// callOn makes calls as both callers, one after another, until it is told to stop.
func (r *rotation) callOn(t *testing.T, kind callerKind, calling caller) {
	t.Helper()
	for n := 0; !r.stop.Load() && !t.Failed(); n++ {
		for who, as := range map[string]*identity{"stays": r.stays.Load(), "renews": r.renews.Load()} {
			c := testCase{name: fmt.Sprintf("%s-%d", who, n), method: confirmSignUp}
			request := c.request(kind, path{name: "direct", address: r.address})
			request.identity = *as
			one := made{who: who, username: request.Username, late: r.removed.Load()}
			one.answer = calling.call(t, request)
			r.mu.Lock()
			r.made[kind.name] = append(r.made[kind.name], one)
			r.mu.Unlock()
		}
		r.mu.Lock()
		r.rounds[kind.name] = n + 1
		r.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
	}
}

// await waits until every caller has made so many rounds more.
func (r *rotation) await(t *testing.T, kinds []callerKind, rounds int) {
	t.Helper()
	count := func(kind callerKind) int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.rounds[kind.name]
	}
	for _, kind := range kinds {
		goal := count(kind) + rounds
		for range 1200 {
			if count(kind) >= goal || t.Failed() {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if count(kind) < goal {
			t.Fatalf("%s made only %d of %d rounds in a minute", kind.name, count(kind), goal)
		}
	}
}

// awaitChange waits until the service uses the new files.
func (r *rotation) awaitChange(t *testing.T) {
	t.Helper()
	select {
	case clientCA := <-r.changed:
		if !clientCA {
			t.Fatal("the client CAs did not change")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the service did not look at its files within half a minute")
	}
}

// run changes the certificates as operators do: all trust both CAs, then the certificates change, then the old CA goes.
func (r *rotation) run(t *testing.T, kinds []callerKind) {
	t.Helper()
	r.await(t, kinds, 5)
	r.trust(t, r.previous, r.next)
	r.serveWith(t, r.next)
	r.awaitChange(t)
	r.checkServer(t)
	r.await(t, kinds, 5)
	renewed := issue(t, renewsURI, r.next, r.previous)
	r.renews.Store(&renewed)
	r.await(t, kinds, 5)
	r.removed.Store(true)
	r.trust(t, r.next)
	r.awaitChange(t)
	r.await(t, kinds, 5)
	r.end()
}

// end waits for the last calls.
func (r *rotation) end() {
	r.stop.Store(true)
	r.group.Wait()
}

// checkServer demands that the service shows the certificate of the new CA.
func (r *rotation) checkServer(t *testing.T) {
	t.Helper()
	config := r.stays.Load().config(t)
	config.RootCAs = r.next.Pool()
	conn, err := tls.Dial("tcp", r.address, config)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// drops says that the library lets calls fail that came too late on a connection, although nobody has carried them out. The
// others send them again.
func drops(kind callerKind) bool { return kind.name == "Rust" || kind.name == "Node connect" }

// check demands that no call was lost that need not be, and that what failed did nothing.
func (r *rotation) check(t *testing.T, kind callerKind) {
	t.Helper()
	executed := r.upstream.received(0)
	ends, last, lost := map[string]int{}, map[string]answer{}, 0
	for _, one := range r.made[kind.name] {
		ends[strings.TrimSpace(one.who+" "+map[bool]string{true: "late "}[one.late]+one.answer.short())]++
		last[one.who] = one.answer
		want := 0
		if one.answer.Code == "OK" {
			want = 1
		}
		if executed[one.username] != want {
			t.Errorf("%s: %s, but %d requests at Cognito", one.username, one.answer.short(), executed[one.username])
		}
		if one.answer.Code != "OK" && (one.who == "renews" || !one.late) {
			lost++
		}
		if one.answer.FromService && one.answer.Code != "OK" && one.answer.Outcome != "NOT_SENT" {
			t.Errorf("%s: %s", one.username, one.answer.short())
		}
	}
	if lost > 0 && (!drops(kind) || lost > len(r.made[kind.name])/10) {
		t.Errorf("%d of %d calls are lost", lost, len(r.made[kind.name]))
	}
	if last["stays"].Code == "OK" || last["renews"].Code != "OK" {
		t.Errorf("the last calls end with %s and %s", last["stays"].short(), last["renews"].short())
	}
	t.Log(lost, "lost;", ends)
}

// While the certificates of the service and of its callers change, no call is lost, and who has only the old one stays outside.
func TestCertificatesChange(t *testing.T) {
	t.Parallel()
	r, kinds := newRotation(t), callerKinds()
	for _, kind := range kinds {
		calling := kind.open(t)
		r.group.Go(func() { r.callOn(t, kind, calling) })
	}
	t.Cleanup(r.end) // before that of the callers
	r.run(t, kinds)
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			word := "ok"
			if drops(kind) {
				word = "drops calls"
			}
			results.noteAs(t, "Certificates change", kind.name, "direct", word)
			r.check(t, kind)
		})
	}
}
