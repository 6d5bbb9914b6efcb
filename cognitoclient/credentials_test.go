package cognitoclient

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
)

// chainCase is a configuration that leads to no credentials. In its texts TOKEN is a file that exists, URL a server that
// answers with status and body, and NOBODY an address where nobody listens.
type chainCase struct {
	name, variables, config string
	status                  int
	body                    string
	want                    string
}

const (
	stsRefuses = `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>` + canary + `</Message></Error></ErrorResponse>`
	assumes    = "[default]\nrole_arn = " + canary + "\n"
	profileB   = assumes + "source_profile = b\n[profile b]\n"
	keysB      = profileB + "aws_access_key_id = AKID\naws_secret_access_key = " + canary + "\n"
	legacySSO  = "[default]\nsso_account_id = 1\nsso_region = us-east-1\nsso_role_name = r\nsso_start_url = "
)

func chainCases() []chainCase {
	return []chainCase{
		{name: "token file missing", variables: "AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere/canary AWS_ROLE_ARN=" + canary, want: "web identity of the environment: token file: no such file"},
		{name: "token file unreadable", variables: "AWS_WEB_IDENTITY_TOKEN_FILE=/ AWS_ROLE_ARN=" + canary, want: "web identity of the environment: token file: not a file"},
		{name: "token file of the profile", config: assumes + "web_identity_token_file = /nowhere/canary", want: "web identity of the profile: token file: no such file"},
		{name: "STS refuses the token", variables: "AWS_WEB_IDENTITY_TOKEN_FILE=TOKEN AWS_ROLE_ARN=" + canary + " AWS_ENDPOINT_URL_STS=URL", status: 403, body: stsRefuses, want: "web identity of the environment: STS refuses: AccessDenied"},
		{name: "STS is not there", variables: "AWS_WEB_IDENTITY_TOKEN_FILE=TOKEN AWS_ROLE_ARN=" + canary + " AWS_ENDPOINT_URL_STS=NOBODY", want: "web identity of the environment: connection refused"},
		{name: "STS is something else", variables: "AWS_WEB_IDENTITY_TOKEN_FILE=TOKEN AWS_ROLE_ARN=" + canary + " AWS_ENDPOINT_URL_STS=URL", status: 502, body: "<html>" + canary, want: "web identity of the environment: HTTP status 502"},
		{name: "role", variables: "AWS_ENDPOINT_URL_STS=URL", config: keysB, status: 403, body: stsRefuses, want: "role of the profile: STS refuses: AccessDenied"},
		{name: "role, its source", config: profileB + "credential_process = exit 3", want: "source of the profile's role, credential_process of the profile: exit code 3"},
		{name: "role, the instance", variables: "AWS_EC2_METADATA_SERVICE_ENDPOINT=URL", config: assumes + "credential_source = Ec2InstanceMetadata", status: 404, want: "source of the profile's role, instance metadata: HTTP status 404"},
		{name: "role, the environment", config: assumes + "credential_source = Environment", want: "source of the profile's role, environment: no keys"},
		{name: "process fails", config: "[default]\ncredential_process = exit 3", want: "credential_process of the profile: exit code 3"},
		{name: "no such process", config: "[default]\ncredential_process = /nowhere/canary 2>&1", want: "credential_process of the profile: exit code 127"},
		{name: "process is killed", config: "[default]\ncredential_process = kill -9 $$", want: "credential_process of the profile: killed, perhaps because it took longer than a minute"},
		{name: "process talks", config: "[default]\ncredential_process = echo " + canary, want: "credential_process of the profile: its output is not as the SDK wants it"},
		{name: "process has no key", config: "[default]\ncredential_process = echo '{\"Version\":1}'", want: "credential_process of the profile: its output is not as the SDK wants it"},
		{name: "SSO, no session", config: "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://canary", want: "SSO session of the profile: expired, or never begun"},
		{name: "SSO as before, no session", config: legacySSO + "https://canary", want: "SSO session of the profile: expired, or never begun"},
		{name: "SSO, expired", config: legacySSO + "expired", want: "SSO session of the profile: expired, or never begun"},
		{name: "SSO refuses", variables: "AWS_ENDPOINT_URL_SSO=URL", config: legacySSO + "valid", status: 401, body: `{"__type":"UnauthorizedException","message":"canary"}`, want: "SSO session of the profile: SSO refuses: UnauthorizedException"},
		{name: "SSO gives nothing", variables: "AWS_ENDPOINT_URL_SSO=URL", config: legacySSO + "valid", status: 200, body: `{}`, want: "SSO session of the profile: no usable answer"},
		{name: "STS gives nothing", variables: "AWS_ENDPOINT_URL_STS=URL", config: keysB, status: 200, body: "<AssumeRoleResponse><AssumeRoleResult><Credentials/></AssumeRoleResult></AssumeRoleResponse>", want: "role of the profile: no usable answer"},
		{name: "container gives nothing", variables: "AWS_CONTAINER_CREDENTIALS_FULL_URI=URL", status: 200, body: `{}`, want: "container endpoint: no usable answer"},
		{name: "login, no session", config: "[default]\nlogin_session = " + canary, want: "login session of the profile: expired, or never begun"},
		{name: "container is not there", variables: "AWS_CONTAINER_CREDENTIALS_FULL_URI=NOBODY", want: "container endpoint: connection refused"},
		{name: "container refuses", variables: "AWS_CONTAINER_CREDENTIALS_FULL_URI=URL", status: 403, body: canary, want: "container endpoint: HTTP status 403"},
		{name: "container refuses with a code", variables: "AWS_CONTAINER_CREDENTIALS_FULL_URI=URL", status: 400, body: `{"code":"AccessDeniedException","message":"canary"}`, want: "container endpoint: it refuses: AccessDeniedException"},
		{name: "container's token", variables: "AWS_CONTAINER_CREDENTIALS_FULL_URI=URL AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/nowhere/canary", want: "container endpoint: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE can't be read"},
		{name: "no instance", variables: "AWS_EC2_METADATA_SERVICE_ENDPOINT=NOBODY", want: "instance metadata: connection refused"},
		{name: "instance without tokens", variables: "AWS_EC2_METADATA_SERVICE_ENDPOINT=URL", status: 403, body: canary, want: "instance metadata: HTTP status 403"},
		{name: "metadata disabled", variables: "AWS_EC2_METADATA_DISABLED=true", want: "instance metadata: disabled"},
		{name: "half a key", variables: "AWS_ACCESS_KEY_ID=" + canary + " AWS_EC2_METADATA_DISABLED=true", want: "environment: AWS_SECRET_ACCESS_KEY is missing"},
		{name: "half a key beside a source", variables: "AWS_ACCESS_KEY_ID=" + canary + " AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere/canary AWS_ROLE_ARN=" + canary, want: "web identity of the environment: token file: no such file (AWS_SECRET_ACCESS_KEY is missing)"},
		{name: "the other half", variables: "AWS_SECRET_ACCESS_KEY=" + canary + " AWS_EC2_METADATA_DISABLED=true", want: "environment: AWS_ACCESS_KEY_ID is missing"},
		{name: "file missing", variables: "AWS_SHARED_CREDENTIALS_FILE=/nowhere/canary AWS_EC2_METADATA_DISABLED=true", want: "instance metadata: disabled (shared credentials file: no such file)"},
		{name: "config missing", variables: "AWS_CONFIG_FILE=/nowhere/canary AWS_EC2_METADATA_DISABLED=true", want: "instance metadata: disabled (shared config file: no such file)"},
		{name: "malformed file", variables: "AWS_EC2_METADATA_DISABLED=true", config: "[default\n" + canary, want: "instance metadata: disabled"},
	}
}

