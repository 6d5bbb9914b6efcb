package server

import (
	"context"
	"fmt"
	"runtime"
	"strings"
)

// panicked is the error of a handler that panicked: what and where, for the log. The panic's value may hold what a
// caller sent, so it is left out.
type panicked struct{ what, stack string }

func (p *panicked) Error() string { return "panic: " + p.what }

func recovered(_ context.Context, p any) error {
	what := fmt.Sprintf("%T", p)
	if err, ok := p.(runtime.Error); ok {
		what = err.Error() // names types and numbers only
	}
	return &panicked{what: what, stack: stack()}
}

// stack names the functions and lines of this goroutine, without the arguments that debug.Stack shows.
func stack() string {
	pcs := make([]uintptr, 48)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var b strings.Builder
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		fmt.Fprintf(&b, "%s %s:%d\n", frame.Function, frame.File, frame.Line)
	}
	return b.String()
}
