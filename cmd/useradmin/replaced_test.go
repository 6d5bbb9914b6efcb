//go:build unix

package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

// forbidding is a policy that ends with a rule against somebody whom the rules before it let in: half of it is a policy too.
func forbidding(title string) (whole, half string) {
	half = "// " + title + "\n" + bench.Rules()
	return half + `@id("not-the-other") forbid (principal == Caller::"` + bench.ID(bench.Other) + `", action, resource);` + "\n", half
}

// New certificates and a new policy are used by the service as it runs, and bad ones are not. It looks at its files every ten
// seconds, so all of it is one test.
func TestReplacedFiles(t *testing.T) {
	t.Parallel()
	w := newWitness(t, shipped(t), authn.MTLS)
	ca, err := devca.New(devca.Request{Name: "bench"})
	if err != nil {
		t.Fatal(err)
	}
	first, _ := forbidding("first")
	second, half := forbidding("second")
	w.replace(t, ca, first)
	s, err := bench.StartGated(t.Context(), w.binary, w.gate.Path("log"), w.endpoint, w.gate, "--admin-listen=unix:"+w.gate.Path("admin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.End)
	old := leaf(t, s)
	w.callers(t, s.Address, 4)
	stop := w.forbidden(t, s)
	for begin := time.Now(); time.Since(begin) < 5*time.Second; {
		for _, text := range []string{half, second, first} {
			if err := os.WriteFile(w.gate.Path("policy.cedar"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}

	w.replace(t, ca, second)
	w.awaitPolicy(t, second)
	for deadline := time.Now().Add(30 * time.Second); leaf(t, s) == old; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("new connections get the old certificate")
		}
	}
	renewed := leaf(t, s)

	// The key of another pair, and half of a policy.
	certificates, policies := failures(w.await(t, func(string) bool { return true }))
	if err := os.Rename(w.gate.Path("stranger.key"), w.gate.Path("server.key")); err != nil {
		t.Fatal(err)
	}
	if err := devca.WriteFile(w.gate.Path("policy.cedar"), []byte(second[:len(second)-10])); err != nil {
		t.Fatal(err)
	}
	w.await(t, func(metrics string) bool {
		moreCertificates, morePolicies := failures(metrics)
		return moreCertificates != certificates && morePolicies != policies
	})
	if leaf(t, s) != renewed {
		t.Error("a bad pair takes the old one's place")
	}
	w.awaitPolicy(t, second)
	stop()
	w.decidedBy(t, sum(first)[:12], sum(second)[:12])
}

func sum(text string) string {
	all := sha256.Sum256([]byte(text))
	return hex.EncodeToString(all[:])
}

// replace replaces the certificates and the policy, each with a rename.
func (w *witness) replace(t *testing.T, ca *devca.Authority, policy string) {
	t.Helper()
	if err := w.gate.Certify(ca); err != nil {
		t.Fatal(err)
	}
	if err := devca.WriteFile(w.gate.Path("policy.cedar"), []byte(policy)); err != nil {
		t.Fatal(err)
	}
}

// leaf is the certificate that a new connection gets.
func leaf(t *testing.T, s *bench.Service) string {
	t.Helper()
	config, err := s.Gate.TLS()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	secured, _ := conn.(*tls.Conn)
	return string(secured.ConnectionState().PeerCertificates[0].Raw)
}

// forbidden calls as somebody whom only a half-read policy would let in, until it is told to stop.
func (w *witness) forbidden(t *testing.T, s *bench.Service) (stop func()) {
	t.Helper()
	conn, err := s.As(bench.Other).Dial()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var calling sync.WaitGroup
	calling.Go(func() {
		client := useradminv1.NewUserAdminClient(conn)
		for ctx.Err() == nil {
			_, err := client.ConfirmSignUp(context.WithoutCancel(ctx), bench.Request())
			if got, want := reasonAndOutcome(err), "CALLER_NOT_ALLOWED NOT_SENT"; got != want {
				t.Errorf("got %s, want %s", got, want)
				return
			}
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		calling.Wait()
		_ = conn.Close()
	})
	t.Cleanup(stop)
	return stop
}

// awaitPolicy waits until the policy is in use.
func (w *witness) awaitPolicy(t *testing.T, text string) {
	t.Helper()
	w.await(t, func(metrics string) bool {
		return sampleOf(metrics, `useradmin_policy_info{sha256="`+sum(text)+`"}`) == "1"
	})
}

// failures are the reloads that failed.
func failures(metrics string) (certificates, policies string) {
	return sampleOf(metrics, `useradmin_reload_failures_total{files="tls"}`), sampleOf(metrics, `useradmin_reload_failures_total{files="policy"}`)
}

// await waits for the metrics, and returns them.
func (w *witness) await(t *testing.T, are func(metrics string) bool) string {
	t.Helper()
	client := unixClient(t, w.gate.Path("admin"))
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		_, metrics := get(t, client, "http://admin/metrics")
		switch {
		case are(metrics):
			return metrics
		case time.Now().After(deadline):
			t.Fatalf("they stay\n%s", metrics)
		}
	}
}

// decidedBy demands that each call in the log was decided by one of the policies.
func (w *witness) decidedBy(t *testing.T, policies ...string) {
	t.Helper()
	text, err := os.ReadFile(w.gate.Path("log"))
	if err != nil {
		t.Fatal(err)
	}
	counts, kept := map[string]int{}, 0
	for line := range strings.Lines(string(text)) {
		var l struct{ Msg, Policy string }
		_ = json.Unmarshal([]byte(line), &l) // the last one may not be whole
		if l.Msg == "call" && l.Policy != "" {
			counts[l.Policy]++
		}
		if l.Msg == "new files are not used, the old ones stay in use" {
			kept++
		}
	}
	all := 0
	for _, policy := range policies {
		all += counts[policy]
		delete(counts, policy)
	}
	t.Logf("%d calls were decided by the policies, %d lines tell of files that are not used", all, kept)
	if len(counts) > 0 || all == 0 || kept < 2 {
		t.Errorf("others were decided by %v", counts)
	}
}
