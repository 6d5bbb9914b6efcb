package main

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"cognito.internal/useradmin/server"
)

func TestCheckFiles(t *testing.T) {
	const need = 256 + 1000 + filesReserve
	for _, test := range []struct {
		limit    uint64
		upstream int
		enough   bool
	}{
		{need, 256, true}, {need - 1, 256, false}, {need + 1, 257, true}, {need, 257, false}, {0, 1, false},
		{math.MaxUint64, math.MaxInt, true}, {math.MaxUint32, math.MaxInt, false}, {math.MaxUint32, -2, false},
	} {
		err := checkFiles(test.limit, test.upstream, 1000)
		if (err == nil) != test.enough {
			t.Errorf("%d files for %d connections: got %v", test.limit, test.upstream, err)
		}
	}
}

// A limit that is too low is refused at the start; a soft limit that the process may raise is not.
func TestLimitOfOpenFiles(t *testing.T) {
	need := func(upstream int) int { return upstream + server.DefaultMaxInbound + filesReserve }
	cmd := shell(t, fmt.Sprintf("ulimit -n %d", need(256)-1), "serve", "--region=us-east-1", "--listen=127.0.0.1:0")
	code, _, stderr := finish(t, cmd)
	if want := fmt.Sprintf("(ulimit -n) is %d, but 256 connections to Cognito and %d of callers need %d", need(256)-1, server.DefaultMaxInbound, need(256)); code != exitUsage ||
		!strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit code %d, %q, want %q", code, stderr, want)
	}
	for _, limit := range []string{fmt.Sprintf("ulimit -n %d", need(256)), "ulimit -S -n 64"} {
		r := start(t, shell(t, limit, "serve", "--region=us-east-1", "--listen=127.0.0.1:0", "--drain-delay=0s", "--log-format=text"))
		r.await(t, "msg=serving")
		r.stop(t)
	}
	r := start(t, shell(t, fmt.Sprintf("ulimit -n %d", need(2*50)), "dev", "--max-connections=50", "--listen=127.0.0.1:0"))
	r.await(t, "msg=serving")
	r.stop(t)
	if code, _, _ := finish(t, shell(t, fmt.Sprintf("ulimit -n %d", need(2*50)), "dev", "--max-connections=51", "--listen=127.0.0.1:0")); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
}
