package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
)

// Half a gate is refused before anything listens, in one line that says what is missing.
func TestHalfAGateIsRefused(t *testing.T) {
	const socket = "--listen=unix:/nowhere/socket"
	tls := []string{"--tls-cert=c", "--tls-key=k", "--tls-client-ca=a"}
	for want, args := range map[string][]string{
		"--authn mtls needs --tls-cert, --tls-key and --tls-client-ca":         {"--authn=mtls", "--policy=p"},
		"--authn mtls needs --tls-cert, --tls-key and --tls-client-ca (two)":   {"--authn=mtls", "--policy=p", tls[0], tls[1]},
		"--authn mtls needs --policy: without one, nobody may call":            append([]string{"--authn=mtls"}, tls...),
		"--authn xfcc needs --policy: without one, nobody may call":            {"--authn=xfcc", socket},
		"--authn xfcc needs --listen unix:/path":                               {"--authn=xfcc", "--policy=p"},
		"--tls-key needs --authn mtls":                                         {tls[1]},
		"--tls-client-ca needs --authn mtls":                                   {"--authn=xfcc", "--policy=p", socket, tls[2]},
		"--tls-min needs --authn mtls":                                         {socket, "--tls-min=1.2"},
		"--tls-min needs --authn mtls (xfcc)":                                  {"--authn=xfcc", "--policy=p", socket, "--tls-min=1.2"},
		"--policy needs --authn mtls or xfcc":                                  {"--policy=p"},
		"--audit and --audit-key need each other":                              {"--audit=a"},
		"--audit and --audit-key need each other (the other)":                  {"--audit-key=a"},
		"--i-accept-unauthenticated-network-access is for --authn none":        {"--authn=xfcc", "--policy=p", socket, "--i-accept-unauthenticated-network-access"},
		"--i-accept-unauthenticated-network-access is for --authn none (mtls)": append([]string{"--authn=mtls", "--policy=p", "--i-accept-unauthenticated-network-access"}, tls...),
		"open p: no such file or directory":                                    {"--authn=xfcc", socket, "--policy=p"},
		"open c: no such file or directory":                                    append([]string{"--authn=mtls", "--policy=p", "--listen=127.0.0.1:0"}, tls...),
		"--authn xfcc needs a --listen-mode without others":                    {"--authn=xfcc", socket, "--policy=p", "--listen-mode=0666"},
		"--authn must be one of":                                               {"--authn=ntlm"},
	} {
		want, _, _ = strings.Cut(want, " (")
		args = append([]string{"serve", "--region=us-east-1", "--cognito-endpoint=http://127.0.0.1:1", "--log-format=text"}, args...)
		code, _, stderr := inProcess(args...)
		if code != exitUsage || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit code %d, %q, want %q", args, code, stderr, want)
		}
	}
}

// A key that somebody puts into a setting, instead of the path of its file, is not shown.
func TestSecretsAsPathsAreNotShown(t *testing.T) {
	text := "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG/yqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcanary\n-----END PRIVATE KEY-----\n"
	digits := strings.Repeat("0123456789abcdef", 4)
	none := filepath.Join(t.TempDir(), "a-folder-that-exists.cedar")
	for _, secret := range []string{text, digits, "/" + digits + "/" + digits, none} {
		for flag, err := range map[string]error{
			"--policy":    (&gateFlags{Policy: secret}).withoutSecret(&os.PathError{Op: "open", Path: secret, Err: os.ErrNotExist}),
			"--tls-key":   (&gateFlags{TLSKey: secret}).withoutSecret(&os.PathError{Op: "open", Path: secret, Err: os.ErrNotExist}),
			"--audit-key": (&gateFlags{AuditKey: secret}).withoutSecret(&os.PathError{Op: "open", Path: secret, Err: os.ErrNotExist}),
		} {
			switch shown := strings.Contains(err.Error(), secret); {
			case shown != (secret == none):
				t.Errorf("%v", err)
			case !shown && !strings.HasPrefix(err.Error(), flag+": file does not exist"):
				t.Errorf("%v", err)
			}
		}
	}
	flags := gateFlags{Authn: authn.XFCC, Policy: digits}
	if _, err := newGate(flags, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err == nil || strings.Contains(err.Error(), digits) {
		t.Errorf("%v", err)
	}
}

// Files that others may change are refused at the start.
func TestGateRefusesOpenFiles(t *testing.T) {
	callers, err := newDevCallers("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(callers.remove)
	logger := slog.New(slog.DiscardHandler)
	good, err := newGate(callers.flags(), logger, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	good.close()
	for name, mode := range map[string]os.FileMode{"server.key": 0o604, "server.crt": 0o622, "ca.crt": 0o660, "policy.cedar": 0o646, "audit.key": 0o604} {
		path := callers.path(name)
		chmod(t, path, mode)
		_, err := newGate(callers.flags(), logger, prometheus.NewRegistry())
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "run chmod") {
			t.Errorf("%s with mode %04o: %v", name, mode, err)
		}
		chmod(t, path, 0o600)
	}
	short := callers.flags()
	short.AuditKey = filepath.Join(callers.dir, "short.key")
	if err := devca.WriteFile(short.AuditKey, []byte("too short")); err != nil {
		t.Fatal(err)
	}
	if _, err := newGate(short, logger, prometheus.NewRegistry()); err == nil || !strings.Contains(err.Error(), "32 bytes") {
		t.Errorf("a short key: %v", err)
	}
}

// The audit log is not appended to another file of the gate.
func TestAuditHasAFileOfItsOwn(t *testing.T) {
	callers, err := newDevCallers("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(callers.remove)
	for name, flag := range map[string]string{
		"audit.key": "--audit-key", "policy.cedar": "--policy", "server.crt": "--tls-cert", "server.key": "--tls-key", "ca.crt": "--tls-client-ca",
	} {
		flags := callers.flags()
		flags.Audit = filepath.Join(t.TempDir(), "audit")
		if err := os.Link(callers.path(name), flags.Audit); err != nil {
			t.Fatal(err)
		}
		g, err := newGate(flags, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err == nil || !strings.Contains(err.Error(), "--audit and "+flag+" name the same file") {
			t.Errorf("%s: %v", name, err)
		}
		if g != nil {
			g.close()
		}
	}
}

// The metrics say how callers prove who they are, and when what they rest on ends.
func TestGateMetrics(t *testing.T) {
	callers, err := newDevCallers("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(callers.remove)
	registry := prometheus.NewRegistry()
	g, err := newGate(callers.flags(), slog.New(slog.DiscardHandler), registry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.close)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, family := range families {
		text.WriteString(family.String())
	}
	for _, want := range []string{
		"useradmin_authn_info", authn.MTLS, "useradmin_tls_expiry_seconds", "client_ca", "useradmin_policy_info",
		g.policies.Current().Sum(), "useradmin_policy_loaded_seconds", "useradmin_reload_failures_total", "useradmin_audit_lines_total",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
