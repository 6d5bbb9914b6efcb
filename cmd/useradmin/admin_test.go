package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cognito.internal/useradmin/internal/memnet"
)

// get returns the status and the text of an admin endpoint.
func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestAdminEndpoints(t *testing.T) {
	ready := false
	s := httptest.NewServer(adminHandler(newRegistry(), func() bool { return ready }))
	defer s.Close()
	expect := func(path string, status int, text string) {
		t.Helper()
		if gotStatus, got := get(t, s.Client(), s.URL+path); gotStatus != status || !strings.Contains(got, text) {
			t.Errorf("%s: %d %q, want %d %q", path, gotStatus, got, status, text)
		}
	}
	expect("/livez", 200, "live\n")
	expect("/readyz", 503, "not ready\n")
	ready = true
	expect("/readyz", 200, "ready\n")
	expect("/metrics", 200, "useradmin_build_info{goversion=\"go1.")
	for _, path := range []string{"/", "/debug/pprof/", "/metrics/x", "/livez/"} {
		expect(path, 404, "not found")
	}
	resp, err := s.Client().Post(s.URL+"/readyz", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", resp.Status)
	}
}

// request writes a request to the connection and returns the status of its response.
func request(conn net.Conn, header string) (int, error) {
	go func() { _, _ = fmt.Fprintf(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n%s\r\n", header) }() // the server may answer before the end
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// inMemory runs a test against an admin server in a bubble.
func inMemory(t *testing.T, registry *prometheus.Registry, f func(t *testing.T, dial func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		lis := memnet.Listen()
		s := adminServer(registry, func() bool { return true })
		go func() { _ = s.Serve(lis) }()
		f(t, func() net.Conn {
			conn, err := lis.Dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			return conn
		})
		_ = s.Close()
	})
}

// Idle connections keep nobody out: at the bound the oldest goes.
func TestAdminConnectionsAreBounded(t *testing.T) {
	inMemory(t, newRegistry(), func(t *testing.T, dial func() net.Conn) {
		open := make([]net.Conn, 0, adminConnections)
		for range adminConnections {
			open = append(open, dial())
			synctest.Wait()
		}
		if status, err := request(open[1], ""); status != 200 {
			t.Errorf("at the bound: %d, %v", status, err)
		}
		late := dial()
		if status, err := request(late, ""); status != 200 {
			t.Errorf("beyond the bound: %d, %v", status, err)
		}
		if _, err := open[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the oldest is not closed: %v", err)
		}
		for i, conn := range open[1:] {
			if status, err := request(conn, ""); status != 200 {
				t.Errorf("connection %d: %d, %v", i+1, status, err)
			}
		}
		// One that ends makes room.
		_ = open[2].Close()
		synctest.Wait()
		dial()
		synctest.Wait()
		if status, err := request(open[1], ""); status != 200 {
			t.Errorf("the oldest after another one ended: %d, %v", status, err)
		}
	})
}

// In a burst the server hears of closed connections only later; each newcomer still pushes out another one.
func TestAdminConnectionsInABurst(t *testing.T) {
	l := &connLimit{limit: 2}
	var conns []net.Conn
	for range 4 {
		conn, far := net.Pipe()
		defer func() { _ = far.Close() }()
		l.track(conn, http.StateNew)
		conns = append(conns, conn)
	}
	for i, conn := range conns {
		if closed := conn.SetDeadline(time.Time{}) != nil; closed != (i < 2) {
			t.Errorf("connection %d: closed %t", i, closed)
		}
		l.track(conn, http.StateClosed)
	}
	if len(l.open) != 0 {
		t.Errorf("%d are left", len(l.open))
	}
}

func TestAdminRequestsAreBounded(t *testing.T) {
	inMemory(t, newRegistry(), func(t *testing.T, dial func() net.Conn) {
		if status, err := request(dial(), "X-Large: "+strings.Repeat("x", adminHeaderBytes+4096)+"\r\n"); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a large header: %d, %v", status, err)
		}
		slow, start := dial(), time.Now()
		if _, err := io.WriteString(slow, "GET /livez HTTP/1.1\r\nHost: "); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, slow); err != nil || time.Since(start) != adminReadTimeout {
			t.Errorf("half a header: ended after %s, %v", time.Since(start), err)
		}
		// A response may be taken for so long, and no longer.
		for wait, taken := range map[time.Duration]bool{2*adminTimeout - time.Second: true, 2*adminTimeout + time.Second: false} {
			conn := dial()
			if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(wait)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if (err == nil) != taken {
				t.Errorf("a response that is read after %s: %v", wait, err)
			}
			if err == nil {
				_ = resp.Body.Close()
			}
			_ = conn.Close()
		}
		idle := dial()
		if status, err := request(idle, ""); status != 200 {
			t.Errorf("%d, %v", status, err)
		}
		start = time.Now()
		if _, err := io.Copy(io.Discard, idle); err != nil || time.Since(start) != time.Minute {
			t.Errorf("an idle connection: ended after %s, %v", time.Since(start), err)
		}
	})
}

// hanging is a collector that never ends.
type hanging struct{ context.Context }

func (hanging) Describe(chan<- *prometheus.Desc) {}

func (h hanging) Collect(chan<- prometheus.Metric) { <-h.Done() }