// Why there are no credentials is told in fixed words: which provider, and what is wrong with it. No name, path, ARN or text
// of others is among them.
func TestWhyThereAreNoCredentials(t *testing.T) {
	for _, test := range chainCases() {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if strings.HasPrefix(test.body, "{") {
					w.Header().Set("Content-Type", "application/json")
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			gone := httptest.NewServer(nil)
			gone.Close()
			file := noKeys(t)
			token := filepath.Join(filepath.Dir(file), "token")
			writeFile(t, token, []byte(canary))
			writeFile(t, os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), nil)
			writeFile(t, file, []byte(test.config))
			cacheSSO(t, "expired", "2001-01-01T00:00:00Z")
			cacheSSO(t, "valid", "2999-01-01T00:00:00Z")
			t.Setenv("AWS_MAX_ATTEMPTS", "1")
			setenv(t, strings.NewReplacer("=TOKEN", "="+token, "=URL", "="+server.URL, "=NOBODY", "="+gone.URL).Replace(test.variables))
			checkProblem(t, test.want)
		})
	}
}

func checkProblem(t *testing.T, want string) {
	t.Helper()
	cfg, err := Load(t.Context(), "us-east-1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, "", func(c *Config) { c.AWS = cfg })
	err = c.FetchCredentials(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "no AWS credentials: "+want+"; ") || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v, want %q", err, want)
	}
	_, err = c.ConfirmSignUp(t.Context(), ConfirmSignUp{UserPoolID: "us-east-1_EXAMPLE01", Username: "user-1"})
	var failed *Error
	if !errors.As(err, &failed) || failed.Cause != Credentials || failed.Outcome != NotSent || failed.Problem != want {
		t.Errorf("a call got %v with %q, want %q", err, failed.Problem, want)
	}
}

