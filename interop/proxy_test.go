//go:build interop

package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// tool is the path of a program that interop/install has installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	if filepath.IsAbs(name) {
		return name
	}
	path, err := filepath.Abs(filepath.Join("..", ".cache", "interop", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: run interop/install", name)
	}
	return path
}

const meshName = "Envoy mesh"

// proxyKind describes a proxy with its shipped configuration.
type proxyKind struct {
	name   string
	config string // below deploy/
	// command starts it in the foreground, check only reads the configuration.
	command, check func(config, dir string) []string
}

func proxyKinds() []proxyKind {
	return []proxyKind{
		{"Envoy", "envoy/envoy.yaml", envoyCommand, envoyCheck},
		{"HAProxy", "haproxy/haproxy.cfg", haproxyCommand, haproxyCheck},
		{"HAProxy http", "haproxy/http.cfg", haproxyCommand, haproxyCheck},
		{
			"nginx", "nginx/nginx.conf",
			func(config, dir string) []string {
				return []string{"nginx", "-p", dir, "-c", config, "-e", "stderr", "-g", "daemon off;"}
			},
			func(config, dir string) []string {
				return []string{"nginx", "-t", "-p", dir, "-c", config, "-e", "stderr"}
			},
		},
	}
}

// meshKind is the Envoy that decides by caller and pool.
func meshKind() proxyKind { return proxyKind{meshName, "envoy/mesh.yaml", envoyCommand, envoyCheck} }

func envoyCommand(config, _ string) []string {
	return []string{
		"envoy", "--config-path", config, "--disable-hot-restart", "--concurrency", "1", "--log-level", "error",
		"--file-flush-interval-msec", "100", // the access log, otherwise every ten seconds
	}
}

func envoyCheck(config, _ string) []string {
	return []string{"envoy", "--mode", "validate", "--config-path", config, "--disable-hot-restart", "--log-level", "error"}
}

func haproxyCommand(config, _ string) []string { return []string{"haproxy", "-db", "-f", config} }

func haproxyCheck(config, _ string) []string { return []string{"haproxy", "-c", "-f", config} }

func proxyNamed(t *testing.T, name string) proxyKind {
	t.Helper()
	for _, kind := range proxyKinds() {
		if kind.name == name {
			return kind
		}
	}
	t.Fatalf("no proxy is called %s", name)
	return proxyKind{}
}

// change is a text of a shipped configuration that a test replaces.
type change struct{ from, to string }

// render writes the shipped configuration with these changes only. Each text must be there, so that no test runs another
// configuration than it means.
func (k proxyKind) render(t *testing.T, dir string, changes []change) string {
	t.Helper()
	shipped, err := os.ReadFile(filepath.Join("..", "deploy", k.config))
	if err != nil {
		t.Fatal(err)
	}
	text := string(shipped)
	for _, c := range changes {
		if !strings.Contains(text, c.from) {
			t.Fatalf("deploy/%s has no %q to replace", k.config, c.from)
		}
		text = strings.ReplaceAll(text, c.from, c.to)
	}
	path := filepath.Join(dir, filepath.Base(k.config))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// proxy is a running proxy.
type proxy struct {
	kind    proxyKind
	address string // with TLS
	admin   string // Envoy's
	output  *output
}

// backend is where a replica listens: Envoy connects to its Unix socket, the others to loopback.
type backend struct{ address, socket string }

// addresses are the changes that make the configuration run on this machine.
func (k proxyKind) addresses(t *testing.T, p *proxy, certificates, dir string, replicas [2]backend) []change {
	t.Helper()
	changes := []change{{"/etc/useradmin/tls", certificates}}
	_, port, _ := net.SplitHostPort(p.address)
	if strings.HasPrefix(k.name, "Envoy") {
		_, admin, _ := net.SplitHostPort(p.admin)
		if k.name == meshName {
			changes = append(changes, change{"/etc/useradmin/useradmin.binpb", descriptorSet(t)})
		}
		return append(changes,
			change{"address: 0.0.0.0, port_value: 8443", "address: 127.0.0.1, port_value: " + port},
			change{"port_value: 9901", "port_value: " + admin},
			change{"/run/useradmin-50051/grpc.sock", replicas[0].socket}, change{"/run/useradmin-50052/grpc.sock", replicas[1].socket})
	}
	changes = append(changes, change{"127.0.0.1:50051", replicas[0].address}, change{"127.0.0.1:50052", replicas[1].address})
	if strings.HasPrefix(k.name, "HAProxy") {
		return append(changes, change{"bind :8443", "bind " + p.address})
	}
	return append(changes, change{"listen 8443", "listen " + p.address}, change{"/run/nginx.pid", filepath.Join(dir, "pid")},
		change{"worker_processes auto", "worker_processes 1"},
		change{"/var/log/nginx/useradmin.log", filepath.Join(dir, "access.log")},
		change{"http {\n", "http {\n    client_body_temp_path b;\n    proxy_temp_path p;\n    fastcgi_temp_path f;\n    uwsgi_temp_path u;\n    scgi_temp_path s;\n"})
}

// start runs the proxy in front of the replicas until the test ends.
func (k proxyKind) start(t *testing.T, certificates string, replicas [2]backend, changes ...change) *proxy {
	t.Helper()
	dir := t.TempDir()
	p := &proxy{kind: k, address: freeAddress(t), admin: freeAddress(t)}
	config := k.render(t, dir, append(k.addresses(t, p, certificates, dir, replicas), changes...))
	p.output = run(t, k.command(config, dir))
	p.await(t)
	return p
}

// await waits until the proxy accepts connections.
func (p *proxy) await(t *testing.T) {
	t.Helper()
	for range 300 {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", p.address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-p.output.ended:
			t.Fatalf("%s ended:\n%s", p.kind.name, p.output)
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("%s accepts no connections:\n%s", p.kind.name, p.output)
}

// output is what a program writes.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ended chan struct{}
}

// Write keeps the text.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// String is all that was written so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// run starts the program and ends it, by its process id, when the test ends.
func run(t *testing.T, command []string) *output {
	t.Helper()
	return runIn(t, ".", command)
}

func runIn(t *testing.T, dir string, command []string, environment ...string) *output {
	t.Helper()
	cmd := exec.Command(tool(t, command[0]), command[1:]...)
	cmd.Dir = dir
	o := &output{ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = o, o
	cmd.Env = append(os.Environ(), environment...)
	cmd.WaitDelay = time.Second
	// If this process is killed, the programs that it started end too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(o.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-o.ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-o.ended
		}
	})
	return o
}

// finish runs the program to its end.
func finish(t *testing.T, command []string, environment ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), environment...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatal(err)
		}
		err = fmt.Errorf("exit code %d", exit.ExitCode())
	}
	return string(text), err
}
