//go:build unix

package main

import (
	"fmt"
	"syscall"
)

func dumpNoCore() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("core files can't be turned off: %w", err)
	}
	return nil
}
