package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/internal/logqueue"
	"cognito.internal/useradmin/server"
)

type devCommand struct {
	serviceFlags
	Authn         string `default:"none" enum:"none,mtls" help:"How callers prove who they are: none, or mtls with certificates, a policy and an audit log made for it (${default})."`
	CognitoListen string `default:"127.0.0.1:0" placeholder:"ADDRESS" help:"Where the embedded Cognito listens, on loopback (${default})."`
	LogFormat     string `default:"text" enum:"json,text" help:"json or text (${default})."`
}

// Help is shown below the flags.
func (*devCommand) Help() string {
	return `Everything runs in this process, in memory and on loopback; a restart resets every user. AWS configuration is not
read. It prints commands to paste, the embedded Cognito's endpoint for the AWS CLI and SDKs, and each event that the
pool's trigger gets.

Example: useradmin dev --listen 127.0.0.1:50051`
}

const (
	devRegion   = "us-east-1"
	devPool     = "us-east-1_EXAMPLE01"
	devClientID = "exampleclient0000000000000"
	// devAlias is owner's verified e-mail address and trap's unverified one.
	devAlias       = "owner@example.com"
	devSlowTrigger = 3 * time.Second

	// Credentials of AWS's documentation; they open nothing but the embedded Cognito.
	devAccessKeyID     = fakecognito.DefaultAccessKeyID
	devSecretAccessKey = fakecognito.DefaultSecretAccessKey
)

// Run serves in front of an embedded Cognito.
func (c *devCommand) Run(std streams) error {
	return unblocked(std, c.LogFormat, c.serve)
}

// format is the log's.
func (c *devCommand) format() string { return c.LogFormat }

func (c *devCommand) serve(std streams, log *logqueue.Queue) error {
	if err := c.check(); err != nil {
		return err
	}
	cognito, err := startCognito(c.cognitoAddress(), std.Out)
	if err != nil {
		return err
	}
	defer cognito.close()
	text := func(target string) string { return guide(target, cognito.endpoint) }
	if c.Authn == authn.MTLS {
		callers, err := newDevCallers(c.Listen)
		if err != nil {
			return err
		}
		defer callers.remove()
		c.gate, text = callers.flags(), callers.guide
	}
	s, err := newService(&c.serviceFlags, newLogger(std.Err, c.LogFormat, c.level()),
		cognitoclient.Config{Endpoint: cognito.endpoint, AWS: aws.Config{
			Region:      devRegion,
			Credentials: credentials.NewStaticCredentialsProvider(devAccessKeyID, devSecretAccessKey, ""),
		}},
		server.Config{Reflection: true})
	if err != nil {
		return err
	}
	if err := s.tellLosses(log); err != nil {
		return err
	}
	return s.run(func() { _, _ = io.WriteString(std.Out, text(grpcTarget(s.lis.Addr()))) })
}

func (c *devCommand) check() error {
	if err := c.serviceFlags.check(); err != nil {
		return err
	}
	if err := c.checkAddresses(); err != nil {
		return err
	}
	if err := (&gateFlags{Authn: c.Authn}).checkSystem(); err != nil {
		return err
	}
	if strings.HasPrefix(c.CognitoListen, unixPrefix) {
		return usageError{errors.New("--cognito-listen must be host:port on loopback")}
	}
	if err := c.cognitoAddress().check(); err != nil {
		return err
	}
	return c.checkFiles(2 * c.MaxConnections) // both ends are in this process
}

func (c *devCommand) cognitoAddress() listenAddress {
	return listenAddress{flag: "--cognito-listen", address: c.CognitoListen}
}

// grpcTarget is how gRPC callers write the address.
func grpcTarget(addr net.Addr) string {
	if addr.Network() == "unix" {
		return unixPrefix + addr.String()
	}
	return addr.String()
}

// devCognito is an embedded Cognito that serves.
type devCognito struct {
	endpoint string
	fake     *fakecognito.Server
	http     *http.Server
}

func startCognito(at listenAddress, out io.Writer) (*devCognito, error) {
	lis, err := at.listen()
	if err != nil {
		return nil, err
	}
	fake := fakecognito.New(fakecognito.Config{Region: devRegion, Fault: devFault})
	if err := fake.AddPool(devUserPool(out)); err != nil {
		_ = lis.Close()
		return nil, err
	}
	fake.ScriptUser(devPool, "answer-lost", fakecognito.ResetAfterProcessing())
	fake.ScriptUser(devPool, "throttled-once", throttle())
	d := &devCognito{endpoint: "http://" + lis.Addr().String(), fake: fake, http: &http.Server{
		Handler: fakecognito.OnlyLoopback(fake), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}}
	go func() { _ = d.http.Serve(lis) }()
	return d, nil
}

func (d *devCognito) close() {
	_ = d.http.Close()
	d.fake.Close()
}

// devUserPool is a pool as the AWS console makes it, with e-mail as an alias. It has a user for each case that callers
// should know.
func devUserPool(out io.Writer) fakecognito.Pool {
	return fakecognito.Pool{
		ID: devPool, ClientID: devClientID, CaseInsensitive: true, AliasAttributes: []string{"email"},
		Users: devUsers(), PostConfirmation: devTrigger(out),
	}
}

func devUsers() []fakecognito.User {
	owned := map[string]string{"email": devAlias, "email_verified": "true"}
	users := []fakecognito.User{
		{Username: "confirmed", Status: fakecognito.StatusConfirmed},
		{Username: "force-change-password", Status: fakecognito.StatusForceChangePassword},
		{Username: "disabled", Disabled: true},
		{Username: "owner", Status: fakecognito.StatusConfirmed, Attributes: owned},
		{Username: "trap", Attributes: map[string]string{"email": devAlias}},
	}
	for _, name := range []string{
		"new-1", "new-2", "new-3", "trigger-rejects", "trigger-slow", "answer-lost", "answers-lost", "throttled-once", "throttled",
	} {
		users = append(users, fakecognito.User{Username: name, Attributes: map[string]string{"email": name + "@example.com"}})
	}
	return users
}

// devTrigger prints each event, takes its time for one user and rejects another.
func devTrigger(out io.Writer) fakecognito.Trigger {
	return func(ctx context.Context, event fakecognito.Event) (any, error) {
		text, err := json.Marshal(event)
		if err != nil {
			return nil, err
		}
		_, _ = fmt.Fprintf(out, "PostConfirmation trigger got %s\n", text)
		switch event.UserName {
		case "trigger-rejects":
			return nil, errors.New("the welcome message could not be sent")
		case "trigger-slow":
			select {
			case <-time.After(devSlowTrigger):
			case <-ctx.Done():
			}
		}
		return event, nil
	}
}

// devFault is what happens to every request for some users; ScriptUser does it for the first request only.
func devFault(r fakecognito.Request) fakecognito.Fault {
	switch {
	case r.Operation != "AdminConfirmSignUp":
		return fakecognito.Fault{}
	case strings.EqualFold(r.Username, "answers-lost"):
		return fakecognito.ResetAfterProcessing()
	case strings.EqualFold(r.Username, "throttled"):
		return throttle()
	default:
		return fakecognito.Fault{}
	}
}

func throttle() fakecognito.Fault { return fakecognito.Throw("TooManyRequestsException", "") }
