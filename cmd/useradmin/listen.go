package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const unixPrefix = "unix:"

// checkAddress refuses addresses that can be reached over the network. The service does not authenticate callers, so
// whoever can reach it can do what its AWS identity may do to any user of a pool.
//
// The hint ends the sentence that says what to do instead.
func checkAddress(flag, address, hint string) error {
	if path, ok := strings.CutPrefix(address, unixPrefix); ok {
		if path == "" {
			return usageError{fmt.Errorf("%s needs a path, for example unix:/run/useradmin.sock", flag)}
		}
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if _, notNumber := strconv.ParseUint(port, 10, 16); err != nil || notNumber != nil {
		return usageError{fmt.Errorf("%s %q is not an address: give host:port or unix:/path", flag, address)}
	}
	if loopback(host) {
		return nil
	}
	return usageError{openAddress(fmt.Sprintf("%s %q is neither loopback nor a Unix socket, and callers are not authenticated: "+
		"listen on 127.0.0.1 behind a sidecar%s", flag, address, hint))}
}

// openAddress is an address that can be reached over the network.
type openAddress string

func (e openAddress) Error() string { return string(e) }

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// listen listens on host:port or unix:/path. A socket that a killed process left behind is replaced.
func listen(address string) (net.Listener, error) {
	path, ok := strings.CutPrefix(address, unixPrefix)
	if !ok {
		return net.Listen("tcp", address)
	}
	lis, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(path) {
		if err = os.Remove(path); err == nil {
			lis, err = net.Listen("unix", path)
		}
	}
	return lis, err
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
