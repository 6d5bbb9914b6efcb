package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// An invalid setting prints one line, exits with 2, and nothing is served.
func TestWrongSettings(t *testing.T) {
	tests := []struct {
		name, args, env, want string
	}{
		{name: "no command", want: "expected one of"},
		{name: "unknown command", args: "server", want: "unexpected argument server"},
		{name: "unknown flag", args: "serve --lisen=x", want: "unknown flag --lisen"},
		{name: "open port", args: "serve --region=us-east-1 --listen=0.0.0.0:50051", want: "--i-accept-unauthenticated-network-access"},
		{name: "all interfaces", args: "serve --region=us-east-1 --listen=:50051", want: "--i-accept-unauthenticated-network-access"},
		{name: "network address", args: "serve --region=us-east-1 --listen=192.0.2.1:50051", want: "--i-accept-unauthenticated-network-access"},
		{name: "open admin port", args: "serve --region=us-east-1 --admin-listen=0.0.0.0:9090", want: "--admin-listen"},
		{name: "no port", args: "serve --region=us-east-1 --listen=127.0.0.1", want: "give host:port or unix:/path"},
		{name: "no such port", args: "serve --region=us-east-1 --listen=127.0.0.1:99999", want: "give host:port or unix:/path"},
		{name: "odd Region", args: "serve --region=US_EAST", want: "is not an AWS Region"},
		{name: "no path", args: "serve --region=us-east-1 --listen=unix:", want: "a Unix socket needs an absolute path"},
		{name: "relative path", args: "serve --region=us-east-1 --listen=unix:run/s", want: `--listen "unix:run/s" is not an address: a Unix socket needs an absolute path`},
		{name: "abstract socket", args: "serve --region=us-east-1 --listen=unix:@s", want: "a Unix socket needs an absolute path"},
		{name: "authority in a path", args: "serve --region=us-east-1 --admin-listen=unix://run/s", want: `--admin-listen "unix://run/s" is not an address`},
		{name: "long path", args: "serve --region=us-east-1 --listen=unix:/" + strings.Repeat("x", maxSocketPath), want: "has at most 107 bytes"},
		{name: "open socket mode", args: "serve --listen-mode=01777", want: "--listen-mode"},
		{name: "decimal mode", args: "dev --listen-mode=680", want: `"680" is not a mode that lets anybody connect: give octal digits, for example 0660`},
		{name: "mode for nobody", args: "serve", env: "USERADMIN_LISTEN_MODE=0440", want: "is not a mode that lets anybody connect"},
		{name: "no Region", args: "serve", want: "set --region, AWS_REGION or region in the shared config file"},
		{name: "endpoint in the environment", args: "serve --region=us-east-1", env: "AWS_ENDPOINT_URL=http://127.0.0.1:1", want: "names an endpoint"},
		{name: "endpoint without TLS", args: "serve --region=us-east-1 --cognito-endpoint=http://example.com", want: "must be https, or http on loopback"},
		{name: "no attempts", args: "serve --region=us-east-1 --attempts=0", want: "--attempts must be from 1 to 10"},
		{name: "no wait", args: "serve --region=us-east-1 --max-wait=0s", want: "--max-wait must be from 1ms to 10s"},
		{name: "long wait", args: "serve --region=us-east-1 --max-wait=11s", want: "--max-wait must be from 1ms to 10s"},
		{name: "no calls", args: "serve --region=us-east-1 --max-calls=0", want: "--max-calls must be at least 1"},
		{name: "few connections", args: "serve --region=us-east-1 --max-calls=2000", want: "--max-client-connections must be at least 2033 with --max-calls 2000"},
		{name: "no duration", args: "serve --call-timeout=fast", want: "--call-timeout"},
		{name: "short call", args: "serve --region=us-east-1 --call-timeout=1ms", want: "--call-timeout must be at least 100ms and less than 1m48s"},
		{name: "delay beyond the drain", args: "serve --region=us-east-1 --drain-delay=30s", want: "--drain-delay (30s) must be shorter than --drain-timeout (25s)"},
		{name: "setting in the environment", args: "serve --region=us-east-1", env: "USERADMIN_LISTEN=0.0.0.0:1", want: "--i-accept-unauthenticated-network-access"},
		{name: "log level", args: "serve --log-level=loud", want: "--log-level must be one of \"debug\",\"info\",\"warn\",\"error\" but got \"loud\"; see useradmin serve --help"},
		{name: "dev on the network", args: "dev --listen=0.0.0.0:50051", want: "neither loopback nor a Unix socket"},
		{name: "dev's Cognito on the network", args: "dev --cognito-listen=0.0.0.0:0", want: "--cognito-listen"},
		{name: "dev's connections", args: "dev --max-connections=4000000000000000000", want: "the limit of open files (ulimit -n) is"},
		{name: "dev's Cognito on a socket", args: "dev --cognito-listen=unix:/tmp/x", want: "--cognito-listen must be host:port on loopback"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := program(t, strings.Fields(test.args)...)
			if test.env != "" {
				cmd.Env = append(cmd.Env, test.env)
			}
			code, stdout, stderr := finish(t, cmd)
			if code != exitUsage || stdout != "" || !strings.Contains(reported(t, stderr, strings.HasPrefix(test.args, "serve")), test.want) {
				t.Errorf("exit code %d, want 2; output %q; want one line with %q", code, stdout+stderr, test.want)
			}
		})
	}
}

