package server

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/stats"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/fair"
	"cognito.internal/useradmin/internal/rawcall"
)

const (
	checkMethod = grpc_health_v1.Health_Check_FullMethodName
	watchMethod = grpc_health_v1.Health_Watch_FullMethodName
)

// nothingLeft says that no place is taken and no connection is taken for busy.
func (e *edge) nothingLeft() bool {
	e.connections.mu.Lock()
	waiting := e.connections.unused.Len() + e.connections.idle.Len()
	e.connections.mu.Unlock()
	return e.calls.Use().Held == 0 && e.checks.Use().Held == 0 && float64(waiting) == e.connections.count()
}

// Whatever ends a stream gives its place back.
func TestEveryEndGivesThePlaceBack(t *testing.T) {
	req := framed(t, validRequest())
	watch := framed(t, &grpc_health_v1.HealthCheckRequest{})
	awaitHeld := func(e *edge, n int) {
		eventually(t, "the call", func() bool { return e.calls.Use().Held == n })
	}
	for name, act := range map[string]func(*edge, *rawConn){
		"success":  func(_ *edge, r *rawConn) { r.send(t, r.open(t, confirmMethod), req, true); r.end(t) },
		"an error": func(_ *edge, r *rawConn) { r.send(t, r.open(t, confirmMethod), rawcall.Prefix(0), true); r.end(t) },
		"health":   func(_ *edge, r *rawConn) { r.send(t, r.open(t, checkMethod), watch, true); r.end(t) },
		"cancelled in the handler": func(e *edge, r *rawConn) {
			stream := r.open(t, confirmMethod, "x-request-id", "wait")
			r.send(t, stream, req, true)
			awaitHeld(e, 1)
			_ = r.Reset(stream)
		},
		"cancelled before the message": func(e *edge, r *rawConn) {
			stream := r.open(t, confirmMethod)
			awaitHeld(e, 1)
			_ = r.Reset(stream)
		},
		"cancelled at once": func(_ *edge, r *rawConn) { _ = r.Reset(r.open(t, confirmMethod)) },
		"cancelled within the message": func(e *edge, r *rawConn) {
			stream := r.open(t, confirmMethod)
			r.send(t, stream, req[:10], false)
			awaitHeld(e, 1)
			_ = r.Reset(stream)
		},
		"ended without a message":  func(_ *edge, r *rawConn) { r.send(t, r.open(t, confirmMethod), nil, true); r.end(t) },
		"ended within the message": func(_ *edge, r *rawConn) { r.send(t, r.open(t, confirmMethod), req[:10], true); r.end(t) },
		"too large": func(_ *edge, r *rawConn) {
			r.send(t, r.open(t, confirmMethod), rawcall.Prefix(maxMessageBytes+1), false)
			r.end(t)
		},
		"undecodable": func(_ *edge, r *rawConn) {
			r.send(t, r.open(t, confirmMethod), append(rawcall.Prefix(1), 0xff), true)
			r.end(t)
		},
		"unknown encoding":                       func(_ *edge, r *rawConn) { r.open(t, confirmMethod, "grpc-encoding", "canary"); r.end(t) },
		"unknown method":                         func(_ *edge, r *rawConn) { r.open(t, "/a.B/C"); r.end(t) },
		"malformed method":                       func(_ *edge, r *rawConn) { r.open(t, "/a"); r.end(t) },
		"no content type":                        func(_ *edge, r *rawConn) { r.open(t, confirmMethod, "connection", "close") },
		"the deadline was over":                  func(_ *edge, r *rawConn) { r.open(t, confirmMethod, "grpc-timeout", "0n"); r.end(t) },
		"the deadline passes before the message": func(_ *edge, r *rawConn) { r.open(t, confirmMethod, "grpc-timeout", "20m") },
		"the deadline passes in the handler": func(_ *edge, r *rawConn) {
			r.send(t, r.open(t, confirmMethod, "grpc-timeout", "200m", "x-request-id", "wait"), req, true)
		},
		"panic": func(_ *edge, r *rawConn) {
			r.send(t, r.open(t, confirmMethod, "x-request-id", "panic"), req, true)
			r.end(t)
		},
		"a stream": func(e *edge, r *rawConn) {
			stream := r.open(t, watchMethod)
			r.send(t, stream, watch, true)
			awaitHeld(e, 1)
			_ = r.Reset(stream)
		},
		"the connection is cut before the message": func(e *edge, r *rawConn) { r.open(t, confirmMethod); awaitHeld(e, 1); _ = r.Close() },
		"the connection is cut in the handler": func(e *edge, r *rawConn) {
			r.send(t, r.open(t, confirmMethod, "x-request-id", "wait"), req, true)
			awaitHeld(e, 1)
			_ = r.Close()
		},
		"a frame that breaks the connection": func(e *edge, r *rawConn) {
			r.open(t, confirmMethod)
			awaitHeld(e, 1)
			_ = r.Framer.WriteRawFrame(http2.FrameData, 0, 0, nil)
		},
		"drain": func(e *edge, r *rawConn) {
			r.send(t, r.open(t, confirmMethod, "x-request-id", "wait"), req, true)
			r.send(t, r.open(t, watchMethod), watch, true)
			r.open(t, confirmMethod)
			awaitHeld(e, 3)
			e.drain()
		},
		"stop": func(e *edge, r *rawConn) {
			r.send(t, r.open(t, confirmMethod, "x-request-id", "wait"), req, true)
			r.open(t, confirmMethod)
			awaitHeld(e, 2)
			e.Stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, endingAsAsked(), Config{CallTimeout: 5 * time.Second, DrainTimeout: 100 * time.Millisecond})
			act(e, e.raw(t))
			eventually(t, "the end", e.nothingLeft)
		})
	}
}

