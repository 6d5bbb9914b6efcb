package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// process is a role that runs. It is talked to line by line, and ends when its input does.
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
	_ = p.in.Close()
	timer := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait()
}

// cpuOf is the time that all threads of the process have spent, in user and in kernel mode, in seconds.
func cpuOf(cmd *exec.Cmd) (float64, error) {
	const ticks = 100 // a second, on every Linux that Go runs on
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
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
