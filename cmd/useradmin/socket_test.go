package main

import (
	"strings"
	"testing"
)

func TestSocketPath(t *testing.T) {
	longest := "/" + strings.Repeat("x", maxSocketPath-1)
	for address, want := range map[string]string{
		"unix:/run/s": "/run/s", "unix:///run/s": "/run/s", "unix:" + longest: longest, "unix://" + longest: longest,
		"127.0.0.1:1": "", "localhost:1": "", "unixes:1": "", "/run/s": "",
	} {
		if path, unix, err := socketPath(address); path != want || unix != (want != "") || err != nil {
			t.Errorf("%s: got %q, %t, %v", address, path, unix, err)
		}
	}
	for _, address := range []string{
		"unix:", "unix://", "unix:s", "unix:run/s", "unix:./s", "unix://run/s", "unix:@s", "unix:///@/", "unix:/", "unix:/run/",
		"unix:" + longest + "x", "unix://" + longest + "x",
	} {
		if path, unix, err := socketPath(address); err == nil || !unix || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %q, %t, %v", address, path, unix, err)
		}
	}
}

func TestSocketMode(t *testing.T) {
	for text, want := range map[string]socketMode{"0660": 0o660, "660": 0o660, "0600": 0o600, "0777": 0o777, "0020": 0o020} {
		var mode socketMode
		if err := mode.UnmarshalText([]byte(text)); err != nil || mode != want {
			t.Errorf("%s: got %o, %v", text, mode, err)
		}
	}
	for _, text := range []string{"", "0", "0440", "0680", "1777", "-660", "0x1b0", "rw-rw----", "66000000000000000000000"} {
		if err := new(socketMode).UnmarshalText([]byte(text)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
