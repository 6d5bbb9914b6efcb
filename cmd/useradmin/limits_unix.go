//go:build unix

package main

import (
	"errors"
	"syscall"
)

// fileLimit is how many files the process may open. Go has raised the soft limit to the hard one at the start.
func fileLimit() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, errors.New("the limit of open files can't be read")
	}
	return uint64(limit.Cur), nil //nolint:unconvert // FreeBSD's is an int64
}
