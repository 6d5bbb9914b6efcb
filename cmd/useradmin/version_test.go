package main

import (
	"runtime/debug"
	"testing"
)

func TestBuild(t *testing.T) {
	clean := &debug.BuildInfo{GoVersion: "go1.26.9", Main: debug.Module{Version: "v0.1.0"}, Settings: []debug.BuildSetting{
		{Key: "-trimpath", Value: "true"}, {Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.modified", Value: "false"},
	}}
	modified := &debug.BuildInfo{GoVersion: "go1.26.9", Main: debug.Module{Version: "v0.1.0+dirty"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.modified", Value: "true"},
	}}
	unknown := &debug.BuildInfo{GoVersion: "go1.26.9", Main: debug.Module{Version: "(devel)"}}
	for _, test := range []struct {
		info *debug.BuildInfo
		want build
		text string
	}{
		{clean, build{version: "v0.1.0", revision: "0123abc", goVersion: "go1.26.9"}, "v0.1.0 0123abc go1.26.9"},
		{modified, build{version: "v0.1.0+dirty", revision: "0123abc", goVersion: "go1.26.9", modified: true}, "v0.1.0+dirty 0123abc (modified) go1.26.9"},
		{unknown, build{version: "(devel)", goVersion: "go1.26.9"}, "(devel) go1.26.9"},
	} {
		if got := buildOf(test.info); got != test.want || got.String() != test.text {
			t.Errorf("%+v, %q; want %+v, %q", got, got, test.want, test.text)
		}
	}
}
