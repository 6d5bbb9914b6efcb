//go:build interop

package interop

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/server"
)

var long = flag.Bool("long", false, "100 restarts for each proxy, and connections that end every half second for a minute")

const (
	proxiedConfig = "../deploy/service-config/allow-confirmed-proxied.json"
	directConfig  = "../deploy/service-config/allow-confirmed.json"
)

// fleet is two replicas that can be restarted one by one.
type fleet struct {
	upstream *upstream
	config   server.Config
	replicas [2]*replica
}

func newFleet(t *testing.T, config server.Config) *fleet {
	t.Helper()
	f := &fleet{config: config}
	// Slow enough for calls to be in progress at every moment.
	f.upstream = newUpstream(t, func(fakecognito.Request) fakecognito.Fault { return fakecognito.Slow(10 * time.Millisecond) })
	for i := range f.replicas {
		f.replicas[i] = newReplica(t, newCognito(t, f.upstream.url), config)
	}
	t.Cleanup(func() {
		for _, r := range f.replicas {
			r.stop(t)
		}
	})
	return f
}

func (f *fleet) backends() [2]backend {
	return [2]backend{f.replicas[0].backend, f.replicas[1].backend}
}

// restart drains one replica and starts it again at its address, as a supervisor does.
func (f *fleet) restart(t *testing.T, i int) {
	t.Helper()
	at := f.replicas[i].backend
	f.replicas[i].stop(t)
	f.replicas[i] = startReplica(t, newCognito(t, f.upstream.url), at, f.config)
}

// load is callers that make calls one after another until stop is set, each for a new user.
type load struct {
	fleet *fleet
	stop  atomic.Bool
	group sync.WaitGroup

	mu      sync.Mutex
	answers map[string]answer // by username
}

// rollingKinds are the callers that use the shipped service config.
func rollingKinds() []callerKind {
	var kinds []callerKind
	for _, kind := range callerKinds() {
		switch kind.name {
		case "Go", "Python", "Node grpc-js":
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func (f *fleet) load(t *testing.T, address, serviceConfig string) *load {
	t.Helper()
	config, err := os.ReadFile(serviceConfig)
	if err != nil {
		t.Fatal(err)
	}
	l := &load{fleet: f, answers: map[string]answer{}}
	for _, kind := range rollingKinds() {
		for i := range 2 {
			calling := kind.open(t)
			name := strings.ReplaceAll(fmt.Sprintf("%s-%d", kind.name, i), " ", "-")
			l.group.Go(func() { l.callOn(t, calling, name, address, string(config)) })
		}
	}
	return l
}

func (l *load) callOn(t *testing.T, calling caller, name, address, config string) {
	t.Helper()
	for n := 0; !l.stop.Load() && !t.Failed(); n++ {
		username := fmt.Sprintf("%s-%d", name, n)
		l.fleet.upstream.addUser(t, username)
		a := calling.call(t, request{
			Address: address, UserPoolID: usualPool, Username: username, AllowConfirmed: true, ServiceConfig: config,
		})
		l.mu.Lock()
		l.answers[username] = a
		l.mu.Unlock()
	}
}

// count is how many calls have ended.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.answers)
}

// check compares the answers with the journal: every call succeeds, every result is true.
func (l *load) check(t *testing.T) string {
	t.Helper()
	l.stop.Store(true)
	l.group.Wait()
	confirmed := map[string]bool{}
	for _, e := range l.fleet.upstream.fake.Journal() {
		if e.Kind == fakecognito.KindConfirmed {
			confirmed[e.Username] = true
		}
	}
	bad, wrong := map[string]int{}, map[string]int{}
	for username, a := range l.answers {
		caller, _, _ := strings.Cut(username, "-")
		switch {
		case a.Code != "OK":
			bad[caller+": "+a.short()]++
		// Nobody else confirms these users, so ALREADY_CONFIRMED would come from a repeat without a mark.
		case !confirmed[username] || a.Result == "RESULT_ALREADY_CONFIRMED":
			wrong[caller+": "+a.short()]++
		}
	}
	if len(bad)+len(wrong) > 0 {
		t.Errorf("of %d calls these did not end with OK: %v, and these with a wrong result: %v", len(l.answers), bad, wrong)
	}
	executions := 0
	for _, n := range l.fleet.upstream.received(0) {
		executions += n
	}
	return fmt.Sprintf("%d calls, all of them OK; %d executions were repeats", len(l.answers), executions-len(l.answers))
}

// Two replicas are restarted in turn under load, and no call fails.
func TestRollingRestarts(t *testing.T) {
	restarts := 10
	if *long {
		restarts = 100
	}
	names := []string{"direct"}
	for _, kind := range proxyKinds() {
		names = append(names, kind.name)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			results.note(t, "Rolling restarts", "Go, Python, Node grpc-js", name)
			keys := newPKI(t)
			f := newFleet(t, keys.before(t, server.Config{DrainDelay: 200 * time.Millisecond, DrainTimeout: 5 * time.Second}, name))
			at := f.backends()
			address, config := "ipv4:"+at[0].address+","+at[1].address, directConfig
			if name != "direct" {
				address, config = sidecar(t, proxyNamed(t, name).start(t, keys.dir, at).address, keys.caller).address, proxiedConfig
			}
			l := f.load(t, address, config)
			// Load balancers check health every one or two seconds, too seldom to notice.
			pause := 300 * time.Millisecond
			if name == "direct" {
				// gRPC libraries connect again after a second or more: minReadySeconds in deploy/kubernetes.
				pause = 3 * time.Second
			}
			l.await(t, 200)
			for i := range restarts {
				f.restart(t, i%2)
				time.Sleep(pause)
			}
			t.Log(l.check(t))
		})
	}
}

// await waits for so many calls.
func (l *load) await(t *testing.T, calls int) {
	t.Helper()
	for range 600 {
		if l.count() >= calls {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("only %d calls in half a minute", l.count())
}

// No call fails although the service ends connections every half second.
func TestConnectionAge(t *testing.T) {
	lasting := 5 * time.Second
	if *long {
		lasting = time.Minute
	}
	for _, kind := range rollingKinds() {
		t.Run(kind.name, func(t *testing.T) {
			results.note(t, "Connection age 500 ms", kind.name, "direct")
			f := newFleet(t, server.Config{ConnectionAge: 500 * time.Millisecond})
			l := &load{fleet: f, answers: map[string]answer{}}
			calling := kind.open(t)
			// No service config: not even a retry is needed.
			l.group.Go(func() { l.callOn(t, calling, "age", f.replicas[0].address, "") })
			time.Sleep(lasting)
			t.Log(l.check(t))
		})
	}
}
