//go:build linux && !race

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/protobuf/encoding/protowire"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/rawcall"
)

// What one caller may do, the process survives within this, while another caller is served as always.
const memoryBound = 128 << 20

const (
	confirmMethod = useradminv1.UserAdmin_ConfirmSignUp_FullMethodName
	slowPool      = "us-east-1_SLOW"
)

// attackTime is how long each attack lasts.
const attackTime = time.Second

// attack is what callers do to a service until the context ends.
type attack struct {
	name   string
	always bool // with -short too
	attack func(ctx context.Context, s *bench.Service)
}

func TestAttacks(t *testing.T) {
	binary := shipped(t)
	for _, a := range attacks() {
		if testing.Short() && !a.always {
			continue
		}
		t.Run(a.name, func(t *testing.T) { a.withstand(t, binary, bench.Gate{}, attackTime) })
	}
}

// withstand starts the service and attacks it, while another caller makes calls.
func (a attack) withstand(t *testing.T, binary string, gate bench.Gate, lasts time.Duration) {
	t.Helper()
	t.Setenv("GOMEMLIMIT", strconv.FormatInt(heapLimit(memoryBound, nil), 10))
	upstream := httptest.NewServer(http.HandlerFunc(slowOrGood))
	defer upstream.Close()
	log := filepath.Join(t.TempDir(), "log")
	service, err := bench.StartGated(t.Context(), binary, log, upstream.URL, gate)
	if err != nil {
		t.Fatal(err)
	}
	defer service.End()
	conn := goodConnection(t, service)
	quiet := memory(t, service, "VmHWM")
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() { a.attack(ctx, service.As(bench.Other)) })
	if gate.Authn == authn.MTLS {
		both.Go(func() { goodConnections(t, ctx, service) })
	}
	good, bad := goodCalls(t, ctx, conn)
	both.Wait()
	peak := memory(t, service, "VmHWM")
	t.Logf("%s: %d good calls, %d failed; %d MiB at first, %d MiB at the peak", a.name, good, len(bad), quiet>>20, peak>>20)
	if len(bad) > 0 || good == 0 {
		t.Errorf("%d good calls and %d failed: %v", good, len(bad), bad[:min(len(bad), 5)])
	}
	if peak > memoryBound {
		t.Errorf("%d MiB", peak>>20)
	}
}

// slowOrGood is a Cognito that answers after ten seconds for one pool and at once for others.
func slowOrGood(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if bytes.Contains(body, []byte(slowPool)) {
		select {
		case <-time.After(10 * time.Second):
		case <-r.Context().Done():
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "5d6e7f80-1a2b-4c3d-8e4f-000000000001")
	_, _ = io.WriteString(w, "{}")
}

// memory is a line of the process's status, in bytes.
func memory(t *testing.T, service *bench.Service, line string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", service.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(string(status), line+":")
	kib, err := strconv.Atoi(strings.Fields(value)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func attacks() []attack {
	return []attack{
		{"calls padded to 255 KiB", true, func(ctx context.Context, s *bench.Service) { calling(ctx, s, 20, 600, padded(255<<10)) }},
		{"calls padded to 63 KiB", false, func(ctx context.Context, s *bench.Service) { calling(ctx, s, 20, 600, padded(63<<10)) }},
		{"5,000 calls of a slow pool", true, func(ctx context.Context, s *bench.Service) { calling(ctx, s, 50, 5_000, padded(0)) }},
		{"metadata that JSON makes six times as long", false, func(ctx context.Context, s *bench.Service) { calling(ctx, s, 40, 900, escaped) }},
		{"half-sent messages", true, func(ctx context.Context, s *bench.Service) { openStreams(ctx, s, 20, halfMessage(16<<10)) }},
		{"half-sent in odd frames", false, func(ctx context.Context, s *bench.Service) { openStreams(ctx, s, 20, halfMessage(4_100)) }},
		{"half-sent in bytes", false, func(ctx context.Context, s *bench.Service) { openStreams(ctx, s, 20, halfMessage(1)) }},
		{"headers of 31 KiB", false, func(ctx context.Context, s *bench.Service) { openStreams(ctx, s, 20, headers(1, 31<<10)) }},
		{"900 headers", false, func(ctx context.Context, s *bench.Service) { openStreams(ctx, s, 20, headers(900, 1)) }},
		{"headers and half-sent", false, func(ctx context.Context, s *bench.Service) {
			openStreams(ctx, s, 20, halfMessage(4_100, headerFields(55, 500)...))
		}},
		{"connections", true, floodConnections},
		{"calls without end", false, func(ctx context.Context, s *bench.Service) { flood(ctx, s, 4, true) }},
		{"calls without end, nobody reads", false, func(ctx context.Context, s *bench.Service) { flood(ctx, s, 50, false) }},
		{"settings without end, nobody reads", false, func(ctx context.Context, s *bench.Service) { floodSettings(ctx, s, 20) }},
		{"unknown methods, nobody reads", false, func(ctx context.Context, s *bench.Service) {
			floodOf(ctx, s, 50, false, "/a.B/C", headerFields(40, 700)...)
		}},
		{"responses that nobody reads", false, func(ctx context.Context, s *bench.Service) { openStreams(ctx, s, 200, invalidCall) }},
	}
}

// padded is a request with an unknown field for padding.
func padded(padding int) func(i int) *useradminv1.ConfirmSignUpRequest {
	return func(int) *useradminv1.ConfirmSignUpRequest {
		req := &useradminv1.ConfirmSignUpRequest{UserPoolId: slowPool, Username: "new-1"}
		if padding > 0 {
			req.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 2047, protowire.BytesType), make([]byte, padding)))
		}
		return req
	}
}

