package cognitoclient

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go/middleware"
)

// instanceMetadata is the SDK's client of the instance metadata, made after the configuration that the chain is part of.
type instanceMetadata struct{ client *imds.Client }

// newIMDS makes a client that asks nothing without a token, whatever the configuration says.
func newIMDS(cfg aws.Config) *imds.Client {
	return imds.NewFromConfig(cfg, func(o *imds.Options) {
		o.EnableFallback = aws.FalseTernary
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("KeepError", keepError), middleware.Before)
		})
	})
}

// kept is where keepError puts the error of a request.
type kept struct{}

// GetMetadata asks the instance. The SDK's error hides what became of the request for the token; it is added.
func (m *instanceMetadata) GetMetadata(ctx context.Context, in *imds.GetMetadataInput, options ...func(*imds.Options)) (*imds.GetMetadataOutput, error) {
	var last error
	out, err := m.client.GetMetadata(context.WithValue(ctx, kept{}, &last), in, options...)
	if err != nil {
		err = errors.Join(err, last)
	}
	return out, err
}

func keepError(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	if last, ok := ctx.Value(kept{}).(*error); ok && err != nil {
		*last = err
	}
	return out, metadata, err
}
