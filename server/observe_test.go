package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// eventually waits for what happens just after a call's end: its log line and its counters.
func eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	for range 2000 {
		if done() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	tb.Fatalf("%s did not happen", what)
}

func TestOneLineACall(t *testing.T) {
	e := serve(t, failing(cognitoclient.Error{
		Cause: cognitoclient.UserNotFound, Outcome: cognitoclient.NotApplied, Exception: "UserNotFoundException", RequestID: "cognito-7", Attempts: 2,
	}), Config{NewRequestID: func() string { return "made" }})
	_, _ = e.ConfirmSignUp(t.Context(), validRequest())
	eventually(t, "the line", func() bool { return strings.Count(e.log.String(), `"msg":"call"`) == 1 })
	for line := range strings.Lines(e.log.String()) {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if got["msg"] != "call" {
			continue
		}
		for key, wanted := range map[string]any{
			"level": "INFO", "method": "useradmin.v1.UserAdmin/ConfirmSignUp", "code": "NotFound", "reason": "USER_NOT_FOUND",
			"outcome": "NOT_APPLIED", "attempts": 2.0, "peer": "bufconn", "request_id": "made", "cognito_request_id": "cognito-7",
			"exception": "UserNotFoundException",
		} {
			if got[key] != wanted {
				t.Errorf("%s is %v, want %v", key, got[key], wanted)
			}
		}
		if took, ok := got["duration"].(float64); !ok || took <= 0 {
			t.Error("no duration")
		}
	}
	if n := e.counted(t, "useradmin_calls_total", `"ConfirmSignUp"`, `"NotFound"`, `"USER_NOT_FOUND"`, `"NOT_APPLIED"`); n != 1 {
		t.Errorf("counted %v", n)
	}
	if n := e.counted(t, "grpc_server_handling_seconds", `"ConfirmSignUp"`); n != 1 {
		t.Errorf("the histogram has %v", n)
	}
}

// Durations are numbers of seconds, as they are in the metrics.
func TestDurationsAreSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			time.Sleep(1500*time.Millisecond + 2*time.Microsecond + 400*time.Nanosecond)
			return cognitoclient.Result{Attribution: cognitoclient.ByThisCall}, nil
		}), Config{DrainDelay: 500 * time.Millisecond, DrainTimeout: 30 * time.Second})
		if _, err := e.ConfirmSignUp(t.Context(), validRequest()); err != nil {
			t.Fatal(err)
		}
		e.drain()
		if err := <-e.ended; err != nil {
			t.Error(err)
		}
		for _, wanted := range []string{`"duration":1.500002,`, `"delay":0.5,"timeout":30}`} {
			if !strings.Contains(e.log.String(), wanted) {
				t.Errorf("no %s in\n%s", wanted, e.log)
			}
		}
	})
}

func TestSuccessIsLoggedAndCounted(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	if _, err := e.ConfirmSignUp(t.Context(), validRequest()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the line", func() bool {
		return containsAll(e.log.String(), []string{`"code":"OK"`, `"outcome":"CONFIRMED"`, `"attempts":1`, `"cognito_request_id":"cognito-1"`})
	})
	if n := e.counted(t, "useradmin_calls_total", `"OK"`, `"CONFIRMED"`); n != 1 {
		t.Errorf("counted %v", n)
	}
}

// raw sends bytes as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) {
	message, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is not bytes", v)
	}
	return message, nil
}

func (raw) Unmarshal([]byte, any) error { return nil }

func (raw) Name() string { return "proto" }

