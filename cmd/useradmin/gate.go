package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"cognito.internal/useradmin/internal/audit"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/policy"
	"cognito.internal/useradmin/server"
)

// gateFlags are the settings of who may call, and of the evidence.
type gateFlags struct {
	Authn       string `default:"none" enum:"none,mtls,xfcc" help:"How callers prove who they are: none, mtls (client certificates) or xfcc (what a sidecar says of them, on a Unix socket) (${default})."`
	TLSCert     string `name:"tls-cert" placeholder:"FILE" help:"For mtls: this server's certificate and those above it, in PEM."`
	TLSKey      string `name:"tls-key" placeholder:"FILE" help:"For mtls: the certificate's key, in PEM."`
	TLSClientCA string `name:"tls-client-ca" placeholder:"FILE" help:"For mtls: the CAs that sign for callers, in PEM."`
	TLSMin      string `name:"tls-min" default:"1.3" enum:"1.2,1.3" help:"For mtls: the lowest version of TLS, 1.2 or 1.3 (${default})."`
	Policy      string `placeholder:"FILE" help:"Who may call what, in Cedar; for mtls and xfcc."`
	Audit       string `placeholder:"FILE" help:"File of the audit log: a line before each call to Cognito, without which there is no call, and one after it. No audit log if not given."`
	AuditKey    string `placeholder:"FILE" help:"The key of the HMACs that stand for usernames in the audit log, at least 32 bytes."`
}

// checkSystem refuses what the operating system can't do.
func (f *gateFlags) checkSystem() error {
	if runtime.GOOS == "windows" && (f.Authn != authn.None || f.Audit != "") {
		return usageError{errors.New("--authn mtls and xfcc and --audit need files whose modes can be checked, which Windows does not have")}
	}
	return nil
}

// check looks at what the flags say together.
func (f *gateFlags) check(listen string, accept bool) error {
	if err := f.checkSystem(); err != nil {
		return err
	}
	proves := f.Authn != authn.None
	tlsFlags := given([]string{"--tls-cert", f.TLSCert}, []string{"--tls-key", f.TLSKey}, []string{"--tls-client-ca", f.TLSClientCA})
	switch {
	case proves && accept:
		return usageError{fmt.Errorf("--i-accept-unauthenticated-network-access is for --authn none: with %s callers are authenticated", f.Authn)}
	case !proves && f.Policy != "":
		return usageError{errors.New("--policy needs --authn mtls or xfcc: with none, callers have no names to decide by")}
	case f.Authn != authn.MTLS && len(tlsFlags) > 0:
		return usageError{fmt.Errorf("%s needs --authn mtls", tlsFlags[0])}
	case f.Authn != authn.MTLS && tlsVersion(f.TLSMin) != tls.VersionTLS13: // the default cannot be told from a given 1.3
		return usageError{errors.New("--tls-min needs --authn mtls")}
	case f.Authn == authn.MTLS && len(tlsFlags) < 3:
		return usageError{errors.New("--authn mtls needs --tls-cert, --tls-key and --tls-client-ca")}
	case f.Authn == authn.XFCC && !strings.HasPrefix(listen, unixPrefix):
		return usageError{errors.New("--authn xfcc needs --listen unix:/path: over TCP, everybody could name a caller in the header")}
	case proves && f.Policy == "":
		return usageError{fmt.Errorf("--authn %s needs --policy: without one, nobody may call", f.Authn)}
	case (f.Audit == "") != (f.AuditKey == ""):
		return usageError{errors.New("--audit and --audit-key need each other")}
	default:
		return nil
	}
}

// given are the names of the flags that have values.
func given(flags ...[]string) []string {
	var names []string
	for _, flag := range flags {
		if flag[1] != "" {
			names = append(names, flag[0])
		}
	}
	return names
}

func (f *gateFlags) withoutSecret(err error) error {
	return withoutSecret(err, []string{"--tls-cert", f.TLSCert}, []string{"--tls-key", f.TLSKey}, []string{"--tls-client-ca", f.TLSClientCA},
		[]string{"--policy", f.Policy}, []string{"--audit", f.Audit}, []string{"--audit-key", f.AuditKey})
}

// withoutSecret is the error without the path that cannot be opened, where that may be no path: somebody put the key itself into
// one of the settings.
func withoutSecret(err error, flags ...[]string) error {
	var failed *fs.PathError
	if !errors.As(err, &failed) || isPath(failed.Path) {
		return err
	}
	for _, flag := range flags {
		if flag[1] == failed.Path {
			return fmt.Errorf("%s: %w, and the value is not shown, since it may be a secret: give the path of a file", flag[0], failed.Err)
		}
	}
	return err
}

// isPath tells whether the text is too short for a key, or names a folder that exists.
func isPath(text string) bool {
	const shortestKey = 32
	folder, _ := filepath.Split(text)
	if len(text) < shortestKey || folder == "" || strings.ContainsAny(text, "\r\n") {
		return len(text) < shortestKey
	}
	info, err := os.Stat(folder)
	return err == nil && info.IsDir()
}

