package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
)

// The kernel's own full disk.
func TestFullDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := open(t, "")
		i := x.intend(t, "r-1")
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = full.Close() }()
		x.on(func(_ file, b []byte) (int, error) { return full.Write(b) })
		i.End(end())
		if _, err := x.Intend(t.Context(), call("r-2")); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		x.failed(t, intent, fullDisk, 1)
		x.failed(t, outcome, fullDisk, 1)
		x.on(nil)
		x.intend(t, "r-3")
		x.Close()
		if got := events(t, x.path); got != "intent r-1; intent r-3" || pendingIn(t, x.path) != "r-1 r-3" {
			t.Error(got)
		}
	})
}

// A path such as /dev/stdout leads to its file even after that was deleted. Nobody would find the lines.
func TestDeletedFileBehindAPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := os.OpenFile(filepath.Join(t.TempDir(), "audit"), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		x := open(t, fmt.Sprint("/proc/self/fd/", f.Fd()))
		x.intend(t, "r-1")
		if err := os.Remove(f.Name()); err != nil {
			t.Fatal(err)
		}
		if _, err := x.Intend(t.Context(), call("r-2")); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		x.failed(t, intent, openFailed, 1)
	})
}
