package cognitoclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"cognito.internal/useradmin/internal/loopback"
)

// Errors of the configuration name no value of it, since those may come from a file.
var (
	errNoRegion   = errors.New("no AWS Region is configured: set --region, AWS_REGION or region in the shared config file")
	errNotARegion = errors.New("the configured Region (--region, AWS_REGION or region in the shared config file) is not an AWS Region: Regions are named like us-east-1")
)

// endpoint is where requests go and what their signatures name.
type endpoint struct {
	url           *url.URL
	signingRegion string
	// aws says that the host is one of AWS's own, which send a request id with every response.
	aws bool
}

const signingName = "cognito-idp"

// resolveEndpoint asks the SDK's resolver, which knows partitions, FIPS and dual stack. It refuses settings that this
// package would not honour.
func resolveEndpoint(cfg Config) (*endpoint, error) {
	if err := checkEndpoint(cfg.Endpoint); err != nil {
		return nil, err
	}
	if len(cfg.AWS.APIOptions) > 0 || len(cfg.AWS.ServiceOptions) > 0 || hasInterceptors(cfg.AWS) {
		return nil, errors.New("the AWS configuration has API options, service options or interceptors, which this service does not run")
	}
	o := cognitoidentityprovider.NewFromConfig(cfg.AWS).Options()
	switch {
	case strings.Contains(o.Region, "fips"): // the SDK would sign for it by this name
		return nil, errors.New("the AWS Region is a pseudo Region: name the real one and set AWS_USE_FIPS_ENDPOINT=true")
	case cfg.Endpoint == "" && !plausibleRegion(o.Region), identifier(o.Region, "._-") == "":
		return nil, errNotARegion
	case cfg.Endpoint != "":
		o.BaseEndpoint = &cfg.Endpoint
	}
	resolved, err := o.EndpointResolverV2.ResolveEndpoint(context.Background(), cognitoidentityprovider.EndpointParameters{
		Region:       &o.Region,
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		Endpoint:     o.BaseEndpoint,
	})
	if err != nil {
		return nil, fmt.Errorf("the AWS Region and settings lead to no endpoint: %w", err)
	}
	return newEndpoint(resolved, o.Region)
}

func newEndpoint(resolved smithyendpoints.Endpoint, region string) (*endpoint, error) {
	if schemes, ok := auth.GetAuthOptions(&resolved.Properties); ok && len(schemes) > 0 {
		return nil, errors.New("the Cognito endpoint of this Region wants a kind of signature that this service does not make")
	}
	u := resolved.URI
	u.Path = "/"
	return &endpoint{url: &u, signingRegion: region, aws: awsHost(u.Hostname())}, nil
}

func hasInterceptors(cfg aws.Config) bool {
	for _, kind := range reflect.ValueOf(cfg.Interceptors).Fields() {
		if kind.Len() > 0 {
			return true
		}
	}
	return false
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the Cognito endpoint must be a URL of a scheme, a host and perhaps a port, for example https://127.0.0.1:9229")
	}
	if protected(endpoint) {
		return nil
	}
	return errors.New("the Cognito endpoint must be https, or http on loopback")
}

// protected reports whether nobody between can read what is sent to the URL.
func protected(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback.Host(u.Hostname()))
}

// protectedByAddress takes no name for this machine: nobody looks where the SDK's clients dial.
func protectedByAddress(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && protected(endpoint) && (u.Scheme == "https" || net.ParseIP(u.Hostname()) != nil)
}

// awsHost reports whether the host is one of AWS's own, in any of its partitions.
func awsHost(host string) bool {
	for _, suffix := range [...]string{
		"amazonaws.com", "api.aws",
		"amazonaws.com.cn", "api.amazonwebservices.com.cn",
		"amazonaws.eu", "api.amazonwebservices.eu",
		"c2s.ic.gov", "api.aws.ic.gov",
		"sc2s.sgov.gov", "api.aws.scloud",
		"cloud.adc-e.uk", "api.cloud-aws.adc-e.uk",
		"csp.hci.ic.gov", "api.aws.hci.ic.gov",
	} {
		if strings.HasSuffix(strings.ToLower(host), "."+suffix) {
			return true
		}
	}
	return false
}
