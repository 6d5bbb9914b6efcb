package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestEscalate(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name  string
		after []time.Duration // between the signals
		want  string
	}{
		{"one", []time.Duration{0}, "drain@0s"},
		{"three", []time.Duration{0, time.Second, time.Second}, "drain@0s hurry@1s stop@2s"},
		{"a pair counts once", []time.Duration{0, 0, time.Second, 99 * ms}, "drain@0s hurry@1s"},
		{"pairs reach the third", []time.Duration{0, 5 * ms, time.Second, 5 * ms, time.Second, 5 * ms}, "drain@0s hurry@1.005s stop@2.01s"},
		{"not the same after 100 ms", []time.Duration{0, 100 * ms, 100 * ms}, "drain@0s hurry@100ms stop@200ms"},
		{"a key that is held gets through", []time.Duration{0, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms, 40 * ms}, "drain@0s hurry@120ms stop@240ms"},
		{"a fourth does nothing", []time.Duration{0, time.Second, time.Second, time.Second}, "drain@0s hurry@1s stop@2s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var got []string
				step := func(name string) func() {
					return func() { got = append(got, name+"@"+time.Since(start).String()) }
				}
				signals := make(chan os.Signal, len(test.after))
				go escalate(signals, step("drain"), step("hurry"), step("stop"))
				for i, after := range test.after {
					time.Sleep(after)
					signals <- []os.Signal{syscall.SIGTERM, os.Interrupt, syscall.SIGHUP}[i%3]
					synctest.Wait()
				}
				close(signals)
				if text := strings.Join(got, " "); text != test.want {
					t.Errorf("got %s, want %s", text, test.want)
				}
			})
		})
	}
}
