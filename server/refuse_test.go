package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/internal/rawcall"
)

// fill opens streams of the method until one is refused, and returns that.
func (e *edge) fill(t *testing.T, r *rawConn, method string, fields ...string) (taken int, refused rawcall.End) {
	t.Helper()
	held := func() int { return e.calls.Use().Held + e.checks.Use().Held }
	for {
		before, done := held(), false
		r.open(t, method, fields...)
		eventually(t, "the verdict", func() bool {
			select {
			case refused = <-r.Ends:
				done = true
			default:
			}
			return done || held() > before
		})
		if done {
			return taken, refused
		}
		taken++
	}
}

// A connection holds at most half of the places, and one that comes later still finds one.
func TestShareOfAConnection(t *testing.T) {
	e := serve(t, waiting(nil), Config{MaxCalls: 4, NewRequestID: func() string { return "made" }})
	taken, refused := e.fill(t, e.raw(t), confirmMethod, "x-request-id", "mine")
	if taken != 2 {
		t.Errorf("one connection took %d places", taken)
	}
	want(t, refused.Status.Err(), codes.ResourceExhausted, "CALLER_BUSY", "NOT_SENT")
	info := infoOf(t, refused.Status.Err())
	for key, wanted := range map[string]string{"attempts": "0", "exception": "", "cognitoRequestId": "", "repeated": "false"} {
		if got, ok := info.GetMetadata()[key]; !ok || got != wanted {
			t.Errorf("%s is %q, want %q", key, got, wanted)
		}
	}
	if id := detail[*errdetails.RequestInfo](t, refused.Status.Err()).GetRequestId(); id != "mine" {
		t.Errorf("request id %q", id)
	}
	if delay := detail[*errdetails.RetryInfo](t, refused.Status.Err()).GetRetryDelay().AsDuration(); delay <= 0 {
		t.Errorf("delay %s", delay)
	}
	if subject := detail[*errdetails.QuotaFailure](t, refused.Status.Err()).GetViolations()[0].GetSubject(); subject != "caller" {
		t.Errorf("subject %q", subject)
	}
	second, third := e.raw(t), e.raw(t)
	if taken, _ := e.fill(t, second, confirmMethod); taken != 1 {
		t.Errorf("the second connection took %d places", taken)
	}
	if taken, _ := e.fill(t, third, watchMethod); taken != 1 {
		t.Errorf("the third connection took %d places", taken)
	}
	_, full := e.fill(t, e.raw(t), confirmMethod, "x-request-id", "not well-formed")
	want(t, full.Status.Err(), codes.Unavailable, "OVERLOADED", "NOT_SENT")
	if id := detail[*errdetails.RequestInfo](t, full.Status.Err()).GetRequestId(); id != "made" {
		t.Errorf("request id %q", id)
	}
	if e.healthOf(t, "") != serving {
		t.Error("health follows load")
	}
	for kind, reason := range map[string]string{"caller_busy": "CALLER_BUSY", "overloaded": "OVERLOADED"} {
		if e.counted(t, "useradmin_refused_calls_total", kind) == 0 || e.counted(t, "useradmin_calls_total", "ConfirmSignUp", reason, "NOT_SENT") == 0 {
			t.Errorf("%s was not counted", kind)
		}
	}
	if n := e.counted(t, "useradmin_calls_total", "CALLER_BUSY"); n != 2 {
		t.Errorf("%v calls of UserAdmin were CALLER_BUSY", n)
	}
}

// What is marked as a repeat is told nothing that a first sending could have made false; what is not UserAdmin's has no outcome.
func TestRefusedRepeatsAndStreams(t *testing.T) {
	e := serve(t, waiting(nil), Config{MaxCalls: 1})
	first := e.raw(t)
	_, busy := e.fill(t, first, confirmMethod, repeatKey, "1")
	want(t, busy.Status.Err(), codes.Aborted, "CALLER_BUSY", "UNKNOWN")
	_, full := e.fill(t, e.raw(t), confirmMethod, retriesKey, "1")
	want(t, full.Status.Err(), codes.Aborted, "OVERLOADED", "UNKNOWN")
	for _, refused := range []rawcall.End{busy, full} {
		if infoOf(t, refused.Status.Err()).GetMetadata()["repeated"] != "true" || strings.Contains(fmt.Sprint(refused.Status.Details()), "retry_delay") {
			t.Errorf("got %v", refused.Status.Details())
		}
	}
	_, stream := e.fill(t, first, watchMethod)
	info := infoOf(t, stream.Status.Err())
	if stream.Status.Code() != codes.ResourceExhausted || info.GetReason() != "CALLER_BUSY" || len(info.GetMetadata()) != 0 {
		t.Errorf("got %v", stream.Status.Details())
	}
}

// Health checks have a bound of their own, shared among connections too.
func TestHealthChecksAreBounded(t *testing.T) {
	e := serve(t, succeeding(), Config{MaxCalls: 1})
	taken, refused := e.fill(t, e.raw(t), checkMethod)
	if st := refused.Status; taken != (maxChecks-maxChecks/10)/2+1 || st.Code() != codes.ResourceExhausted || len(st.Details()) > 0 {
		t.Errorf("%d, then %v", taken, st)
	}
	if e.calls.Use().Held != 0 {
		t.Error("health checks take places of calls")
	}
	if e.healthOf(t, "") != serving {
		t.Error("another connection's check was refused")
	}
	if e.counted(t, "useradmin_refused_calls_total", "health_busy") != 1 {
		t.Error("not counted")
	}
}

