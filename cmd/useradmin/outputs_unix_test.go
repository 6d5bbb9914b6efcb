//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/logqueue"
)

// fullPipe is a pipe that is full and that nobody reads.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	reader, writer := os.NewFile(uintptr(fds[0]), "reader"), os.NewFile(uintptr(fds[1]), "writer")
	t.Cleanup(func() {
		_ = reader.Close()
		_ = writer.Close()
	})
	if err := syscall.SetNonblock(fds[1], true); err != nil {
		t.Fatal(err)
	}
	for err := error(nil); err == nil; {
		_, err = syscall.Write(fds[1], make([]byte, 512))
	}
	if err := syscall.SetNonblock(fds[1], false); err != nil {
		t.Fatal(err)
	}
	return writer
}

// closedPipe is a pipe whose reader is gone.
func closedPipe(t *testing.T) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	t.Cleanup(func() { _ = writer.Close() })
	return writer
}

// calls makes the calls and a health check, all of which must succeed.
func calls(t *testing.T, target string, count int) {
	t.Helper()
	conn := dial(t, target)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	var all sync.WaitGroup
	failed := make(chan error, count)
	for worker := range 40 {
		all.Go(func() {
			for i := worker; i < count; i += 40 {
				_, err := useradminv1.NewUserAdminClient(conn).ConfirmSignUp(ctx, &useradminv1.ConfirmSignUpRequest{
					UserPoolId: devPool, Username: "confirmed", AllowConfirmed: true,
				}, grpc.WaitForReady(true))
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	for err := range failed {
		t.Fatal(err)
	}
	resp, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: useradminv1.UserAdmin_ServiceDesc.ServiceName})
	if err != nil || resp.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", resp, err)
	}
}

// terminate sends SIGTERM again and again until the end, which is a clean one nevertheless.
func terminate(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	for again := true; again; {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if again = false; err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
		case <-time.After(sameSignal):
		}
	}
}

// Nobody reads stdout and stderr: every call succeeds, and the process ends when it is told to.
func TestOutputsThatNobodyReads(t *testing.T) {
	dir := t.TempDir()
	cmd := program(t, "dev", "--listen=unix:"+dir+"/s", "--admin-listen=unix:"+dir+"/admin", "--log-level=debug")
	cmd.Stdout, cmd.Stderr = fullPipe(t), fullPipe(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	calls(t, "unix:"+dir+"/s", 2000)
	if status, metrics := get(t, unixClient(t, dir+"/admin"), "http://admin/metrics"); status != 200 || sampleOf(metrics, "useradmin_log_lines_dropped_total") != "0" {
		t.Errorf("%d: the lines of 2,000 calls fit into the queue, want 0 dropped:\n%s", status, metrics)
	}
	terminate(t, cmd)
}

// What ends the process at its start must not wait for readers either, and is told to those who read.
func TestStartFailsWithoutReader(t *testing.T) {
	for _, args := range [][]string{
		{"serve", "--region=us-east-1", "--listen=unix:relative"},
		{"dev", "--cognito-listen=192.0.2.1:0"},
		{"serve", "--no-such-flag"},
		{"serve", "--region=us-east-1", "GODEBUG=http2debug=1"},
	} {
		for name, stderr := range map[string]func(*testing.T) *os.File{"full": fullPipe, "closed": closedPipe} {
			cmd := program(t, args...)
			if last := len(args) - 1; strings.HasPrefix(args[last], "GODEBUG=") {
				cmd = program(t, args[:last]...)
				cmd.Env = append(cmd.Env, args[last])
			}
			cmd.Stdout, cmd.Stderr = stderr(t), stderr(t)
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != exitUsage {
				t.Errorf("%v, %s: exit code %d, want %d", args, name, code, exitUsage)
			}
		}
	}
}

// The readers of stdout and stderr die: every call succeeds, and the children of the process do not ignore SIGPIPE.
func TestReadersThatDie(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	cmd := program(t, "dev", "--listen=unix:"+path, "--log-level=debug")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	_, _ = reader.Close(), writer.Close()
	calls(t, "unix:"+path, 100)
	terminate(t, cmd)
}

func TestChildrenDoNotIgnoreBrokenPipes(t *testing.T) {
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\ntouch %s/ran\nkill -PIPE $$\ntouch %[1]s/ignored\n", dir)
	if err := os.WriteFile(dir+"/process", []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/config", []byte("[default]\ncredential_process = "+dir+"/process\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := program(t, "serve", "--region=us-east-1", "--listen=127.0.0.1:0", "--log-format=text", "--drain-delay=0s")
	cmd.Env = append(cmd.Env, "AWS_CONFIG_FILE="+dir+"/config")
	r := start(t, cmd)
	r.await(t, "not ready yet") // the process ran
	if _, err := os.Stat(dir + "/ran"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir + "/ignored"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the child ignored SIGPIPE: %v", err)
	}
	r.stop(t)
}

// Lost lines are counted, and the log tells of them.
func TestLossesAreToldAndCounted(t *testing.T) {
	var log bytes.Buffer
	q := logqueue.New(&log, 300)
	s := &service{logger: newLogger(q, "text", slog.LevelInfo), registry: prometheus.NewRegistry()}
	if err := s.tellLosses(q); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, _ = q.Write(make([]byte, 301))
	}
	_, _ = q.Write([]byte("fits\n"))
	q.Close(time.Minute)
	if text := log.String(); !strings.HasPrefix(text, "fits\n") || !strings.Contains(text, `level=WARN msg="log lines were lost" lines=3`) {
		t.Errorf("the log is %q", text)
	}
	families, err := s.registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "useradmin_log_lines_dropped_total" ||
		families[0].GetMetric()[0].GetCounter().GetValue() != 3 {
		t.Errorf("got %v, %v", families, err)
	}
}

// The log is not written over the audit log.
func TestAuditIsNoOutput(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, bytes.Repeat([]byte("k"), 32), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, set := range map[string]func(cmd *exec.Cmd, f *os.File){
		"the standard output": func(cmd *exec.Cmd, f *os.File) { cmd.Stdout = f },
		"the log":             func(cmd *exec.Cmd, f *os.File) { cmd.Stderr = f },
	} {
		f, err := os.OpenFile(filepath.Join(dir, "audit"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		cmd := program(t, "serve", "--region=us-east-1", "--cognito-endpoint=http://127.0.0.1:1", "--listen=unix:"+dir+"/s",
			"--log-format=text", "--audit="+f.Name(), "--audit-key="+key)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		set(cmd, f)
		_ = cmd.Run()
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if got := stderr.String() + string(text); cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(got, "--audit and "+want+" name the same file") {
			t.Errorf("%s: %s, %s", want, cmd.ProcessState, got)
		}
		_ = f.Close()
	}
}
