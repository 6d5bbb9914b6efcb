//go:build !unix

package audit

import (
	"errors"
	"os"
	"runtime"
)

// openFile refuses: a file that cannot be locked, or moved while it is open, is no audit log.
func openFile(string) (*opened, error) {
	return nil, errors.New("the audit log does not work on " + runtime.GOOS + ": run the service on Linux or macOS")
}

func deleted(os.FileInfo) bool { return false }
