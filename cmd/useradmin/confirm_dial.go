package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// connect makes a connection. It is plaintext only on this machine, and only if no CA is given.
func connect(address, ca string) (*grpc.ClientConn, error) {
	name, local, err := target(address)
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{grpc.WithDisableServiceConfig(), grpc.WithUserAgent("useradmin")}
	if local {
		options = append(options, grpc.WithNoProxy())
	}
	transport := insecure.NewCredentials()
	if !local || ca != "" {
		if transport, err = tlsCredentials(ca); err != nil {
			return nil, err
		}
	}
	conn, err := grpc.NewClient(name, append(options, grpc.WithTransportCredentials(transport))...)
	if err != nil {
		return nil, usageError{fmt.Errorf("--address %q: %w", address, err)}
	}
	return conn, nil
}

// target is the address as gRPC names it, and whether it is on this machine.
func target(address string) (name string, local bool, err error) {
	if path, ok := strings.CutPrefix(address, unixPrefix); ok && path != "" {
		return address, true, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return "", false, usageError{fmt.Errorf("--address %q is not an address: give host:port or unix:/path", address)}
	}
	// Without the scheme, a host could be taken as one.
	return "dns:///" + address, loopback(host), nil
}

func tlsCredentials(ca string) (credentials.TransportCredentials, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca == "" {
		return credentials.NewTLS(config), nil
	}
	pem, err := os.ReadFile(ca) //nolint:gosec // the file that the person names
	if err != nil {
		return nil, usageError{fmt.Errorf("--ca: %w", err)}
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, usageError{fmt.Errorf("--ca %s: the file has no certificate in PEM", ca)}
	}
	return credentials.NewTLS(config), nil
}