// endingAsAsked waits or panics if the request's id asks for it.
func endingAsAsked() Cognito {
	return confirming(func(ctx context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		switch r.ID {
		case "wait":
			<-ctx.Done()
			return cognitoclient.Result{}, cognitoclient.Refused(cognitoclient.Cancelled, false)
		case "panic":
			panic("asked for")
		}
		return cognitoclient.Result{Attribution: cognitoclient.ByThisCall, Attempts: 1}, nil
	})
}

// A stream that is over when the tap returns is never begun.
func TestStreamThatEndsWithinTheTap(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	conn := s.connections.add(nil)
	ctx, cancel := context.WithCancel(newLifetime(t.Context(), conn))
	ctx, err := s.admit(ctx, tapOf(confirmMethod))
	if err != nil || ctx.Err() != nil || s.calls.Use().Held != 1 {
		t.Fatal(err, ctx.Err(), s.calls.Use())
	}
	cancel()
	for range 2 {
		if ctx.Err() == nil {
			t.Error("it goes on")
		}
	}
	if s.calls.Use() != (fair.Use{Free: DefaultMaxCalls}) || conn.calls != 0 {
		t.Errorf("%+v, %d", s.calls.Use(), conn.calls)
	}
}

// A message that does not come within the call timeout ends its stream; one that comes stops the timer.
func TestMessageThatNeverComes(t *testing.T) {
	for name, send := range map[string]func(t *testing.T, r *rawConn){
		"nothing": func(t *testing.T, r *rawConn) { t.Helper(); r.open(t, confirmMethod, "grpc-timeout", "1H") },
		"half": func(t *testing.T, r *rawConn) {
			t.Helper()
			r.send(t, r.open(t, confirmMethod), rawcall.Prefix(100), false)
		},
		"no end": func(t *testing.T, r *rawConn) {
			t.Helper()
			r.send(t, r.open(t, confirmMethod), framed(t, validRequest()), false)
		},
		"a stream's": func(t *testing.T, r *rawConn) { t.Helper(); r.open(t, watchMethod) },
		"a stream's end": func(t *testing.T, r *rawConn) {
			t.Helper()
			r.send(t, r.open(t, watchMethod), framed(t, &grpc_health_v1.HealthCheckRequest{}), false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := serve(t, succeeding(), Config{})
				r := e.raw(t)
				start := time.Now()
				send(t, r)
				ended := r.end(t)
				if took := time.Since(start); took != DefaultCallTimeout || ended.Status.Code() != codes.DeadlineExceeded {
					t.Errorf("%v after %s", ended.Status, took)
				}
				synctest.Wait()
				if !e.nothingLeft() {
					t.Error("its place is taken")
				}
				if e.counted(t, "useradmin_refused_calls_total", "message_late") != 1 && !strings.Contains(name, "stream") {
					t.Error("not counted")
				}
			})
		})
	}
}

