package main

import (
	"cmp"
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
	"google.golang.org/grpc/metadata"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

const (
	// A failed call ends the program with this and the gRPC code, as grpcurl does.
	exitCall = 64
	maxTries = 5
	// With less time than this, the service begins no attempt.
	leastTry = 200 * time.Millisecond
	// How long to wait before asking what a call did, if the service does not say it.
	askDelay = time.Second
)

type confirmCommand struct {
	Pool     string   `arg:"" help:"The id of the user pool, for example us-east-1_EXAMPLE01."`
	User     string   `arg:"" help:"The username or the sub that SignUp returned. Do not use an e-mail address or a phone number that is only an alias: it finds nobody, or somebody else who owns the verified address."`
	Metadata []string `sep:"none" env:"-" placeholder:"KEY=VALUE" help:"Client metadata for the pool's PostConfirmation trigger; can be repeated. Cognito does not protect it: put no secrets in it."`
	Address  string   `default:"127.0.0.1:50051" placeholder:"ADDRESS" help:"The address of the service: host:port or unix:/path (${default})."`
	connectFlags
	Strict  bool          `env:"-" help:"Fail with USER_ALREADY_CONFIRMED if the user is already confirmed, as Cognito does."`
	Timeout time.Duration `default:"30s" help:"The time limit for the command (${default})."`
	Output  string        `default:"text" enum:"text,json" help:"The output format: text or json (${default})."`
}

// Help is shown above the arguments.
func (*confirmCommand) Help() string {
	return `Success means that the user is confirmed; without --strict, that includes a user who was already confirmed.

If the call fails, the command prints why (the reason; see useradmin explain), what the call did to the user (the
outcome), and what to do. It sends the call again automatically where the service asks for that, and once more to find
out what an unknown outcome did, unless --strict is set. You can run it again after any failure. Where nothing of the
call was sent, for example because the connection was refused, the outcome is NOT_SENT.

Connections to loopback addresses and Unix sockets are not encrypted, unless --ca or --cert is set. All others use TLS,
unless --plaintext is set. A service behind a proxy that asks for client certificates, as those in deploy/ do, needs
--cert and --key.

With --output json, the command prints one JSON object to standard output, for successes and failures alike.

The exit code is 0 if the call succeeded, 64 + the gRPC code if it failed (69 is NOT_FOUND, 78 is UNAVAILABLE), and 2
for wrong usage. A failure with the outcome APPLIED means that the user is confirmed, but the pool's trigger failed. If
you interrupt the command, it reports its last try and exits with that one's code.

Put two hyphens before a username that begins with a hyphen.

Examples:

  useradmin confirm us-east-1_EXAMPLE01 new-1
  useradmin confirm us-east-1_EXAMPLE01 jane --metadata source=support
  useradmin confirm us-east-1_EXAMPLE01 jane --address useradmin.example.com:443 --ca ca.pem --cert me.pem --key me.key
  useradmin confirm us-east-1_EXAMPLE01 jane --address useradmin.backend:50051 --plaintext
  useradmin confirm us-east-1_EXAMPLE01 jane --address unix:/run/useradmin.sock --output json
  useradmin confirm us-east-1_EXAMPLE01 -- -jane`
}

// Run makes the call and prints what became of it.
func (c *confirmCommand) Run(std streams) error {
	req, err := c.request()
	if err != nil {
		return err
	}
	g, err := loadGlossary()
	if err != nil {
		return err
	}
	t, err := targetOf(c.Address)
	if err != nil {
		return err
	}
	conn, err := connect(t, c.connectFlags)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal kills the program.
	context.AfterFunc(ctx, stop)
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	a := ask(ctx, useradminv1.NewUserAdminClient(conn), req, std.Err)

	r := &report{command: c, target: t, answer: a, glossary: g}
	if err := r.write(std); err != nil {
		return err
	}
	return a.exit()
}

// request is made from the arguments. The service checks the values.
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

// answer is what became of a command's tries.
type answer struct {
	// response is nil if the last try failed.
	response *useradminv1.ConfirmSignUpResponse
	err      error
	failure  failure.Failure
	// requestID is the last try's.
	requestID string
	tries     int
	// asked says that one of the tries was made to find out what the one before it did.
	asked bool
	// unsent says that nothing of the last try was sent.
	unsent bool
	// interrupted says that the person ended the last try, or the wait for another one.
	interrupted bool
	// doubt is why the last try failed that was followed by another and may have confirmed the user; empty if none did.
	doubt string
}

// ask makes the call, and makes it again where the service asks for it, or once to find out what the call did.
func ask(ctx context.Context, client useradminv1.UserAdminClient, req *useradminv1.ConfirmSignUpRequest, notices io.Writer) answer {
	var a answer
	for {
		a.try(ctx, client, req)
		purpose, delay := a.next(ctx, req.GetAllowConfirmed())
		if purpose == "" {
			return a
		}
		_, _ = fmt.Fprintf(notices, "useradmin: %s, outcome %s: %s in %s (try %d of at most %d)\n", printable(shortReason(a.failure)),
			a.outcome(), purpose, delay, a.tries+1, maxTries)
		if !wait(ctx, delay) {
			a.interrupted = true
			_, _ = fmt.Fprintf(notices, "useradmin: interrupted before try %d; what try %d said:\n", a.tries+1, a.tries)
			return a
		}
		if !a.failure.NotApplied() {
			a.doubt = shortReason(a.failure)
		}
	}
}

// try makes the call once. It is marked as a repeat if an earlier try may have had its effect.
func (a *answer) try(ctx context.Context, client useradminv1.UserAdminClient, req *useradminv1.ConfirmSignUpRequest) {
	if a.doubt != "" {
		ctx = failure.MarkRepeat(ctx)
	}
	var trailer metadata.MD
	a.tries++
	a.response, a.err = client.ConfirmSignUp(ctx, req, grpc.Trailer(&trailer))
	a.failure, a.unsent = failure.Of(a.err), errors.As(a.err, new(unsentError))
	a.interrupted = a.err != nil && !a.failure.FromService && errors.Is(ctx.Err(), context.Canceled)
	a.requestID = a.failure.RequestID
	if ids := trailer.Get("x-request-id"); a.requestID == "" && len(ids) > 0 {
		a.requestID = ids[0]
	}
}

// next says what another try is for and how long to wait for it; nothing if there is to be none.
//
// Asking needs allow_confirmed: only then does success say that the user is confirmed, whoever did it.
func (a *answer) next(ctx context.Context, allowConfirmed bool) (purpose string, delay time.Duration) {
	f := a.failure
	switch {
	case a.err == nil || a.tries >= maxTries:
		return "", 0
	case f.Retryable() && f.RetryDelay > 0:
		purpose, delay = "sending the call again", f.RetryDelay
	case f.FromService && f.OutcomeUnknown() && allowConfirmed && !a.asked:
		purpose, delay, a.asked = "asking whether the user is confirmed", askDelay, true
	default:
		return "", 0
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay+leastTry {
		return "", 0
	}
	return purpose, delay
}

// exit is what the program ends with.
func (a *answer) exit() error {
	if a.err == nil {
		return nil
	}
	return exitCode(exitCall + int(a.failure.Code))
}

// shortReason is the reason, or the code where there is none.
func shortReason(f failure.Failure) string {
	return cmp.Or(f.ReasonName, f.CodeName())
}

// outcome is the name of the outcome, as the contract spells it. The service's covers all tries; one that it never saw covers
// itself alone.
func (a *answer) outcome() string {
	outcome := a.failure.Outcome
	switch {
	case a.unsent && a.doubt != "":
		outcome = useradminv1.Outcome_OUTCOME_UNKNOWN
	case a.unsent:
		outcome = useradminv1.Outcome_OUTCOME_NOT_SENT
	}
	return strings.TrimPrefix(outcome.String(), schema.OutcomePrefix)
}

// wait returns false if the context ends first: by an interruption, since next allows no delay beyond its deadline.
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
