//go:build interop

package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// request is one line to a caller; its zero values mean none.
type request struct {
	ID             string            `json:"id"`
	Address        string            `json:"address"`
	UserPoolID     string            `json:"user_pool_id"`
	Username       string            `json:"username"`
	ClientMetadata map[string]string `json:"client_metadata,omitempty"`
	AllowConfirmed bool              `json:"allow_confirmed"`
	DeadlineMS     int               `json:"deadline_ms"`
	CancelMS       int               `json:"cancel_ms"`
	RequestID      string            `json:"request_id"`
	ServiceConfig  string            `json:"service_config"`
	Headers        map[string]string `json:"headers,omitempty"`
	Calls          int               `json:"calls,omitempty"`

	identity

	// method and message are what generic callers send instead of a ConfirmSignUpRequest made of the fields above.
	method  string
	message proto.Message
}

// identity is how a caller proves who it is: files in PEM. Without a CA it calls in plaintext, without a certificate it proves
// nothing.
type identity struct {
	CA   string `json:"ca,omitempty"`
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`
	// protoset is what grpcurl reads where reflection is denied.
	protoset string
}

// rpc is the method and the message that generic callers send.
func (r request) rpc() (string, proto.Message) {
	if r.message != nil {
		return r.method, r.message
	}
	return confirmSignUp, &useradminv1.ConfirmSignUpRequest{
		UserPoolId: r.UserPoolID, Username: r.Username, ClientMetadata: r.ClientMetadata, AllowConfirmed: r.AllowConfirmed,
	}
}

// answer is what arrived at the caller.
type answer struct {
	ID           string            `json:"id,omitempty"`
	Code         string            `json:"code"`
	Message      string            `json:"message"`
	Result       string            `json:"result,omitempty"`
	FromService  bool              `json:"from_service"`
	Reason       string            `json:"reason,omitempty"`
	Outcome      string            `json:"outcome,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	Violations   []violation       `json:"violations,omitempty"`
	RetryDelayMS *int64            `json:"retry_delay_ms"`
	RequestID    string            `json:"request_id,omitempty"`
	Trailers     map[string]string `json:"trailers,omitempty"`
	Details      []string          `json:"details,omitempty"`
	Codes        map[string]int    `json:"codes,omitempty"`

	ServiceConfigIgnored bool `json:"service_config_ignored,omitempty"`
}

type violation struct {
	Field       string `json:"field"`
	Reason      string `json:"reason,omitempty"`
	Description string `json:"description,omitempty"`
}

// short describes the answer in a line.
func (a answer) short() string {
	text := a.Code
	for _, part := range []string{a.Result, a.Reason, a.Outcome} {
		if part != "" {
			text += " " + part
		}
	}
	if a.Metadata["repeated"] == "true" {
		text += " repeated"
	}
	if a.Code != "OK" && !a.FromService {
		text += fmt.Sprintf(" (not made by the service: %.80q)", a.Message)
	}
	return text
}

// caller is a library that calls the service.
type caller interface {
	call(t *testing.T, r request) answer
}

// callerKind describes a caller.
type callerKind struct {
	name string
	// command answers lines of JSON; nil means that start makes a caller in this process.
	command []string
	start   func(t *testing.T) caller
	// generic callers send any message to any RPC; the others have ConfirmSignUp built in.
	generic bool
	// retries says that the library follows the retry policy of a service config.
	retries bool
	// hedges says that it follows the hedging policy too.
	hedges bool
	// lacks names what the library doesn't show.
	lacks []string
}

func callerKinds() []callerKind {
	rust := filepath.Join(".cache", "interop", "rust", "debug", "interop-caller")
	kinds := []callerKind{
		{name: "Go", start: newGoCaller, generic: true, retries: true},
		{name: "grpcurl", start: newGrpcurl, generic: true},
		{name: "Rust", command: []string{rust}, lacks: []string{"violations.reason"}},
		{name: "Python", command: []string{"callers/python/interop/run"}, retries: true},
		{name: "Node grpc-js", command: []string{"node", "callers/ts/interop/grpcjs.mjs"}, retries: true, hedges: true},
		{name: "Node connect", command: []string{"node", "callers/ts/interop/connect.mjs"}},
		{name: "Java", command: []string{"callers/java/interop/run"}, retries: true, hedges: true},
	}
	chosen := kinds[:0]
	for _, kind := range kinds {
		if only := os.Getenv("INTEROP_CALLERS"); only == "" || strings.Contains(","+only+",", ","+kind.name+",") {
			chosen = append(chosen, kind)
		}
	}
	return chosen
}

func (k callerKind) open(t *testing.T) caller {
	t.Helper()
	if k.start != nil {
		return k.start(t)
	}
	return newProgram(t, k)
}

// strip removes from the answer what the caller's library doesn't show.
func (k callerKind) strip(a answer) answer {
	for _, lack := range k.lacks {
		switch lack {
		case "violations.reason":
			all := make([]violation, len(a.Violations))
			for i, v := range a.Violations {
				all[i] = violation{Field: v.Field, Description: v.Description}
			}
			a.Violations = all
		case "trailers":
			a.Trailers = nil
		case "details":
			a.Details = nil
		}
	}
	return a
}

// program is a caller that speaks JSON lines.
type program struct {
	mu     sync.Mutex
	in     io.Writer
	out    *bufio.Scanner
	errors *output
}

func newProgram(t *testing.T, kind callerKind) *program {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	name := kind.command[0]
	if strings.Contains(name, "/") {
		name = filepath.Join(root, name)
	}
	cmd := exec.Command(name, kind.command[1:]...)
	cmd.Dir, cmd.WaitDelay = root, time.Second
	p := &program{errors: &output{}}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = p.errors
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s does not start; run interop/install: %v", kind.name, err)
	}
	p.in, p.out = in, bufio.NewScanner(out)
	p.out.Buffer(nil, 1<<20)
	t.Cleanup(func() {
		_ = in.Close()
		end := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer end.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", kind.name, err, p.errors)
		}
	})
	return p
}

func (p *program) call(t *testing.T, r request) answer {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if _, err = fmt.Fprintf(p.in, "%s\n", line); err == nil && !p.out.Scan() {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = json.Unmarshal(p.out.Bytes(), &a)
	}
	if err != nil {
		t.Fatalf("no answer: %v\n%s\n%s", err, p.out.Text(), p.errors)
	}
	return a
}
