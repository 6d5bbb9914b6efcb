package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	// A failed call ends the program with this and the gRPC code, as grpcurl does.
	exitCall = 64
	maxTries = 5
	// The service begins no attempt with less time than this, so there is no use in asking.
	leastTry = 200 * time.Millisecond
)

type confirmCommand struct {
	Pool     string        `arg:"" help:"The id of the user pool, for example us-east-1_EXAMPLE01."`
	User     string        `arg:"" help:"The user's name in the pool, or an alias: an e-mail address, a phone number, a sub."`
	Metadata []string      `sep:"none" env:"-" placeholder:"KEY=VALUE" help:"Client metadata for the pool's PostConfirmation trigger; may be given several times. No secrets: Cognito does not protect it."`
	Address  string        `default:"127.0.0.1:50051" placeholder:"ADDRESS" help:"Where the service is: host:port or unix:/path (${default})."`
	CA       string        `name:"ca" placeholder:"FILE" complete:"file" help:"Certificates in PEM to trust instead of the system's. It turns TLS on for loopback and Unix sockets too."`
	Strict   bool          `env:"-" help:"Fail with USER_ALREADY_CONFIRMED if the user is confirmed already, as Cognito does."`
	Timeout  time.Duration `default:"30s" help:"The most time that the command takes (${default})."`
	Output   string        `default:"text" enum:"text,json" help:"text or json (${default})."`
}

// Help is shown above the arguments.
func (*confirmCommand) Help() string {
	return `Success means that the user is confirmed. Without --strict that includes a user who was confirmed already, and
the command may be run again after any failure.

A failure is printed with what it did to the user (the outcome), why (the reason; see useradmin explain), and what to
do. Where the service asks to wait and send the call again, the command does so while its time allows.

Plaintext goes to loopback addresses and Unix sockets only. Everything else is TLS, with the system's certificates or
those of --ca.

With --output json it prints one JSON object on standard output, whatever comes of the call.

Exit code: 0 if the user is confirmed, 64 + the gRPC code if the call failed (69 is NOT_FOUND, 78 UNAVAILABLE), 2 for
wrong usage. A user whose name begins with a hyphen is given after two hyphens.

Examples:

  useradmin confirm us-east-1_EXAMPLE01 new-1@example.com
  useradmin confirm us-east-1_EXAMPLE01 jane --metadata source=support
  useradmin confirm us-east-1_EXAMPLE01 jane --address useradmin.example.com:443 --ca ca.pem
  useradmin confirm us-east-1_EXAMPLE01 jane --address unix:/run/useradmin.sock --output json
  useradmin confirm us-east-1_EXAMPLE01 -- -jane`
}

// Run makes the call and reports what came of it.
func (c *confirmCommand) Run(std streams) error {
	req, err := c.request()
	if err != nil {
		return err
	}
	g, err := loadGlossary()
	if err != nil {
		return err
	}
	conn, err := connect(c.Address, c.CA)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program the hard way.
	context.AfterFunc(ctx, stop)
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	a := ask(ctx, useradminv1.NewUserAdminClient(conn), req, std.Err)

	r := &report{command: c, answer: a, glossary: g}
	if err := r.write(std); err != nil {
		return err
	}
	return a.exit()
}

// request is made of the arguments. It is the service that checks them.
func (c *confirmCommand) request() (*useradminv1.ConfirmSignUpRequest, error) {
	if c.Timeout <= 0 {
		return nil, usageError{errors.New("--timeout must be positive")}
	}
	clientMetadata := make(map[string]string, len(c.Metadata))
	for _, pair := range c.Metadata {
		key, value, ok := strings.Cut(pair, "=")
		_, repeated := clientMetadata[key]
		switch {
		case !ok:
			return nil, usageError{fmt.Errorf("--metadata %q is not of the form KEY=VALUE", pair)}
		case repeated:
			return nil, usageError{fmt.Errorf("--metadata has the key %q twice", key)}
		}
		clientMetadata[key] = value
	}
	return &useradminv1.ConfirmSignUpRequest{
		UserPoolId: c.Pool, Username: c.User, ClientMetadata: clientMetadata, AllowConfirmed: !c.Strict,
	}, nil
}

// answer is what came of a command's tries.
type answer struct {
	// response is nil if the last try failed.
	response *useradminv1.ConfirmSignUpResponse
	err      error
	failure  failure.Failure
	// requestID is the last try's.
	requestID string
	tries     int
	// doubt says that a try before the last may have confirmed the user.
	doubt bool
}

// ask makes the call, and makes it again after the delay that the service asks for.
func ask(ctx context.Context, client useradminv1.UserAdminClient, req *useradminv1.ConfirmSignUpRequest, notices io.Writer) answer {
	var a answer
	for {
		a.try(ctx, client, req)
		if !a.again(ctx) {
			return a
		}
		_, _ = fmt.Fprintf(notices, "useradmin: %s: sending the call again in %s (try %d of at most %d)\n",
			printable(shortReason(a.failure)), a.failure.RetryDelay, a.tries+1, maxTries)
		if !wait(ctx, a.failure.RetryDelay) {
			return a
		}
		a.doubt = a.doubt || !a.failure.NotApplied()
	}
}

func (a *answer) try(ctx context.Context, client useradminv1.UserAdminClient, req *useradminv1.ConfirmSignUpRequest) {
	var trailer metadata.MD
	a.tries++
	a.response, a.err = client.ConfirmSignUp(ctx, req, grpc.Trailer(&trailer))
	a.failure = failure.Of(a.err)
	a.requestID = a.failure.RequestID
	if ids := trailer.Get("x-request-id"); a.requestID == "" && len(ids) > 0 {
		a.requestID = ids[0]
	}
}

// again tells whether the service asks for it, and tries and time are left.
func (a *answer) again(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return a.err != nil && a.failure.Retryable() && a.failure.RetryDelay > 0 && a.tries < maxTries &&
		(!bounded || time.Until(deadline) > a.failure.RetryDelay+leastTry)
}

// exit is what the program ends with.
func (a *answer) exit() error {
	switch {
	case a.err == nil:
		return nil
	case a.failure.Code > codes.Unauthenticated:
		// Exit codes end at 255, and gRPC takes a code that it does not know for UNKNOWN.
		return exitCode(exitCall + int(codes.Unknown))
	default:
		return exitCode(exitCall + int(a.failure.Code))
	}
}

// shortReason is what explain takes, or the code where there is no reason.
func shortReason(f failure.Failure) string {
	if f.ReasonName == "" {
		return f.CodeName()
	}
	return strings.TrimPrefix(f.ReasonName, reasonPrefix)
}

// wait returns false if the context ends first.
func wait(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
