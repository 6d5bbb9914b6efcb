package audit

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// How many lines a caller's denials get in a second, and how many callers are told apart in it.
const (
	denialLines   = 10
	denialCallers = 1000
	denialPause   = time.Second
)

// others stands for the callers that are too many to tell apart.
const others = "others"

// denials counts those of one second.
type denials struct {
	mu      sync.Mutex // guards what follows
	since   time.Time
	callers map[string]*tally
}

type tally struct {
	lines, rest int
	authn       string
}

// admit reports whether the denial gets a line of its own.
func (l *Log) admit(c Call) bool {
	d := &l.denials
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.callers == nil {
		d.callers, d.since = map[string]*tally{}, time.Now()
		time.AfterFunc(denialPause, l.tellDenials)
	}
	caller, authn := c.Caller, c.Authn
	if _, known := d.callers[caller]; !known && len(d.callers) >= denialCallers {
		caller, authn = others, ""
	}
	t := d.callers[caller]
	if t == nil {
		t = &tally{authn: authn}
		d.callers[caller] = t
	}
	if t.lines < denialLines {
		t.lines++
		return true
	}
	t.rest++
	return false
}

// tellDenials ends the second. It keeps the lock until its lines are queued, so that Close does not overtake them.
func (l *Log) tellDenials() {
	d := &l.denials
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, caller := range slices.Sorted(maps.Keys(d.callers)) {
		if t := d.callers[caller]; t.rest > 0 {
			l.put(&entry{event: furtherDenials, text: l.lines.furtherDenials(time.Now(), d.since, caller, t)})
		}
	}
	d.callers = nil
}
