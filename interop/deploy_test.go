//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/server"
)

// The proxies themselves find nothing wrong with their configurations.
func TestConfigurationsAreValid(t *testing.T) {
	keys := newPKI(t)
	for _, kind := range proxyKinds() {
		t.Run(kind.name, func(t *testing.T) {
			dir := t.TempDir()
			p := &proxy{kind: kind, address: "127.0.0.1:18443", admin: "127.0.0.1:19901"}
			config := kind.render(t, dir, kind.addresses(p, keys.dir, dir, [2]string{"127.0.0.1:50053", "127.0.0.1:50054"}))
			command := kind.check(config, dir)
			command[0] = tool(t, command[0])
			text, err := finish(t, command)
			if err != nil || strings.Contains(text, "WARNING") || strings.Contains(text, "[warn]") {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}

// Whoever has no certificate gets nowhere; what is known of who has one is set by the proxy, never by the caller.
func TestCallersAreAuthenticated(t *testing.T) {
	seen := make(chan metadata.MD, 1)
	address := headerServer(t, seen)
	keys := newPKI(t)
	for _, kind := range proxyKinds() {
		t.Run(kind.name, func(t *testing.T) {
			p := kind.start(t, keys.dir, [2]string{address, address})
			if err := callWith(t, p.address, keys.stranger); err == nil {
				t.Error("a caller without a certificate got an answer")
			}
			if err := callWith(t, p.address, keys.caller); err != nil {
				t.Fatal(err)
			}
			got := (<-seen).Get("x-forwarded-client-cert")
			want := map[string]string{"Envoy": callerURI, "HAProxy http": "CN=caller", "nginx": "CN=caller"}[kind.name]
			if text := strings.Join(got, ","); kind.name != "HAProxy" && (!strings.Contains(text, want) || strings.Contains(text, "forged")) {
				t.Errorf("x-forwarded-client-cert is %q, want %s", text, want)
			}
			line := kind.name != "Envoy" || awaitText(p.output, `"grpc_status":"OK"`)
			if !line {
				t.Errorf("the access log has no gRPC status:\n%s", p.output)
			}
		})
	}
}

func awaitText(o *output, text string) bool {
	for range 120 { // Envoy writes its log every ten seconds
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

// headerServer shows what headers arrive.
func headerServer(t *testing.T, seen chan metadata.MD) string {
	t.Helper()
	lis := listenLoopback(t)
	s := grpc.NewServer()
	useradminv1.RegisterUserAdminServer(s, &headers{seen: seen})
	go func() { _ = s.Serve(lis) }()
	t.Cleanup(s.Stop)
	return lis.Addr().String()
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

// systemd finds nothing wrong with the unit, but that nothing is installed on this machine.
func TestSystemdUnit(t *testing.T) {
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is not there: it is in Debian's package systemd")
	}
	shipped, err := os.ReadFile("../deploy/systemd/useradmin@.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "useradmin@50051.service")
	text := strings.Replace(string(shipped), "/usr/local/bin/useradmin", "/bin/true", 1)
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := finish(t, []string{path, "verify", "--man=no", "--recursive-errors=no", unit}); err != nil || strings.Contains(text, filepath.Base(unit)) {
		t.Errorf("%v\n%s", err, text)
	}
}

// No container engine is needed to see that the image's binary runs where there is nothing else, and not as root.
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
	binary := filepath.Join(t.TempDir(), "useradmin")
	if text, err := finish(t, []string{"sh", "-c", "cd .. && " + strings.Replace(build, "/out/useradmin", binary, 1)}); err != nil {
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
	if text, err := finish(t, []string{binary, "version"}); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// The manifests have no field that Kubernetes and Istio do not know.
func TestManifests(t *testing.T) {
	if text, err := finish(t, []string{"go", "-C", "manifests", "test", "-count=1", "./..."}, "GOWORK=off"); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// A sick replica is put aside, and what callers and user pools cause does not count.
func TestEnvoyStatistics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, scripted(userCases()))
	envoy := w.paths[1]
	calling := newGoCaller(t)
	for i := range 30 {
		for _, c := range userCases() {
			r := c.request(callerKind{name: fmt.Sprint("outlier-", i)}, envoy)
			if got := calling.call(t, r); !got.FromService {
				t.Fatalf("%s: %s", c.name, got.short())
			}
		}
	}
	if text := fetch(t, "http://"+w.proxies["Envoy"].admin+"/stats?filter=outlier_detection.ejections_enforced_total"); !strings.Contains(text, "ejections_enforced_total: 0") {
		t.Errorf("healthy replicas were put aside: %s", text)
	}
	if text := fetch(t, "http://"+w.proxies["Envoy"].admin+"/stats?filter=health_check.success"); strings.Contains(text, "success: 0") {
		t.Errorf("no health check succeeded: %s", text)
	}
}

// What `make dist` writes is enough for a caller without the service's reflection: grpcurl reads the details by it.
func TestDist(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dist")
	if text, err := finish(t, []string{"go", "-C", "..", "run", "./deploy/dist", "-o", dir}); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if text, err := finish(t, []string{"sh", "-c", "cd " + dir + " && sha256sum --check --strict SHA256SUMS"}); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	set := filepath.Join(dir, "useradmin.binpb")
	curl := tool(t, "grpcurl")
	text, err := finish(t, []string{curl, "-protoset", set, "describe", "useradmin.v1.UserAdmin"})
	if err != nil || !strings.Contains(text, "Confirms a user's sign-up without a confirmation code.") {
		t.Errorf("no comments in the descriptor set: %v\n%s", err, text)
	}
	up := newUpstream(t, scripted(userCases()))
	r := startReplica(t, newConfirmers(t, up.url), "127.0.0.1:0", server.Config{})
	t.Cleanup(func() { r.stop(t) })
	text, err = finish(t, []string{
		curl, "-plaintext", "-protoset", set, "-d", `{"user_pool_id":"` + usualPool + `","username":"user-disabled"}`,
		r.address, "useradmin.v1.UserAdmin/ConfirmSignUp",
	})
	if err == nil || !strings.Contains(text, "ERROR_REASON_USER_DISABLED") || !strings.Contains(text, `"USER_STATUS"`) {
		t.Errorf("the details do not decode: %v\n%s", err, text)
	}
}

// The shipped service configs are taken by grpc-go, which refuses what it does not know how to read.
func TestServiceConfigs(t *testing.T) {
	found, err := filepath.Glob("../deploy/service-config/*.json")
	if err != nil || len(found) != 3 {
		t.Fatalf("%v %v", found, err)
	}
	for _, name := range found {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := &goCaller{conns: map[[2]string]*grpc.ClientConn{}}
		_ = c.conn(t, "127.0.0.1:1", string(text)).Close()
	}
}
