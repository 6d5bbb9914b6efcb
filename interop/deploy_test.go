//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/server"
)

// The proxies accept their configurations without a warning.
func TestConfigurationsAreValid(t *testing.T) {
	keys := newPKI(t)
	for _, kind := range append(proxyKinds(), meshKind()) {
		t.Run(kind.name, func(t *testing.T) {
			dir := t.TempDir()
			p := &proxy{kind: kind, address: "127.0.0.1:18443", admin: "127.0.0.1:19901"}
			config := kind.render(t, dir, kind.addresses(t, p, keys.dir, dir, [2]backend{{"127.0.0.1:50053", "/run/a.sock"}, {"127.0.0.1:50054", "/run/b.sock"}}))
			command := kind.check(config, dir)
			command[0] = tool(t, command[0])
			text, err := finish(t, command)
			if err != nil || strings.Contains(text, "WARNING") || strings.Contains(text, "[warn]") {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}

// A caller without a certificate is refused; the proxy alone says whose certificate it was.
func TestCallersAreAuthenticated(t *testing.T) {
	seen := make(chan metadata.MD, 1)
	at := headerServer(t, seen)
	keys := newPKI(t)
	impostor := keys.caller.Clone()
	impostor.Certificates = newPKI(t).caller.Certificates
	for _, kind := range proxyKinds() {
		if kind.name == "HAProxy" {
			continue // the service does it; see TestPassedThrough
		}
		t.Run(kind.name, func(t *testing.T) {
			p := kind.start(t, keys.dir, [2]backend{at, at})
			if err := callWith(t, p.address, keys.stranger); err == nil {
				t.Error("a caller without a certificate got an answer")
			}
			if err := callWith(t, p.address, impostor); err == nil {
				t.Error("a caller with a certificate of another authority got an answer")
			}
			if err := callWith(t, p.address, keys.caller); err != nil {
				t.Fatal(err)
			}
			if got := (<-seen).Get(xfcc); (len(got) > 0) != (kind.name == "Envoy") {
				t.Errorf("%s is %q", xfcc, got)
			}
			if kind.name == "Envoy" && !awaitText(p.output, `"grpc_status":"OK"`) {
				t.Errorf("the access log has no gRPC status:\n%s", p.output)
			}
		})
	}
}

// HAProxy lets the service see for itself who calls.
func TestPassedThrough(t *testing.T) {
	keys := newPKI(t)
	config := keys.before(t, server.Config{}, "HAProxy")
	r := newReplica(t, newCognito(t, newUpstream(t, func(fakecognito.Request) fakecognito.Fault { return succeed() }).url), config)
	t.Cleanup(func() { r.stop(t) })
	p := proxyNamed(t, "HAProxy").start(t, keys.dir, [2]backend{r.backend, r.backend}, change{"option dontlognull", "option log-health-checks"})
	if !awaitText(p.output, "Health check for server useradmin/a succeeded") {
		t.Errorf("no health check succeeds:\n%s", p.output)
	}
	impostor := keys.caller.Clone()
	impostor.Certificates = newPKI(t).caller.Certificates
	usual := usualMessage(t)
	for name, config := range map[string]*tls.Config{"stranger": keys.stranger, "impostor": impostor} {
		if end, err := (attack{data: [][]byte{usual}}).try(t, p.address, config, time.Second); err == nil {
			t.Errorf("%s got the answer %v", name, end.Status)
		}
	}
	other := keys.presenting(t, devca.Request{URIs: []string{callerURI + "s"}})
	for _, test := range []struct {
		name    string
		config  *tls.Config
		headers []string
		code    codes.Code
	}{
		{"caller", keys.caller, nil, codes.OK},
		{"forger", keys.caller, []string{xfcc, forged()}, codes.Unauthenticated}, // a wrong route must be seen
		{"other", other, nil, codes.PermissionDenied},
	} {
		if end := (attack{name: test.name, headers: test.headers, data: [][]byte{usual}}).send(t, p.address, test.config); end.Status.Code() != test.code {
			t.Errorf("%s: %v, want %s", test.name, end.Status, test.code)
		}
	}
}

func awaitText(o *output, text string) bool {
	for range 50 {
		if strings.Contains(o.String(), text) {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

func callWith(t *testing.T, address string, config *tls.Config) error {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials.NewTLS(config)), grpc.WithNoProxy())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "x-forwarded-client-cert", "URI=spiffe://forged")
	_, err = useradminv1.NewUserAdminClient(conn).ConfirmSignUp(ctx, &useradminv1.ConfirmSignUpRequest{})
	return err
}

// headerServer sends the headers that arrive to the channel.
func headerServer(t *testing.T, seen chan metadata.MD) backend {
	t.Helper()
	tcp, socket := listenLoopback(t), listenSocket(t, socketPath(t))
	s := grpc.NewServer()
	useradminv1.RegisterUserAdminServer(s, &headers{seen: seen})
	go func() { _ = s.Serve(tcp) }()
	go func() { _ = s.Serve(socket) }()
	t.Cleanup(s.Stop)
	return backend{tcp.Addr().String(), socket.Addr().String()}
}

type headers struct {
	useradminv1.UnimplementedUserAdminServer
	seen chan metadata.MD
}

// ConfirmSignUp passes its headers on.
func (h *headers) ConfirmSignUp(ctx context.Context, _ *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
	got, _ := metadata.FromIncomingContext(ctx)
	h.seen <- got
	return &useradminv1.ConfirmSignUpResponse{}, nil
}

// The image's binary needs nothing else and no root; testing that takes no container engine.
func TestImage(t *testing.T) {
	shipped, err := os.ReadFile("../deploy/docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var build string
	last := map[string]string{}
	for line := range strings.Lines(string(shipped)) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		last[instruction] = rest
		if strings.Contains(rest, "go build") {
			build = rest
		}
	}
	if last["FROM"] != "scratch" || !strings.HasPrefix(last["USER"], "65532") || last["ENTRYPOINT"] != `["/useradmin"]` {
		t.Errorf("the last stage is %v", last)
	}
	clone, binary := t.TempDir(), filepath.Join(t.TempDir(), "useradmin")
	if text, err := finish(t, []string{"git", "clone", "--quiet", "..", clone}); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if text, err := finish(t, []string{"sh", "-c", "cd " + clone + " && " + strings.Replace(build, "/out/useradmin", binary, 1)}); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Error("the binary wants a dynamic linker")
		}
	}
	revision, err := finish(t, []string{"git", "rev-parse", "HEAD"})
	if err != nil {
		t.Fatalf("%v\n%s", err, revision)
	}
	text, err := finish(t, []string{binary, "version"})
	if err != nil || !strings.Contains(text, " "+strings.TrimSpace(revision)+" go1.") || strings.Contains(text, "(devel)") {
		t.Errorf("%v, version %s, want a clean one of revision %s", err, text, revision)
	}
	// A file of the repository that is missing in the context would make the version a modified one.
	if text, err := finish(t, []string{"git", "-C", "..", "ls-files", "--cached", "--ignored", "--exclude-from=.dockerignore"}); err != nil || text != "" {
		t.Errorf("%v; the context lacks\n%s", err, text)
	}
}

// Every field of the manifests is one that Kubernetes or Istio knows.
func TestManifests(t *testing.T) {
	if text, err := finish(t, []string{"go", "-C", "manifests", "test", "-count=1", "./..."}, "GOWORK=off"); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// What callers, user pools and an outage of Cognito cause ejects no replica, however often in a row.
func TestEnvoyStatistics(t *testing.T) {
	t.Parallel()
	sent := append(userCases(), testCase{name: "deadline-too-short", deadlineMS: 140}, testCase{name: "cognito-unavailable", faults: throw("ServiceUnavailableException", "")})
	w := newWorld(t, scripted(sent))
	envoy := w.paths[1]
	calling := newGoCaller(t)
	for _, c := range sent {
		answered := 0
		for i := range 20 {
			got := calling.call(t, c.request(callerKind{name: fmt.Sprint("outlier-", i)}, envoy))
			if got.FromService {
				answered++
			} else if c.deadlineMS == 0 { // on a busy machine a short deadline may expire before the answer arrives
				t.Fatalf("%s: %s", c.name, got.short())
			}
		}
		// Five in a row at one of two replicas would eject it.
		if answered < 12 {
			t.Errorf("%s: only %d answers", c.name, answered)
		}
	}
	stats := fetch(t, "http://"+w.proxies["Envoy"].admin+"/stats?filter=cluster.useradmin")
	for _, pattern := range []string{`outlier_detection\.ejections_enforced_total: 0\n`, `health_check\.success: [1-9]`, `membership_healthy: 2\n`} {
		if !regexp.MustCompile(pattern).MatchString(stats) {
			t.Errorf("no %s in:\n%s", pattern, stats)
		}
	}
}

// The count of the Envoy beside a caller passes the Envoy beside the service.
func TestAnotherEnvoysCount(t *testing.T) {
	t.Parallel()
	c := testCase{name: "counted", faults: statusIs("CONFIRMED")}
	keys := newPKI(t)
	r := newReplica(t, newCognito(t, newUpstream(t, scripted([]testCase{c})).url), keys.before(t, server.Config{}, "Envoy"))
	t.Cleanup(func() { r.stop(t) })
	p := path{name: "Envoy", address: sidecar(t, proxyNamed(t, "Envoy").start(t, keys.dir, [2]backend{r.backend, r.backend}).address, keys.caller).address}
	calling := newGoCaller(t)
	tests := []struct{ count, repeated, outcome string }{
		{"1", "false", "NOT_APPLIED"},
		{"2", "true", "UNKNOWN"},
		{"3", "true", "UNKNOWN"},
		{"rubbish", "true", "UNKNOWN"},
	}
	for _, test := range tests {
		call := c.request(callerKind{name: test.count}, p)
		call.Headers = map[string]string{"x-envoy-attempt-count": test.count}
		if got := calling.call(t, call); got.Reason != "USER_ALREADY_CONFIRMED" || got.Metadata["repeated"] != test.repeated || got.Outcome != test.outcome {
			t.Errorf("%s: %s, want repeated %q and %s", test.count, got.short(), test.repeated, test.outcome)
		}
	}
}

// With what `make dist` writes a caller needs no reflection: grpcurl decodes the details with it.
func TestDist(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dist")
	if text, err := finish(t, []string{"go", "-C", "..", "run", "./deploy/dist", "-o", dir}); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if text, err := finish(t, []string{"sh", "-c", "cd " + dir + " && sha256sum --check --strict SHA256SUMS"}); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	if found, err := filepath.Glob(filepath.Join(dir, "service-config-*.json")); err != nil || len(found) != 4 {
		t.Errorf("service configs: %v %v", found, err)
	}
	set := filepath.Join(dir, "useradmin.binpb")
	curl := tool(t, "grpcurl")
	text, err := finish(t, []string{curl, "-protoset", set, "describe", "useradmin.v1.UserAdmin"})
	if err != nil || !strings.Contains(text, "Confirms a user's sign-up without a confirmation code.") {
		t.Errorf("no comments in the descriptor set: %v\n%s", err, text)
	}
	up := newUpstream(t, scripted(userCases()))
	r := newReplica(t, newCognito(t, up.url), server.Config{})
	t.Cleanup(func() { r.stop(t) })
	text, err = finish(t, []string{
		curl, "-plaintext", "-protoset", set, "-d", `{"user_pool_id":"` + usualPool + `","username":"user-disabled"}`,
		r.address, "useradmin.v1.UserAdmin/ConfirmSignUp",
	})
	if err == nil || !strings.Contains(text, "USER_DISABLED") || !strings.Contains(text, `"USER_ENABLED"`) {
		t.Errorf("the details do not decode: %v\n%s", err, text)
	}
}

// grpc-go accepts the shipped service configs; it refuses invalid ones. The safe ones repeat nothing, the others repeat
// UNAVAILABLE.
func TestServiceConfigs(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("../deploy/service-config/*.json")
	if err != nil || len(found) != 4 {
		t.Fatalf("%v %v", found, err)
	}
	c := testCase{name: "config", allow: true, faults: append(throw("ServiceUnavailableException", ""), statusIs("CONFIRMED")...)}
	keys := newPKI(t)
	cognito := newCognito(t, newUpstream(t, scripted([]testCase{c})).url)
	r, behind := newReplica(t, cognito, server.Config{}), newReplica(t, cognito, keys.before(t, server.Config{}, "HAProxy"))
	t.Cleanup(func() { r.stop(t); behind.stop(t) })
	haproxy := sidecar(t, proxyNamed(t, "HAProxy").start(t, keys.dir, [2]backend{behind.backend, behind.backend}).address, keys.caller).address
	calling := newGoCaller(t)
	for _, name := range found {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "hedgingPolicy") {
			t.Errorf("%s hedges", name)
		}
		address, want := r.address, unavailable
		if strings.Contains(name, "-proxied") {
			address = haproxy
		}
		if strings.Contains(name, "allow-confirmed") {
			want = "OK"
		}
		call := c.request(callerKind{name: strings.TrimSuffix(filepath.Base(name), ".json")}, path{name: "config", address: address})
		call.ServiceConfig, call.DeadlineMS = string(text), 0
		if got := calling.call(t, call); got.Code != want {
			t.Errorf("%s: %s, want %s", name, got.short(), want)
		}
	}
}