func TestPortInUse(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lis.Close() }()
	code, _, stderr := finish(t, program(t, "serve", "--region=us-east-1", "--listen="+lis.Addr().String()))
	if code != exitFailure || !strings.Contains(reported(t, stderr, true), "address already in use") {
		t.Errorf("exit code %d, output %q", code, stderr)
	}
}

// reported is the error that the one line tells. Where the log is JSON the line is, too, unless the flags can't be parsed:
// then the format is not known, and the line ends with a hint.
func reported(t *testing.T, stderr string, asJSON bool) string {
	t.Helper()
	if strings.Count(stderr, "\n") != 1 || !strings.HasSuffix(stderr, "\n") {
		t.Errorf("%q is not one line", stderr)
	}
	if text, plain := strings.CutPrefix(stderr, "useradmin: "); plain {
		if asJSON && !strings.Contains(text, "; see useradmin") {
			t.Errorf("%q is not JSON", stderr)
		}
		return text
	}
	var line struct {
		Time              time.Time
		Level, Msg, Error string
	}
	if err := json.Unmarshal([]byte(stderr), &line); err != nil || !asJSON || line.Level != "ERROR" || line.Msg == "" || line.Time.IsZero() {
		t.Errorf("%q: %v; want JSON: %t", stderr, err, asJSON)
	}
	return line.Error
}

// An error is told as the log would tell it, whether it is one of the settings or of the start.
func TestErrorsHaveTheLogsFormat(t *testing.T) {
	for _, test := range []struct {
		args, env, want string
		code            int
		asJSON          bool
	}{
		{args: "serve", want: "no AWS Region", code: exitUsage, asJSON: true},
		{args: "serve --log-level=error", want: "no AWS Region", code: exitUsage, asJSON: true},
		{args: "serve --log-format=text", want: "no AWS Region", code: exitUsage},
		{args: "serve", env: "USERADMIN_LOG_FORMAT=text", want: "no AWS Region", code: exitUsage},
		{args: "serve --region=us-east-1 --listen=unix:/nowhere/s", want: "no such file or directory", code: exitFailure, asJSON: true},
		{args: "serve --region=us-east-1 --listen=unix:/nowhere/s --log-format=text", want: "no such file or directory", code: exitFailure},
		{args: "dev --attempts=0", want: "--attempts", code: exitUsage},
		{args: "dev --attempts=0 --log-format=json", want: "--attempts", code: exitUsage, asJSON: true},
		{args: "dev --listen=unix:/nowhere/s --log-format=json", want: "no such file or directory", code: exitFailure, asJSON: true},
	} {
		cmd := program(t, strings.Fields(test.args)...)
		if test.env != "" {
			cmd.Env = append(cmd.Env, test.env)
		}
		code, stdout, stderr := finish(t, cmd)
		if code != test.code || stdout != "" || !strings.Contains(reported(t, stderr, test.asJSON), test.want) {
			t.Errorf("%s %s: exit code %d, output %q", test.env, test.args, code, stdout+stderr)
		}
	}
}

