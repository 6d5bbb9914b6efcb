package main

import (
	"strings"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"
)

type completionCommand struct {
	Shell string `arg:"" optional:"" default:"" enum:"bash,zsh,fish," help:"bash, zsh or fish; the login shell if not given."`
	Code  bool   `short:"c" env:"-" help:"Print what the shell must run."`
}

// Help is shown above the arguments.
func (*completionCommand) Help() string {
	return `Without --code it prints the line that turns completion on, and the file to put it into. The shell then runs this
program whenever the Tab key is pressed; commands, flags, their values and reasons are completed.

Examples:

  source <(useradmin completion --code bash)
  source <(useradmin completion --code zsh)
  useradmin completion --code fish | source`
}

// Run prints it, and ends the program.
func (c *completionCommand) Run(ctx *kong.Context) error {
	return (&kongcompletion.Completion{Shell: c.Shell, Code: c.Code}).Run(ctx)
}

// registerCompletion answers a shell that asks for completions, and then ends the program. Otherwise it does nothing.
func registerCompletion(parser *kong.Kong) {
	kongcompletion.Register(parser,
		kongcompletion.WithPredictor("reason", complete.PredictFunc(predictReasons)),
		kongcompletion.WithPredictor("file", complete.PredictFiles("*")))
}

// predictReasons follows the case in which the name was begun.
func predictReasons(args complete.Args) []string {
	g, err := loadGlossary()
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range g.all() {
		if args.Last != strings.ToUpper(args.Last) {
			e.name = strings.ToLower(e.name)
		}
		names = append(names, e.name)
	}
	return names
}
