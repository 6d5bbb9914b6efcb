package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/logqueue"
	"cognito.internal/useradmin/server"
)

type serveCommand struct {
	serviceFlags
	gateFlags
	Region          string        `placeholder:"REGION" help:"The AWS Region of the user pools; if not given, that of the AWS configuration."`
	CognitoEndpoint string        `placeholder:"URL" help:"An endpoint to use instead of Cognito's own: https, or http on loopback."`
	DrainDelay      time.Duration `default:"5s" help:"How long to go on serving after health says NOT_SERVING, so that balancers see it (${default})."`
	LogFormat       string        `default:"json" enum:"json,text" help:"json or text (${default})."`
	Reflection      bool          `default:"true" negatable:"" help:"Serve gRPC reflection (on)."`
	AdminOpen       bool          `help:"Allow an address that the network reaches for --admin-listen: metrics and probes alone, nothing of users."`
	Accept          bool          `name:"i-accept-unauthenticated-network-access" help:"Allow an address that the network reaches for --listen. Callers are not authenticated: whoever reaches the port can confirm any user of any pool that the AWS identity may."`
}

// Help is shown below the flags.
func (*serveCommand) Help() string {
	return `AWS credentials and the Region come from the SDK's usual places: the environment, the shared files, the
container or the instance. The IAM policy needs cognito-idp:AdminConfirmSignUp on the user pools and nothing else.

Each flag can be set in the environment: --drain-delay is USERADMIN_DRAIN_DELAY.

Example: useradmin serve --listen 127.0.0.1:50051 --region us-east-1`
}

// Run serves in front of Amazon Cognito, and of nothing else.
func (c *serveCommand) Run(std streams) error {
	return unblocked(std, c.LogFormat, c.serve)
}

// format is the log's.
func (c *serveCommand) format() string { return c.LogFormat }

func (c *serveCommand) serve(std streams, log *logqueue.Queue) error {
	c.access = access{
		open: c.Accept || c.Authn == authn.MTLS,
		hint: ", or give --authn mtls, or --i-accept-unauthenticated-network-access",
	}
	c.gate = c.gateFlags
	c.adminAccess = access{open: c.AdminOpen, hint: ", or give --admin-open"}
	if err := c.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	logger := newLogger(std.Err, c.LogFormat, c.level())
	awsConfig, err := cognitoclient.Load(ctx, c.Region, logger)
	if err != nil {
		return usageError{err}
	}
	s, err := newService(&c.serviceFlags, logger,
		cognitoclient.Config{AWS: awsConfig, Endpoint: c.CognitoEndpoint},
		server.Config{DrainDelay: c.DrainDelay, Reflection: c.Reflection})
	if err != nil {
		return err
	}
	if err := s.tellLosses(log); err != nil {
		return err
	}
	c.warnOfRegion(logger, awsConfig.Region)
	return s.run(func() { s.gate.warn(s.lis.Addr().String()) })
}

// warnOfRegion tells of a Region that may be mistyped. It may also be newer than this program, so it is not refused.
func (c *serveCommand) warnOfRegion(logger *slog.Logger, region string) {
	if known, nearest := cognitoclient.KnownRegion(region); !known && c.CognitoEndpoint == "" {
		logger.Warn("the Region is not known to this version: it is mistyped or newer", "region", region, "nearest", nearest)
	}
}

func (c *serveCommand) check() error {
	if err := c.serviceFlags.check(); err != nil {
		return err
	}
	if c.DrainDelay < 0 || c.DrainDelay >= c.DrainTimeout {
		return usageError{fmt.Errorf("--drain-delay (%s) must be shorter than --drain-timeout (%s)", c.DrainDelay, c.DrainTimeout)}
	}
	if err := c.gateFlags.check(c.Listen, c.Accept); err != nil {
		return err
	}
	if c.Authn == authn.XFCC && c.ListenMode&0o002 != 0 {
		return usageError{errors.New("--authn xfcc needs a --listen-mode without others, such as 0660: whoever may connect to the socket can name any caller")}
	}
	if err := c.checkAddresses(); err != nil {
		return err
	}
	return c.checkFiles(c.MaxConnections)
}
