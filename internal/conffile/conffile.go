// Package conffile reads files whose contents decide who may do what, and follows their changes.
package conffile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
)

// MaxBytes bounds a file.
const MaxBytes = 1 << 20

// File is a file that its operator has to protect: nobody but its owner may write to it.
type File struct {
	Path string
	// Secret files must not be readable by others either.
	Secret bool
}

// Read returns the contents, at most 1 MiB. Its errors say in one line what is wrong and how to fix it.
func (f File) Read() ([]byte, error) {
	// O_NONBLOCK: the open of a pipe would wait for somebody who writes to it.
	opened, err := os.OpenFile(f.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if err := f.check(info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(opened, MaxBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > MaxBytes:
		return nil, fmt.Errorf("%s is larger than %d bytes", f.Path, MaxBytes)
	default:
		return text, nil
	}
}

func (f File) check(info fs.FileInfo) error {
	mode := info.Mode()
	switch {
	case !mode.IsRegular():
		return fmt.Errorf("%s is not a file", f.Path)
	case mode.Perm()&0o022 != 0:
		return fmt.Errorf("%s may be written by its group or by others (mode %04o): run chmod go-w %[1]s", f.Path, mode.Perm())
	case f.Secret && mode.Perm()&0o004 != 0:
		return fmt.Errorf("%s is secret and may be read by others (mode %04o): run chmod o-r %[1]s", f.Path, mode.Perm())
	default:
		return nil
	}
}

// ReadAll reads the files, which belong together.
func ReadAll(files ...File) ([][]byte, error) {
	all := make([][]byte, len(files))
	for i, f := range files {
		text, err := f.Read()
		if err != nil {
			return nil, err
		}
		all[i] = text
	}
	return all, nil
}

// How often Watch looks, and for how long contents must stay the same: a file that is just being written, or one of two that
// belong together, must not be taken for the new one.
const (
	interval = 10 * time.Second
	settle   = time.Second
)

// errChanging is what Watch reports of files that never stay the same.
var errChanging = errors.New("the contents keep changing: replace files with a rename")

// Watch looks at the files every 10 seconds until the context ends. Contents that differ from those in use, and are the same
// a second later, go to apply; whatever fails goes to failed, again at each look. In either case the old ones stay in use.
func Watch(ctx context.Context, files []File, inUse [][]byte, apply func([][]byte) error, failed func(error)) {
	for sleep(ctx, interval) {
		next, err := settled(ctx, files, inUse)
		if err == nil && next != nil {
			err = apply(next)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failed(err)
		case next != nil:
			inUse = next
		}
	}
}

// settled returns the contents if they are new and complete.
func settled(ctx context.Context, files []File, inUse [][]byte) ([][]byte, error) {
	first, err := ReadAll(files...)
	if err != nil || same(first, inUse) {
		return nil, err
	}
	if !sleep(ctx, settle) {
		return nil, ctx.Err()
	}
	second, err := ReadAll(files...)
	if err != nil {
		return nil, err
	}
	if !same(first, second) {
		return nil, errChanging
	}
	return second, nil
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// sleep reports whether the time passed before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
