package main

import (
	"errors"
	"net"
	"strings"
	"testing"
)

// opened is a listener on an address that tests can't listen on.
type opened struct {
	net.Listener
	addr   net.Addr
	closed bool
}

func (o *opened) Addr() net.Addr { return o.addr }

func (o *opened) Close() error {
	o.closed = true
	return nil
}

func tcpAddr(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 50051} }

// The socket decides, whatever the name says.
func TestOpenedSocketDecides(t *testing.T) {
	for _, test := range []struct {
		address string
		addr    net.Addr
		refused bool
	}{
		{"localhost:50051", tcpAddr("127.0.0.1"), false},
		{"localhost:50051", tcpAddr("::1"), false},
		{"localhost:50051", tcpAddr("10.0.0.1"), true},
		{"localhost:50051", tcpAddr("0.0.0.0"), true},
		{"127.0.0.1:50051", tcpAddr("::"), true},
		{"host.example:50051", tcpAddr("127.0.0.2"), false},
		{"host.example:50051", tcpAddr("192.0.2.1"), true},
		{"host.example:50051", &net.TCPAddr{Port: 50051}, true},
		{"unix:/run/s", &net.UnixAddr{Net: "unix", Name: "/run/s"}, false},
	} {
		for _, open := range []bool{false, true} {
			lis := &opened{addr: test.addr}
			got, err := listenAddress{flag: "--listen", address: test.address, access: access{open: open, hint: ", or else"}}.admitted(lis)
			if test.refused && !open {
				if got != nil || !lis.closed || !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), `--listen "`+test.address+`" (`+test.addr.String()+`) is neither`) ||
					!strings.HasSuffix(err.Error(), ", or else") {
					t.Errorf("%s, opened at %s: got %v, %v, closed %t", test.address, test.addr, got, err, lis.closed)
				}
				continue
			}
			if got != lis || err != nil || lis.closed {
				t.Errorf("%s, opened at %s, open %t: got %v, %v, closed %t", test.address, test.addr, open, got, err, lis.closed)
			}
		}
	}
}

// What needs no look-up is refused before anything is opened; names are left to listen.
func TestCheckPlace(t *testing.T) {
	for address, admitted := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "localhost:1": true, "host.example:1": true,
		"unix:/run/s": true, "unix:///run/s": true,
		"0.0.0.0:1": false, ":1": false, "[::]:1": false, "10.0.0.1:1": false, "[fe80::1%eth0]:1": false, "[2001:db8::1]:1": false,
	} {
		a := listenAddress{flag: "--listen", address: address}
		if err := a.check(); (err == nil) != admitted || err != nil && !strings.Contains(err.Error(), `"`+address+`" is neither`) {
			t.Errorf("%s: got %v", address, err)
		}
		if a.open = true; a.check() != nil {
			t.Errorf("%s is refused although the network is admitted", address)
		}
	}
}

// Each address says what it would open: callers reach users by one of them, Prometheus reaches metrics by the other.
func TestRefusedAddressSaysWhy(t *testing.T) {
	f := &serviceFlags{
		Listen: "0.0.0.0:1", AdminListen: "0.0.0.0:2",
		access: access{hint: ", or give --a"}, adminAccess: access{hint: ", or give --b"},
	}
	for want, a := range map[string]listenAddress{
		`--listen "0.0.0.0:1" is neither loopback nor a Unix socket, and callers are not authenticated: listen on 127.0.0.1 behind a sidecar, or give --a`:          f.grpcAddress(),
		`--admin-listen "0.0.0.0:2" is neither loopback nor a Unix socket, and whoever reaches it sees the metrics: listen on 127.0.0.1 or unix:/path, or give --b`: f.adminAddress(),
	} {
		if err := a.check(); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// A name that stands for loopback is served.
func TestListenOnAName(t *testing.T) {
	lis, err := listenAddress{flag: "--listen", address: "localhost:0"}.listen()
	if err != nil {
		t.Fatal(err)
	}
	_ = lis.Close()
}

// An open socket is closed again before it accepts anything.
func TestListenRefusesAnOpenSocket(t *testing.T) {
	lis, err := listenAddress{flag: "--listen", address: "0.0.0.0:0"}.listen() // as a name that stands for it
	if lis != nil || !errors.As(err, new(usageError)) {
		t.Errorf("got %v, %v", lis, err)
	}
}
