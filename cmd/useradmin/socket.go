package main

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

const (
	unixPrefix = "unix:"
	// maxSocketPath is Linux's.
	maxSocketPath = 107
)

// socketMode is the mode of a Unix socket, written in octal.
type socketMode fs.FileMode

// UnmarshalText reads the setting.
func (m *socketMode) UnmarshalText(text []byte) error {
	mode, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || mode > uint64(fs.ModePerm) || mode&0o222 == 0 {
		return fmt.Errorf("%q is not a mode that lets anybody connect: give octal digits, for example 0660", text)
	}
	*m = socketMode(mode)
	return nil
}

// socketPath is the path of a Unix socket, written unix:/path or unix:///path as gRPC does; unix tells whether the address is
// one at all.
func socketPath(address string) (path string, unix bool, err error) {
	path, unix = strings.CutPrefix(address, unixPrefix)
	if !unix {
		return "", false, nil
	}
	path = strings.TrimPrefix(path, "//")
	switch {
	case !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/"):
		return "", true, fmt.Errorf("%q is not an address: a Unix socket needs an absolute path, for example unix:/run/useradmin.sock", address)
	case len(path) > maxSocketPath:
		return "", true, fmt.Errorf("%q is not an address: the path of a Unix socket has at most %d bytes", address, maxSocketPath)
	default:
		return path, true, nil
	}
}
