package loopback_test

import (
	"errors"
	"testing"

	"cognito.internal/useradmin/internal/loopback"
)

func TestHost(t *testing.T) {
	for name, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.": false, "localhost.example": false, "127.0.0.1.example": false, "127.1": false, "[::1]": false, "0.0.0.0": false, "::": false,
		"10.0.0.1": false, "localhost:1": false,
	} {
		if got := loopback.Host(name); got != want {
			t.Errorf("%q: got %t", name, got)
		}
	}
}

func TestControl(t *testing.T) {
	for address, allowed := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		"10.0.0.1:80": false, "0.0.0.0:80": false, "[::]:80": false, "[fe80::1%eth0]:80": false, "[::ffff:10.0.0.1]:80": false, "localhost:80": false, "": false,
	} {
		if err := loopback.Control("tcp", address, nil); (err == nil) != allowed || err != nil && !errors.Is(err, loopback.ErrElsewhere) {
			t.Errorf("%q: got %v", address, err)
		}
	}
}