// Once the message is there, the call's own deadline counts, and streams last.
func TestTimerOfTheMessageStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, confirming(func(ctx context.Context, _ cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			select {
			case <-time.After(3 * DefaultCallTimeout):
				return cognitoclient.Result{Attribution: cognitoclient.ByThisCall}, nil
			case <-ctx.Done():
				return cognitoclient.Result{}, context.Cause(ctx)
			}
		}), Config{})
		ctx, cancel := context.WithTimeout(t.Context(), 5*DefaultCallTimeout)
		defer cancel()
		watch, err := grpc_health_v1.NewHealthClient(e.conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.ConfirmSignUp(ctx, validRequest()); err != nil {
			t.Error(err)
		}
		if _, err := watch.Recv(); err != nil {
			t.Error(err)
		}
		time.Sleep(DefaultCallTimeout)
		if e.calls.Use().Held != 1 {
			t.Error("the stream ended")
		}
	})
}

// admitted is a call that the tap has let in, beside the places from which it holds one.
func admitted(t *testing.T, s *Server) (*call, context.CancelFunc) {
	t.Helper()
	life := newLifetime(t.Context(), s.connections.add(closing{closed: new([]string)}))
	ctx, cancel := context.WithCancel(life)
	admitted, err := s.admit(ctx, tapOf(confirmMethod))
	c, ok := admitted.(*call)
	if err != nil || !ok || s.calls.Use().Held != 1 {
		t.Fatalf("%v, %T", err, admitted)
	}
	return c, cancel
}

// A call keeps its place until it has ended, whatever has become of its context; its timer ends with it.
func TestPlaceIsKeptUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, succeeding(), Config{})
		c, cancel := admitted(t, s)
		c.begin(&record{})
		cancel()
		if c.Err() == nil || s.calls.Use().Held != 1 {
			t.Errorf("%v, %+v", c.Err(), s.calls.Use())
		}
		c.end()
		time.Sleep(DefaultCallTimeout + time.Second)
		if s.calls.Use().Held != 0 || c.late.Load() {
			t.Errorf("%+v, late: %t", s.calls.Use(), c.late.Load())
		}
	})
}

// One whose context is over before it begins gives its place back at once.
func TestCallThatNeverBegins(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	c, cancel := admitted(t, s)
	cancel()
	if c.Err() == nil || s.calls.Use().Held != 0 {
		t.Errorf("%v, %+v", c.Err(), s.calls.Use())
	}
}

// Only a message that did not come is late; a deadline of the caller's is not.
func TestLateMessagesAreTold(t *testing.T) {
	late := &call{}
	late.late.Store(true)
	for _, c := range []struct {
		call *call
		want string
	}{{nil, "abandoned"}, {&call{}, "abandoned"}, {late, "message_late"}} {
		if got := (&record{call: c.call}).refusal(codes.DeadlineExceeded); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// Each child is handed out once.
func TestNewestChild(t *testing.T) {
	life := newLifetime(t.Context(), nil)
	_, cancel := context.WithCancel(life)
	defer cancel()
	if first, second := life.newest(), life.newest(); first == nil || second != nil {
		t.Errorf("got %t and %t", first != nil, second != nil)
	}
}

// What a connection never wrote is forgotten with it.
func TestEndOfAConnectionIsCounted(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	ours, _ := net.Pipe()
	conn := s.connections.add(ours)
	r := &recorder{server: s}
	ctx := r.TagConn(t.Context(), &stats.ConnTagInfo{RemoteAddr: conn.RemoteAddr()})
	conn.refused()
	r.HandleConn(ctx, &stats.ConnEnd{})
	if n := s.connections.unwritten.Load(); n != 0 {
		t.Errorf("%d are left", n)
	}
}