func TestRefusedCallsAreCounted(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	confirm := useradminv1.UserAdmin_ConfirmSignUp_FullMethodName
	for _, c := range []struct {
		kind, method string
		message      []byte
		code         codes.Code
		options      []grpc.CallOption
	}{
		{"unknown_method", "/canary.Service/Method", nil, codes.Unimplemented, nil},
		{"unknown_method", "/useradmin.v1.UserAdmin/Canary", nil, codes.Unimplemented, nil},
		{"malformed_method", "/canary", nil, codes.Unimplemented, nil},
		{"undecodable", confirm, []byte{0xff, 0xff}, codes.Internal, nil},
		{"undecodable", confirm, []byte{0x12, 0x01, 0xff}, codes.Internal, nil}, // a username that is not UTF-8
		{"too_large", confirm, make([]byte, maxMessageBytes+1), codes.ResourceExhausted, nil},
		{"too_large", confirm, make([]byte, 2*maxMessageBytes), codes.ResourceExhausted, []grpc.CallOption{grpc.UseCompressor(gzip.Name)}},
	} {
		before := e.counted(t, "useradmin_refused_calls_total", `"`+c.kind+`"`)
		err := e.conn.Invoke(t.Context(), c.method, c.message, new([]byte), append(c.options, grpc.ForceCodec(raw{}))...)
		if status.Code(err) != c.code {
			t.Errorf("%s: %v", c.kind, err)
		}
		eventually(t, c.kind, func() bool { return e.counted(t, "useradmin_refused_calls_total", `"`+c.kind+`"`) == before+1 })
	}
	if strings.Contains(exposition(t, e.registry), "anary") {
		t.Error("a caller's text became a label")
	}
	if n := e.counted(t, "useradmin_refused_calls_total"); n != 7 {
		t.Errorf("%v refusals", n)
	}
	if _, err := e.ConfirmSignUp(t.Context(), validRequest(), grpc.UseCompressor(gzip.Name)); err != nil {
		t.Errorf("gzip: %v", err)
	}
	_, _ = e.ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{})
	if n := e.counted(t, "useradmin_refused_calls_total"); n != 7 {
		t.Errorf("%v refusals after calls that were handled", n)
	}
}

func TestAttemptMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := NewAttemptMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	m.Observe(0, time.Second)
	m.Observe(cognitoclient.TooManyRequests, time.Millisecond)
	if got := exposition(t, registry); !containsAll(got, []string{`value:"OK"`, `value:"TOO_MANY_REQUESTS"`}) {
		t.Error(got)
	}
	if _, err := NewAttemptMetrics(registry); err == nil {
		t.Error("registered twice")
	}
}

func TestMethodsAreKnown(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	known := []string{"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch"}
	for _, r := range rpcs() {
		known = append(known, "/"+serviceName+"/"+r.name)
	}
	if got := slices.Sorted(maps.Keys(s.methods)); !slices.Equal(got, slices.Sorted(slices.Values(known))) {
		t.Errorf("methods %v, want %v", got, known)
	}
}

func TestRefusalsHaveKinds(t *testing.T) {
	for code, wanted := range map[codes.Code]string{
		codes.ResourceExhausted: "too_large", codes.Internal: "undecodable", codes.Unimplemented: "unknown_encoding", codes.Canceled: "abandoned",
		codes.DeadlineExceeded: "abandoned",
	} {
		if got := (&record{}).refusal(code); got != wanted {
			t.Errorf("%s: %s", code, got)
		}
	}
}

// Each reason and outcome of the contract has its series from the start: a rate does not see a series that begins at 1.
func TestFailuresBeginAtZero(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var series []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			series = append(series, family.GetName()+" "+m.String())
			if family.GetName() == "useradmin_calls_total" && m.GetCounter().GetValue() != 0 {
				t.Errorf("%s begins with a call", m)
			}
		}
	}
	demand := func(parts ...string) {
		if !slices.ContainsFunc(series, func(s string) bool { return containsAll(s, parts) }) {
			t.Errorf("no series has %v", parts)
		}
	}
	all, _ := reasons(t)
	for _, r := range all {
		for _, name := range r.Codes() {
			c := codes.Code(code.Code_value[name]) //nolint:gosec // there are 17
			for _, outcome := range r.OutcomeNames() {
				if c != codes.Aborted || outcome == "UNKNOWN" {
					demand("useradmin_calls_total", `"`+r.Name+`"`, `"`+outcome+`"`, `"`+c.String()+`"`)
				}
			}
		}
	}
	for _, kind := range []string{"unknown_method", "caller_busy", "message_late", "too_many_headers"} {
		demand("useradmin_refused_calls_total", `"`+kind+`"`)
	}
}
