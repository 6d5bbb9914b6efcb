// Package fair shares a fixed number of places among keys, so that no key can take them all.
package fair

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// reservePart is the part of the places that is kept for keys that hold none.
const reservePart = 10

// Places are a fixed number of places. A key takes one only while it holds fewer than are free: alone it can hold half of
// them, two keys that give back what they take a third each. Keys that take all they can, one after the other, and give
// nothing back halve what is free each time; so a reserve is kept for keys that hold none. Nothing is kept of a key that
// neither holds a place nor waits for one.
//
// A key waits only while it may take none, so whoever comes later never overtakes one of its own key.
type Places[K comparable] struct {
	mu      sync.Mutex // guards all below
	free    int
	held    int
	reserve int
	holders map[K]*holder
	// waiting has the holders with waiters. Places that become free are offered to them in turn.
	waiting list.List
	waiters int
}

// holder is what is known of a key.
type holder struct {
	held int
	// waiters are *waiter, first come first served.
	waiters list.List
	// place is the holder's in Places.waiting; nil if nobody waits.
	place *list.Element
}

type waiter struct{ taken chan struct{} }

// Verdict says whether a place was taken, and if not, why.
type Verdict uint8

// The verdicts.
const (
	Taken Verdict = iota
	// Busy: the key holds its share.
	Busy
	// Full: the key holds nothing, and no place is free.
	Full
	// Ended: the context ended while the key waited.
	Ended
)

// New returns n places. The last tenth of them is the reserve.
func New[K comparable](n int) *Places[K] {
	return &Places[K]{free: n, reserve: n / reservePart, holders: map[K]*holder{}}
}

// TryTake takes a place for the key if it can have one now. Give gives it back.
func (p *Places[K]) TryTake(key K) Verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.holder(key)
	if p.take(h) {
		return Taken
	}
	p.forget(key, h)
	return h.refusal()
}

// Take waits for a place for the key until the wait is over or the context ends. Give gives it back.
func (p *Places[K]) Take(ctx context.Context, key K, wait time.Duration) Verdict {
	p.mu.Lock()
	h := p.holder(key)
	if p.take(h) {
		p.mu.Unlock()
		return Taken
	}
	w := &waiter{taken: make(chan struct{})}
	place := h.waiters.PushBack(w)
	p.waiters++
	if h.place == nil {
		h.place = p.waiting.PushBack(h)
	}
	p.mu.Unlock()

	timer := time.NewTimer(wait)
	defer timer.Stop()
	ended := false
	select {
	case <-w.taken:
		return Taken
	case <-timer.C:
	case <-ctx.Done():
		ended = true
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.taken: // at the same moment
		return Taken
	default:
	}
	p.leave(h, place)
	p.forget(key, h)
	if ended {
		return Ended
	}
	return h.refusal()
}

// Give gives back a place that the key took.
func (p *Places[K]) Give(key K) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.holders[key]
	h.held--
	p.held--
	p.free++
	p.offer()
	p.forget(key, h)
}

// offer offers what is free to one waiter of each key in turn, until none can take it.
func (p *Places[K]) offer() {
	for refused := 0; refused < p.waiting.Len(); {
		h, _ := p.waiting.Front().Value.(*holder)
		if !p.take(h) {
			p.waiting.MoveToBack(h.place)
			refused++
			continue
		}
		refused = 0
		p.waiting.MoveToBack(h.place)
		first := h.waiters.Front()
		w, _ := first.Value.(*waiter)
		close(w.taken)
		p.leave(h, first)
	}
}

// may reports whether the holder may take a place.
func (p *Places[K]) may(h *holder) bool {
	if h.held == 0 {
		return p.free > 0
	}
	return h.held < p.free-p.reserve
}

func (p *Places[K]) take(h *holder) bool {
	if !p.may(h) {
		return false
	}
	h.held++
	p.held++
	p.free--
	return true
}

func (p *Places[K]) leave(h *holder, place *list.Element) {
	h.waiters.Remove(place)
	p.waiters--
	if h.waiters.Len() == 0 {
		p.waiting.Remove(h.place)
		h.place = nil
	}
}

func (p *Places[K]) holder(key K) *holder {
	h, ok := p.holders[key]
	if !ok {
		h = &holder{}
		p.holders[key] = h
	}
	return h
}

func (p *Places[K]) forget(key K, h *holder) {
	if h.held == 0 && h.waiters.Len() == 0 {
		delete(p.holders, key)
	}
}

func (h *holder) refusal() Verdict {
	if h.held > 0 {
		return Busy
	}
	return Full
}

// Use is how many places are held and free, and how many callers wait for one.
type Use struct{ Held, Free, Waiting int }

// Use returns the present use.
func (p *Places[K]) Use() Use {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Use{Held: p.held, Free: p.free, Waiting: p.waiters}
}
