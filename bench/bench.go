// Package bench has what the benchmarks and the command cost compare: the service, a bare gRPC server of the same
// messages, and the AWS SDK used directly, each against the same upstream.
package bench

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/fakecognito" //nolint:depguard // the upstream of every measurement
)

// Credentials that the embedded Cognito takes.
const (
	AccessKeyID     = fakecognito.DefaultAccessKeyID
	SecretAccessKey = fakecognito.DefaultSecretAccessKey
)

// Region is the one that requests are signed for.
const Region = "us-east-1"

// connections is as many as the service keeps by default.
const connections = 256

// Upstream is an embedded Cognito that confirms everybody, every time.
func Upstream() http.Handler {
	success := fakecognito.Fault{
		Effect: fakecognito.EffectNever, Answer: fakecognito.AnswerBody, Status: http.StatusOK, Body: "{}",
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Requestid": {"5d6e7f80-1a2b-4c3d-8e4f-000000000001"}},
	}
	return fakecognito.New(fakecognito.Config{Fault: func(fakecognito.Request) fakecognito.Fault { return success }})
}

// Request is the call that is measured.
func Request() *useradminv1.ConfirmSignUpRequest {
	return &useradminv1.ConfirmSignUpRequest{
		UserPoolId: "us-east-1_EXAMPLE01", Username: "new-1@example.com",
		ClientMetadata: map[string]string{"campaign": "spring"},
	}
}

// Bare serves the same messages and does nothing.
type Bare struct {
	useradminv1.UnimplementedUserAdminServer
}

// ConfirmSignUp succeeds.
func (Bare) ConfirmSignUp(context.Context, *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
	return &useradminv1.ConfirmSignUpResponse{Result: useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED}, nil
}

// Direct is the SDK as a careful caller sets it up: its own retryer, and a transport that keeps its connections.
func Direct(endpoint string) *cognitoidentityprovider.Client {
	return cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region:       Region,
		Credentials:  aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(AccessKeyID, SecretAccessKey, "")),
		BaseEndpoint: &endpoint,
		HTTPClient: &http.Client{Transport: &http.Transport{
			MaxIdleConns: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: time.Minute, DisableCompression: true,
		}},
	})
}

// ConfirmDirectly makes the call that the request describes with the SDK alone.
func ConfirmDirectly(ctx context.Context, client *cognitoidentityprovider.Client, req *useradminv1.ConfirmSignUpRequest) error {
	_, err := client.AdminConfirmSignUp(ctx, &cognitoidentityprovider.AdminConfirmSignUpInput{
		UserPoolId: aws.String(req.GetUserPoolId()), Username: aws.String(req.GetUsername()), ClientMetadata: req.GetClientMetadata(),
	})
	return err
}
