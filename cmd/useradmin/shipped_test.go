//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"

	"cognito.internal/useradmin/bench"
)

// shipped is the binary as it is shipped.
func shipped(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "useradmin")
	if err := bench.BuildService(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	return binary
}

// gateOf has short paths: a socket is in it.
func gateOf(t *testing.T, proof string, audited bool) bench.Gate {
	t.Helper()
	dir, err := os.MkdirTemp("", "gate") //nolint:usetesting // its paths may be too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	gate, err := bench.NewGate(dir, proof, audited)
	if err != nil {
		t.Fatal(err)
	}
	return gate
}
