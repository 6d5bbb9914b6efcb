package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// sameSignal is the time within which another signal counts as the same: a terminal and a wrapper may both send one.
const sameSignal = 100 * time.Millisecond

// stopSignals tells of the signals that stop the service. SIGHUP is one of them unless it is ignored already, as nohup does.
// They stay caught until the process is gone: one that comes while it is ending must not kill it.
func stopSignals() <-chan os.Signal {
	stopping := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		stopping = append(stopping, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, stopping...)
	return signals
}

// escalate takes a step for each signal, until there are no more steps, or no more signals to come.
func escalate(signals <-chan os.Signal, steps ...func()) {
	var last time.Time // when one counted
	for range signals {
		if now := time.Now(); now.Sub(last) >= sameSignal {
			last = now
			steps[0]()
			steps = steps[1:]
		}
		if len(steps) == 0 {
			return
		}
	}
}
