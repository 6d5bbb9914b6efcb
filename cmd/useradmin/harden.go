package main

import (
	"errors"
	"io"
	"log" //nolint:depguard // only to silence it
	"os"
	"strings"

	"google.golang.org/grpc/grpclog"
)

// silence keeps out of the program's output what libraries and child processes would print past its log: gRPC's own lines,
// which hold headers, net/http's, and what a credential_process writes to its standard error. The program itself writes to std.
func silence() (std streams, err error) {
	std = streams{os.Stdout, os.Stderr}
	log.SetOutput(io.Discard) // net/http prints there what arrives unasked on an idle connection: Cognito's text
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
	if os.Stderr, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0); err != nil {
		return std, err
	}
	return std, nil
}

// harden makes sure that no secret lands in the output or in a core file.
func harden() error {
	if strings.Contains(os.Getenv("GODEBUG"), "http2debug") {
		return usageError{errors.New("GODEBUG has http2debug, which prints the headers of all calls: remove it")}
	}
	return dumpNoCore()
}
