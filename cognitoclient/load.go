package cognitoclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/smithy-go/logging"
)

// credentialsHTTPTimeout bounds one request for credentials (STS, container, instance), which the SDK leaves unbounded.
const credentialsHTTPTimeout = 3 * time.Second

// Load reads the SDK's default configuration: environment, shared files, and the credential chain, which is not asked
// yet. An empty region means the configured one. An endpoint that the configuration names for Cognito is refused, since
// whoever sets it would get every request, with the usernames in it; those of other services must protect what is sent to
// them. The errors name no value of the configuration. The SDK's own log lines go to the logger, without their texts.
func Load(ctx context.Context, region string, logger *slog.Logger) (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithTimeout(credentialsHTTPTimeout)
	instance := &instanceMetadata{}
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(region),
		config.WithHTTPClient(client),
		config.WithLogger(sdkLogger(logger)),
		config.WithEC2RoleCredentialOptions(func(o *ec2rolecreds.Options) { o.Client = instance }),
		// defaults_mode = auto asks the instance for its Region.
		config.WithDefaultsMode("", func(o *config.DefaultsModeOptions) {
			o.IMDSClient = imds.New(imds.Options{EnableFallback: aws.FalseTernary})
		}),
		config.WithSSOProviderOptions(func(o *ssocreds.Options) { o.Client = ssoClient{o.Client} }),
		config.WithEndpointCredentialOptions(func(o *endpointcreds.Options) { o.HTTPClient = client }),
		config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
			if file, ok := o.TokenRetriever.(stscreds.IdentityTokenFile); ok {
				o.TokenRetriever = tokenFile(file)
			}
		}))
	if err != nil {
		return aws.Config{}, loadError(err)
	}
	instance.client = newIMDS(cfg)
	if cfg.Region == "" {
		return aws.Config{}, errNoRegion
	}
	if endpoint := cognitoidentityprovider.NewFromConfig(cfg).Options().BaseEndpoint; endpoint != nil {
		return aws.Config{}, errors.New("the AWS configuration names an endpoint (AWS_ENDPOINT_URL, " +
			"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER or endpoint_url): remove it, or set --cognito-endpoint " +
			"and AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true")
	}
	if err := checkOtherEndpoints(ctx, cfg); err != nil {
		return aws.Config{}, err
	}
	return cfg, nil
}

// ssoClient refuses an answer without credentials, for which the SDK's provider panics.
type ssoClient struct {
	ssocreds.GetRoleCredentialsAPIClient
}

// GetRoleCredentials asks for the credentials of a role.
func (c ssoClient) GetRoleCredentials(ctx context.Context, in *sso.GetRoleCredentialsInput, options ...func(*sso.Options)) (*sso.GetRoleCredentialsOutput, error) {
	out, err := c.GetRoleCredentialsAPIClient.GetRoleCredentials(ctx, in, options...)
	if err == nil && out.RoleCredentials == nil {
		err = errNoKeys
	}
	return out, err
}

// sdkLogger leaves the texts out: they can hold ARNs, hosts and more.
func sdkLogger(logger *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(class logging.Classification, _ string, _ ...any) {
		level := slog.LevelDebug
		if class == logging.Warn {
			level = slog.LevelWarn
		}
		logger.Log(context.Background(), level, "the AWS SDK reports something; its text is left out")
	})
}

// checkOtherEndpoints refuses endpoints of the other services that are not encrypted: the chain sends them tokens (STS, SSO).
func checkOtherEndpoints(ctx context.Context, cfg aws.Config) error {
	if ignored, found, err := config.GetIgnoreConfiguredEndpoints(ctx, cfg.ConfigSources); found && ignored && err == nil {
		return nil
	}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "AWS_ENDPOINT_URL_") && value != "" && !protectedByAddress(value) {
			return fmt.Errorf("%s must be https, or http on a loopback address such as 127.0.0.1", name)
		}
	}
	for _, source := range cfg.ConfigSources {
		shared, ok := source.(config.SharedConfig)
		for profile := &shared; ok && profile != nil; profile = profile.Source {
			if !slices.ContainsFunc(endpointURLs(profile), func(url string) bool { return !protectedByAddress(url) }) {
				continue
			}
			return errors.New("each endpoint_url in the shared config file must be https, or http on a loopback address such as 127.0.0.1")
		}
	}
	return nil
}

// endpointURLs are those of a profile and of its services section.
func endpointURLs(profile *config.SharedConfig) []string {
	var urls []string
	if profile.BaseEndpoint != "" {
		urls = append(urls, profile.BaseEndpoint)
	}
	for _, settings := range profile.Services.ServiceValues {
		if url, ok := settings["endpoint_url"]; ok {
			urls = append(urls, url)
		}
	}
	return urls
}
