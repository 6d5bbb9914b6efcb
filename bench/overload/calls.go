package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"cognito.internal/useradmin/bench"
	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// callers are connections to the service, used in turn.
type callers []*grpc.ClientConn

func dial(address string, n int) (callers, error) {
	all := make(callers, n)
	for i := range all {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig())
		if err != nil {
			return nil, err
		}
		all[i] = conn
	}
	return all, nil
}

func (c callers) close() {
	for _, conn := range c {
		_ = conn.Close()
	}
}

// call makes the i-th call and says how it ended.
func (c callers) call(ctx context.Context, i int, pool string) string {
	req := bench.Request()
	req.UserPoolId = pool
	resp, err := useradminv1.NewUserAdminClient(c[i%len(c)]).ConfirmSignUp(ctx, req)
	if err == nil {
		return resp.GetResult().String()
	}
	f := failure.Of(err)
	return strings.TrimSpace(f.ReasonName + " " + f.CodeName() + " " + f.Outcome.String())
}

// results are how calls ended and how long they took.
type results struct {
	mu    sync.Mutex
	times map[string][]time.Duration
}

func (r *results) add(result string, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.times == nil {
		r.times = map[string][]time.Duration{}
	}
	r.times[result] = append(r.times[result], took)
}

// p99 is the time within which 99 of 100 calls with such a result ended.
func (r *results) p99(result string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	times := slices.Sorted(slices.Values(r.times[result]))
	if len(times) == 0 {
		return 0
	}
	return times[(len(times)-1)*99/100]
}

func (r *results) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, result := range slices.Sorted(maps.Keys(r.times)) {
		fmt.Fprintf(&b, "  %6d  %s\n", len(r.times[result]), result)
	}
	return b.String()
}

// length is how long calls are made.
const length = 20 * time.Second

// at makes that many calls a second, whatever becomes of them, and waits for their ends.
func at(ctx context.Context, rate int, call func(i int) string) *results {
	var all results
	var calls sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range rate * int(length/time.Second) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &all
		}
		calls.Go(func() {
			start := time.Now()
			all.add(call(i), time.Since(start))
		})
	}
	calls.Wait()
	return &all
}
