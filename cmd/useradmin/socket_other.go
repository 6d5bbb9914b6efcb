//go:build !unix

package main

import (
	"errors"
	"io/fs"
	"net"
)

// listenSocket refuses: without modes and a umask, the folder alone would say who may connect.
func listenSocket(string, fs.FileMode) (net.Listener, error) {
	return nil, usageError{errors.New("a Unix socket cannot be served on this system: give host:port on loopback")}
}
