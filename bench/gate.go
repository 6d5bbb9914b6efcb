package bench

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

// Who calls: the policy lets the first two call, and does not name the third.
const (
	Caller   = "caller"
	Other    = "other"
	Stranger = "stranger"
)

// ID is the SPIFFE ID.
func ID(who string) string { return "spiffe://bench.example/ns/bench/sa/" + who }

// Rules let the caller and the other make the calls that are measured, and some that need no upstream.
func Rules() string {
	var rules strings.Builder
	for _, who := range []string{Caller, Other} {
		fmt.Fprintf(&rules, `
@id("%[1]s-confirms")
permit (principal == Caller::"%[2]s", action == Action::"useradmin.v1.UserAdmin/ConfirmSignUp", resource)
when { resource in [UserPool::"us-east-1_EXAMPLE01", UserPool::"us-east-1_SLOW"] && ["campaign", "source"].containsAll(context.metadata_keys) };
@id("%[1]s-watches")
permit (principal == Caller::"%[2]s", action == Action::"grpc.health.v1.Health/Watch", resource);
`, who, ID(who))
	}
	return rules.String()
}

// Gate is how a service finds out who calls, and whether it keeps evidence. Its files are in a directory, so that processes
// share it. The zero value lets in everybody.
type Gate struct {
	Dir, Authn string
	Audit      bool
	// Who calls; the caller if empty.
	Who string
}

// As is the same gate for somebody else.
func (g Gate) As(who string) Gate {
	g.Who = who
	return g
}

func (g Gate) who() string { return cmp.Or(g.Who, Caller) }

// NewGate writes the files. The path of the directory must be short, since a socket is in it.
func NewGate(dir, proof string, audit bool) (Gate, error) {
	g := Gate{Dir: dir, Authn: proof, Audit: audit}
	if err := devca.WriteFile(g.Path("policy.cedar"), []byte(Rules())); err != nil {
		return g, err
	}
	if err := devca.WriteFile(g.Path("audit.key"), []byte(rand.Text()+rand.Text())); err != nil {
		return g, err
	}
	if proof != authn.MTLS {
		return g, nil
	}
	ca, err := devca.New(devca.Request{Name: "bench"})
	if err != nil {
		return g, err
	}
	return g, g.Certify(ca)
}

// Certify replaces all certificates by some of the authority's.
func (g Gate) Certify(ca *devca.Authority) error {
	if err := ca.Write(g.Path("ca.crt")); err != nil {
		return err
	}
	for _, who := range []string{Caller, Other, Stranger} {
		client, err := ca.Client(ID(who))
		if err != nil {
			return err
		}
		if err := client.Write(g.Path(who+".crt"), g.Path(who+".key")); err != nil {
			return err
		}
	}
	server, err := ca.Server("127.0.0.1")
	if err != nil {
		return err
	}
	return server.Write(g.Path("server.crt"), g.Path("server.key"))
}

// Path is that of one of the files.
func (g Gate) Path(name string) string { return filepath.Join(g.Dir, name) }

// Flags are those of the service.
func (g Gate) Flags() []string {
	var flags []string
	switch g.Authn {
	case authn.MTLS:
		flags = append(flags, "--tls-cert="+g.Path("server.crt"), "--tls-key="+g.Path("server.key"), "--tls-client-ca="+g.Path("ca.crt"))
		fallthrough
	case authn.XFCC:
		flags = append(flags, "--authn="+g.Authn, "--policy="+g.Path("policy.cedar"))
	}
	if g.Audit {
		flags = append(flags, "--audit="+g.Path("audit"), "--audit-key="+g.Path("audit.key"))
	}
	return flags
}

// address is where the service listens.
func (g Gate) address() (string, error) {
	if g.Authn == authn.XFCC {
		return "unix:" + g.Path("s"), nil
	}
	return freeAddress()
}

// TLS is what the caller needs to connect; nil where there is no TLS.
func (g Gate) TLS() (*tls.Config, error) {
	if g.Authn != authn.MTLS {
		return nil, nil //nolint:nilnil // no TLS and no error
	}
	pair, err := tls.LoadX509KeyPair(g.Path(g.who()+".crt"), g.Path(g.who()+".key"))
	if err != nil {
		return nil, err
	}
	roots, err := rootsOf(g.Path("ca.crt"))
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS13, ServerName: "127.0.0.1"}, err
}

// Dial is a connection of the caller's.
func (g Gate) Dial(address string, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	proof := insecure.NewCredentials()
	config, err := g.TLS()
	switch {
	case err != nil:
		return nil, err
	case config != nil:
		proof = credentials.NewTLS(config)
	}
	options = append(options, grpc.WithTransportCredentials(proof))
	if g.Authn == authn.XFCC {
		options = append(options, grpc.WithUnaryInterceptor(g.forward), grpc.WithStreamInterceptor(g.forwardStream))
	}
	return grpc.NewClient(address, options...)
}

// Forwarded is what a sidecar says of the caller: a header, its name first.
func (g Gate) Forwarded() []string {
	return []string{"x-forwarded-client-cert", "Hash=" + strings.Repeat("0", 64) + `;Subject="";URI=` + ID(g.who())}
}

func (g Gate) forwarded(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, g.Forwarded()...)
}

func (g Gate) forward(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	return call(g.forwarded(ctx), method, req, reply, conn, options...)
}

func (g Gate) forwardStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(g.forwarded(ctx), desc, conn, method, options...)
}

func rootsOf(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path) //nolint:gosec // a path of our own
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New(path + " has no certificate")
	}
	return roots, nil
}
