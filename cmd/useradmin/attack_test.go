//go:build linux && !race

package main

import (
	"bytes"
	"context"
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
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
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

// attack is what callers do to an address until the context ends.
type attack struct {
	name   string
	always bool // with -short too
	attack func(ctx context.Context, address string)
}

func TestAttacks(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "useradmin")
	if err := bench.BuildService(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOMEMLIMIT", strconv.FormatInt(heapLimit(memoryBound, nil), 10))
	upstream := httptest.NewServer(http.HandlerFunc(slowOrGood))
	defer upstream.Close()
	for _, a := range attacks() {
		if testing.Short() && !a.always {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			service, err := bench.StartService(t.Context(), binary, filepath.Join(dir, "log"), upstream.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer service.End()
			quiet := memory(t, service, "VmHWM")
			ctx, cancel := context.WithTimeout(t.Context(), attackTime)
			defer cancel()
			var both sync.WaitGroup
			both.Go(func() { a.attack(ctx, service.Address) })
			good, bad := goodCalls(t, ctx, service.Address)
			both.Wait()
			peak := memory(t, service, "VmHWM")
			t.Logf("%s: %d good calls, %d failed; %d MiB at first, %d MiB at the peak", a.name, good, len(bad), quiet>>20, peak>>20)
			if len(bad) > 0 || good == 0 {
				t.Errorf("%d good calls and %d failed: %v", good, len(bad), bad[:min(len(bad), 5)])
			}
			if peak > memoryBound {
				t.Errorf("%d MiB", peak>>20)
			}
		})
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

// goodCalls makes one call after the other, as a caller with a connection of its own, until the context ends.
func goodCalls(t *testing.T, ctx context.Context, address string) (good int, bad []error) {
	t.Helper()
	client := useradminv1.NewUserAdminClient(dial(t, address))
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := client.ConfirmSignUp(one, &useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: "new-1"})
		cancel()
		if err != nil {
			bad = append(bad, err)
			continue
		}
		good++
		time.Sleep(5 * time.Millisecond)
	}
	return good, bad
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
		{"calls padded to 255 KiB", true, func(ctx context.Context, a string) { calling(ctx, a, 20, 600, padded(255<<10)) }},
		{"calls padded to 63 KiB", false, func(ctx context.Context, a string) { calling(ctx, a, 20, 600, padded(63<<10)) }},
		{"5,000 calls of a slow pool", true, func(ctx context.Context, a string) { calling(ctx, a, 50, 5_000, padded(0)) }},
		{"metadata that JSON makes six times as long", false, func(ctx context.Context, a string) { calling(ctx, a, 40, 900, escaped) }},
		{"half-sent messages", true, func(ctx context.Context, a string) { openStreams(ctx, a, 20, halfMessage(16<<10)) }},
		{"half-sent in odd frames", false, func(ctx context.Context, a string) { openStreams(ctx, a, 20, halfMessage(4_100)) }},
		{"half-sent in bytes", false, func(ctx context.Context, a string) { openStreams(ctx, a, 20, halfMessage(1)) }},
		{"headers of 31 KiB", false, func(ctx context.Context, a string) { openStreams(ctx, a, 20, headers(1, 31<<10)) }},
		{"900 headers", false, func(ctx context.Context, a string) { openStreams(ctx, a, 20, headers(900, 1)) }},
		{"headers and half-sent", false, func(ctx context.Context, a string) {
			openStreams(ctx, a, 20, halfMessage(4_100, headerFields(55, 500)...))
		}},
		{"connections", true, floodConnections},
		{"calls without end", false, func(ctx context.Context, a string) { flood(ctx, a, 4, true) }},
		{"calls without end, nobody reads", false, func(ctx context.Context, a string) { flood(ctx, a, 50, false) }},
		{"settings without end, nobody reads", false, func(ctx context.Context, a string) { floodSettings(ctx, a, 20) }},
		{"unknown methods, nobody reads", false, func(ctx context.Context, a string) { floodOf(ctx, a, 50, false, "/a.B/C", headerFields(40, 700)...) }},
		{"responses that nobody reads", false, func(ctx context.Context, a string) { openStreams(ctx, a, 200, invalidCall) }},
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
func calling(ctx context.Context, address string, conns, n int, request func(i int) *useradminv1.ConfirmSignUpRequest) {
	clients := make([]useradminv1.UserAdminClient, conns)
	for i := range clients {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
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
func openStreams(ctx context.Context, address string, conns int, open func(*rawcall.Conn) error) {
	var all sync.WaitGroup
	for range conns {
		all.Go(func() {
			conn := rawDial(ctx, address)
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

func rawDial(ctx context.Context, address string) *rawcall.Conn {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil
	}
	conn, err := rawcall.New(raw)
	if err != nil {
		_ = raw.Close()
		return nil
	}
	return conn
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

// floodConnections opens connections as fast as it can, and keeps 2,000 of them. Every other one greets.
func floodConnections(ctx context.Context, address string) {
	var kept []net.Conn
	for i := 0; ctx.Err() == nil; i++ {
		if len(kept) > 2_000 {
			_ = kept[0].Close()
			kept = kept[1:]
		}
		raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			continue
		}
		if i%2 == 0 {
			_, _ = io.WriteString(raw, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		}
		kept = append(kept, raw)
	}
	for _, conn := range kept {
		_ = conn.Close()
	}
}

// flood opens streams with a deadline of an hour as fast as it can. The first hold their places.
func flood(ctx context.Context, address string, conns int, reads bool) {
	floodOf(ctx, address, conns, reads, confirmMethod, "grpc-timeout", "1H")
}

func floodOf(ctx context.Context, address string, conns int, reads bool, method string, headers ...string) {
	var all sync.WaitGroup
	for range conns {
		all.Go(func() {
			for ctx.Err() == nil {
				conn := rawDial(ctx, address)
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
func floodSettings(ctx context.Context, address string, conns int) {
	many := make([]http2.Setting, 2_000)
	for i := range many {
		many[i] = http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65_535}
	}
	var all sync.WaitGroup
	for range conns {
		all.Go(func() {
			conn := rawDial(ctx, address)
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
