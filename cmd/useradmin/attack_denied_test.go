//go:build linux && !race

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"cognito.internal/useradmin/bench"
	"cognito.internal/useradmin/internal/authn"
)

// Calls without end that are refused as such: each has a line in the log and none is lost untold, the audit log has a few lines
// and the number of the others, and another caller is served.
func TestDeniedCallsWithoutEnd(t *testing.T) {
	binary := shipped(t)
	for _, c := range []struct {
		name, proof, reason string
		attacker            func(s *bench.Service) *bench.Service
	}{
		{"a stranger with a certificate", authn.MTLS, "CALLER_NOT_ALLOWED", asStranger},
		{"a stranger behind the sidecar", authn.XFCC, "CALLER_NOT_ALLOWED", asStranger},
		{"nobody behind the sidecar", authn.XFCC, "UNAUTHENTICATED", asNobody},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := startDenied(t, binary, c.proof)
			quiet := d.goodCalls(t)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				calling(ctx, c.attacker(d.service), 4, 200, padded(0))
			}()
			attacked := d.goodCalls(t)
			cancel()
			<-ended
			peak := memory(t, d.service, "VmHWM")
			denied := d.evidence(t, c.reason)
			t.Logf("%d good calls, %d beside %d denied ones; %d MiB at the peak", quiet, attacked, denied, peak>>20)
			if peak > memoryBound {
				t.Errorf("%d MiB", peak>>20)
			}
		})
	}
}

func asStranger(s *bench.Service) *bench.Service { return s.As(bench.Stranger) }

// asNobody sends no header.
func asNobody(s *bench.Service) *bench.Service {
	nobody := *s
	nobody.Gate.Authn = authn.None
	return &nobody
}

// denied is a service some of whose callers may not call.
type denied struct {
	*witness
	service *bench.Service
	conn    *grpc.ClientConn
}

func startDenied(t *testing.T, binary, proof string) denied {
	t.Helper()
	t.Setenv("GOMEMLIMIT", strconv.FormatInt(heapLimit(memoryBound, nil), 10))
	upstream := httptest.NewServer(http.HandlerFunc(slowOrGood))
	t.Cleanup(upstream.Close)
	gate := gateOf(t, proof, true)
	s, err := bench.StartGated(t.Context(), binary, gate.Path("log"), upstream.URL, gate, "--admin-listen=unix:"+gate.Path("admin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.End)
	return denied{&witness{gate: gate}, s, goodConnection(t, s)}
}

func (d denied) goodCalls(t *testing.T) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), attackTime)
	defer cancel()
	good, bad := goodCalls(t, ctx, d.conn)
	for _, err := range bad {
		// An audit line takes too long where processors are very busy; then nothing is sent, and the call may be sent again.
		if got := reasonAndOutcome(err); got != "AUDIT_UNAVAILABLE NOT_SENT" {
			t.Error(got)
		}
	}
	if good == 0 {
		t.Error("the good caller is not served")
	}
	return good
}

// evidence compares the log and the audit log with the metrics, and returns how many calls were denied.
func (d denied) evidence(t *testing.T, reason string) int {
	t.Helper()
	code := map[string]string{"CALLER_NOT_ALLOWED": "PermissionDenied", "UNAUTHENTICATED": "Unauthenticated"}[reason]
	name := `useradmin_calls_total{code="` + code + `",method="ConfirmSignUp",outcome="NOT_SENT",reason="` + reason + `"}`
	metrics := d.await(t, func(metrics string) bool { return sampleOf(metrics, "useradmin_calls_under_way") == "0" })
	all, lost := number(t, sampleOf(metrics, name)), number(t, sampleOf(metrics, "useradmin_log_lines_dropped_total"))
	d.service.End()

	logged, told := logged(t, d.gate.Path("log"), reason)
	if logged+lost < all || logged > all || told != lost {
		t.Errorf("%d calls were denied, %d are in the log, %d were lost, %d of them told", all, logged, lost, told)
	}
	lines, counted := 0, 0
	for _, l := range d.lines(t) {
		switch l.Event {
		case "denial":
			lines++
		case "denials":
			counted += l.Count
		}
	}
	if all == 0 || lines+counted != all || lines > 10*10 {
		t.Errorf("%d calls were denied: the audit log has %d lines and %d counted", all, lines, counted)
	}
	return all
}

func number(t *testing.T, sample string) int {
	t.Helper()
	n, err := strconv.ParseFloat(sample, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// logged is how many calls with the reason are in the log, and of how many lost lines it tells.
func logged(t *testing.T, path, reason string) (calls, told int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var l struct {
			Msg, Reason string
			Lines       int
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		switch {
		case l.Msg == "call" && l.Reason == reason:
			calls++
		case l.Msg == "log lines were lost":
			told += l.Lines
		}
	}
	return calls, told
}
