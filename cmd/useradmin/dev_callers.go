package main

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

// The callers of dev: the policy names one of them.
const (
	devCaller   = "spiffe://dev.example/ns/signup/sa/api"
	devStranger = "spiffe://dev.example/ns/reports/sa/batch"
)

const devPolicy = `// Who may call what. Change it while dev runs: within eleven seconds the service uses the new one, if it is good.
@id("signup-confirms")
permit (
  principal == Caller::"` + devCaller + `",
  action == Action::"useradmin.v1.UserAdmin/ConfirmSignUp",
  resource == UserPool::"` + devPool + `"
) when {
  ["source"].containsAll(context.metadata_keys)
};

@id("signup-looks-around")
permit (
  principal == Caller::"` + devCaller + `",
  action in [
    Action::"grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    Action::"grpc.health.v1.Health/List"
  ],
  resource
);
`

// devCallers are the files that dev needs where callers have certificates, in a folder of their own.
type devCallers struct{ dir string }

// newDevCallers makes a CA, a certificate for the server and two for callers, a policy, and the key of the audit log.
func newDevCallers(listen string) (*devCallers, error) {
	dir, err := os.MkdirTemp("", "useradmin-dev-")
	if err != nil {
		return nil, err
	}
	d := &devCallers{dir: dir}
	if err := d.fill(listen); err != nil {
		d.remove()
		return nil, err
	}
	return d, nil
}

func (d *devCallers) remove() { _ = os.RemoveAll(d.dir) } // it is in the folder for temporary files

func (d *devCallers) path(name string) string { return filepath.Join(d.dir, name) }

func (d *devCallers) fill(listen string) error {
	ca, err := devca.New(devca.Request{Name: "useradmin dev"})
	if err != nil {
		return err
	}
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		hosts = append(hosts, host)
	}
	server, err := ca.Server(hosts...)
	if err != nil {
		return err
	}
	pairs := map[string]*devca.Pair{"server": server}
	for name, uri := range map[string]string{"signup": devCaller, "stranger": devStranger} {
		if pairs[name], err = ca.Client(uri); err != nil {
			return err
		}
	}
	for name, pair := range pairs {
		if err := pair.Write(d.path(name+".crt"), d.path(name+".key")); err != nil {
			return err
		}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	for name, text := range map[string][]byte{"policy.cedar": []byte(devPolicy), "audit.key": key} {
		if err := devca.WriteFile(d.path(name), text); err != nil {
			return err
		}
	}
	return ca.Write(d.path("ca.crt"))
}

// flags are those that serve would need.
func (d *devCallers) flags() gateFlags {
	return gateFlags{
		Authn: authn.MTLS, TLSCert: d.path("server.crt"), TLSKey: d.path("server.key"), TLSClientCA: d.path("ca.crt"), TLSMin: "1.3",
		Policy: d.path("policy.cedar"), Audit: d.path("audit.log"), AuditKey: d.path("audit.key"),
	}
}

// callerExamples are commands to paste where callers have certificates.
func (d *devCallers) examples() []example {
	stranger := fmt.Sprintf(" --cert %s --key %s", d.path("stranger.crt"), d.path("stranger.key"))
	return []example{
		{devPool + " new-1 --metadata source=form", "CONFIRMED. The rule signup-confirms allows it."},
		{devPool + " new-2 --metadata plan=gold", "CALLER_NOT_ALLOWED. The rule does not allow the key plan."},
		{"us-east-1_EXAMPLE02 new-2", "CALLER_NOT_ALLOWED. The rule does not name this pool, and nobody learns that it does not exist."},
		{devPool + " new-2" + stranger, "CALLER_NOT_ALLOWED. No rule names the other caller."},
		{devPool + " new-2 --cert= --key=", "Without a certificate there is no connection, and nothing was sent."},
	}
}

// guide is what dev prints when it starts.
func (d *devCallers) guide(target string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `useradmin serves on %s, in front of an embedded Cognito. Callers prove who they are by certificates, a policy says what
they may, and an audit log keeps what they did; all of it is in %s, which goes away at the end.
Stop it with Ctrl-C. Paste what you like into a second terminal; these make you the caller signup:

  export USERADMIN_ADDRESS=%s USERADMIN_CA=%s
  export USERADMIN_CERT=%s USERADMIN_KEY=%s

What it may do and what not:

`, target, d.dir, target, d.path("ca.crt"), d.path("signup.crt"), d.path("signup.key"))
	for _, e := range d.examples() {
		fmt.Fprintf(&b, "  go run ./cmd/useradmin confirm %s\n      %s\n", e.args, e.says)
	}
	fmt.Fprintf(&b, `
Why, before anybody calls, and what was done:

  go run ./cmd/useradmin policy explain %s --caller %s --method ConfirmSignUp --pool %s --key plan
  cat %s
  go run ./cmd/useradmin audit pending %s

grpcurl does the same ("go tool -modfile=tools/go.mod grpcurl" builds and runs it):

  grpcurl -cacert %s -cert %s -key %s -d '%s' %s useradmin.v1.UserAdmin/ConfirmSignUp

`, d.path("policy.cedar"), devCaller, devPool, d.path("audit.log"), d.path("audit.log"),
		d.path("ca.crt"), d.path("signup.crt"), d.path("signup.key"), grpcurlRequest, target)
	return b.String()
}
