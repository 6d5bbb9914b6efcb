package cognitoclient

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"cognito.internal/useradmin/internal/fakecognito"
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
			_, err := Load(t.Context(), test.region, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestLoadReadsTheSharedConfig(t *testing.T) {
	writeFile(t, emptyAWS(t), []byte("[default]\nregion = eu-central-1\n"))
	cfg, err := Load(t.Context(), "", slog.New(slog.DiscardHandler))
	if err != nil || cfg.Region != "eu-central-1" {
		t.Errorf("got %q, %v", cfg.Region, err)
	}
	if cfg, err = Load(t.Context(), "us-west-2", slog.New(slog.DiscardHandler)); err != nil || cfg.Region != "us-west-2" {
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
			t.Errorf("%q was accepted", cfg.Endpoint)
		}
	}
}

func TestNewRefusesAHalfConfiguration(t *testing.T) {
	whole := Config{AWS: aws.Config{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}}, Random: func() float64 { return 0 }}
	edits := map[string]func(*Config){
		"Region":            func(c *Config) { c.AWS.Region = "" },
		"credentials":       func(c *Config) { c.AWS.Credentials = nil },
		"randomness":        func(c *Config) { c.Random = nil },
		"not an AWS Region": func(c *Config) { c.AWS.Region = "us east" },
		"pseudo Region":     func(c *Config) { c.AWS.Region = "fips-us-east-1" },
		"no endpoint": func(c *Config) { // FIPS with an endpoint of one's own
			c.AWS.ConfigSources = []any{config.EnvConfig{UseFIPSEndpoint: aws.FIPSEndpointStateEnabled}}
			c.Endpoint = "https://cognito.example.com"
		},
		"negative": func(c *Config) { c.Attempts = -1 },
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
func TestRequestIDOfAWS(t *testing.T) {
	for host, want := range map[string]bool{
		"cognito-idp.us-east-1.amazonaws.com": true, "COGNITO-IDP.cn-north-1.AMAZONAWS.COM.CN": true,
		"cognito-idp.us-east-1.api.aws": true, "cognito-idp.eusc-de-east-1.amazonaws.eu": true,
		"127.0.0.1": false, "amazonaws.com.example.com": false, "notamazonaws.com": false,
	} {
		if awsHost(host) != want {
			t.Errorf("%s: got %t", host, !want)
		}
	}
	c := client(t, "", nil)
	resp := response{status: 200, body: []byte("{}"), header: map[string][]string{"Content-Type": {amzJSON}}}
	if c.strictSuccess(resp) {
		t.Error("a response of AWS without a request id was treated as a success")
	}
	resp.header.Set(requestIDHeader, "1")
	if !c.strictSuccess(resp) {
		t.Error("a response of AWS with a request id was not treated as a success")
	}
}

// sdkSource parses a file of the SDK's module.
func sdkSource(t *testing.T, module, name string) *ast.File {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), name), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Drift: the hosts of every partition that the SDK knows are AWS's.
func TestEveryPartitionIsAWS(t *testing.T) {
	file := sdkSource(t, "github.com/aws/aws-sdk-go-v2", "internal/endpoints/awsrulesfn/partitions.go")
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, _ := pair.Key.(*ast.Ident)
		value, isText := pair.Value.(*ast.BasicLit)
		if key != nil && isText && strings.HasSuffix(key.Name, "DnsSuffix") {
			found++
			if suffix := strings.Trim(value.Value, `"`); !awsHost("cognito-idp.region." + suffix) {
				t.Errorf("%s is not one of AWS's hosts", suffix)
			}
		}
		return true
	})
	if found < 10 {
		t.Errorf("found only %d suffixes: the SDK's source has changed its shape", found)
	}
}

// Drift: URL and signature scope are those of the SDK's own client.
func TestEndpointIsTheSDKs(t *testing.T) {
	tests := []struct {
		name, region, endpoint string
		variables              map[string]string
	}{
		{name: "plain", region: "us-east-1"},
		{name: "China", region: "cn-north-1"},
		{name: "European sovereign cloud", region: "eusc-de-east-1"},
		{name: "FIPS", region: "us-west-2", variables: map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}},
		{name: "dual stack", region: "eu-central-1", variables: map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}},
		{name: "GovCloud, FIPS and dual stack", region: "us-gov-west-1", variables: map[string]string{"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"}},
		{name: "China, dual stack", region: "cn-northwest-1", variables: map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}},
		{name: "own endpoint", region: "us-east-1", endpoint: "https://cognito.example.com:8443"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			emptyAWS(t)
			for name, value := range test.variables {
				t.Setenv(name, value)
			}
			cfg, err := Load(t.Context(), test.region, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			c, err := New(Config{AWS: cfg, Endpoint: test.endpoint, Random: func() float64 { return 0 }})
			if err != nil {
				t.Fatal(err)
			}
			req := signed(t, c, request{})
			theirs := sdkRequest(t, cfg, test.endpoint)
			if got, want := req.URL.String(), theirs.URL.String(); got != want {
				t.Errorf("URL %s, the SDK's %s", got, want)
			}
			if got, want := scope(req), scope(theirs); got != want {
				t.Errorf("scope %s, the SDK's %s", got, want)
			}
		})
	}
}

