package main

import (
	"fmt"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints the module's version, the revision it was built from, and Go's version.
func (*versionCommand) Run(std streams) error {
	_, err := fmt.Fprintln(std.Out, "useradmin", version())
	return err
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	text, dirty := info.Main.Version, ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			text += " " + setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			dirty = " (modified)"
		}
	}
	return text + dirty + " " + info.GoVersion
}

// release is the module's version, or empty if it was not built from one.
func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}
