//go:build interop

package interop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// systemd accepts the unit. The binary is replaced, since nothing is installed on this machine.
func TestSystemdUnit(t *testing.T) {
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is missing; Debian has it in the package systemd")
	}
	shipped, err := os.ReadFile("../deploy/systemd/useradmin@.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "useradmin@50051.service")
	text := strings.ReplaceAll(string(shipped), "/usr/local/bin/useradmin", "/bin/true")
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := finish(t, []string{path, "verify", "--man=no", "--recursive-errors=no", unit}); err != nil || strings.Contains(text, filepath.Base(unit)) {
		t.Errorf("%v\n%s", err, text)
	}
}

// unit is an instance of the shipped unit, as systemd reads it, with other folders.
type unit struct {
	text        string
	environment []string
}

func newUnit(t *testing.T, instance, runtime, configuration, binary string) unit {
	t.Helper()
	shipped, err := os.ReadFile("../deploy/systemd/useradmin@.service")
	if err != nil {
		t.Fatal(err)
	}
	u := unit{text: strings.NewReplacer("%i", instance, "%t", runtime, "/usr/local/bin/useradmin", binary, "/etc/useradmin", configuration).Replace(string(shipped))}
	for _, match := range regexp.MustCompile(`(?m)^Environment=(.*)$`).FindAllStringSubmatch(u.text, -1) {
		u.environment = append(u.environment, match[1])
	}
	return u
}

func (u unit) setting(t *testing.T, name string) string {
	t.Helper()
	match := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(u.text)
	if match == nil {
		t.Fatalf("the unit has no %s", name)
	}
	return match[1]
}

// documented are the settings in the unit's comment that begin with this line, up to its end.
func (u unit) documented(t *testing.T, first string) []string {
	t.Helper()
	_, after, ok := strings.Cut(u.text, "\n#   "+first+"\n")
	if !ok {
		t.Fatalf("the unit's comment has no %s", first)
	}
	all := []string{first}
	for line := range strings.Lines(after) {
		setting, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "#   ")
		if !ok {
			break
		}
		all = append(all, setting)
	}
	return all
}

// command is what ExecStart runs with this environment; of two settings the last one counts.
func (u unit) command(t *testing.T, environment []string) []string {
	t.Helper()
	values := map[string]string{}
	for _, setting := range environment {
		name, value, _ := strings.Cut(setting, "=")
		values[name] = value
	}
	return strings.Fields(os.Expand(u.setting(t, "ExecStart"), func(name string) string { return values[name] }))
}

// Two instances of the unit run side by side, as shipped and in both other ways that its comment shows.
func TestSystemdTwins(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "useradmin")
	if text, err := finish(t, []string{"go", "build", "-o", binary, "../cmd/useradmin"}); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	keys := newPKI(t)
	configuration := t.TempDir()
	if err := os.Rename(keys.dir, filepath.Join(configuration, "tls")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(configuration, "policy.cedar"), []byte(policyOf(callerURI)), 0o600); err != nil {
		t.Fatal(err)
	}
	for authn, first := range map[string]string{"xfcc": "", "mtls": "LISTEN=0.0.0.0:%s", "none": "LISTEN=127.0.0.1:%s"} {
		t.Run(authn, func(t *testing.T) {
			runtime := t.TempDir()
			for range 2 {
				_, port, err := net.SplitHostPort(freeAddress(t))
				if err != nil {
					t.Fatal(err)
				}
				u := newUnit(t, "50051", runtime, configuration, binary)
				environment := u.environment
				if first != "" {
					environment = slices.Concat(environment, u.documented(t, fmt.Sprintf(first, "50051")))
				}
				for i := range environment {
					environment[i] = strings.NewReplacer("50051", port, "0.0.0.0", "127.0.0.1").Replace(environment[i])
				}
				if err := os.Mkdir(filepath.Join(runtime, strings.ReplaceAll(u.setting(t, "RuntimeDirectory"), "50051", port)), 0o750); err != nil {
					t.Fatal(err)
				}
				command := u.command(t, environment)
				p := runIn(t, ".", append(command, "--region="+region), environment...)
				for _, text := range []string{`"msg":"serving"`, `"msg":"serving metrics and probes"`, `"authn":"` + authn + `"`} {
					if !awaitText(p, text) {
						t.Fatalf("%v does not serve:\n%s", command, p)
					}
				}
			}
		})
	}
}
