//go:build unix

package conffile_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"cognito.internal/useradmin/internal/conffile"
)

// Nobody ever writes to the pipe: opening it must not wait for that, neither at the start nor at a look.
func TestPipesAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (conffile.File{Path: path}).Read(); err == nil || err.Error() != path+" is not a file" {
		t.Errorf("%v", err)
	}
}
