package main

import (
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/health/grpc_health_v1"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// shell is the program, started by a shell that does something first.
func shell(t *testing.T, first string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := program(t, args...)
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args = append([]string{"sh", "-c", first + `; exec "$0" "$@"`, cmd.Path}, args...)
	cmd.Path = sh
	return cmd
}

// longDrain would take a minute.
func longDrain(t *testing.T) *running {
	t.Helper()
	return start(t, program(t, "serve", "--region=us-east-1", "--listen=127.0.0.1:0", "--drain-delay=50s", "--drain-timeout=59s", "--log-format=text"))
}

// The first signal drains, the second skips the delay. Nothing is cut.
func TestSecondSignalSkipsTheDelay(t *testing.T) {
	r := longDrain(t)
	r.await(t, "msg=serving")
	r.signal(t, syscall.SIGTERM)
	r.await(t, "msg=draining")
	time.Sleep(2 * sameSignal) // the process's clock decides
	r.signal(t, syscall.SIGHUP)
	r.await(t, "hurrying")
	r.await(t, "msg=stopped")
	if code := r.exit(t); code != 0 || strings.Contains(r.output(), "at once") {
		t.Errorf("exit code %d:\n%s", code, r.output())
	}
}

// The caller is told what is known before the process ends.
func TestSecondSignalEndsCalls(t *testing.T) {
	r := start(t, program(t, "dev", "--listen=127.0.0.1:0"))
	client := useradminv1.NewUserAdminClient(dial(t, addressOf(t, r.await(t, "msg=serving"))))
	answered := make(chan error, 1)
	go func() {
		_, err := client.ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: "trigger-slow"})
		answered <- err
	}()
	r.await(t, "PostConfirmation trigger got")
	r.signal(t, syscall.SIGTERM)
	r.await(t, "msg=draining")
	time.Sleep(2 * sameSignal)
	r.signal(t, syscall.SIGTERM)
	if got, want := reasonAndOutcome(<-answered), "SERVER_STOPPING UNKNOWN"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if code := r.exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A caller that no longer answers holds up the end for a moment; the third signal does not wait for it.
func TestThirdSignalStopsAtOnce(t *testing.T) {
	r := longDrain(t)
	conn, err := net.Dial("tcp", addressOf(t, r.await(t, "msg=serving")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := errors.Join(framer.WriteSettings(), framer.WriteSettingsAck()); err != nil {
		t.Fatal(err)
	}
	for acknowledged := false; !acknowledged; {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		settings, ok := frame.(*http2.SettingsFrame)
		acknowledged = ok && settings.IsAck()
	}
	for _, await := range []string{"msg=draining", "hurrying", "stopping at once"} {
		r.signal(t, syscall.SIGINT)
		r.await(t, await)
		time.Sleep(2 * sameSignal)
	}
	if code := r.exit(t); code != 0 || strings.Contains(r.output(), "did not end in time") {
		t.Errorf("exit code %d:\n%s", code, r.output())
	}
}

func TestHangUpDrains(t *testing.T) {
	r := start(t, program(t, "dev", "--listen=127.0.0.1:0"))
	r.await(t, "msg=serving")
	r.signal(t, syscall.SIGHUP)
	r.await(t, "msg=draining")
	r.await(t, "msg=stopped")
	if code := r.exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Who starts the service with nohup wants it to outlive the terminal.
func TestHangUpStaysIgnored(t *testing.T) {
	r := start(t, shell(t, "trap '' HUP", "dev", "--listen=unix:"+filepath.Join(t.TempDir(), "s")))
	health := grpc_health_v1.NewHealthClient(dial(t, "unix:"+addressOf(t, r.await(t, "msg=serving"))))
	r.signal(t, syscall.SIGHUP)
	time.Sleep(2 * sameSignal)
	resp, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil || resp.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("after SIGHUP: %v, %v", resp, err)
	}
	r.stop(t)
	if strings.Count(r.output(), "msg=draining") != 1 {
		t.Errorf("SIGHUP drained:\n%s", r.output())
	}
}