// grpc drops the context of a refused stream with the timer of its deadline; we end it.
func TestRefusedStreamsLeaveNothing(t *testing.T) {
	life := newLifetime(t.Context(), &connection{})
	ctx, cancel := context.WithTimeout(life, time.Hour)
	defer cancel()
	other, cancelOther := context.WithTimeout(life, time.Hour)
	defer cancelOther()
	life.end(life.newest())
	life.end(life.newest())
	if !errors.Is(other.Err(), context.DeadlineExceeded) || ctx.Err() != nil || life.Err() != nil {
		t.Errorf("the newest child: %v, the other: %v, the connection: %v", other.Err(), ctx.Err(), life.Err())
	}
}

// Their cost is what heap remains, and grpc's way of making contexts is no promise.
func TestRefusalsTakeNoMemory(t *testing.T) {
	const refusals = 10_000
	e := serve(t, succeeding(), Config{MaxCalls: 1})
	r := e.raw(t)
	r.open(t, confirmMethod)
	eventually(t, "the call", func() bool { return e.calls.Use().Held == 1 })
	refuse := func(n int) {
		for range n {
			r.open(t, confirmMethod, "grpc-timeout", "1H")
			if got := r.end(t); got.Status.Code() != codes.ResourceExhausted {
				t.Fatal(got.Status)
			}
		}
	}
	refuse(100)
	before := heap()
	refuse(refusals)
	if grown := heap() - before; grown > refusals*50 {
		t.Errorf("%d refusals leave %d bytes", refusals, grown)
	}
}

// Of the headers stays what is read, and their number is bounded.
func TestHeadersAreBounded(t *testing.T) {
	kept := metadata.MD{"x-other": {"a"}, "user-agent": {"b"}}
	wanted := metadata.MD{requestIDKey: {"id"}, retriesKey: {"1"}, envoyAttemptKey: {"1", "2"}, repeatKey: {"0"}}
	maps.Copy(kept, wanted)
	if !keepNeeded(kept) || !maps.EqualFunc(kept, wanted, slices.Equal) {
		t.Errorf("kept %v", kept)
	}
	e := serve(t, succeeding(), Config{CallTimeout: time.Second})
	r := e.raw(t)
	var many []string
	for range maxHeaders - 6 {
		many = append(many, "a", "b")
	}
	r.send(t, r.open(t, confirmMethod, many...), framed(t, validRequest()), true)
	if got := r.end(t).Status; got.Code() != codes.OK {
		t.Error(got)
	}
	r.open(t, confirmMethod, append(many, many[:10]...)...)
	if got := r.end(t).Status; got.Code() != codes.ResourceExhausted || len(got.Details()) > 0 {
		t.Error(got)
	}
	if e.counted(t, "useradmin_refused_calls_total", "too_many_headers") != 1 {
		t.Error("not counted")
	}
}

func TestRefusalsAreSampledInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines log
		s := newServer(t, succeeding(), Config{Logger: slog.New(slog.NewJSONHandler(&lines, nil))})
		ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: &net.UnixAddr{Name: "a peer"}})
		note := func(kind string, times int) {
			for range times {
				s.noteRefusal(ctx, kind, caller{}, slog.LevelInfo)
			}
		}
		note("a", 3)
		time.Sleep(refusalPause / 2)
		note("a", 2)
		note("b", 1)
		time.Sleep(refusalPause)
		note("a", 1)
		time.Sleep(refusalPause)
		var got []string
		for line := range strings.Lines(lines.String()) {
			var l struct {
				Time                   time.Time
				Level, Msg, Kind, Peer string
				Calls                  int
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil || l.Level != "INFO" || l.Msg != "calls refused" || l.Peer != "a peer" {
				t.Errorf("%v: %s", err, line)
			}
			got = append(got, fmt.Sprintf("%s %d", l.Kind, l.Calls))
		}
		if want := "[a 1 b 1 a 4 a 1]"; fmt.Sprint(got) != want {
			t.Errorf("got %v, want %s", got, want)
		}
	})
}

// The tap's statuses reach callers as grpc's own clients read them.
func TestRefusalReachesAClient(t *testing.T) {
	began := make(chan struct{}, 1)
	e := serve(t, waiting(began), Config{MaxCalls: 1})
	go func() { _, _ = e.ConfirmSignUp(t.Context(), validRequest()) }()
	<-began
	var trailer metadata.MD
	_, err := e.ConfirmSignUp(t.Context(), validRequest(), grpc.Trailer(&trailer))
	want(t, err, codes.ResourceExhausted, "CALLER_BUSY", "NOT_SENT")
	if len(status.Convert(err).Details()) != 4 || len(trailer.Get(requestIDKey)) > 0 {
		t.Errorf("%v, %v", status.Convert(err).Details(), trailer)
	}
}
