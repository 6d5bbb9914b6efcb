//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/internal/policy"
	"cognito.internal/useradmin/server"
)

// The callers with certificates. The policy names all but the stranger.
const (
	signupURI   = "spiffe://example.test/ns/signup/sa/api"
	staysURI    = "spiffe://example.test/ns/signup/sa/stays"
	renewsURI   = "spiffe://example.test/ns/signup/sa/renews"
	strangerURI = "spiffe://example.test/ns/reports/sa/batch"
)

// signupPolicy lets them confirm in one pool, with one key of metadata.
func signupPolicy() string {
	var rules strings.Builder
	for _, uri := range []string{signupURI, staysURI, renewsURI} {
		rules.WriteString(`permit (principal == Caller::"` + uri + `", action == Action::"useradmin.v1.UserAdmin/ConfirmSignUp",
  resource == UserPool::"` + usualPool + `") when { ["source"].containsAll(context.metadata_keys) };
`)
	}
	return rules.String()
}

// credentials are TLS, or none without a CA.
func (i identity) credentials(t *testing.T) credentials.TransportCredentials {
	t.Helper()
	if i.CA == "" {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(i.config(t))
}

func (i identity) config(t *testing.T) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(i.CA)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1", NextProtos: []string{"h2"}}
	config.RootCAs.AppendCertsFromPEM(ca)
	if i.Cert != "" {
		pair, err := tls.LoadX509KeyPair(i.Cert, i.Key)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

// grpcurl adds its flags to those of a call in plaintext.
func (i identity) grpcurl(args []string) []string {
	if i.CA == "" {
		return args
	}
	args = slices.DeleteFunc(args, func(arg string) bool { return arg == "-plaintext" })
	args = append(args, "-cacert", i.CA)
	if i.Cert != "" {
		args = append(args, "-cert", i.Cert, "-key", i.Key)
	}
	if i.protoset != "" {
		args = append(args, "-protoset", i.protoset)
	}
	return args
}

// certified is the service that its callers reach directly, with mutual TLS and a policy.
type certified struct {
	dir      string
	files    authn.Files
	tls      *authn.TLS
	server   *server.Server
	address  string
	upstream *upstream
	log      *callLog
	registry *prometheus.Registry
}

func newAuthority(t *testing.T, name string) *devca.Authority {
	t.Helper()
	ca, err := devca.New(devca.Request{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// newCertified serves with a certificate of the CA, to callers whose certificates are of the same CA.
func newCertified(t *testing.T, ca *devca.Authority, config server.Config) *certified {
	t.Helper()
	dir := t.TempDir()
	s := &certified{dir: dir, log: &callLog{}, registry: prometheus.NewRegistry(), files: authn.Files{
		Cert: filepath.Join(dir, "server.crt"), Key: filepath.Join(dir, "server.key"), ClientCA: filepath.Join(dir, "callers-ca.crt"),
	}}
	s.serveWith(t, ca)
	s.trust(t, ca)
	s.upstream = newUpstream(t, func(fakecognito.Request) fakecognito.Fault { return succeed() })
	var err error
	if s.tls, err = authn.Load(s.files, tls.VersionTLS13); err != nil {
		t.Fatal(err)
	}
	rules, err := policy.Parse([]byte(signupPolicy()))
	if err != nil {
		t.Fatal(err)
	}
	config.Authn, config.TLS, config.Policy = authn.MTLS, s.tls, func() *policy.Policy { return rules }
	config.Region, config.Reflection, config.Registerer = region, true, s.registry
	config.Logger = slog.New(slog.NewJSONHandler(s.log, nil))
	if s.server, err = server.New(newCognito(t, s.upstream.url), config); err != nil {
		t.Fatal(err)
	}
	lis := listenLoopback(t)
	s.address = lis.Addr().String()
	ctx, drain := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.server.Serve(ctx, lis) }()
	t.Cleanup(func() {
		drain()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// serveWith replaces the service's certificate.
func (s *certified) serveWith(t *testing.T, ca *devca.Authority) {
	t.Helper()
	pair, err := ca.Server("127.0.0.1")
	if err == nil {
		err = pair.Write(s.files.Cert, s.files.Key)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// trust replaces the CAs of callers.
func (s *certified) trust(t *testing.T, cas ...*devca.Authority) {
	t.Helper()
	writeCAs(t, s.files.ClientCA, cas...)
}

func writeCAs(t *testing.T, path string, cas ...*devca.Authority) {
	t.Helper()
	var certs []*x509.Certificate
	for _, ca := range cas {
		certs = append(certs, ca.Certificate)
	}
	if err := devca.WriteFile(path, devca.CertificatesPEM(certs...)); err != nil {
		t.Fatal(err)
	}
}

// issue is a caller with a new certificate of the first CA, who trusts services of all the CAs. Without a URI it has none.
func issue(t *testing.T, uri string, cas ...*devca.Authority) identity {
	t.Helper()
	dir := t.TempDir()
	i := identity{CA: filepath.Join(dir, "ca.crt"), protoset: protoset(t, dir)}
	writeCAs(t, i.CA, cas...)
	if uri == "" {
		return i
	}
	i.Cert, i.Key = filepath.Join(dir, "caller.crt"), filepath.Join(dir, "caller.key")
	pair, err := cas[0].Client(uri)
	if err == nil {
		err = pair.Write(i.Cert, i.Key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// protoset writes all types of calls and statuses.
func protoset(t *testing.T, dir string) string {
	t.Helper()
	set, seen := &descriptorpb.FileDescriptorSet{}, map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	add(useradminv1.File_useradmin_v1_user_admin_proto)
	add(errdetails.File_google_rpc_error_details_proto)
	text, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "useradmin.binpb")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// failedHandshakes counts them by kind.
func (s *certified) failedHandshakes(t *testing.T) map[string]int {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if n := int(m.GetCounter().GetValue()); n > 0 && family.GetName() == "useradmin_failed_handshakes_total" {
				counts[m.GetLabel()[0].GetValue()] = n
			}
		}
	}
	return counts
}

// attempt is a call and what becomes of it.
type attempt struct {
	name string
	as   identity
	testCase
	// want is the answer in the golden file; empty if there is no answer of the service.
	want string
	// caller is in the log line.
	caller any
	// handshake is the kind of failure that is counted.
	handshake string
}

func attempts(t *testing.T, ca *devca.Authority) []attempt {
	t.Helper()
	signup, stranger := issue(t, signupURI, ca), issue(t, strangerURI, ca)
	// It has the same name, so that no library holds back a certificate that the service's CA did not sign.
	foreign := issue(t, signupURI, newAuthority(t, "interop CA"))
	foreign.CA = signup.CA
	source := map[string]string{"source": "form"}
	forwarded := map[string]string{"x-forwarded-client-cert": "Hash=" + strings.Repeat("0", 64) + ";URI=" + signupURI}
	const denied = "caller-not-allowed"
	return []attempt{
		{"allowed", signup, testCase{metadata: source}, "confirmed", signupURI, ""},
		{"another pool", signup, testCase{pool: twicePool}, denied, signupURI, ""},
		{"a pool that does not exist", signup, testCase{pool: region + "_Foreign"}, denied, signupURI, ""},
		{"a forbidden key", signup, testCase{metadata: map[string]string{"plan": "gold"}}, denied, signupURI, ""},
		{"another caller", stranger, testCase{metadata: source}, denied, strangerURI, ""},
		{"a header that says who calls", signup, testCase{metadata: source, headers: forwarded}, "unauthenticated", nil, ""},
		{"no certificate", issue(t, "", ca), testCase{}, "", nil, "no_certificate"},
		{"a certificate of another CA", foreign, testCase{}, "", nil, "unknown_authority"},
		{"allowed again", signup, testCase{}, "confirmed", signupURI, ""},
	}
}

// Every caller gets in with its certificate and does what it may, and nothing else.
func TestWithCertificates(t *testing.T) {
	t.Parallel()
	golden := loadGolden(t)
	for _, kind := range callerKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			results.note(t, "With certificates", kind.name, "direct")
			ca := newAuthority(t, "interop CA")
			s := newCertified(t, ca, server.Config{})
			calling := kind.open(t)
			for _, a := range attempts(t, ca) {
				s.check(t, kind, calling, a, golden)
			}
		})
	}
}

func (s *certified) check(t *testing.T, kind callerKind, calling caller, a attempt, golden map[string]answer) {
	t.Helper()
	before, logged, failed := s.upstream.seq(), len(s.log.of(requestID)), s.failedHandshakes(t)[a.handshake]
	c := a.testCase
	c.name, c.method = strings.ReplaceAll(a.name, " ", "-"), confirmSignUp
	r := c.request(kind, path{name: "direct", address: s.address})
	r.identity = a.as
	got := kind.strip(normalized(calling.call(t, r)))
	want, executions := kind.strip(golden[a.want]), 0
	if want.Code == "OK" {
		executions = 1
	}
	if n := len(s.upstream.requests(before)); n != executions {
		t.Errorf("%s: %d requests at Cognito, want %d", a.name, n, executions)
	}
	if a.want != "" {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s", a.name, difference(got, want))
		}
		if line := s.line(t, logged); line["caller"] != a.caller || line["authn"] != authn.MTLS {
			t.Errorf("%s: logged as %v, want the caller %v", a.name, line, a.caller)
		}
		return
	}
	// No library can know that nothing was sent, and none may say that it knows.
	if got.Code == "OK" || got.FromService || got.Reason != "" || got.Outcome != "UNKNOWN" {
		t.Errorf("%s: %s", a.name, got.short())
	}
	s.awaitHandshake(t, a.handshake, failed+1)
	if n := len(s.log.of(requestID)); n != logged {
		t.Errorf("%s: logged as a call", a.name)
	}
	t.Logf("%s: %s", a.name, got.short())
}

// awaitHandshake waits for so many failed handshakes of the kind: they may be counted after the caller knows of them.
func (s *certified) awaitHandshake(t *testing.T, kind string, count int) {
	t.Helper()
	for range 100 {
		if s.failedHandshakes(t)[kind] >= count {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	t.Errorf("failed handshakes are %v, want %d or more of %s", s.failedHandshakes(t), count, kind)
}

// line is the log line after so many, which may come after the answer.
func (s *certified) line(t *testing.T, after int) map[string]any {
	t.Helper()
	for range 100 {
		if lines := s.log.of(requestID); len(lines) > after {
			return lines[after]
		}
		time.Sleep(30 * time.Millisecond)
	}
	t.Fatal("the service logged nothing within 3 s")
	return nil
}
