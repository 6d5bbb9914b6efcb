package main

import (
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strconv"
)

// listenAddress is where to listen.
type listenAddress struct {
	flag, address string
	access
	// why says what an address that the network reaches would mean, and where to listen instead.
	why string
	// mode is that of a Unix socket.
	mode fs.FileMode
}

// access is who may reach an address.
type access struct {
	// open allows addresses that the network reaches; otherwise hint ends the sentence that says what to do instead.
	open bool
	hint string
}

func (f *serviceFlags) grpcAddress() listenAddress {
	return listenAddress{
		flag: "--listen", address: f.Listen, access: f.access, mode: fs.FileMode(f.ListenMode),
		why: "callers are not authenticated: listen on 127.0.0.1 behind a sidecar",
	}
}

func (f *serviceFlags) adminAddress() listenAddress {
	return listenAddress{
		flag: "--admin-listen", address: f.AdminListen, access: f.adminAccess, mode: fs.FileMode(f.ListenMode),
		why: "whoever reaches it sees the metrics: listen on 127.0.0.1 or unix:/path",
	}
}

// checkAddresses checks both addresses of a service.
func (f *serviceFlags) checkAddresses() error {
	if err := f.grpcAddress().check(); err != nil || f.AdminListen == "" {
		return err
	}
	return f.adminAddress().check()
}

// check looks at the text. What a name stands for is known only once listen has opened the socket.
func (a listenAddress) check() error {
	_, unix, err := socketPath(a.address)
	if err != nil {
		return usageError{fmt.Errorf("%s %w", a.flag, err)}
	}
	if unix {
		return nil
	}
	host, text, err := net.SplitHostPort(a.address)
	port, notNumber := strconv.ParseUint(text, 10, 16)
	if err != nil || notNumber != nil {
		return usageError{fmt.Errorf("%s %q is not an address: give host:port or unix:/path", a.flag, a.address)}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil && host != "" {
		return nil
	}
	return a.admit(net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
}

// admit refuses addresses that can be reached over the network. Without --authn, callers are not authenticated, so whoever can
// reach the service can do what its AWS identity may do to any user of a pool.
func (a listenAddress) admit(addr net.Addr) error {
	tcp, ok := addr.(*net.TCPAddr)
	if a.open || !ok || tcp.IP.IsLoopback() {
		return nil
	}
	what := strconv.Quote(a.address)
	if opened := tcp.String(); opened != a.address {
		what += " (" + opened + ")"
	}
	return usageError{fmt.Errorf("%s %s is neither loopback nor a Unix socket, and %s%s", a.flag, what, a.why, a.hint)}
}

// listen opens the socket. Even localhost is what the machine's files say, so the socket decides whether it is admitted.
func (a listenAddress) listen() (net.Listener, error) {
	lis, err := a.bind()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", a.flag, a.address, err)
	}
	return a.admitted(lis)
}

// admitted is the listener if nobody else can reach it; otherwise it is closed before it accepts anything.
func (a listenAddress) admitted(lis net.Listener) (net.Listener, error) {
	if err := a.admit(lis.Addr()); err != nil {
		_ = lis.Close()
		return nil, err
	}
	return lis, nil
}

func (a listenAddress) bind() (net.Listener, error) {
	path, unix, err := socketPath(a.address)
	switch {
	case err != nil:
		return nil, err
	case unix:
		return listenSocket(path, a.mode)
	default:
		return net.Listen("tcp", a.address)
	}
}
