package cognitoclient

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// keysTimeout bounds how long an attempt waits for credentials; the fetch itself goes on for later calls.
	keysTimeout = 5 * time.Second
	// dropPause is the least time between two drops of the same credentials: an endpoint may give the same ones again.
	dropPause = 5 * time.Second
)

// errNoKeys is that of a provider whose answer has no keys, which the SDK takes for credentials.
var errNoKeys = errors.New("credentials without keys")

// keys are the AWS credentials, cached.
type keys struct {
	cache *aws.CredentialsCache
	// expiry is that of the last credentials, in nanoseconds of Unix time, or 0.
	expiry atomic.Int64

	mu        sync.Mutex // guards all below
	dropped   string
	droppedAt time.Time
}

func newKeys(provider aws.CredentialsProvider) *keys {
	cache, ok := provider.(*aws.CredentialsCache)
	if !ok {
		cache = aws.NewCredentialsCache(provider)
	}
	return &keys{cache: cache}
}

// get returns the cached credentials, or waits for new ones.
func (k *keys) get(ctx context.Context, wait time.Duration) (aws.Credentials, error) {
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	credentials, err := k.fetch(bounded)
	if err == nil {
		err = bounded.Err() // the cache picks at random where both come together; the end of the wait decides
	}
	return credentials, err
}

// fetch returns the cached credentials, or new ones, and notes when they expire: the cache can't be asked for that without
// beginning a fetch.
func (k *keys) fetch(ctx context.Context) (aws.Credentials, error) {
	credentials, err := k.cache.Retrieve(ctx)
	if err == nil && !credentials.HasKeys() {
		k.cache.Invalidate()
		err = errNoKeys
	}
	switch {
	case err != nil:
	case credentials.CanExpire:
		k.expiry.Store(credentials.Expires.UnixNano())
	default:
		k.expiry.Store(0)
	}
	return credentials, err
}

// drop makes the cache fetch new credentials if it still holds those that were used, and reports whether another attempt
// will be signed with others. Thousands of calls may bring the same expired ones back at once.
func (k *keys) drop(ctx context.Context, used aws.Credentials) bool {
	if !used.CanExpire {
		return false // static ones come back the same
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	id := used.AccessKeyID + used.SessionToken
	peek, cancel := context.WithCancel(ctx)
	cancel() // Retrieve then returns what the cache holds without waiting; if that is nothing, it starts a fetch
	held, err := k.cache.Retrieve(peek)
	switch {
	case err != nil || held.AccessKeyID+held.SessionToken != id:
		return true // new ones are there, or on their way
	case k.dropped == id && time.Since(k.droppedAt) < dropPause:
		return false
	}
	k.dropped, k.droppedAt = id, time.Now()
	k.cache.Invalidate()
	return true
}

// codeOnly drops what is not an error code: the text is the other side's.
func codeOnly(code string) string {
	if len(code) > maxToken || strings.ContainsFunc(code, func(r rune) bool { return !unicode.IsLetter(r) || r > unicode.MaxASCII }) {
		return "(an unreadable code)"
	}
	return code
}

// CredentialsExpiry is when the last credentials that a call or FetchCredentials got expire. There is none before the first
// ones, and for those that never expire. It neither waits nor fetches.
func (c *Client) CredentialsExpiry() (expiry time.Time, ok bool) {
	at := c.keys.expiry.Load()
	return time.Unix(0, at), at != 0
}