// signed is a request as the client sends it.
func signed(t *testing.T, c *Client, r request) *http.Request {
	t.Helper()
	keys, err := c.keys.get(t.Context(), keysTimeout)
	if err != nil {
		t.Fatal(err)
	}
	req, err := c.newRequest(t.Context(), confirmSignUp(), r, keys)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// sdkRequest is what the SDK would send.
func sdkRequest(t *testing.T, cfg aws.Config, endpoint string) *http.Request {
	t.Helper()
	var drawn *http.Request
	client := cognitoidentityprovider.NewFromConfig(cfg, func(o *cognitoidentityprovider.Options) {
		o.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
			drawn = r
			return nil, errors.New("not sent")
		})
		o.Retryer = aws.NopRetryer{}
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
	_, err := client.AdminConfirmSignUp(t.Context(), &cognitoidentityprovider.AdminConfirmSignUpInput{UserPoolId: aws.String("p_1"), Username: aws.String("u")})
	if drawn == nil {
		t.Fatal(err)
	}
	return drawn
}

// scope is the signature's, without the date.
func scope(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	credential, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(credential, "/")
	return strings.Join(slices.Delete(parts, 1, 2), "/")
}

// What this client would not honour is refused at start.
func TestNewRefusesWhatItDoesNotRun(t *testing.T) {
	edits := map[string]func(*aws.Config){
		"API options":     func(c *aws.Config) { c.APIOptions = append(c.APIOptions, func(*middleware.Stack) error { return nil }) },
		"service options": func(c *aws.Config) { c.ServiceOptions = append(c.ServiceOptions, func(string, any) {}) },
		"HTTP client":     func(c *aws.Config) { c.HTTPClient = http.DefaultClient },
		"interceptors": func(c *aws.Config) {
			c.Interceptors.BeforeSigning = append(c.Interceptors.BeforeSigning, nil)
		},
	}
	for want, edit := range edits {
		cfg := Config{AWS: aws.Config{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}}, Random: func() float64 { return 0 }}
		edit(&cfg.AWS)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	var resolved smithyendpoints.Endpoint
	auth.SetAuthOptions(&resolved.Properties, []*auth.Option{{SchemeID: "aws.auth#sigv4a"}})
	if _, err := newEndpoint(resolved, "us-east-1"); err == nil || !strings.Contains(err.Error(), "signature") {
		t.Errorf("another kind of signature: got %v", err)
	}
}

// CloudTrail keeps the User-Agent: it must name the program, its version and our id of the call.
func TestUserAgent(t *testing.T) {
	for version, want := range map[string]string{"1.2.3": "useradmin/1.2.3 app/shop request/id-1", "": "useradmin app/shop request/id-1", "a b": "useradmin app/shop request/id-1"} {
		c := client(t, "", func(c *Config) { c.Version, c.AWS.AppID = version, "shop" })
		if got := signed(t, c, request{id: "id-1"}).Header.Get("User-Agent"); got != want {
			t.Errorf("version %q: %q, want %q", version, got, want)
		}
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
		cfg, err := Load(t.Context(), "us-east-1", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	if got := confirm(t, t.Context(), client(t, server.URL, func(c *Config) { c.AWS = load() })); got != "COGNITO_UNREACHABLE NOT_SENT   0" {
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

// Drift: every exception that the SDK declares for an operation of this package is known.
func TestEveryDeclaredExceptionIsKnown(t *testing.T) {
	for _, operation := range ownOperations(t) {
		declared := 0
		for _, name := range sdkExceptions(t) {
			if !declares(t, operation, name) {
				continue
			}
			declared++
			if exceptions()[strings.ToLower(name)].name != name {
				t.Errorf("%s of %s is not known: add it to exceptions", name, operation)
			}
		}
		if declared < 6 {
			t.Errorf("%s: the SDK declares only %d exceptions: it has changed how it does so", operation, declared)
		}
	}
}

// sdkExceptions are the types of all exceptions in the SDK's package types.
func sdkExceptions(t *testing.T) []string {
	t.Helper()
	var names []string
	ast.Inspect(sdkSource(t, "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider", "types/errors.go"), func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && strings.HasSuffix(spec.Name.Name, "Exception") {
			names = append(names, spec.Name.Name)
		}
		return true
	})
	return names
}

// declares reports whether the SDK's client gives the exception a type of its own when it answers the operation.
func declares(t *testing.T, operation, exception string) bool {
	t.Helper()
	client := cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{},
		HTTPClient: smithyhttp.ClientDoFunc(func(*http.Request) (*http.Response, error) {
			body := io.NopCloser(strings.NewReader(`{"__type":"` + exception + `"}`))
			return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {amzJSON}}, Body: body}, nil
		}),
	})
	method := reflect.ValueOf(client).MethodByName(operation)
	input := reflect.New(method.Type().In(1).Elem())
	for name, field := range input.Elem().Fields() {
		if text := aws.String("x_1"); name.IsExported() && field.Type() == reflect.TypeOf(text) {
			field.Set(reflect.ValueOf(text))
		}
	}
	result := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), input})
	err, _ := result[1].Interface().(error)
	var known smithy.APIError
	var generic *smithy.GenericAPIError
	if !errors.As(err, &known) {
		t.Fatalf("%s: %v", operation, err)
	}
	return !errors.As(err, &generic)
}

// ownOperations are those of the embedded Cognito that this package calls.
func ownOperations(t *testing.T) []string {
	t.Helper()
	var source strings.Builder
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") {
			source.Write(text)
		}
	}
	var own []string
	for _, name := range fakecognito.Operations() {
		if strings.Contains(source.String(), `"`+name+`"`) {
			own = append(own, name)
		}
	}
	if len(own) == 0 {
		t.Fatal("no operation was found")
	}
	return own
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
		t.Error("responses are unpacked beyond the bound")
	case tr.MaxResponseHeaderBytes != maxResponse:
		t.Error("the header of a response is not bounded")
	case tr.TLSHandshakeTimeout == 0 || tr.IdleConnTimeout == 0:
		t.Error("a time limit is missing")
	}
}