// gate decides who may call, and keeps the evidence.
type gate struct {
	flags    gateFlags
	tls      *authn.TLS
	policies *policy.Store
	audit    *audit.Log
	logger   *slog.Logger
	// failures counts reloads that failed, by what was to be reloaded.
	failures *prometheus.CounterVec
}

// newGate reads the files. Nothing listens yet.
func newGate(flags gateFlags, logger *slog.Logger, registerer prometheus.Registerer) (*gate, error) {
	g := &gate{flags: flags, logger: logger}
	g.flags.Authn = cmp.Or(flags.Authn, authn.None)
	if err := g.read(); err != nil {
		return nil, usageError{flags.withoutSecret(err)}
	}
	if err := g.register(registerer); err != nil {
		return nil, err
	}
	if flags.Audit == "" {
		return g, nil
	}
	key, err := audit.ReadKey(flags.AuditKey)
	if err != nil {
		return nil, usageError{flags.withoutSecret(fmt.Errorf("--audit-key: %w", err))}
	}
	if other := flags.sharedWithAudit(); other != "" {
		return nil, usageError{fmt.Errorf("--audit and %s name the same file: the audit log needs one of its own", other)}
	}
	g.audit, err = audit.Open(audit.Config{Path: flags.Audit, Key: key, Logger: logger, Registerer: registerer})
	if err != nil {
		return nil, usageError{flags.withoutSecret(fmt.Errorf("--audit: %w", err))}
	}
	return g, nil
}

// sharedWithAudit is what else has the file of the audit log: a flag whose file lines would be appended to, or an output, which may
// overwrite them.
func (f *gateFlags) sharedWithAudit() string {
	at, err := os.Stat(f.Audit)
	if err != nil || !at.Mode().IsRegular() {
		return "" // it is new, or refused as no file
	}
	for _, flag := range [][]string{
		{"--audit-key", f.AuditKey}, {"--policy", f.Policy}, {"--tls-cert", f.TLSCert}, {"--tls-key", f.TLSKey}, {"--tls-client-ca", f.TLSClientCA},
		{"the standard output", "/dev/stdout"}, {"the log", "/dev/stderr"},
	} {
		if other, err := os.Stat(flag[1]); err == nil && os.SameFile(at, other) {
			return flag[0]
		}
	}
	return ""
}

func (g *gate) read() (err error) {
	if g.flags.Authn == authn.MTLS {
		files := authn.Files{Cert: g.flags.TLSCert, Key: g.flags.TLSKey, ClientCA: g.flags.TLSClientCA}
		if g.tls, err = authn.Load(files, tlsVersion(g.flags.TLSMin)); err != nil {
			return err
		}
	}
	if g.flags.Policy != "" {
		if g.policies, err = policy.Open(g.flags.Policy); err != nil {
			return fmt.Errorf("--policy: %w", err)
		}
	}
	return nil
}

func tlsVersion(name string) uint16 {
	if name == "1.2" {
		return tls.VersionTLS12
	}
	return tls.VersionTLS13
}

// sum is the SHA-256 of the policy in use; none has none.
func (g *gate) sum() string {
	if g.policies == nil {
		return ""
	}
	return g.policies.Current().Sum()
}

// configure puts the gate before the server.
func (g *gate) configure(edge *server.Config) {
	edge.Authn, edge.TLS, edge.Audit = g.flags.Authn, g.tls, g.audit
	if g.policies != nil {
		edge.Policy = g.policies.Current
	}
}

// follow follows the files until the context ends.
func (g *gate) follow(ctx context.Context, s *server.Server) {
	if g.tls != nil {
		go g.tls.Watch(ctx, func(clientCA bool) {
			g.logger.Info("new certificates", "client_ca", clientCA)
			if clientCA {
				s.Recheck()
			}
		}, g.reloadFailed("tls"))
	}
	if g.policies != nil {
		before := g.policies.Current()
		go g.policies.Watch(ctx, func(p *policy.Policy) {
			g.logger.Info("new policy", "sha256", p.Sum())
			s.PolicyChanged(before, p)
			before = p
		}, g.reloadFailed("policy"))
	}
}

func (g *gate) reloadFailed(what string) func(error) {
	return func(err error) {
		g.failures.WithLabelValues(what).Inc()
		g.logger.Error("new files are not used, the old ones stay in use", "files", what, "error", err.Error())
	}
}

// warn says at the start that everybody may call.
func (g *gate) warn(address string) {
	if g.flags.Authn == authn.None {
		g.logger.Warn("callers are not authenticated: whoever reaches the address can confirm any user of any pool that the AWS identity may",
			"address", address)
	}
}

// close writes what is queued for the audit log.
func (g *gate) close() {
	if g.audit != nil {
		g.audit.Close()
	}
}
