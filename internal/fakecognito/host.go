package fakecognito

import (
	"net"
	"net/http"
	"strings"

	"cognito.internal/useradmin/internal/loopback"
)

// OnlyLoopback refuses requests whose Host is not loopback before next sees them: a page in a browser can make a name of
// its own lead to this machine, and then read what it gets.
func OnlyLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopbackHost(r.Host) {
			http.Error(w, "the Host of this request is not loopback", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopbackHost judges a Host header, which has a port or none.
func loopbackHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return loopback.Host(name)
}
