package cognitoclient

import (
	"crypto/tls"
	"encoding/pem"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// emptyAWS hides the developer's own AWS configuration.
func emptyAWS(t *testing.T) (sharedConfig string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	sharedConfig = filepath.Join(t.TempDir(), "config")
	t.Setenv("AWS_CONFIG_FILE", sharedConfig)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "credentials"))
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return sharedConfig
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct{ name, region, variable, value, file, want string }{
		{name: "no Region", want: "no AWS Region is configured"},
		{name: "endpoint for all", region: "us-east-1", variable: "AWS_ENDPOINT_URL", value: "http://127.0.0.1:1", want: "names an endpoint"},
		{name: "endpoint for Cognito", region: "us-east-1", variable: "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", value: "http://127.0.0.1:1", want: "names an endpoint"},
		{name: "endpoint in the file", region: "us-east-1", file: "[default]\nendpoint_url = http://127.0.0.1:1\n", want: "names an endpoint"},
		{name: "missing CA bundle", region: "us-east-1", variable: "AWS_CA_BUNDLE", value: "/nonexistent/ca.pem", want: "AWS configuration"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := emptyAWS(t)
			if test.variable != "" {
				t.Setenv(test.variable, test.value)
			}
			if test.file != "" {
				writeFile(t, file, []byte(test.file))
			}
			_, err := Load(t.Context(), test.region)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestLoadReadsTheSharedConfig(t *testing.T) {
	writeFile(t, emptyAWS(t), []byte("[default]\nregion = eu-central-1\n"))
	cfg, err := Load(t.Context(), "")
	if err != nil || cfg.Region != "eu-central-1" {
		t.Errorf("got %q, %v", cfg.Region, err)
	}
	if cfg, err = Load(t.Context(), "us-west-2"); err != nil || cfg.Region != "us-west-2" {
		t.Errorf("the argument does not win: %q, %v", cfg.Region, err)
	}
}

func TestNewChecksTheEndpoint(t *testing.T) {
	good := []string{"", "https://cognito.example.com", "https://127.0.0.1:9229/", "http://localhost:9229", "http://[::1]:9229", "http://127.9.9.9"}
	bad := []string{
		"http://cognito.example.com", "http://10.0.0.1", "ftp://127.0.0.1", "127.0.0.1:9229", "https://", "https://u:p@host",
		"https://host/path", "https://host?q", "https://host#f", "http://localhost.example.com", "%",
	}
	cfg := Config{AWS: aws.Config{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}}, Random: func() float64 { return 0 }}
	for _, cfg.Endpoint = range good {
		if _, err := New(cfg); err != nil {
			t.Errorf("%q: %v", cfg.Endpoint, err)
		}
	}
	for _, cfg.Endpoint = range bad {
		if _, err := New(cfg); err == nil {
			t.Errorf("%q was taken", cfg.Endpoint)
		}
	}
}

func TestNewRefusesAHalfConfiguration(t *testing.T) {
	whole := Config{AWS: aws.Config{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}}, Random: func() float64 { return 0 }}
	edits := map[string]func(*Config){
		"Region":      func(c *Config) { c.AWS.Region = "" },
		"credentials": func(c *Config) { c.AWS.Credentials = nil },
		"randomness":  func(c *Config) { c.Random = nil },
		"no endpoint": func(c *Config) { c.AWS.Region = "us east" },
		"negative":    func(c *Config) { c.Attempts = -1 },
	}
	for want, edit := range edits {
		cfg := whole
		edit(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// Only AWS's own hosts owe a request id.
func TestAWSHost(t *testing.T) {
	for host, want := range map[string]bool{
		"cognito-idp.us-east-1.amazonaws.com": true, "COGNITO-IDP.cn-north-1.AMAZONAWS.COM.CN": true,
		"cognito-idp.us-east-1.api.aws": true, "127.0.0.1": false, "amazonaws.com.example.com": false, "notamazonaws.com": false,
	} {
		if awsHost(host) != want {
			t.Errorf("%s: got %t", host, !want)
		}
	}
	ex := exchange{status: 200, host: "cognito-idp.us-east-1.amazonaws.com", body: []byte("{}"), header: map[string][]string{"Content-Type": {amzJSON}}}
	if ex.strictSuccess() {
		t.Error("an answer of AWS's without a request id was taken for a success")
	}
	ex.header.Set(requestIDHeader, "1")
	if !ex.strictSuccess() {
		t.Error("an answer of AWS's with a request id was not taken for a success")
	}
}

// The whole way over TLS, with a CA bundle from the environment; connections are reused and their number is bounded.
func TestTLSWithCABundle(t *testing.T) {
	server := httptest.NewTLSServer(answer(200, amzJSON, "{}"))
	defer server.Close()
	emptyAWS(t)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	load := func() aws.Config {
		cfg, err := Load(t.Context(), "us-east-1")
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	if got := confirm(t, t.Context(), client(t, server.URL, func(c *Config) { c.AWS = load() })); got != "unreachable not_sent   0" {
		t.Errorf("a certificate of an unknown authority: %s", got)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	c := client(t, server.URL, func(c *Config) { c.AWS = load() })
	if err := c.FetchCredentials(t.Context()); err != nil {
		t.Error(err)
	}
	for range 3 {
		if got := confirm(t, t.Context(), c); got != "confirmed, 1 attempts" {
			t.Error(got)
		}
	}
}

// Drift: every exception that the SDK can return for the operation has a cause of its own.
func TestEveryDeclaredExceptionHasACause(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "deserializers.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	table, declared := exceptionCauses(), 0
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok {
			return f.Name.Name == "awsAwsjson11_deserializeOpErrorAdminConfirmSignUp"
		}
		if literal, ok := n.(*ast.BasicLit); ok && strings.HasSuffix(literal.Value, `Exception"`) {
			declared++
			if exception := strings.Trim(literal.Value, `"`); table[key(exception)] == 0 {
				t.Errorf("%s has no cause: add one, and its row in the contract", exception)
			}
		}
		return true
	})
	if declared < 12 {
		t.Errorf("found only %d declared exceptions: the SDK's source has changed its shape", declared)
	}
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Connections are reused, and there are never more than the cap.
func TestConnectionsAreCapped(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(answer(200, amzJSON, "{}"))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	const limit = 4
	c := client(t, server.URL, func(c *Config) { c.MaxConnections = limit })
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			for range 10 {
				if got := confirm(t, t.Context(), c); got != "confirmed, 1 attempts" {
					t.Error(got)
				}
			}
		})
	}
	callers.Wait()
	if n := opened.Load(); n > limit {
		t.Errorf("%d connections for 320 calls, want at most %d", n, limit)
	}
}

// What decisions.md and the README say of connections.
func TestTransport(t *testing.T) {
	tr := newTransport(Config{MaxConnections: 7})
	switch {
	case tr.MaxConnsPerHost != 7 || tr.MaxIdleConnsPerHost != 7 || tr.MaxIdleConns != 7:
		t.Error("idle connections are fewer than the cap")
	case tr.TLSClientConfig.MinVersion < tls.VersionTLS12:
		t.Error("TLS below 1.2")
	case tr.TLSClientConfig.ClientSessionCache == nil:
		t.Error("TLS sessions are not resumed")
	case tr.Protocols == nil || tr.Protocols.HTTP2() || tr.Protocols.UnencryptedHTTP2() || tr.ForceAttemptHTTP2:
		t.Error("HTTP/2 is on")
	case !tr.DisableCompression:
		t.Error("answers are unpacked beyond the bound")
	case tr.MaxResponseHeaderBytes != maxAnswer:
		t.Error("the header of an answer is not bounded")
	case tr.TLSHandshakeTimeout == 0 || tr.IdleConnTimeout == 0:
		t.Error("a time limit is missing")
	}
}
