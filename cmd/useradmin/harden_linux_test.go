package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A core file would hold the credentials.
func TestNoCoreFile(t *testing.T) {
	for _, args := range []string{"serve --region=us-east-1 --listen=127.0.0.1:0 --drain-delay=0s", "dev --listen=127.0.0.1:0"} {
		r := start(t, program(t, strings.Fields(args)...))
		r.await(t, "serving")
		limits, err := os.ReadFile("/proc/" + strconv.Itoa(r.cmd.Process.Pid) + "/limits")
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
			t.Errorf("%s: %s", args, limits)
		}
		r.stop(t)
	}
}
