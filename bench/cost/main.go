// Command cost compares what one call costs: a bare gRPC server of the same messages, the AWS SDK used directly, and the
// service, which has to do the work of both. Every part is a process of its own, and the CPU time of each is read from
// /proc; what is printed are ratios within this run, since the times of one machine say nothing of another's.
//
//	go run ./bench/cost
//	go run ./bench/cost -gates
//	go run ./bench/cost -rounds 9 -callers 1,64 -calls 20000
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"cognito.internal/useradmin/bench"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	cancel()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == rolePrefix {
		return play(ctx, args[1:])
	}
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "how often each set-up is measured, one after the other")
	calls := flags.Int("calls", 20_000, "calls in one measurement")
	callers := flags.String("callers", "1,64", "concurrent callers, a measurement each")
	gates := flags.Bool("gates", false, "compare the ways to prove who calls instead, each with a policy, and the audit log")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "cost")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, compare, err := prepare(ctx, dir, *gates)
	if err != nil {
		return err
	}
	defer s.close()
	for list := range strings.SplitSeq(*callers, ",") {
		n, err := strconv.Atoi(list)
		if err != nil || n < 1 || *rounds < 1 || *calls < n {
			return fmt.Errorf("%q callers, %d rounds, %d calls: give positive numbers, and no fewer calls than callers", list, *rounds, *calls)
		}
		text, err := compare(ctx, n, *calls, *rounds)
		if err != nil {
			return err
		}
		fmt.Print(text)
	}
	return nil
}

// comparison makes a table.
type comparison func(ctx context.Context, callers, calls, rounds int) (string, error)

func prepare(ctx context.Context, dir string, gates bool) (*stage, comparison, error) {
	if gates {
		s, err := setUpGates(ctx, dir)
		return s, s.compareGates, err
	}
	s, err := setUp(ctx, dir)
	return s, s.compare, err
}

// stage is what runs all the time: the servers.
type stage struct {
	self    string
	cognito *process
	bare    *process
	service *bench.Service
	// gated are the services of -gates.
	gated []gated
}

func setUp(ctx context.Context, dir string) (*stage, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &stage{self: self}
	if s.cognito, err = startRole(ctx, self, roleCognito); err == nil {
		s.bare, err = startRole(ctx, self, roleBare)
	}
	if err == nil {
		s.service, err = startService(ctx, dir, "http://"+s.cognito.address)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) close() {
	if s.service != nil {
		s.service.End()
	}
	for _, g := range s.gated {
		g.service.End()
	}
	s.bare.end()
	s.cognito.end()
}

// cost is CPU seconds by who spent them.
type cost struct{ client, server, cognito float64 }

func (c cost) total() float64 { return c.client + c.server + c.cognito }

// round is one measurement of each set-up.
type round struct{ bare, direct, service cost }

// ratio is the service against the two that it replaces.
func (r round) ratio() float64 { return r.service.total() / (r.bare.total() + r.direct.total()) }

func (s *stage) compare(ctx context.Context, callers, calls, rounds int) (string, error) {
	all := make([]round, rounds)
	for i := range all {
		for _, m := range []struct {
			into         *cost
			role, target string
			server       *exec.Cmd
		}{
			{&all[i].bare, roleGRPC, s.bare.address, s.bare.cmd},
			{&all[i].direct, roleSDK, "http://" + s.cognito.address, nil},
			{&all[i].service, roleGRPC, s.service.Address, s.service.Cmd},
		} {
			var err error
			if *m.into, err = s.measure(ctx, m.role, m.target, callers, calls, m.server); err != nil {
				return "", fmt.Errorf("%s to %s: %w", m.role, m.target, err)
			}
		}
	}
	return table(callers, all), nil
}

// measure lets a new client warm up, then counts what its calls cost everywhere.
func (s *stage) measure(ctx context.Context, role, target string, callers, calls int, server *exec.Cmd, proof ...string) (cost, error) {
	client, err := startRole(ctx, s.self, append([]string{role, target, strconv.Itoa(callers), strconv.Itoa(calls)}, proof...)...)
	if err != nil {
		return cost{}, err
	}
	defer client.end()
	before, err := s.spent(client.cmd, server)
	if err != nil {
		return cost{}, err
	}
	if err := client.command("go"); err != nil {
		return cost{}, err
	}
	after, err := s.spent(client.cmd, server)
	return cost{after.client - before.client, after.server - before.server, after.cognito - before.cognito}, err
}

func (s *stage) spent(client, server *exec.Cmd) (c cost, err error) {
	if c.client, err = cpuOf(client); err == nil && server != nil {
		c.server, err = cpuOf(server)
	}
	if err == nil {
		c.cognito, err = cpuOf(s.cognito.cmd)
	}
	return c, err
}

// startService builds and starts the service as it is shipped, with its log in a file.
func startService(ctx context.Context, dir, endpoint string) (*bench.Service, error) {
	binary := filepath.Join(dir, "useradmin")
	if err := bench.BuildService(ctx, binary); err != nil {
		return nil, err
	}
	return bench.StartService(ctx, binary, filepath.Join(dir, "log"), endpoint)
}
