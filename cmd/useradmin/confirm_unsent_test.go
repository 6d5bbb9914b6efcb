package main

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// refusing is an address of this machine on which nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = lis.Close()
	return lis.Addr().String()
}

// silent is the address of a server that takes connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lis.Close() })
	return lis.Addr().String()
}

// cuttable is a listener that can cut the connections it has accepted.
type cuttable struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (c *cuttable) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	return conn, err
}

func (c *cuttable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// cutting is the address of a service that cuts the connection under each call it gets.
func cutting(t *testing.T) string {
	t.Helper()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cuttable{Listener: lis}
	serveStubOn(t, c, stub{confirm: func(context.Context, *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
		c.cut()
		return nil, status.Error(codes.Internal, "")
	}})
	return lis.Addr().String()
}

// Only where nothing was handed to a connection does the command say so. A connection that is cut under the call has the
// same code.
func TestConfirmSaysThatNothingWasSent(t *testing.T) {
	for name, c := range map[string]struct {
		address, flag string
		code          int
		unsent        bool
	}{
		"refused":         {refusing(t), "--timeout=30s", 78, true},
		"never connected": {silent(t), "--timeout=100ms", 68, true},
		"TLS to nobody":   {refusing(t), "--ca=" + caOf(t), 78, true},
		"not TLS":         {serveStub(t, answering(confirmedByCall, nil)), "--ca=" + caOf(t), 78, true},
		"no such socket":  {"unix:" + t.TempDir() + "/none", "--timeout=30s", 78, true},
		"cut":             {cutting(t), "--timeout=30s", 78, false},
		"slow":            {serveStub(t, neverAnswering()), "--timeout=100ms", 68, false},
	} {
		code, _, text := inProcess("confirm", "--address="+c.address, "p_1", "jane", c.flag)
		if code != c.code || strings.Contains(text, "Outcome      NOT_SENT: Nothing was sent to the service") != c.unsent ||
			strings.Contains(text, "Outcome      UNKNOWN: ") == c.unsent || strings.Contains(text, "Find out") == c.unsent || !strings.Contains(text, "Check that the service runs") {
			t.Errorf("%s: exit code %d:\n%s", name, code, text)
		}
		code, stdout, _ := inProcess("confirm", "--address="+c.address, "p_1", "jane", c.flag, "--output=json")
		var got struct {
			Outcome    string `json:"outcome"`
			From       bool   `json:"from_service"`
			NotApplied bool   `json:"not_applied"`
		}
		want := map[bool]string{true: "NOT_SENT", false: "UNKNOWN"}[c.unsent]
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != c.code || got.Outcome != want || got.From || got.NotApplied != c.unsent {
			t.Errorf("%s: exit code %d, %v: %s", name, code, err, stdout)
		}
	}
}

func neverAnswering() stub {
	return stub{confirm: func(ctx context.Context, _ *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
}

func caOf(t *testing.T) string {
	t.Helper()
	_, ca := certificateOf(t)
	return ca
}

// A last try of which nothing was sent promises nothing for the tries before it.
func TestUnsentAfterDoubt(t *testing.T) {
	g, err := loadGlossary()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		lost := statusError(codes.Unavailable, "COGNITO_RESPONSE_LOST", "UNKNOWN", after(time.Second))
		refused := unsentError{status.Error(codes.Unavailable, "refused")}
		a := ask(t.Context(), &client{errs: []error{lost, refused}}, new(useradminv1.ConfirmSignUpRequest), new(strings.Builder))
		r := &report{command: new(confirmCommand), answer: a, glossary: g}
		var out strings.Builder
		if err := r.json(&out); err != nil || !strings.Contains(out.String(), `"not_applied":false`) || !strings.Contains(out.String(), `"outcome":"UNKNOWN"`) {
			t.Errorf("%v, %s", err, out.String())
		}
		if text := r.failure(textWidth); !strings.Contains(text, "Find out ") || !strings.Contains(text, "UNAVAILABLE: refused\n") {
			t.Errorf("it says\n%s", text)
		}
	})
}

// Every attempt of gRPC's counts, and each call for itself.
func TestUnsentOfEachCall(t *testing.T) {
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer()
	useradminv1.RegisterUserAdminServer(srv, answering(0, status.Error(codes.NotFound, "")))
	go func() { _ = srv.Serve(lis) }()
	t.Cleanup(srv.Stop)
	at, err := targetOf(lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := connect(at, connectFlags{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	service := useradminv1.NewUserAdminClient(conn)
	for _, wantUnsent := range []bool{false, true} {
		_, err := service.ConfirmSignUp(t.Context(), new(useradminv1.ConfirmSignUpRequest))
		if _, unsent := err.(unsentError); unsent != wantUnsent { //nolint:errorlint // it is not wrapped
			t.Errorf("unsent %t, %v", unsent, err)
		}
		srv.Stop()
		for state := conn.GetState(); state != connectivity.Idle && !wantUnsent; state = conn.GetState() {
			conn.WaitForStateChange(t.Context(), state)
		}
	}
}
