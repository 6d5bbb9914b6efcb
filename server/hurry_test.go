package server

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// From any stage of a drain, and without one, Hurry ends calls with a status of ours and their outcome, and at once.
func TestHurry(t *testing.T) {
	for name, after := range map[string]time.Duration{
		"before the drain": -1, "with the drain": 0, "in the delay": time.Second, "after the delay": 7 * time.Second,
		"after the halt": DefaultDrainTimeout - haltNotice,
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { hurryAfter(t, after) }) })
	}
}

func hurryAfter(t *testing.T, after time.Duration) {
	t.Helper()
	began := make(chan struct{}, 1)
	e := serve(t, waiting(began), Config{DrainDelay: 5 * time.Second, CallTimeout: time.Minute})
	watch, err := grpc_health_v1.NewHealthClient(e.conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := e.ConfirmSignUp(t.Context(), validRequest())
		answered <- err
	}()
	<-began
	start := time.Now()
	if after >= 0 {
		e.drain()
		synctest.Wait()
		time.Sleep(after)
	}
	e.Hurry()
	e.Hurry()
	want(t, <-answered, codes.Aborted, "SERVER_STOPPING", "UNKNOWN")
	if err := <-e.ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took != max(after, 0) {
		t.Errorf("took %s", took)
	}
	for err == nil {
		_, err = watch.Recv()
	}
	if info := infoOf(t, err); info.GetReason() != "SERVER_STOPPING" {
		t.Errorf("the watch ended with %v", err)
	}
}

// A handler that ignores its context is cut soon after Hurry; Stop cuts it at once.
func TestHurryIsBounded(t *testing.T) {
	for _, stop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			began := make(chan struct{}, 1)
			e := serve(t, ignoring(began), Config{DrainDelay: 5 * time.Second, CallTimeout: time.Minute})
			go func() { _, _ = e.ConfirmSignUp(t.Context(), validRequest()) }()
			<-began
			start := time.Now()
			e.drain()
			e.Hurry()
			synctest.Wait()
			limit := haltNotice
			if stop {
				e.Stop()
				limit = 0
			}
			if err := <-e.ended; err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took != limit {
				t.Errorf("took %s, want %s", took, limit)
			}
			time.Sleep(2 * time.Hour)
		})
	}
}

// A delay that takes nearly all of the drain leaves no more time than there is.
func TestDrainIsBoundedAfterALongDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := make(chan struct{}, 1)
		e := serve(t, ignoring(began), Config{DrainDelay: DefaultDrainTimeout - time.Second/2, CallTimeout: time.Minute})
		go func() { _, _ = e.ConfirmSignUp(t.Context(), validRequest()) }()
		<-began
		start := time.Now()
		e.drain()
		if err := <-e.ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != DefaultDrainTimeout {
			t.Errorf("took %s", took)
		}
		time.Sleep(2 * time.Hour)
	})
}
