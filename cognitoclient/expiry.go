package cognitoclient

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// fetch returns the cached credentials, or new ones, and notes when they expire: the cache can't be asked for that without
// beginning a fetch.
func (k *keys) fetch(ctx context.Context) (aws.Credentials, error) {
	credentials, err := k.cache.Retrieve(ctx)
	switch {
	case err != nil:
	case credentials.CanExpire:
		k.expiry.Store(credentials.Expires.UnixNano())
	default:
		k.expiry.Store(0)
	}
	return credentials, err
}

// CredentialsExpiry is when the last credentials that a call or FetchCredentials got expire. There is none before the first
// ones, and for those that never expire. It neither waits nor fetches.
func (c *Client) CredentialsExpiry() (expiry time.Time, ok bool) {
	at := c.keys.expiry.Load()
	return time.Unix(0, at), at != 0
}