// Scrapes that hang end, and those that come meanwhile are refused instead of piling up; probes are answered.
func TestScrapesAreBounded(t *testing.T) {
	ctx, release := context.WithCancel(t.Context())
	defer release()
	registry := prometheus.NewRegistry()
	registry.MustRegister(hanging{ctx})
	synctest.Test(t, func(t *testing.T) {
		handler, statuses := adminHandler(registry, func() bool { return true }), make(chan int, 2*adminScrapes)
		scrape := func(path string) {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			statuses <- w.Code
		}
		start := time.Now()
		for range adminScrapes {
			go scrape("/metrics")
		}
		synctest.Wait()
		scrape("/metrics")
		scrape("/livez")
		if refused, live := <-statuses, <-statuses; refused != 503 || live != 200 || time.Since(start) != 0 {
			t.Errorf("another scrape: %d, a probe: %d, after %s", refused, live, time.Since(start))
		}
		for range adminScrapes {
			if status := <-statuses; status != 503 || time.Since(start) != adminTimeout {
				t.Errorf("a scrape that hangs: %d after %s", status, time.Since(start))
			}
		}
		release()
	})
}

// Each address is opened by its own flag: opening the metrics does not open the service.
func TestOpenAddressesAreAcceptedOneByOne(t *testing.T) {
	open := program(t, "serve", "--region=US_EAST", "--admin-listen=0.0.0.0:9090", "--admin-open")
	if _, _, stderr := finish(t, open); strings.Contains(stderr, "is neither loopback nor a Unix socket") {
		t.Error(stderr)
	}
	for _, args := range []string{
		"serve --region=US_EAST --admin-listen=0.0.0.0:9090 --i-accept-unauthenticated-network-access",
		"serve --region=US_EAST --listen=0.0.0.0:50051 --admin-open",
	} {
		code, _, stderr := finish(t, program(t, strings.Fields(args)...))
		if code != exitUsage || !strings.Contains(stderr, "is neither loopback nor a Unix socket") {
			t.Errorf("%s: exit code %d, %q", args, code, stderr)
		}
	}
}

// startWithAdmin starts serve with an admin socket, to which the client connects.
func startWithAdmin(t *testing.T, env ...string) (*running, *http.Client) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	cmd := program(t, "serve", "--region=us-east-1", "--listen=127.0.0.1:0", "--admin-listen=unix:"+path, "--log-format=text",
		"--drain-delay=50s", "--drain-timeout=59s")
	cmd.Env = append(cmd.Env, env...)
	r := start(t, cmd)
	r.await(t, "msg=serving")
	return r, unixClient(t, path)
}

// unixClient connects to the socket, whatever host the URL has.
func unixClient(t *testing.T, path string) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Probes are answered from the start; readiness follows the credentials and the drain.
func TestProbes(t *testing.T) {
	expiry := time.Now().Add(time.Hour).Truncate(time.Second)
	granted := make(chan struct{})
	credentials := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-granted:
		case <-r.Context().Done():
		}
		_, _ = fmt.Fprintf(w, `{"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"secret","Token":"token","Expiration":%q}`, expiry.UTC().Format(time.RFC3339))
	}))
	defer credentials.Close()
	r, client := startWithAdmin(t, "AWS_CONTAINER_CREDENTIALS_FULL_URI="+credentials.URL)
	expect := func(when string, readiness int, gauge string, known bool) {
		t.Helper()
		live, _ := get(t, client, "http://admin/livez")
		ready, _ := get(t, client, "http://admin/readyz")
		_, metrics := get(t, client, "http://admin/metrics")
		if live != 200 || ready != readiness || sampleOf(metrics, "useradmin_ready") != gauge {
			t.Errorf("%s: /livez %d, /readyz %d, ready %q", when, live, ready, sampleOf(metrics, "useradmin_ready"))
		}
		// The SDK replaces credentials up to five minutes before their end.
		at, err := strconv.ParseFloat(sampleOf(metrics, "useradmin_credentials_expiry_seconds"), 64)
		early := expiry.Sub(time.Unix(int64(at), 0))
		if (err == nil) != known || known && (early < 0 || early > 5*time.Minute) {
			t.Errorf("%s: they expire %s early, %v", when, early, err)
		}
	}
	expect("without credentials", 503, "0", false)
	close(granted)
	r.await(t, "msg=ready")
	expect("with credentials", 200, "1", true)
	r.signal(t, syscall.SIGTERM)
	r.await(t, "msg=draining")
	expect("in the drain", 503, "0", true)
}

// sampleOf is the value of the metric without labels, or nothing.
func sampleOf(exposition, name string) string {
	match := regexp.MustCompile(`(?m)^` + name + ` (.*)$`).FindStringSubmatch(exposition)
	if match == nil {
		return ""
	}
	return match[1]
}

// Keys that never expire have no expiry: 0 would be a time in 1970.
func TestStaticKeysHaveNoExpiry(t *testing.T) {
	r, client := startWithAdmin(t, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret")
	r.await(t, "msg=ready")
	if _, metrics := get(t, client, "http://admin/metrics"); sampleOf(metrics, "useradmin_ready") != "1" || strings.Contains(metrics, "useradmin_credentials_expiry_seconds") {
		t.Errorf("the metrics are\n%s", metrics)
	}
}
