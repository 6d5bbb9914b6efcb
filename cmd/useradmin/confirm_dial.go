package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"cognito.internal/useradmin/internal/loopback"
)

// connectFlags say how to connect to a service.
type connectFlags struct {
	CA        string `name:"ca" placeholder:"FILE" complete:"file" help:"PEM file of the certificates to trust instead of the system's. Turns on TLS for loopback addresses and Unix sockets, too."`
	Cert      string `placeholder:"FILE" complete:"file" help:"PEM file of the certificate that names this caller, where the service asks for one; with its chain, the certificate first. Needs --key. Turns on TLS as --ca does."`
	Key       string `placeholder:"FILE" complete:"file" help:"PEM file of the private key of --cert, not encrypted."`
	Plaintext bool   `help:"Do not encrypt the connection, wherever it leads: for a mesh whose sidecar encrypts it. Loopback addresses and Unix sockets need no such flag."`
}

// secure tells whether one of the flags asks for TLS.
func (f connectFlags) secure() bool {
	return f.CA != "" || f.Cert != "" || f.Key != ""
}

// target is where a service is.
type target struct {
	// address is as it was given.
	address string
	// name is as gRPC spells it.
	name string
	// socket is the path of a Unix socket; empty for other addresses.
	socket string
	// local says that the address claims to be on this machine. A name is checked when it is dialled.
	local bool
}

// targetOf reads an address. Any host is asked of DNS: without that scheme, gRPC could take a host as a scheme.
func targetOf(address string) (target, error) {
	path, unix, err := socketPath(address)
	switch {
	case err != nil:
		return target{}, usageError{err}
	case unix:
		// gRPC's own unix scheme would parse the path as a URL, and % or ? would change it; localhost is the name that TLS
		// expects.
		return target{address: address, name: "passthrough:///localhost", socket: path, local: true}, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return target{}, usageError{fmt.Errorf("%q is not an address: give host:port or unix:/path", address)}
	}
	return target{address: address, name: "dns:///" + address, local: loopback.Host(host)}, nil
}

// connect makes a connection. It is plaintext only on this machine, or if that is asked for.
func connect(t target, flags connectFlags) (*grpc.ClientConn, error) {
	options, err := t.options(flags)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(t.name, options...)
	if err != nil {
		return nil, usageError{fmt.Errorf("%q is not an address: %w", t.address, err)}
	}
	return conn, nil
}

func (t target) options(flags connectFlags) ([]grpc.DialOption, error) {
	options := append(reportUnsent(), grpc.WithDisableServiceConfig(), grpc.WithUserAgent("useradmin"))
	if t.local {
		options = append(options, grpc.WithNoProxy())
	}
	transport, err := flags.credentials(t)
	if err != nil {
		return nil, err
	}
	switch {
	case t.socket != "":
		options = append(options, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", t.socket)
		}))
	case flags.unencrypted(t) && !flags.Plaintext:
		options = append(options, grpc.WithContextDialer(dialLoopback))
	}
	return append(options, grpc.WithTransportCredentials(transport)), nil
}

func (f connectFlags) credentials(t target) (credentials.TransportCredentials, error) {
	switch {
	case f.Plaintext && f.secure():
		return nil, usageError{errors.New("--plaintext excludes --ca, --cert and --key, which are for TLS: drop it or them")}
	case f.unencrypted(t):
		return insecure.NewCredentials(), nil
	default:
		return f.tls()
	}
}

// unencrypted tells whether connections are not encrypted.
func (f connectFlags) unencrypted(t target) bool {
	return f.Plaintext || t.local && !f.secure()
}

// manner is how connections are made, for people who look for what is wrong with one: a server that does not like a
// caller's certificate often cuts the connection without a word.
func (f connectFlags) manner(t target) string {
	switch {
	case f.unencrypted(t):
		return "without TLS"
	case f.Cert == "":
		return "with TLS and without a client certificate: if it asks for one, give --cert and --key"
	default:
		return "with TLS and the client certificate in " + printable(f.Cert)
	}
}

// dialLoopback connects to this machine only. A name such as localhost may lead anywhere, and what is sent there is not
// encrypted.
func dialLoopback(ctx context.Context, address string) (net.Conn, error) {
	dialer := net.Dialer{Control: func(network, address string, conn syscall.RawConn) error {
		if err := loopback.Control(network, address, conn); err != nil {
			return fmt.Errorf("%w, and the connection would not be encrypted: give --ca, or --plaintext to accept that", err)
		}
		return nil
	}}
	return dialer.DialContext(ctx, "tcp", address)
}
