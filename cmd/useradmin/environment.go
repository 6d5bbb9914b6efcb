package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
)

const environmentPrefix = "USERADMIN"

// checkEnvironment refuses variables that look like settings of the program and are none: a mistyped one would silently
// leave its default in force.
func checkEnvironment(app *kong.Application) error {
	known := settings(app)
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, environmentPrefix+"_") || slices.Contains(known, name) || isServiceLink(name, value) {
			continue
		}
		nearest := slices.MinFunc(known, func(a, b string) int {
			return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
		})
		return usageError{fmt.Errorf("the environment variable %s is no setting: did you mean %s? Correct or remove it", printable(name), nearest)}
	}
	return nil
}

// settings are the variables of all flags of all commands.
func settings(app *kong.Application) []string {
	var names []string
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			names = append(names, flag.Envs...)
		}
		return next(nil)
	})
	return names
}

// readsSettings reports whether the command has a flag that the environment sets.
func readsSettings(command *kong.Node) bool {
	return command != nil && slices.ContainsFunc(command.Flags, func(flag *kong.Flag) bool { return len(flag.Envs) > 0 })
}

// isServiceLink reports whether the variable is one that Kubernetes sets for a Service named useradmin, or useradmin-...,
// in pods that allow it.
func isServiceLink(name, value string) bool {
	if regexp.MustCompile(`^` + environmentPrefix + `_(\w+_)?(SERVICE_HOST|SERVICE_PORT|SERVICE_PORT_\w+|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)$`).MatchString(name) {
		return true
	}
	link := regexp.MustCompile(`^(tcp|udp|sctp)://`).MatchString(value)
	return name == environmentPrefix+"_PORT" || strings.HasPrefix(name, environmentPrefix+"_PORT_") || link && strings.HasSuffix(name, "_PORT")
}
