package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"cognito.internal/useradmin/bench"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// process is a part that runs. A role is talked to line by line, and ends when its input does.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	address string
}

// startRole starts this program in the role and waits for the line that says where it is, or that it is ready.
func startRole(ctx context.Context, self string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, self, append([]string{rolePrefix}, args...)...)} //nolint:gosec // it is this program
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if p.address, err = p.line(); err != nil {
		p.end()
		return nil, fmt.Errorf("start %v: %w", args, err)
	}
	return p, nil
}

func (p *process) line() (string, error) {
	text, err := p.out.ReadString('\n')
	return strings.TrimSpace(text), err
}

// command sends a line and waits for the answer `ok`.
func (p *process) command(text string) error {
	if _, err := fmt.Fprintln(p.in, text); err != nil {
		return err
	}
	answer, err := p.line()
	if err == nil && answer != "ok" {
		err = errors.New(answer)
	}
	return err
}

// end ends the process; nil is one that never started.
func (p *process) end() {
	if p == nil {
		return
	}
	if p.in != nil {
		_ = p.in.Close()
	} else {
		_ = p.cmd.Process.Signal(os.Interrupt)
	}
	timer := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait()
}

// cpu is the time that all threads of the process have spent, in user and in kernel mode, in seconds.
func (p *process) cpu() (float64, error) {
	const ticks = 100 // a second, on every Linux that Go runs on
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name before it may have spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("/proc has another form")
	}
	user, err := strconv.ParseUint(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseUint(fields[12], 10, 64)
	return float64(user+system) / ticks, err
}

func build(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "cognito.internal/useradmin/cmd/useradmin") //nolint:gosec // a path of our own
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// startServe starts the service, with a log line a call as it has by default, and waits until its health is SERVING.
func startServe(ctx context.Context, binary, log, endpoint string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	file, err := os.Create(log) //nolint:gosec // a path of our own
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	cmd := exec.CommandContext(ctx, binary, "serve", "--region="+bench.Region, "--listen="+address, //nolint:gosec // what build made
		"--cognito-endpoint="+endpoint, "--drain-delay=0s", "--drain-timeout=3s")
	cmd.Stdout, cmd.Stderr = file, file
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+bench.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+bench.SecretAccessKey,
		"AWS_SESSION_TOKEN=", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, address: address}
	if err := serving(ctx, address); err != nil {
		p.end()
		return nil, fmt.Errorf("the service does not serve: %w", err)
	}
	return p, nil
}

func freeAddress() (string, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return lis.Addr().String(), lis.Close()
}

// serving watches the health of the service until it has its credentials.
func serving(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	watch, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx,
		&grpc_health_v1.HealthCheckRequest{Service: useradminv1.UserAdmin_ServiceDesc.ServiceName}, grpc.WaitForReady(true))
	for err == nil {
		var state *grpc_health_v1.HealthCheckResponse
		if state, err = watch.Recv(); state.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING {
			return nil
		}
	}
	return err
}
