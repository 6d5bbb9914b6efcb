//go:build unix

package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockTimeout is how long a start waits for another one in the same directory.
const lockTimeout = 5 * time.Second

// listenSocket listens on a Unix socket of that mode. A socket that a process left behind is replaced; of several starts that
// find it, one does so, and the others find that one's.
func listenSocket(path string, mode fs.FileMode) (net.Listener, error) {
	// The lock is the directory's own, so it leaves nothing behind. It holds from before a bind until after the listen: in
	// between, a new socket looks like one that was left behind.
	unlock, err := lockDirectory(filepath.Dir(path), lockTimeout)
	if err != nil {
		return nil, err
	}
	defer unlock()
	lis, err := bindSocket(path, mode)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(path) {
		if err = os.Remove(path); err == nil {
			lis, err = bindSocket(path, mode)
		}
	}
	return lis, err
}

// bindSocket sets the mode by the umask, since a chmod would come after the first moment in which others could connect. The
// umask is the whole process's: while the service starts, nothing else in it makes files.
func bindSocket(path string, mode fs.FileMode) (net.Listener, error) {
	defer syscall.Umask(syscall.Umask(int(^mode & fs.ModePerm)))
	lis, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// By the time that this one is closed, the path may be a successor's. One that stays behind is replaced by the next start.
	lis.SetUnlinkOnClose(false)
	return lis, nil
}

// lockDirectory waits until no other start holds the directory, but no longer than the timeout.
func lockDirectory(path string, timeout time.Duration) (unlock func(), err error) {
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0) //nolint:gosec // the directory that the setting names
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = dir.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR), time.Now().After(deadline):
			_ = dir.Close()
			return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
		}
	}
}

// abandoned tells whether the path is a socket that no process listens on.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).Dial("unix", path)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
