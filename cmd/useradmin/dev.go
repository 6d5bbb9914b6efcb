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
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/server"
)

type devCommand struct {
	serviceFlags
	CognitoListen string `default:"127.0.0.1:0" placeholder:"ADDRESS" help:"Where the embedded Cognito listens, on loopback (${default})."`
	LogFormat     string `default:"text" enum:"json,text" help:"json or text (${default})."`
}

// Help is shown below the flags.
func (*devCommand) Help() string {
	return `Everything runs in this process, in memory and on loopback; AWS configuration is not read. It prints calls to
paste, the embedded Cognito's endpoint for the AWS CLI and SDKs, and each event that the trigger gets.

Example: useradmin dev --listen 127.0.0.1:50051`
}

const (
	devRegion   = "us-east-1"
	devPool     = "us-east-1_EXAMPLE01"
	devClientID = "exampleclient0000000000000"

	// Credentials of AWS's documentation; they open nothing but the embedded Cognito.
	devAccessKeyID     = fakecognito.DefaultAccessKeyID
	devSecretAccessKey = fakecognito.DefaultSecretAccessKey
)

// Run serves in front of an embedded Cognito.
func (c *devCommand) Run(std streams) error {
	if err := c.serviceFlags.check(); err != nil {
		return err
	}
	for flag, address := range map[string]string{"--listen": c.Listen, "--cognito-listen": c.CognitoListen, "--admin-listen": c.AdminListen} {
		if address == "" && flag == "--admin-listen" {
			continue
		}
		if err := checkAddress(flag, address, ""); err != nil {
			return err
		}
	}
	if strings.HasPrefix(c.CognitoListen, unixPrefix) {
		return usageError{errors.New("--cognito-listen must be host:port on loopback")}
	}
	out := &lines{w: std.Out}
	cognito, err := startCognito(c.CognitoListen, out)
	if err != nil {
		return err
	}
	defer cognito.close()
	s, err := newService(&c.serviceFlags, newLogger(std.Err, c.LogFormat, c.level()),
		cognitoclient.Config{Endpoint: cognito.endpoint, AWS: aws.Config{
			Region:      devRegion,
			Credentials: credentials.NewStaticCredentialsProvider(devAccessKeyID, devSecretAccessKey, ""),
		}},
		server.Config{Reflection: true})
	if err != nil {
		return err
	}
	out.print(guide(grpcTarget(s.lis.Addr()), cognito.endpoint))
	return s.run()
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

func startCognito(address string, out *lines) (*devCognito, error) {
	lis, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--cognito-listen %s: %w", address, err)
	}
	fake := fakecognito.New(fakecognito.Config{Region: devRegion, Fault: devFault})
	if err := fake.AddPool(devUserPool(out)); err != nil {
		_ = lis.Close()
		return nil, err
	}
	fake.ScriptUser(devPool, "answer-lost", fakecognito.ResetAfterProcessing())
	d := &devCognito{endpoint: "http://" + lis.Addr().String(), fake: fake, http: &http.Server{
		Handler: fake, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}}
	go func() { _ = d.http.Serve(lis) }()
	return d, nil
}

func (d *devCognito) close() {
	_ = d.http.Close()
	d.fake.Close()
}

// devUserPool has a user for each case that callers should know.
func devUserPool(out *lines) fakecognito.Pool {
	users := []fakecognito.User{
		{Username: "confirmed", Status: fakecognito.StatusConfirmed},
		{Username: "force-change-password", Status: fakecognito.StatusForceChangePassword},
		{Username: "disabled", Disabled: true},
	}
	for _, name := range []string{"new-1", "new-2", "new-3", "trigger-rejects", "answer-lost", "answers-lost", "throttled"} {
		users = append(users, fakecognito.User{Username: name, Attributes: map[string]string{"email": name + "@example.com"}})
	}
	return fakecognito.Pool{ID: devPool, ClientID: devClientID, Users: users, PostConfirmation: devTrigger(out)}
}

// devTrigger prints each event and rejects one user.
func devTrigger(out *lines) fakecognito.Trigger {
	return func(_ context.Context, event fakecognito.Event) (any, error) {
		text, err := json.Marshal(event)
		if err != nil {
			return nil, err
		}
		out.print(fmt.Sprintf("PostConfirmation trigger got %s\n", text))
		if event.UserName == "trigger-rejects" {
			return nil, errors.New("the welcome message could not be sent")
		}
		return event, nil
	}
}

// devFault is what happens to the requests for some users.
func devFault(r fakecognito.Request) fakecognito.Fault {
	switch {
	case r.Operation != "AdminConfirmSignUp":
		return fakecognito.Fault{}
	case r.Username == "answers-lost":
		return fakecognito.ResetAfterProcessing()
	case r.Username == "throttled":
		return fakecognito.Throw("TooManyRequestsException", "")
	default:
		return fakecognito.Fault{}
	}
}

// lines writes whole texts from several goroutines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) print(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.w, text)
}
