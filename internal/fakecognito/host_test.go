package fakecognito_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cognito.internal/useradmin/internal/fakecognito"
)

// A browser that was lied to about a name sends the name.
func TestOnlyLoopback(t *testing.T) {
	for host, good := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:9229": true, "127.9.9.9:1": true, "localhost": true, "LOCALHOST:9229": true, "[::1]": true, "[::1]:9229": true,
		"": false, "evil.example": false, "evil.example:9229": false, "127.0.0.1.evil.example": false, "localhost.evil.example:9229": false,
		"10.0.0.1": false, "192.0.2.1:9229": false, "[2001:db8::1]:9229": false, "0.0.0.0:9229": false, "localhost:x:y": false, "evil@127.0.0.1": false,
	} {
		f := fakecognito.New(fakecognito.Config{})
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
		req.Host = host
		recorder := httptest.NewRecorder()
		fakecognito.OnlyLoopback(f).ServeHTTP(recorder, req)
		resp := recorder.Result()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if seen := len(f.Journal()) > 0; seen != good {
			t.Errorf("%q: seen %t", host, seen)
		}
		if !good && (resp.StatusCode != http.StatusForbidden || strings.Contains(string(body), "__type") || resp.Header.Get("X-Amzn-RequestId") != "") {
			t.Errorf("%q: %d %s", host, resp.StatusCode, body)
		}
		f.Close()
	}
}
