// Package loopback tells what stays on this machine.
package loopback

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// Host tells whether the name or IP address claims to be this machine. What localhost leads to is known only once it is
// dialled: see Control.
func Host(name string) bool {
	return strings.EqualFold(name, "localhost") || net.ParseIP(name).IsLoopback()
}

// ErrElsewhere is Control's error.
var ErrElsewhere = errors.New("not a loopback address")

// Control is a net.Dialer's. It refuses a connection before its first packet; the address is an IP address by then.
func Control(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !to.Addr().IsLoopback() {
		return ErrElsewhere
	}
	return nil
}
