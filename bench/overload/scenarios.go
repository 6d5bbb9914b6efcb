package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"cognito.internal/useradmin/bench"
)

const (
	pool    = "us-east-1_EXAMPLE01"
	hanging = "us-east-1_HANGS"
)

// success is what Cognito sends.
func success(w http.ResponseWriter) { respond(w, http.StatusOK, "{}") }

func respond(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "5d6e7f80-1a2b-4c3d-8e4f-000000000001")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// slowCognito: 2,000 calls at once, where every response takes ten seconds.
func slowCognito(ctx context.Context, s *stage) error {
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(10 * time.Second)
		success(w)
	})
	return s.with(ctx, upstream, func(service *bench.Service, _ string) error {
		conns, err := dial(service.Address, 40)
		if err != nil {
			return err
		}
		defer conns.close()
		var all results
		var calls sync.WaitGroup
		for i := range 2_000 {
			calls.Go(func() {
				start := time.Now()
				ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
				defer cancel()
				all.add(conns.call(ctx, i, pool), time.Since(start))
			})
		}
		calls.Wait()
		fmt.Printf("2,000 calls at once, a healthy Cognito that takes 10 s\n%s  memory at its peak: %s\n\n", &all, peak(service))
		return nil
	})
}

// slowPool: 256 callers whose pool's trigger hangs, and 50 calls a second for another pool.
func slowPool(ctx context.Context, s *stage) error {
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(hanging)) {
			<-r.Context().Done()
			return
		}
		time.Sleep(20 * time.Millisecond)
		success(w)
	})
	return s.with(ctx, upstream, func(service *bench.Service, _ string) error {
		bad, err := dial(service.Address, 10)
		if err != nil {
			return err
		}
		defer bad.close()
		good, err := dial(service.Address, 1)
		if err != nil {
			return err
		}
		defer good.close()
		call := func(i int) string { return good.call(ctx, i, pool) }
		quiet := at(ctx, 50, call)

		hangs, stop := context.WithCancel(ctx)
		var stuck results
		var slow sync.WaitGroup
		for i := range 256 {
			slow.Go(func() {
				for hangs.Err() == nil {
					stuck.add(bad.call(hangs, i, hanging), 0)
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		time.Sleep(time.Second)
		beside := at(ctx, 50, call)
		stop()
		slow.Wait()
		confirmed := "RESULT_CONFIRMED"
		fmt.Printf("50 calls a second, alone\n%sbeside 256 callers whose pool's trigger hangs\n%s  p99 of the good calls: %.2f of the quiet one\nthe hanging pool's\n%s\n",
			quiet, beside, float64(beside.p99(confirmed))/float64(quiet.p99(confirmed)), &stuck)
		return nil
	})
}

// quota is a Cognito that takes that many requests a second, and counts.
type quota struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time

	served, throttled atomic.Int64
}

const quotaRate = 50

func (q *quota) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	q.mu.Lock()
	now := time.Now()
	q.tokens = min(q.tokens+now.Sub(q.last).Seconds()*quotaRate, quotaRate)
	q.last = now
	ok := q.tokens >= 1
	if ok {
		q.tokens--
	}
	q.mu.Unlock()
	if !ok {
		q.throttled.Add(1)
		respond(w, http.StatusBadRequest, `{"__type":"TooManyRequestsException","message":"Rate exceeded"}`)
		return
	}
	q.served.Add(1)
	success(w)
}

// tenTimesTheQuota: 500 calls a second where Cognito takes 50, by the service and by the SDK with its own retries.
func tenTimesTheQuota(ctx context.Context, s *stage) error {
	ours := &quota{}
	err := s.with(ctx, ours, func(service *bench.Service, _ string) error {
		conns, err := dial(service.Address, 10)
		if err != nil {
			return err
		}
		defer conns.close()
		all := at(ctx, 10*quotaRate, func(i int) string { return conns.call(ctx, i, pool) })
		fmt.Printf("500 calls a second where Cognito takes 50\n%s", all)
		fmt.Printf("  p99 of the refused ones: %s\n", all.p99("TOO_MANY_REQUESTS RESOURCE_EXHAUSTED OUTCOME_NOT_APPLIED"))
		return nil
	})
	if err != nil {
		return err
	}
	theirs := &quota{}
	err = s.with(ctx, theirs, func(_ *bench.Service, endpoint string) error {
		client := bench.Direct(endpoint)
		at(ctx, 10*quotaRate, func(int) string {
			if bench.ConfirmDirectly(ctx, client, bench.Request()) != nil {
				return "failed"
			}
			return "confirmed"
		})
		return nil
	})
	fmt.Printf("  Cognito served %d and refused %d\nthe same by the SDK with its own retries\n  Cognito served %d and refused %d\n\n",
		ours.served.Load(), ours.throttled.Load(), theirs.served.Load(), theirs.throttled.Load())
	return err
}
