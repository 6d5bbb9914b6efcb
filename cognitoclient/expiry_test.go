package cognitoclient

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The expiry is that of the last credentials, whoever got them, and asking for it gets none.
func TestCredentialsExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, fetched, lasts, failing := time.Now(), 0, time.Hour, true
		c := client(t, "https://cognito.invalid", func(cfg *Config) {
			cfg.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				fetched++
				if failing {
					return aws.Credentials{}, errors.New("none")
				}
				return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret", CanExpire: lasts > 0, Expires: time.Now().Add(lasts)}, nil
			})
		})
		expect := func(when string, want time.Duration, fetches int) {
			t.Helper()
			at, ok := c.CredentialsExpiry()
			if ok != (want > 0) || ok && !at.Equal(start.Add(want)) || fetched != fetches {
				t.Errorf("%s: %s after the start, %t, after %d fetches; want %s after %d", when, at.Sub(start), ok, fetched, want, fetches)
			}
		}
		expect("at first", 0, 0)
		if c.FetchCredentials(t.Context()) == nil {
			t.Error("credentials")
		}
		expect("without credentials", 0, 1)
		failing = false
		if err := c.FetchCredentials(t.Context()); err != nil {
			t.Error(err)
		}
		expect("after the first fetch", time.Hour, 2)
		time.Sleep(2 * time.Hour)
		expect("once they are expired", time.Hour, 2)
		failing = true
		if _, err := c.keys.get(t.Context(), keysTimeout); err == nil {
			t.Error("credentials")
		}
		expect("after a fetch that failed", time.Hour, 3)
		failing = false
		if _, err := c.keys.get(t.Context(), keysTimeout); err != nil {
			t.Error(err)
		}
		expect("after a call's fetch", 3*time.Hour, 4)
		time.Sleep(2 * time.Hour)
		lasts = 0
		if _, err := c.keys.get(t.Context(), keysTimeout); err != nil {
			t.Error(err)
		}
		expect("with static ones", 0, 5)
	})
}