// escaped is a request with almost all the metadata that the service takes, for one of a few pools.
func escaped(i int) *useradminv1.ConfirmSignUpRequest {
	metadata := map[string]string{}
	for n := range 15 {
		metadata[strconv.Itoa(n)] = strings.Repeat("\x01", 2_048)
	}
	return &useradminv1.ConfirmSignUpRequest{UserPoolId: slowPool + strconv.Itoa(i%4), Username: "new-1", ClientMetadata: metadata}
}

// calling makes that many calls at once, again and again.
func calling(ctx context.Context, s *bench.Service, conns, n int, request func(i int) *useradminv1.ConfirmSignUpRequest) {
	clients := make([]useradminv1.UserAdminClient, conns)
	for i := range clients {
		conn, err := s.Dial()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		clients[i] = useradminv1.NewUserAdminClient(conn)
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			req := request(i)
			for ctx.Err() == nil {
				_, _ = clients[i%conns].ConfirmSignUp(ctx, req)
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	all.Wait()
}

// openStreams opens a hundred streams on each connection, and holds them.
func openStreams(ctx context.Context, s *bench.Service, conns int, open func(*rawcall.Conn) error) {
	var all sync.WaitGroup
	for range conns {
		all.Go(func() {
			conn := rawDial(ctx, s)
			if conn == nil {
				return
			}
			defer func() { _ = conn.Close() }()
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			for range 100 {
				if open(conn) != nil {
					return
				}
			}
			<-ctx.Done()
		})
	}
	all.Wait()
}

func rawDial(ctx context.Context, s *bench.Service) *rawcall.Conn {
	raw := reach(ctx, s)
	if raw == nil {
		return nil
	}
	conn, err := rawcall.New(raw)
	if err != nil {
		_ = raw.Close()
		return nil
	}
	return conn
}

// reach connects as the caller, with TLS where the service has it; nil if that fails.
func reach(ctx context.Context, s *bench.Service) net.Conn {
	config, err := s.Gate.TLS()
	if err != nil {
		return nil
	}
	if config == nil {
		raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
		if err != nil {
			return nil
		}
		return raw
	}
	raw, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil
	}
	return raw
}

// halfMessage announces a message of 64 KiB and sends all but its end.
func halfMessage(frame int, headers ...string) func(*rawcall.Conn) error {
	return func(c *rawcall.Conn) error {
		stream, err := c.Open(confirmMethod, headers...)
		if err != nil {
			return err
		}
		if err := c.Send(stream, rawcall.Prefix(64<<10), false); err != nil {
			return err
		}
		for left := 64<<10 - 100; left > 0 && err == nil; left -= frame {
			err = c.Send(stream, make([]byte, min(frame, left)), false)
		}
		return err
	}
}

// headers opens streams with that many headers of that size.
func headers(n, size int) func(*rawcall.Conn) error {
	fields := headerFields(n, size)
	return func(c *rawcall.Conn) error {
		_, err := c.Open(confirmMethod, fields...)
		return err
	}
}

func headerFields(n, size int) []string {
	fields := make([]string, 0, 2*n)
	for i := range n {
		fields = append(fields, strconv.FormatInt(int64(i+36), 36), strings.Repeat("x", size))
	}
	return fields
}

func invalidCall(c *rawcall.Conn) error {
	stream, err := c.Open(confirmMethod)
	if err != nil {
		return err
	}
	return c.Send(stream, rawcall.Prefix(0), true)
}

// floodConnections opens connections without end. Every other one greets.
func floodConnections(ctx context.Context, s *bench.Service) {
	keepOpen(ctx, s, func(i int, raw net.Conn) {
		if i%2 == 0 {
			_, _ = io.WriteString(raw, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		}
	})
}

// keepOpen opens connections as fast as it can, and keeps 2,000 of them.
func keepOpen(ctx context.Context, s *bench.Service, greet func(i int, raw net.Conn)) {
	var kept []net.Conn
	for i := 0; ctx.Err() == nil; i++ {
		if len(kept) > 2_000 {
			_ = kept[0].Close()
			kept = kept[1:]
		}
		raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
		if err != nil {
			continue
		}
		greet(i, raw)
		kept = append(kept, raw)
	}
	for _, conn := range kept {
		_ = conn.Close()
	}
}

// flood opens streams with a deadline of an hour as fast as it can. The first hold their places.
func flood(ctx context.Context, s *bench.Service, conns int, reads bool) {
	floodOf(ctx, s, conns, reads, confirmMethod, "grpc-timeout", "1H")
}

func floodOf(ctx context.Context, s *bench.Service, conns int, reads bool, method string, headers ...string) {
	var all sync.WaitGroup
	for range conns {
		all.Go(func() {
			for ctx.Err() == nil {
				conn := rawDial(ctx, s)
				if conn == nil {
					return
				}
				context.AfterFunc(ctx, func() { _ = conn.Close() })
				if reads {
					go conn.Listen()
					go func() {
						for range conn.Ends {
						}
					}()
				}
				for {
					if _, err := conn.Open(method, headers...); err != nil {
						break
					}
				}
				_ = conn.Close()
			}
		})
	}
	all.Wait()
}

// floodSettings sends settings that nobody asked for.
func floodSettings(ctx context.Context, s *bench.Service, conns int) {
	many := make([]http2.Setting, 2_000)
	for i := range many {
		many[i] = http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65_535}
	}
	var all sync.WaitGroup
	for range conns {
		all.Go(func() {
			conn := rawDial(ctx, s)
			if conn == nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			var err error
			for i := 0; err == nil; i++ {
				if i < 200_000 {
					err = conn.Framer.WriteSettings()
				} else {
					err = conn.Framer.WriteSettings(many...)
				}
			}
			_ = conn.Close()
		})
	}
	all.Wait()
}
