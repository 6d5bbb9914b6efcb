package server

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	serving    = grpc_health_v1.HealthCheckResponse_SERVING
	notServing = grpc_health_v1.HealthCheckResponse_NOT_SERVING
)

func (e *edge) healthOf(t *testing.T, service string) grpc_health_v1.HealthCheckResponse_ServingStatus {
	t.Helper()
	resp, err := grpc_health_v1.NewHealthClient(e.conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetStatus()
}

// wantReady says what health, Ready and the gauge must agree on.
func (e *edge) wantReady(t *testing.T, when string, want bool) {
	t.Helper()
	status, gauge := notServing, 0.0
	if want {
		status, gauge = serving, 1
	}
	if got := e.healthOf(t, serviceName); got != status || e.Ready() != want || e.gauge(t, "useradmin_ready") != gauge {
		t.Errorf("%s: health says %s, Ready %t, the gauge %v", when, got, e.Ready(), e.gauge(t, "useradmin_ready"))
	}
}

func TestHealthFollowsTheFirstCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		e := serve(t, succeeding(), Config{DrainDelay: time.Second, Ready: func(context.Context) error {
			if tries++; tries < 3 {
				return errors.New("no credentials")
			}
			return nil
		}})
		synctest.Wait()
		if e.healthOf(t, "") != serving {
			t.Error("at first the process is not SERVING")
		}
		e.wantReady(t, "at first", false)
		time.Sleep(2*readyPause - time.Nanosecond)
		e.wantReady(t, "before the third try", false)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		e.wantReady(t, "after the third try", true)
		time.Sleep(time.Hour)
		e.wantReady(t, "after an hour", true)
		if tries != 3 {
			t.Errorf("%d tries", tries)
		}
		e.drain()
		synctest.Wait()
		if e.healthOf(t, "") != notServing {
			t.Error("in the drain the process is SERVING")
		}
		e.wantReady(t, "in the drain", false)
		if _, err := e.ConfirmSignUp(t.Context(), validRequest()); err != nil {
			t.Errorf("a call within the drain delay: %v", err)
		}
		if err := <-e.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestDrainWaitsForCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := make(chan struct{}, 1)
		e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
			began <- struct{}{}
			time.Sleep(10 * time.Second)
			return cognitoclient.Result{Attribution: cognitoclient.ByThisCall}, nil
		}), Config{DrainDelay: 5 * time.Second})
		answered := make(chan error, 1)
		go func() {
			_, err := e.ConfirmSignUp(t.Context(), validRequest())
			answered <- err
		}()
		<-began
		start := time.Now()
		e.drain()
		if err := <-answered; err != nil {
			t.Error(err)
		}
		if err := <-e.ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// Calls that outlive the drain get a status of ours before the connections are cut.
func TestDrainEndsCallsInTime(t *testing.T) {
	for _, allow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			began := make(chan struct{}, 1)
			e := serve(t, waiting(began), Config{DrainDelay: 5 * time.Second, CallTimeout: time.Minute})
			req := validRequest()
			req.AllowConfirmed = allow
			answered := make(chan error, 1)
			go func() {
				_, err := e.ConfirmSignUp(t.Context(), req)
				answered <- err
			}()
			<-began
			start := time.Now()
			e.drain()
			err := <-answered
			if took := time.Since(start); took != DefaultDrainTimeout-haltNotice {
				t.Errorf("answered after %s", took)
			}
			code := codes.Aborted
			if allow {
				code = codes.Unavailable
			}
			want(t, err, code, "SERVER_STOPPING", "UNKNOWN")
			if err := <-e.ended; err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took != DefaultDrainTimeout-haltNotice {
				t.Errorf("ended after %s", took)
			}
		})
	}
}

// A handler that ignores its context is cut at the bound.
func TestDrainIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := make(chan struct{}, 1)
		e := serve(t, ignoring(began), Config{CallTimeout: time.Minute})
		answered := make(chan error, 1)
		go func() {
			_, err := e.ConfirmSignUp(t.Context(), validRequest())
			answered <- err
		}()
		<-began
		start := time.Now()
		e.drain()
		if err := <-e.ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != DefaultDrainTimeout {
			t.Errorf("took %s", took)
		}
		if err := <-answered; status.Code(err) != codes.Unavailable || len(status.Convert(err).Details()) > 0 {
			t.Errorf("got %v", err)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestStopInTheDrain(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, 7 * time.Second, 24 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			began := make(chan struct{}, 1)
			e := serve(t, ignoring(began), Config{DrainDelay: 5 * time.Second, CallTimeout: time.Minute})
			go func() { _, _ = e.ConfirmSignUp(t.Context(), validRequest()) }()
			<-began
			start := time.Now()
			e.drain()
			time.Sleep(after)
			e.Stop()
			e.Stop()
			if err := <-e.ended; err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took != after {
				t.Errorf("took %s", took)
			}
			time.Sleep(2 * time.Hour)
		})
	}
}

// Streams that callers never end do not hold up a drain; who watches health learns of it first.
func TestDrainEndsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, succeeding(), Config{DrainDelay: 5 * time.Second, Reflection: true})
		watch, err := grpc_health_v1.NewHealthClient(e.conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		reflection, err := reflectionv1.NewServerReflectionClient(e.conn).ServerReflectionInfo(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := watch.Recv(); err != nil || resp.GetStatus() != serving {
			t.Fatal(resp, err)
		}
		start := time.Now()
		e.drain()
		if resp, err := watch.Recv(); err != nil || resp.GetStatus() != notServing || time.Since(start) != 0 {
			t.Fatal(resp, err, time.Since(start))
		}
		_, watched := watch.Recv()
		_, reflected := reflection.Recv()
		for _, err := range []error{watched, reflected} {
			info := infoOf(t, err)
			if _, told := info.GetMetadata()["outcome"]; told || status.Code(err) != codes.Unavailable || info.GetReason() != "SERVER_STOPPING" {
				t.Errorf("got %v %v", err, info)
			}
		}
		if err := <-e.ended; err != nil || time.Since(start) != 5*time.Second {
			t.Error(err, time.Since(start))
		}
	})
}

func TestNoCallBeginsAfterTheHalt(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	s.halt(stopping{})
	ctx := (&recorder{s}).TagRPC(t.Context(), &stats.RPCTagInfo{FullMethodName: useradminv1.UserAdmin_ConfirmSignUp_FullMethodName})
	_, err := (&userAdmin{server: s}).ConfirmSignUp(ctx, validRequest())
	a := convertError(t, s, &record{requestID: "r"}, validRequest(), err)
	want(t, a.Err(), codes.Unavailable, "SERVER_STOPPING", "NOT_SENT")
}

func TestServeEndsBeforeItBegins(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Serve(ctx, bufconn.Listen(1)); err != nil {
		t.Error(err)
	}
	if err := s.Serve(t.Context(), bufconn.Listen(1)); err == nil {
		t.Error("served twice")
	}
	s = newServer(t, succeeding(), Config{})
	s.Stop()
	if err := s.Serve(t.Context(), bufconn.Listen(1)); err != nil {
		t.Error(err)
	}
}

func TestServeFailsWithItsListener(t *testing.T) {
	s := newServer(t, succeeding(), Config{})
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := s.Serve(t.Context(), listener); err == nil || !strings.HasPrefix(err.Error(), "serve: ") {
		t.Errorf("got %v", err)
	}
}
