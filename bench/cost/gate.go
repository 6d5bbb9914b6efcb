package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"cognito.internal/useradmin/bench"
	"cognito.internal/useradmin/internal/authn"
)

// gated is a service with a gate.
type gated struct {
	name    string
	service *bench.Service
}

// setUpGates starts a service for each gate, the open one first. All are there all the time; those that are not measured sleep.
func setUpGates(ctx context.Context, dir string) (*stage, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &stage{self: self}
	if err := s.startGates(ctx, dir); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) startGates(ctx context.Context, dir string) (err error) {
	binary := filepath.Join(dir, "useradmin")
	if err := bench.BuildService(ctx, binary); err != nil {
		return err
	}
	if s.cognito, err = startRole(ctx, s.self, roleCognito); err != nil {
		return err
	}
	for i, g := range []struct {
		name, proof string
		audit       bool
	}{
		{"none", authn.None, false}, {"none + audit", authn.None, true}, {"xfcc + policy", authn.XFCC, false},
		{"mtls + policy", authn.MTLS, false}, {"mtls + policy + audit", authn.MTLS, true},
	} {
		files := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(files, 0o700); err != nil {
			return err
		}
		gate, err := bench.NewGate(files, g.proof, g.audit)
		if err != nil {
			return err
		}
		service, err := bench.StartGated(ctx, binary, gate.Path("log"), "http://"+s.cognito.address, gate)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		s.gated = append(s.gated, gated{g.name, service})
	}
	return nil
}

// compareGates measures each in turn, in rounds.
func (s *stage) compareGates(ctx context.Context, callers, calls, rounds int) (string, error) {
	all := make([][]cost, len(s.gated))
	for range rounds {
		for i, g := range s.gated {
			c, err := s.measure(ctx, roleGRPC, g.service.Address, callers, calls, g.service.Cmd, g.service.Gate.Authn, g.service.Gate.Dir)
			if err != nil {
				return "", fmt.Errorf("%s: %w", g.name, err)
			}
			all[i] = append(all[i], c)
		}
	}
	return s.gateTable(callers, calls, all), nil
}

// gateTable shows each gate in parts of what the service costs without one. The medians of the rounds are compared.
func (s *stage) gateTable(callers, calls int, all [][]cost) string {
	server := func(c cost) float64 { return c.server }
	none, noneServer := median(all[0], cost.total), median(all[0], server)
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-24s %8s %8s %8s %22s\n", fmt.Sprintf("%d concurrent callers", callers), "client", "server", "total", "server more, us a call")
	for i, g := range s.gated {
		more := (median(all[i], server) - noneServer) / float64(calls) * 1e6
		fmt.Fprintf(&b, "%-24s %8.2f %8.2f %8.2f %22.1f\n", g.name,
			median(all[i], func(c cost) float64 { return c.client })/none, median(all[i], server)/none, median(all[i], cost.total)/none, more)
	}
	return b.String()
}

func median(rounds []cost, of func(cost) float64) float64 {
	values := make([]float64, len(rounds))
	for i, c := range rounds {
		values[i] = of(c)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
