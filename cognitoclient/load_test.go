package cognitoclient

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/signin"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

const canary = "canary-arn:aws:iam::123456789012:role/secret"

// A configuration that can't be used is named in words of ours: no profile, ARN, path or value is in them.
func TestLoadErrorsNameNoValue(t *testing.T) {
	tests := []struct{ name, variables, config, credentials, want string }{
		{name: "no such profile", variables: "AWS_PROFILE=" + canary, want: "the profile (AWS_PROFILE) is in neither of the shared files"},
		{name: "config is a directory", variables: "AWS_CONFIG_FILE=/", want: "the shared config file can't be read"},
		{name: "credentials are a directory", variables: "AWS_SHARED_CREDENTIALS_FILE=/", want: "the shared credentials file can't be read"},
		{name: "half a key", credentials: "[default]\naws_access_key_id = " + canary, want: "only one of aws_access_key_id and aws_secret_access_key"},
		{name: "no source profile", config: "[default]\nrole_arn = " + canary + "\nsource_profile = " + canary, want: "the source_profile of the profile does not exist"},
		{name: "empty source profile", config: "[default]\nrole_arn = " + canary + "\nsource_profile = b\n[profile b]\nregion = " + canary, want: "the source_profile of the profile does not exist or has no credentials"},
		{name: "no role", config: "[default]\nsource_profile = " + canary, want: "(source_profile) and no role_arn"},
		{name: "second factor", config: "[default]\nrole_arn = " + canary + "\nmfa_serial = " + canary + "\nsource_profile = b\n[profile b]\naws_access_key_id = a\naws_secret_access_key = b", want: "mfa_serial"},
		{name: "two sources", config: "[default]\nrole_arn = " + canary + "\nsource_profile = b\ncredential_process = " + canary, want: "several sources of credentials"},
		{name: "odd source", config: "[default]\nrole_arn = " + canary + "\ncredential_source = " + canary, want: "credential_source must be EcsContainer"},
		{name: "no container", config: "[default]\nrole_arn = " + canary + "\ncredential_source = EcsContainer", want: "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"},
		{name: "no SSO session", config: "[default]\nsso_session = " + canary, want: "no section in the shared config file"},
		{name: "half an SSO session", config: "[default]\nsso_start_url = " + canary, want: "SSO settings are incomplete"},
		{name: "two SSO Regions", config: "[default]\nsso_session = s\nsso_region = " + canary + "\n[sso-session s]\nsso_region = us-east-1\nsso_start_url = x", want: "contradict those of its sso_session"},
		{name: "odd key", config: "[default]\nretry_mode = " + canary, want: "(retry_mode in the shared config file)"},
		{name: "odd attempts", config: "[default]\nmax_attempts = " + canary, want: "(max_attempts in the shared config file)"},
		{name: "odd variable", variables: "AWS_RETRY_MODE=" + canary, want: "does not understand (AWS_RETRY_MODE)"},
		{name: "odd number", variables: "AWS_MAX_ATTEMPTS=" + canary, want: "does not understand (AWS_MAX_ATTEMPTS)"},
		{name: "odd metadata", variables: "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=" + canary, want: "(AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE)"},
		{name: "token without role", variables: "AWS_WEB_IDENTITY_TOKEN_FILE=/" + canary, want: "set AWS_ROLE_ARN"},
		{name: "container in clear", variables: "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1/" + canary, want: "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https"},
		{name: "container's URL", variables: "AWS_CONTAINER_CREDENTIALS_FULL_URI=%" + canary, want: "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL"},
		{name: "no CA bundle", variables: "AWS_CA_BUNDLE=/" + canary, want: "the CA bundle (AWS_CA_BUNDLE or ca_bundle) can't be read: no such file"},
		{name: "bad CA bundle", config: "[default]\nca_bundle = /dev/null", want: "has no certificate in PEM"},
		{name: "odd Region", config: "[default]\nregion = " + canary, want: "is not an AWS Region"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := noKeys(t)
			writeFile(t, file, []byte(test.config))
			writeFile(t, os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), []byte(test.credentials))
			region := "us-east-1"
			if test.name == "odd Region" {
				region = ""
			}
			setenv(t, test.variables)
			cfg, err := Load(t.Context(), region, slog.New(slog.DiscardHandler))
			if err == nil {
				_, err = New(Config{AWS: cfg, Random: func() float64 { return 0 }})
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// noKeys is an AWS configuration without any credentials.
func noKeys(t *testing.T) (sharedConfig string) {
	t.Helper()
	sharedConfig = emptyAWS(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("HOME", filepath.Dir(sharedConfig))
	return sharedConfig
}

// setenv sets variables that are separated by spaces.
func setenv(t *testing.T, variables string) {
	t.Helper()
	for variable := range strings.FieldsSeq(variables) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}

// What the chain sends to other services is tokens: their endpoints are encrypted or on this machine.
func TestOtherEndpoints(t *testing.T) {
	profile := func(url string) string {
		return "[default]\nservices = s\n[services s]\nsts =\n  endpoint_url = " + url + "\n"
	}
	source := func(url string) string {
		return "[default]\nrole_arn = r\nsource_profile = b\n[profile b]\ncredential_process = p\nservices = s\n[services s]\nsso =\n  endpoint_url = " + url + "\n"
	}
	base := func(url string) string {
		return "[default]\nrole_arn = r\nsource_profile = b\n[profile b]\naws_access_key_id = a\naws_secret_access_key = b\nendpoint_url = " + url + "\n"
	}
	for url, good := range map[string]bool{
		"https://sts.example.com": true, "http://127.0.0.1:4566": true, "http://127.9.9.9": true, "http://[::1]:1": true, "http://localhost:1": false, "https://localhost:1": true,
		"http://sts.example.com": false, "http://10.0.0.1": false, "http://localhost.example.com": false, "http://127.0.0.1.example.com": false,
		"ftp://127.0.0.1": false, "sts.example.com": false, "https://": false, "HTTP://192.0.2.1": false, "http://user@192.0.2.1": false,
	} {
		for name, place := range map[string]struct{ variables, config string }{
			"STS":            {variables: "AWS_ENDPOINT_URL_STS=" + url},
			"SSO":            {variables: "AWS_ENDPOINT_URL_SSO=" + url},
			"SSO OIDC":       {variables: "AWS_ENDPOINT_URL_SSO_OIDC=" + url},
			"sign-in":        {variables: "AWS_ENDPOINT_URL_SIGNIN=" + url},
			"any other":      {variables: "AWS_ENDPOINT_URL_S3=" + url},
			"services":       {config: profile(url)},
			"source profile": {config: source(url)},
			"its default":    {config: base(url)},
			"ignored":        {variables: "AWS_ENDPOINT_URL_STS=" + url + " AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", config: source(url)},
		} {
			t.Run(name+" "+url, func(t *testing.T) {
				writeFile(t, noKeys(t), []byte(place.config))
				setenv(t, place.variables)
				_, err := Load(t.Context(), "us-east-1", slog.New(slog.DiscardHandler))
				want := good || name == "ignored"
				if (err == nil) != want || !want && (!strings.Contains(err.Error(), "must be https, or http on a loopback address such as 127.0.0.1") || strings.Contains(err.Error(), "example")) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// Drift: wherever the SDK takes an endpoint from for a service that the chain asks, Load looks.
func TestOtherEndpointsAreTheSDKs(t *testing.T) {
	const url = "http://192.0.2.1"
	services := map[string]func(aws.Config) *string{
		"sts":      func(c aws.Config) *string { return sts.NewFromConfig(c).Options().BaseEndpoint },
		"sso":      func(c aws.Config) *string { return sso.NewFromConfig(c).Options().BaseEndpoint },
		"sso_oidc": func(c aws.Config) *string { return ssooidc.NewFromConfig(c).Options().BaseEndpoint },
		"signin":   func(c aws.Config) *string { return signin.NewFromConfig(c).Options().BaseEndpoint },
	}
	for service, endpoint := range services {
		for _, place := range []struct{ variables, config string }{
			{variables: "AWS_ENDPOINT_URL_" + strings.ToUpper(service) + "=" + url},
			{config: "[default]\nservices = s\n[services s]\n" + service + " =\n  endpoint_url = " + url + "\n"},
		} {
			t.Run(service+" "+place.variables, func(t *testing.T) {
				writeFile(t, noKeys(t), []byte(place.config))
				setenv(t, place.variables)
				cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"))
				if err != nil {
					t.Fatal(err)
				}
				if got := endpoint(cfg); got == nil || *got != url {
					t.Fatal("the SDK does not take it: the test is of no use")
				}
				if err := checkOtherEndpoints(t.Context(), cfg); err == nil {
					t.Error("the SDK takes it, and Load does not look there")
				}
			})
		}
	}
}

// The SDK's log lines come as ours, without their texts.
func TestSDKLogger(t *testing.T) {
	emptyAWS(t)
	var out strings.Builder
	cfg, err := Load(t.Context(), "us-east-1", slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Logger.Logf(logging.Warn, canary+" %s", canary)
	cfg.Logger.Logf(logging.Debug, canary)
	if got := out.String(); strings.Contains(got, "canary") || strings.Count(got, "the AWS SDK reports something") != 2 ||
		!strings.Contains(got, "level=WARN") || !strings.Contains(got, "level=DEBUG") {
		t.Errorf("logged %s", got)
	}
}
