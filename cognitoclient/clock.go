package cognitoclient

import (
	"net/http"
	"sync/atomic"
	"time"
)

// maxSkew is how far off the clock may be: AWS refuses signatures that are five minutes off.
const maxSkew = 4 * time.Minute

// clock is the time by which requests are signed. It follows Cognito's where this machine's is minutes off.
type clock struct {
	// fixed clocks follow nothing: the configuration says so.
	fixed bool
	// offset is Cognito's time less this machine's, in nanoseconds.
	offset atomic.Int64
}

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// follow sets the clock by the Date header if it is far off, and reports whether it did.
func (c *clock) follow(date string) bool {
	theirs, err := http.ParseTime(date)
	if err != nil || c.fixed {
		return false
	}
	skew := theirs.Sub(c.now())
	if skew.Abs() < maxSkew {
		return false
	}
	c.offset.Store(int64(time.Until(theirs)))
	return true
}