// Without credentials the service serves and says that it is not ready; calls get a detailed status.
func TestServeWithoutCredentials(t *testing.T) {
	r := start(t, program(t, "serve", "--region=us-east-1", "--listen=127.0.0.1:0", "--drain-delay=0s", "--log-format=text"))
	address := addressOf(t, r.await(t, "msg=serving"))
	r.await(t, "not ready yet")
	conn := dial(t, address)
	health, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: useradminv1.UserAdmin_ServiceDesc.ServiceName})
	if err != nil || health.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health: %v, %v", health, err)
	}
	_, err = useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: "new-1"})
	if got, want := reasonAndOutcome(err), "COGNITO_CREDENTIALS NOT_SENT"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.stop(t)
	r.await(t, "msg=stopped")
}

// HTTPS_PROXY is used, and when the proxy refuses, nothing was sent to Cognito.
func TestServeThroughAProxy(t *testing.T) {
	asked := make(chan string, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		w.WriteHeader(http.StatusForbidden)
	}))
	defer proxy.Close()
	cmd := program(t, "serve", "--region=us-east-1", "--listen=127.0.0.1:0", "--log-format=text", "--attempts=1",
		"--cognito-endpoint=https://cognito.invalid", "--drain-delay=0s")
	cmd.Env = append(cmd.Env, "HTTPS_PROXY="+proxy.URL, "https_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret")
	r := start(t, cmd)
	conn := dial(t, addressOf(t, r.await(t, "msg=serving")))
	_, err := useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: "new-1"})
	if got, want := reasonAndOutcome(err), "COGNITO_UNREACHABLE NOT_SENT"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := <-asked, "CONNECT cognito.invalid:443"; got != want {
		t.Errorf("the proxy was asked to %s, want %s", got, want)
	}
}

func TestVersion(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		code, stdout, _ := finish(t, program(t, arg))
		if code != 0 || !strings.HasPrefix(stdout, "useradmin ") || !strings.Contains(stdout, "go1.") {
			t.Errorf("%s: exit code %d, %q", arg, code, stdout)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"dev", "--help"}} {
		code, stdout, stderr := finish(t, program(t, args...))
		if code != 0 || !strings.Contains(stdout, "Usage: useradmin") || stderr != "" {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func addressOf(t *testing.T, line string) string {
	t.Helper()
	match := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(line)
	if match == nil {
		t.Fatalf("no address in %q", line)
	}
	return match[1]
}

func dial(t *testing.T, target string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// A second response that nobody asked for is Cognito's text: net/http would print it.
func TestStrayResponseIsNotPrinted(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lis.Close() }()
	answered, stray, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		conn, err := lis.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}")
		close(answered)
		<-stray
		_, _ = io.WriteString(conn, "HTTP/1.1 400 X\r\nContent-Length: 6\r\n\r\n"+canaryText)
		_, _ = io.Copy(io.Discard, conn) // until the client has read it and closes
	}()
	cmd := program(t, "serve", "--region=us-east-1", "--listen=127.0.0.1:0", "--log-format=text", "--cognito-endpoint=http://"+lis.Addr().String(), "--drain-delay=0s")
	cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret")
	r := start(t, cmd)
	conn := dial(t, addressOf(t, r.await(t, "msg=serving")))
	if _, err := useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: "new-1"}); err != nil {
		t.Fatal(err)
	}
	<-answered
	close(stray)
	<-closed
	r.stop(t)
	r.await(t, "msg=stopped")
	if strings.Contains(r.output(), canaryText) || strings.Contains(r.output(), "Unsolicited") {
		t.Errorf("the stray response is in the output:\n%s", r.output())
	}
}
