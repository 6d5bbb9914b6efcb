//go:build interop

package interop

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/fakecognito"
)

// servePolicy lets one caller confirm in one pool, and ask for the descriptors.
const servePolicy = `@id("signup-confirms")
permit (principal == Caller::"` + signupURI + `", action == Action::"useradmin.v1.UserAdmin/ConfirmSignUp", resource == UserPool::"` + usualPool + `");

@id("signup-looks-around")
permit (principal == Caller::"` + signupURI + `", action == Action::"grpc.reflection.v1.ServerReflection/ServerReflectionInfo", resource);
`

// The binary serves grpcurl by certificate and policy, as docs/operate.md shows it.
func TestServeWithCertificates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if text, err := finish(t, []string{"go", "build", "-o", file("useradmin"), "../cmd/useradmin"}); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	ca := newAuthority(t, "interop CA")
	writeCAs(t, file("callers-ca.crt"), ca)
	pair, err := ca.Server("127.0.0.1")
	if err == nil {
		err = pair.Write(file("server.crt"), file("server.key"))
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"policy.cedar": servePolicy, "audit.key": strings.Repeat("k", 32)} {
		if err := devca.WriteFile(file(name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	cognito := newUpstream(t, func(fakecognito.Request) fakecognito.Fault { return succeed() })
	address := freeAddress(t)
	serving := runIn(t, ".", []string{
		file("useradmin"), "serve", "--listen", address, "--region", region, "--cognito-endpoint", cognito.url,
		"--authn", "mtls", "--tls-cert", file("server.crt"), "--tls-key", file("server.key"), "--tls-client-ca", file("callers-ca.crt"),
		"--policy", file("policy.cedar"), "--audit", file("audit.log"), "--audit-key", file("audit.key"),
	}, "AWS_ACCESS_KEY_ID="+fakecognito.DefaultAccessKeyID, "AWS_SECRET_ACCESS_KEY="+fakecognito.DefaultSecretAccessKey, "AWS_EC2_METADATA_DISABLED=true")
	if !awaitText(serving, `"msg":"serving"`) {
		t.Fatalf("it does not serve:\n%s", serving)
	}
	signup, golden := issue(t, signupURI, ca), loadGolden(t)
	signup.protoset = "" // the policy allows reflection
	for name, c := range map[string]testCase{"confirmed": {}, "caller-not-allowed": {pool: twicePool}} {
		c.name, c.method = name, confirmSignUp
		r := c.request(callerKind{name: "grpcurl"}, path{name: "serve", address: address})
		r.identity = signup
		if got := normalized(newGrpcurl(t).call(t, r)); !reflect.DeepEqual(got, golden[name]) {
			t.Errorf("%s: %s", name, difference(got, golden[name]))
		}
	}
	if requests := cognito.received(0); len(requests) != 1 {
		t.Errorf("requests at Cognito: %v", requests)
	}
	for _, text := range []string{`"caller":"` + signupURI + `"`, `"rule":"signup-confirms"`, `"reason":"CALLER_NOT_ALLOWED"`} {
		if !awaitText(serving, text) {
			t.Errorf("the log has no %s:\n%s", text, serving)
		}
	}
}
