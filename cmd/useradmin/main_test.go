package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const asProgram = "TEST_AS_USERADMIN"

// TestMain lets the test binary be the program itself, so that tests can start it as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	// Texts are compared as they are without a terminal.
	_ = os.Unsetenv("COLUMNS")
	if signal.Ignored(syscall.SIGHUP) { // by nohup: the programs would inherit that
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	os.Exit(m.Run())
}

// program prepares the program as a process that sees none of the developer's settings. It ends with the test.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") && !strings.HasPrefix(variable, "USERADMIN_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	nowhere := t.TempDir() + "/none"
	cmd.Env = append(cmd.Env, asProgram+"=1", "AWS_CONFIG_FILE="+nowhere, "AWS_SHARED_CREDENTIALS_FILE="+nowhere, "AWS_EC2_METADATA_DISABLED=true")
	return cmd
}

// finish runs the program to its end and returns its exit code and output.
func finish(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errOut.String()
}

// running is a program that has been started; its output is awaited line by line.
type running struct {
	cmd   *exec.Cmd
	lines chan string
	mu    sync.Mutex
	all   strings.Builder
}

func start(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{cmd: cmd, lines: make(chan string, 1000)}
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			r.mu.Lock()
			r.all.WriteString(scanner.Text() + "\n")
			r.mu.Unlock()
			r.lines <- scanner.Text()
		}
		close(r.lines)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = writer.Close()
	})
	return r
}

// await returns the next line that has the text in it.
func (r *running) await(t *testing.T, text string) string {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				t.Fatalf("no line has %q:\n%s", text, r.output())
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-timeout:
			t.Fatalf("no line had %q in time:\n%s", text, r.output())
		}
	}
}

func (r *running) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.String()
}

// exit waits for the end and returns the exit code.
func (r *running) exit(t *testing.T) int {
	t.Helper()
	var exit *exec.ExitError
	if err := r.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return r.cmd.ProcessState.ExitCode()
}

func (r *running) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// stop ends the program as an orchestrator does.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.signal(t, syscall.SIGTERM)
	if code := r.exit(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, r.output())
	}
}

// devAddress is where dev says that it serves.
func devAddress(t *testing.T, r *running) string {
	t.Helper()
	return strings.TrimSuffix(strings.Fields(r.await(t, "useradmin serves on "))[3], ",")
}
