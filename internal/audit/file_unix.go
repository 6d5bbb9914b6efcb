//go:build unix

package audit

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openFile opens the file to append to it, makes it if there is none, and locks it.
func openFile(path string) (*opened, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600) //nolint:gosec // the file that the setting names
	if err != nil {
		return nil, err
	}
	o, err := claim(f)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return o, nil
}

// claim checks and locks the file.
func claim(f *os.File) (*opened, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return nil, fmt.Errorf("%s is not a file", f.Name())
	case mode.Perm()&0o022 != 0:
		return nil, fmt.Errorf("%s may be written by its group or by others (mode %04o): run chmod go-w %[1]s", f.Name(), mode.Perm())
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, fmt.Errorf("%s is the audit log of another process that runs: each needs a file of its own", f.Name())
	case err != nil:
		return nil, &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	// Under the lock: nobody else writes any more.
	if info, err = f.Stat(); err != nil || info.Size() == 0 {
		return &opened{file: f, info: info}, err
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return &opened{file: f, info: info, torn: last[0] != '\n'}, err
}

// deleted tells whether no path leads to the file any more.
func deleted(info os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink == 0
}
