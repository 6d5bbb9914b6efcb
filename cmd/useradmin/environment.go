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

// checkEnvironment refuses variables that look like settings but are not: a mistyped one would silently leave its default in
// force.
func checkEnvironment(app *kong.Application) error {
	known, isServiceLink := settings(app), serviceLinks()
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, environmentPrefix+"_") || slices.Contains(known, name) || isServiceLink(name, value) {
			continue
		}
		nearest := slices.MinFunc(known, func(a, b string) int {
			return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
		})
		return usageError{fmt.Errorf("the environment variable %s is not a setting: did you mean %s? Correct or remove it", printable(name), nearest)}
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

// serviceLinks tells the variables that Kubernetes sets for a Service named useradmin, or useradmin-..., in pods that allow it.
func serviceLinks() func(name, value string) bool {
	names := regexp.MustCompile(`^` + environmentPrefix + `_(\w+_)?(SERVICE_HOST|SERVICE_PORT|SERVICE_PORT_\w+|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)$`)
	links := regexp.MustCompile(`^(tcp|udp|sctp)://`)
	return func(name, value string) bool {
		return names.MatchString(name) || name == environmentPrefix+"_PORT" || strings.HasPrefix(name, environmentPrefix+"_PORT_") ||
			strings.HasSuffix(name, "_PORT") && links.MatchString(value)
	}
}
