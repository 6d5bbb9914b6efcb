package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints the module's version, the revision it was built from, and Go's version.
func (*versionCommand) Run(std streams) error {
	_, err := fmt.Fprintln(std.Out, "useradmin", version())
	return err
}

// build is what the linker noted. It knows version and revision if it was made in a clone of the repository, and not with
// -buildvcs=false.
type build struct {
	version, revision, goVersion string
	modified                     bool
}

func thisBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{version: "(unknown)", goVersion: runtime.Version()}
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) build {
	b := build{version: info.Main.Version, goVersion: info.GoVersion}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.revision = setting.Value
		case "vcs.modified":
			b.modified = setting.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	text := b.version
	if b.revision != "" {
		text += " " + b.revision
	}
	if b.modified {
		text += " (modified)"
	}
	return text + " " + b.goVersion
}

func version() string { return thisBuild().String() }

// release is the module's version, or empty if it was not built from one.
func release() string {
	if v := thisBuild().version; v != "(devel)" && v != "(unknown)" {
		return v
	}
	return ""
}
