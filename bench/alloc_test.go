//go:build !race

package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/server"
)

// The bounds of what a call may allocate.
const (
	maxClient = 140 // our Cognito client alone
	maxServer = 270 // the whole call in a server process: gRPC, chain, log line, metrics and the Cognito client
)

// What the service adds to a bare call, all of it: chain, stats handler, validation, handler, log line, trailers. The
// bounds are a little over what was measured, to notice when a call becomes dearer.
func TestAddedAllocations(t *testing.T) {
	base := allocations(t, bare(t), bench.Request(), codes.OK)
	for _, c := range []struct {
		name   string
		client useradminv1.UserAdminClient
		req    *useradminv1.ConfirmSignUpRequest
		want   codes.Code
		limit  float64
	}{
		{"success", service(t, succeeding()), bench.Request(), codes.OK, 70},
		{"status of three details", service(t, refusing()), bench.Request(), codes.NotFound, 100},
		{"invalid request", service(t, succeeding()), invalid(), codes.InvalidArgument, 75},
	} {
		got := allocations(t, c.client, c.req, c.want) - base
		t.Logf("%s: %.0f allocations more than the %.0f of bare gRPC", c.name, got, base)
		if got > c.limit {
			t.Errorf("%s: %.0f allocations more than bare gRPC, at most %.0f are allowed", c.name, got, c.limit)
		}
	}
}

// canned answers every request on the listener with a success, and allocates nothing for it.
func canned(tb testing.TB) string {
	tb.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = lis.Close() })
	go func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			go answerAll(conn)
		}
	}()
	return "http://" + lis.Addr().String()
}

func answerAll(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	response := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amzn-Requestid: 5d6e7f80\r\nContent-Length: 2\r\n\r\n{}")
	buffer := make([]byte, 16<<10)
	for have := 0; ; {
		n, err := conn.Read(buffer[have:])
		if err != nil {
			return
		}
		// The body is one JSON object that ends the request.
		if have += n; bytes.Contains(buffer[:have], []byte("\r\n\r\n")) && buffer[have-1] == '}' {
			if _, err := conn.Write(response); err != nil {
				return
			}
			have = 0
		}
	}
}

func TestClientAllocates(t *testing.T) {
	client, req := cognito(t, canned(t)), own(bench.Request())
	got := testing.AllocsPerRun(500, func() {
		if _, err := client.ConfirmSignUp(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("the Cognito client alone: %.0f allocations", got)
	if got > maxClient {
		t.Errorf("the Cognito client allocates %.0f times a call, at most %d are allowed", got, maxClient)
	}
}

const serveEndpoint = "BENCH_SERVE_ENDPOINT"

// Not a test but a process of TestServerAllocates: it serves in front of the endpoint and prints at each line of its input
// how often it has allocated.
func TestServeRole(t *testing.T) {
	endpoint := os.Getenv(serveEndpoint)
	if endpoint == "" {
		return
	}
	s, err := server.New(cognito(t, endpoint), server.Config{Logger: logger(), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(context.Background(), lis) }()
	fmt.Println(lis.Addr())
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		fmt.Println(stats.Mallocs)
	}
	s.Stop()
}

func TestServerAllocates(t *testing.T) {
	const warmUp, calls = 300, 3000
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServeRole$") //nolint:gosec // it is this program
	cmd.Env = append(os.Environ(), serveEndpoint+"="+canned(t))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	lines := bufio.NewReader(out)
	line := func() string {
		text, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(text)
	}
	conn, err := grpc.NewClient(line(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client := useradminv1.NewUserAdminClient(conn)
	mallocs := func(calls int) float64 {
		for range calls {
			call(t, client, bench.Request(), codes.OK)
		}
		_, _ = fmt.Fprintln(in)
		n, err := strconv.ParseFloat(line(), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := mallocs(warmUp)
	got := (mallocs(calls) - before) / calls
	t.Logf("the whole call in the server: %.1f allocations", got)
	if got > maxServer {
		t.Errorf("the server allocates %.1f times a call, at most %d are allowed", got, maxServer)
	}
}

func allocations(t *testing.T, client useradminv1.UserAdminClient, req *useradminv1.ConfirmSignUpRequest, want codes.Code) float64 {
	t.Helper()
	return testing.AllocsPerRun(500, func() { call(t, client, req, want) })
}
