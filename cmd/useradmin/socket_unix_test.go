//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/grpc/health/grpc_health_v1"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// A new socket has its mode from the first moment in which the path exists, and the umask stays what it was.
func TestSocketModeFromTheFirstMoment(t *testing.T) {
	dir := t.TempDir()
	defer syscall.Umask(syscall.Umask(0o027))
	for i := range 100 {
		path := fmt.Sprintf("%s/%d", dir, i)
		seen := make(chan fs.FileMode)
		go func() {
			for {
				if info, err := os.Lstat(path); err == nil {
					seen <- info.Mode().Perm()
					return
				}
			}
		}()
		lis, err := listenSocket(path, 0o620)
		if err != nil {
			t.Fatal(err)
		}
		if mode := <-seen; mode != 0o620 {
			t.Fatalf("the mode was %o", mode)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o620 {
			t.Fatalf("the mode is %v, %v", info, err)
		}
		if umask := syscall.Umask(0o027); umask != 0o027 {
			t.Fatalf("the umask is %o", umask)
		}
		_ = lis.Close()
	}
}

// The mode is that of the setting, whatever the umask, for both addresses.
func TestSocketModeAndUmask(t *testing.T) {
	for _, umask := range []string{"000", "077"} {
		for set, want := range map[string]fs.FileMode{"": 0o660, "--listen-mode=0606": 0o606} {
			dir := t.TempDir()
			args := []string{"dev", "--listen=unix:" + dir + "/s", "--admin-listen=unix://" + dir + "/admin"}
			if set != "" {
				args = append(args, set)
			}
			r := start(t, shell(t, "umask "+umask, args...))
			r.await(t, "msg=serving")
			for _, name := range []string{"/s", "/admin"} {
				if info, err := os.Lstat(dir + name); err != nil || info.Mode().Perm() != want {
					t.Errorf("umask %s, %s: %s is %v, %v", umask, set, name, info.Mode(), err)
				}
			}
			r.stop(t)
		}
	}
}

// A socket that a killed process left behind is replaced; one that is in use is not.
func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	args := []string{"dev", "--listen=unix:" + path, "--log-level=warn"}
	first := start(t, program(t, args...))
	first.await(t, "useradmin serves on unix:"+path)
	if code, _, stderr := finish(t, program(t, args...)); code != exitFailure || !strings.Contains(stderr, "address already in use") {
		t.Errorf("a socket in use: exit code %d, %q", code, stderr)
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.exit(t)
	second := start(t, program(t, args...))
	second.await(t, "useradmin serves on unix:"+path)
	resp, err := useradminv1.NewUserAdminClient(dial(t, "unix:"+path)).ConfirmSignUp(t.Context(),
		&useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: "new-1", ClientMetadata: map[string]string{"source": "canary-metadata"}})
	if err != nil || resp.GetResult() != useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED {
		t.Errorf("got %v, %v", resp, err)
	}
	if line := second.await(t, "PostConfirmation trigger got"); !strings.Contains(line, `"clientMetadata":{"source":"canary-metadata"}`) {
		t.Errorf("the trigger's event has no client metadata: %s", line)
	}
}

// A file that is not a socket is never replaced, although nobody listens on it either.
func TestFileInTheWayOfASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if lis, err := listenSocket(path, 0o660); err == nil {
		_ = lis.Close()
		t.Error("the socket took the file's place")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "kept" {
		t.Errorf("the file has %q, %v", text, err)
	}
}

// A process that drains leaves the path alone, where its successor may listen by now.
func TestDrainLeavesTheSuccessorsSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first := start(t, program(t, "serve", "--region=us-east-1", "--listen=unix:"+path, "--drain-delay=0s", "--log-format=text"))
	first.await(t, "msg=serving")
	if err := os.Remove(path); err != nil { // as many wrappers do
		t.Fatal(err)
	}
	second := start(t, program(t, "dev", "--listen=unix:"+path))
	second.await(t, "msg=serving")
	first.stop(t)
	if _, err := grpc_health_v1.NewHealthClient(dial(t, "unix:"+path)).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Errorf("the successor can't be reached: %v", err)
	}
}

// What is left behind by a clean end does not hinder the next start.
func TestSocketIsTakenOverAfterAnEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 2 {
		r := start(t, program(t, "dev", "--listen=unix:"+path))
		r.await(t, "msg=serving")
		r.stop(t)
	}
}

// Of many starts that find a dead socket, exactly one gets it, and it is the one that callers reach.
func TestManyStartsAndADeadSocket(t *testing.T) {
	const starts = 16
	dir := t.TempDir()
	for round := range 50 {
		path := fmt.Sprintf("%s/%d", dir, round)
		dead, err := listenSocket(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_ = dead.Close()
		listeners := make(chan net.Listener, starts)
		var all sync.WaitGroup
		for range starts {
			all.Go(func() {
				lis, err := listenSocket(path, 0o600)
				switch {
				case err == nil:
					listeners <- lis
				case !errors.Is(err, syscall.EADDRINUSE):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(listeners) != 1 {
			t.Fatalf("round %d: %d of %d starts listen", round, len(listeners), starts)
		}
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Close(), (<-listeners).Close()
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 50 {
		t.Errorf("%d files, %v: the sockets alone are meant to be there", len(files), err)
	}
}

// The same with processes.
func TestManyProcessesAndADeadSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := listenSocket(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	const starts = 6
	var cmds [starts]*exec.Cmd
	ended := make(chan int, starts)
	for i := range starts {
		cmds[i] = program(t, "dev", "--listen=unix:"+path)
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
		go func() {
			_ = cmds[i].Wait()
			ended <- i
		}()
	}
	for range starts - 1 {
		i := <-ended
		if code := cmds[i].ProcessState.ExitCode(); code != exitFailure {
			t.Errorf("exit code %d", code)
		}
		cmds[i] = nil
	}
	last := slices.IndexFunc(cmds[:], func(cmd *exec.Cmd) bool { return cmd != nil })
	if _, err := grpc_health_v1.NewHealthClient(dial(t, "unix:"+path)).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
	if err := cmds[last].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if i := <-ended; i != last || cmds[i].ProcessState.ExitCode() != 0 {
		t.Errorf("exit code %d", cmds[i].ProcessState.ExitCode())
	}
}

// A start that hangs holds up the next one for a time only.
func TestLockOfTheDirectoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockDirectory(dir, lockTimeout)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockDirectory(dir, 0)
	var held *fs.PathError
	if !errors.As(err, &held) || held.Op != "lock" || held.Path != dir || !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("got %v", err)
	}
	unlock()
	unlock, err = lockDirectory(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
