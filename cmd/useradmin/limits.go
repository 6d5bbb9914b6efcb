package main

import (
	"errors"
	"fmt"
	"syscall"
)

// filesReserve is for everything that is neither a caller's connection nor one to Cognito: outputs, listeners, metrics,
// credentials, names.
const filesReserve = 64

// checkFiles refuses a limit of open files that the connections could reach: a process without one can't accept, dial or
// resolve, and its calls fail for reasons that name something else.
func checkFiles(limit uint64, upstream, inbound int) error {
	need := uint64(upstream) + uint64(inbound) + filesReserve //nolint:gosec // neither is negative
	if uint64(upstream) <= limit && need <= limit {           //nolint:gosec // neither is negative
		return nil
	}
	return usageError{fmt.Errorf("the limit of open files (ulimit -n) is %d, but %d connections to Cognito and %d of callers need %d: "+
		"raise it, or lower --max-connections or --max-client-connections", limit, upstream, inbound, need)}
}

// fileLimit is how many files the process may open. Go has raised the soft limit to the hard one at the start.
func fileLimit() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, errors.New("the limit of open files can't be read")
	}
	return limit.Cur, nil
}
