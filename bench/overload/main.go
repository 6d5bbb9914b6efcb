// Command overload drives the service, as it is shipped and in a process of its own, into what it must withstand: a slow
// Cognito, a user pool whose trigger hangs, and ten times the quota. It prints counts, and times as ratios or against the
// bounds that are promised.
//
//	go run ./bench/overload
//	go run ./bench/overload slow pool quota
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"cognito.internal/useradmin/bench"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	cancel()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "overload:", err)
		os.Exit(1)
	}
}

type scenario struct {
	name string
	run  func(context.Context, *stage) error
}

func run(ctx context.Context, names []string) error {
	scenarios := []scenario{{"slow", slowCognito}, {"pool", slowPool}, {"quota", tenTimesTheQuota}}
	for _, name := range names {
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.name == name }) {
			return fmt.Errorf("no scenario %q: there are slow, pool and quota", name)
		}
	}
	dir, err := os.MkdirTemp("", "overload")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := &stage{binary: filepath.Join(dir, "useradmin"), log: filepath.Join(dir, "log")}
	if err := bench.BuildService(ctx, s.binary); err != nil {
		return err
	}
	for _, sc := range scenarios {
		if len(names) > 0 && !slices.Contains(names, sc.name) {
			continue
		}
		if err := sc.run(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", sc.name, err)
		}
	}
	return nil
}

// stage is where the scenarios run.
type stage struct{ binary, log string }

// with runs the service in front of the upstream while the function runs.
func (s *stage) with(ctx context.Context, upstream http.Handler, do func(*bench.Service, string) error) error {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: upstream, ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(lis) }()
	defer func() { _ = web.Close() }()
	endpoint := "http://" + lis.Addr().String()
	service, err := bench.StartService(ctx, s.binary, s.log, endpoint)
	if err != nil {
		return err
	}
	defer service.End()
	return do(service, endpoint)
}

// peak is the most memory that the process has had, as the kernel says it.
func peak(service *bench.Service) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", service.Cmd.Process.Pid))
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
