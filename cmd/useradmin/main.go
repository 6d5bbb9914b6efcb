// Command useradmin serves useradmin.v1.UserAdmin, which confirms sign-ups in Amazon Cognito user pools.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// Exit codes. Those of a failed call are in confirm.go.
const (
	exitFailure = 1
	exitUsage   = 2
)

// exitCode ends the program without another message.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// commands is the command line. Each command is in a file of its own.
type commands struct {
	Serve      serveCommand      `cmd:"" help:"Run the service in front of Amazon Cognito."`
	Dev        devCommand        `cmd:"" help:"Run the service with an embedded Cognito on loopback, to try it and to test callers."`
	Confirm    confirmCommand    `cmd:"" help:"Confirm a user's sign-up by calling a running service."`
	Health     healthCommand     `cmd:"" help:"Ask a running service for its health."`
	Explain    explainCommand    `cmd:"" help:"Explain a reason, a gRPC code or an exception: why a call failed and what to do."`
	Policy     policyCommand     `cmd:"" help:"Check a policy, or explain what it decides."`
	Audit      auditCommand      `cmd:"" help:"Read an audit log: calls without an outcome, or what stands for a username."`
	Completion completionCommand `cmd:"" help:"Print a script for completion in bash, zsh or fish."`
	Version    versionCommand    `cmd:"" help:"Print the version."`

	VersionFlag kong.VersionFlag `name:"version" env:"-" help:"Print the version."`
}

// streams are where commands write: results to Out, everything else to Err.
type streams struct{ Out, Err io.Writer }

// usageError is an invalid setting.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// loggedError is an error of a command whose log is JSON: it is reported as the log's last line.
type loggedError struct{ error }

func (e loggedError) Unwrap() error { return e.error }

// logging is a command with a log, in whose format its errors are reported too.
type logging interface{ format() string }

// inFormat makes the error fit for a log of that format.
func inFormat(format string, err error) error {
	if err == nil || format != "json" {
		return err
	}
	return loggedError{err}
}

func main() {
	std, err := silence()
	if err != nil {
		os.Exit(fail(std.Err, err))
	}
	os.Exit(run(os.Args[1:], std))
}

func run(args []string, std streams) int {
	parser, err := kong.New(&commands{},
		kong.Name("useradmin"),
		kong.Description("A gRPC service that confirms the sign-ups of users in Amazon Cognito user pools, as an administrator."),
		kong.DefaultEnvars(environmentPrefix),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(std.Out, std.Err),
		kong.Bind(std),
		kong.Vars{"version": "useradmin " + version()},
	)
	if err != nil {
		return fail(std.Err, err)
	}
	parser.Model.HelpFlag.Help = "Print this help."
	// Parsing replaces what is not UTF-8, and the result could be another user's name.
	if i := slices.IndexFunc(args, func(arg string) bool { return !utf8.ValidString(arg) }); i >= 0 {
		return fail(std.Err, usageError{fmt.Errorf("argument %d is not UTF-8", i+1)})
	}
	command, err := parser.Parse(args)
	if err != nil {
		return lastWords(std.Err, usageError{fmt.Errorf("%w; see %s --help", err, commandOf(err))})
	}
	if readsSettings(command.Selected()) {
		err = prepare(parser.Model)
		if c, ok := command.Selected().Target.Addr().Interface().(logging); ok {
			err = inFormat(c.format(), err)
		}
	}
	if err != nil {
		return lastWords(std.Err, err)
	}
	return fail(std.Err, command.Run())
}

// prepare does what comes before every command that has settings.
func prepare(app *kong.Application) error {
	if err := checkEnvironment(app); err != nil {
		return err
	}
	return harden()
}

// commandOf is the command that was used wrongly, or the program if no command was given.
func commandOf(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		if node := wrong.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "useradmin"
}

// fail reports the error in one line and returns the exit code.
func fail(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	if errors.As(err, new(loggedError)) {
		newLogger(w, "json", slog.LevelError).Error("ended with an error", "error", err.Error())
	} else {
		_, _ = fmt.Fprintf(w, "useradmin: %v\n", err)
	}
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailure
}