// cacheSSO writes the token of a session.
func cacheSSO(t *testing.T, startURL, expires string) {
	t.Helper()
	path, err := ssocreds.StandardCachedTokenFilepath(startURL)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, []byte(`{"accessToken":"`+canary+`","expiresAt":"`+expires+`"}`))
}

// Nothing is asked of the instance without a token, whatever the configuration says.
func TestNoInstanceMetadataWithoutToken(t *testing.T) {
	for name, variables := range map[string]string{
		"by default": "", "as the configuration wants": "AWS_EC2_METADATA_V1_DISABLED=false", "for the defaults": "AWS_DEFAULTS_MODE=auto",
	} {
		for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed} { // at which the SDK falls back
			t.Run(name, func(t *testing.T) {
				var mu sync.Mutex
				var asked []string
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					asked = append(asked, r.Method)
					if r.Method == http.MethodPut {
						w.WriteHeader(status)
					}
					_, _ = io.WriteString(w, "role")
				}))
				defer server.Close()
				noKeys(t)
				setenv(t, variables+" AWS_MAX_ATTEMPTS=1 AWS_EC2_METADATA_SERVICE_ENDPOINT="+server.URL)
				cfg, err := Load(t.Context(), "us-east-1", slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // the SDK's fallback remembers the refusal
					if _, err := cfg.Credentials.Retrieve(t.Context()); err == nil {
						t.Error("there were credentials")
					}
				}
				mu.Lock()
				defer mu.Unlock()
				if slices.ContainsFunc(asked, func(method string) bool { return method != http.MethodPut }) || len(asked) == 0 {
					t.Errorf("asked %v", asked)
				}
			})
		}
	}
}

// With a token, the instance's role is used.
func TestInstanceMetadataWithToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
			_, _ = io.WriteString(w, "token")
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "token":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/role"):
			_, _ = io.WriteString(w, `{"Code":"Success","AccessKeyId":"key-1","SecretAccessKey":"s","Token":"t","Expiration":"2999-01-01T00:00:00Z"}`)
		default:
			_, _ = io.WriteString(w, "role")
		}
	}))
	defer server.Close()
	writeFile(t, noKeys(t), []byte("[default]\nec2_metadata_service_endpoint = "+server.URL+"\n"))
	cfg, err := Load(t.Context(), "us-east-1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cfg.Credentials.Retrieve(context.WithoutCancel(t.Context()))
	if err != nil || keys.AccessKeyID != "key-1" {
		t.Errorf("got %s, %v", keys.AccessKeyID, err)
	}
}

// A container's endpoint that hangs is given up, so that a later fetch can begin.
func TestContainerEndpointHasATimeout(t *testing.T) {
	given := make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		given <- struct{}{}
	}))
	defer server.Close()
	noKeys(t)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL)
	cfg, err := Load(t.Context(), "us-east-1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	fetched := make(chan error, 1)
	provider := cfg.Credentials
	go func() {
		_, err := provider.Retrieve(ctx)
		fetched <- err
	}()
	select {
	case <-given:
	case <-time.After(3 * credentialsHTTPTimeout):
		t.Error("the request was not given up")
		server.CloseClientConnections()
	}
	cancel()
	if err := <-fetched; err == nil {
		t.Error("there were credentials")
	}
}

// A caller whose wait ended is told so, while the fetch goes on.
func TestCredentialsThatComeLate(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	c := client(t, "", func(c *Config) {
		c.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			<-release
			return aws.Credentials{}, errors.New("canary")
		})
	})
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if err := c.FetchCredentials(ctx); err == nil || !strings.HasPrefix(err.Error(), "no AWS credentials: provider: timed out; ") {
		t.Errorf("got %v", err)
	}
}
