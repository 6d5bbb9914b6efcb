package fair

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func takeAll(p *Places[string], key string) int {
	n := 0
	for p.TryTake(key) == Taken {
		n++
	}
	return n
}

func TestShares(t *testing.T) {
	for _, test := range []struct {
		name string
		// keys take one place each in turn, until none gets another.
		keys []string
		want int
	}{
		{"alone: half of all but the reserve", []string{"a"}, 115},
		{"two: a third each", []string{"a", "b"}, 77},
		{"three: a quarter each", []string{"a", "b", "c"}, 57},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := New[string](256)
			held := map[string]int{}
			for progress := true; progress; {
				progress = false
				for _, key := range test.keys {
					if p.TryTake(key) == Taken {
						held[key]++
						progress = true
					}
				}
			}
			for _, key := range test.keys {
				if got := held[key]; got < test.want || got > test.want+1 {
					t.Errorf("%s holds %d, want about %d", key, got, test.want)
				}
			}
			if v := p.TryTake("late"); v != Taken {
				t.Errorf("a key that comes later: %v", v)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	p := New[string](2)
	if n := takeAll(p, "a"); n != 1 {
		t.Fatalf("a took %d", n)
	}
	if v := p.TryTake("a"); v != Busy {
		t.Errorf("beyond its share: %v", v)
	}
	if v := p.TryTake("b"); v != Taken {
		t.Errorf("the last one: %v", v)
	}
	if v := p.TryTake("c"); v != Full {
		t.Errorf("nothing is free: %v", v)
	}
	p.Give("b")
	if v := p.TryTake("c"); v != Taken {
		t.Errorf("what was given back: %v", v)
	}
}

// Twenty keys, one after the other, take all but the reserve; of that, whoever comes later gets one.
func TestReserve(t *testing.T) {
	p := New[int](1_000)
	for key := range 20 {
		for p.TryTake(key) == Taken {
		}
	}
	if free := p.Use().Free; free < 80 {
		t.Fatalf("%d are free", free)
	}
	if first, second := p.TryTake(100), p.TryTake(100); first != Taken || second != Busy {
		t.Errorf("a key that comes later: %v, %v", first, second)
	}
	for key := range 100 {
		p.TryTake(200 + key)
	}
	if v := p.TryTake(1_000); v != Full {
		t.Errorf("nothing is free: %v", v)
	}
}

// Nothing is kept of keys without a place, whatever they asked for: keys are callers' text.
func TestForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[string](1)
		p.TryTake("a")
		p.TryTake("b")
		p.Take(t.Context(), "c", time.Second)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if v := p.Take(ended, "d", time.Second); v != Ended {
			t.Errorf("an ended context: %v", v)
		}
		p.Give("a")
		if len(p.holders) != 0 || p.waiting.Len() != 0 || p.Use() != (Use{Free: 1}) {
			t.Errorf("%d keys are known, %d wait, %+v", len(p.holders), p.waiting.Len(), p.Use())
		}
	})
}

func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[string](2)
		p.TryTake("slow")
		start := time.Now()
		if v := p.Take(t.Context(), "slow", 2*time.Second); v != Busy || time.Since(start) != 2*time.Second {
			t.Errorf("%v after %s", v, time.Since(start))
		}
		time.AfterFunc(time.Second, func() { p.Give("slow") })
		start = time.Now()
		if v := p.Take(t.Context(), "slow", 2*time.Second); v != Taken || time.Since(start) != time.Second {
			t.Errorf("%v after %s", v, time.Since(start))
		}
	})
}

// Those of one key are served as they came, and those of several keys in turn: a key with a thousand waiters delays the
// others by one each.
func TestServesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[string](2)
		p.TryTake("x")
		p.TryTake("y")
		var mu sync.Mutex
		var served []string
		wait := func(key, name string) {
			go func() {
				if p.Take(t.Context(), key, time.Hour) == Taken {
					mu.Lock()
					served = append(served, name)
					mu.Unlock()
					time.Sleep(time.Second)
					p.Give(key)
				}
			}()
			synctest.Wait()
		}
		for _, w := range [][2]string{{"a", "a1"}, {"a", "a2"}, {"a", "a3"}, {"b", "b1"}, {"c", "c1"}} {
			wait(w[0], w[1])
		}
		p.Give("x")
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		want := []string{"a1", "b1", "c1", "a2", "a3"}
		for i, name := range want {
			if i >= len(served) || served[i] != name {
				t.Fatalf("served %v, want %v", served, want)
			}
		}
	})
}

// Whatever happens, places are neither lost nor made, and no waiter is left who could have one.
func TestPlacesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 10
		p := New[int](total)
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
		var all sync.WaitGroup
		for range 2_000 {
			key, wait, hold := random.IntN(5), time.Duration(random.IntN(50))*time.Millisecond, time.Duration(random.IntN(30))*time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(60))*time.Millisecond)
			all.Go(func() {
				defer cancel()
				if p.Take(ctx, key, wait) == Taken {
					time.Sleep(hold)
					p.Give(key)
				}
			})
			time.Sleep(time.Duration(random.IntN(3)) * time.Millisecond)
			p.check(t, total)
		}
		all.Wait()
		if p.Use() != (Use{Free: total}) || len(p.holders) != 0 {
			t.Errorf("%+v, %d keys", p.Use(), len(p.holders))
		}
	})
}

func (p *Places[K]) check(t *testing.T, total int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	held, waiters := 0, 0
	for _, h := range p.holders {
		held += h.held
		waiters += h.waiters.Len()
		if h.waiters.Len() > 0 && p.may(h) {
			t.Fatalf("a key waits that holds %d while %d are free", h.held, p.free)
		}
	}
	if held != p.held || held+p.free != total || waiters != p.waiters {
		t.Fatalf("%d held, %d counted, %d free, %d waiters, %d counted", held, p.held, p.free, waiters, p.waiters)
	}
}

func BenchmarkTake(b *testing.B) {
	p := New[string](256)
	for b.Loop() {
		p.Take(b.Context(), "us-east-1_EXAMPLE01", time.Second)
		p.Give("us-east-1_EXAMPLE01")
	}
}
