package main

import (
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strconv"
)

// place is where to listen.
type place struct {
	flag, address string
	reach
	// mode is that of a Unix socket.
	mode fs.FileMode
}

// reach is who may reach an address.
type reach struct {
	// open allows addresses that the network reaches; otherwise hint ends the sentence that says what to do instead.
	open bool
	hint string
}

func (f *serviceFlags) listenPlace() place {
	return place{flag: "--listen", address: f.Listen, reach: f.reach, mode: fs.FileMode(f.ListenMode)}
}

func (f *serviceFlags) adminPlace() place {
	return place{flag: "--admin-listen", address: f.AdminListen, reach: f.adminReach, mode: fs.FileMode(f.ListenMode)}
}

// checkPlaces checks both addresses of a service.
func (f *serviceFlags) checkPlaces() error {
	if err := f.listenPlace().check(); err != nil || f.AdminListen == "" {
		return err
	}
	return f.adminPlace().check()
}

// check looks at the text. What a name stands for is known only once listen has opened the socket.
func (p place) check() error {
	_, unix, err := socketPath(p.address)
	if err != nil {
		return usageError{fmt.Errorf("%s %w", p.flag, err)}
	}
	if unix {
		return nil
	}
	host, text, err := net.SplitHostPort(p.address)
	port, notNumber := strconv.ParseUint(text, 10, 16)
	if err != nil || notNumber != nil {
		return usageError{fmt.Errorf("%s %q is not an address: give host:port or unix:/path", p.flag, p.address)}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil && host != "" {
		return nil
	}
	return p.admit(net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
}

// admit refuses addresses that can be reached over the network. The service does not authenticate callers, so whoever can
// reach it can do what its AWS identity may do to any user of a pool.
func (p place) admit(addr net.Addr) error {
	tcp, ok := addr.(*net.TCPAddr)
	if p.open || !ok || tcp.IP.IsLoopback() {
		return nil
	}
	what := strconv.Quote(p.address)
	if opened := tcp.String(); opened != p.address {
		what += " (" + opened + ")"
	}
	return usageError{fmt.Errorf("%s %s is neither loopback nor a Unix socket, and callers are not authenticated: "+
		"listen on 127.0.0.1 behind a sidecar%s", p.flag, what, p.hint)}
}

// listen opens the socket. Even localhost is what the machine's files say, so the socket decides whether it is admitted.
func (p place) listen() (net.Listener, error) {
	lis, err := p.bind()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", p.flag, p.address, err)
	}
	return p.admitted(lis)
}

// admitted is the listener if nobody else can reach it; otherwise it is closed before it accepts anything.
func (p place) admitted(lis net.Listener) (net.Listener, error) {
	if err := p.admit(lis.Addr()); err != nil {
		_ = lis.Close()
		return nil, err
	}
	return lis, nil
}

func (p place) bind() (net.Listener, error) {
	path, unix, err := socketPath(p.address)
	switch {
	case err != nil:
		return nil, err
	case unix:
		return listenSocket(path, p.mode)
	default:
		return net.Listen("tcp", p.address)
	}
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
