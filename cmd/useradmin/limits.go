package main

import "fmt"

// filesReserve is for everything that is neither a caller's connection nor one to Cognito: outputs, listeners, metrics,
// credentials, names.
const filesReserve = 64

// checkFiles refuses a limit of open files that the connections could use up. A process without a free descriptor cannot accept,
// dial or resolve, and its errors name something else.
func checkFiles(limit uint64, upstream, inbound int) error {
	need := uint64(upstream) + uint64(inbound) + filesReserve //nolint:gosec // neither is negative
	if uint64(upstream) <= limit && need <= limit {           //nolint:gosec // neither is negative
		return nil
	}
	return usageError{fmt.Errorf("the limit of open files (ulimit -n) is %d, but %d connections to Cognito and %d of callers need %d: "+
		"raise it, or lower --max-connections or --max-client-connections", limit, upstream, inbound, need)}
}

// checkFiles refuses too low a limit for that many connections to Cognito.
func (f *serviceFlags) checkFiles(upstream int) error {
	limit, err := fileLimit()
	if err != nil {
		return err
	}
	return checkFiles(limit, upstream, f.MaxClientConnections)
}
