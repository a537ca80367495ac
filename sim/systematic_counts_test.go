package sim_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// each runs every function in a goroutine of its own.
func each(fs ...func()) {
	for _, f := range fs {
		go f()
	}
}

// TestDPORCountsOfKinds has a small program for each kind of operation. What
// counts is in how many ways operations that depend on one another can be
// ordered.
func TestDPORCountsOfKinds(t *testing.T) {
	for name, c := range map[string]struct {
		want int
		body func(*sim.T)
	}{
		// The n-th receive gets the n-th value whichever begins first.
		"a buffered channel": {1, func(*sim.T) {
			c := make(chan int, 1)
			each(func() { c <- 1; c <- 2; c <- 3 }, func() { <-c; <-c; <-c })
		}},
		"an unbuffered channel": {1, func(*sim.T) {
			c := make(chan int)
			each(func() { c <- 1; c <- 2 }, func() { <-c; <-c })
		}},
		// 2! orders of the sends.
		"2 senders, a receiver": {2, func(*sim.T) {
			c := make(chan int)
			each(func() { c <- 1 }, func() { c <- 2 }, func() { <-c; <-c })
		}},
		// 2! orders of the sends, and as many of the receives.
		"2 senders, 2 receivers": {2 * 2, func(*sim.T) {
			c := make(chan int, 1)
			each(func() { c <- 1 }, func() { c <- 2 }, func() { <-c }, func() { <-c })
		}},
		// What comes after the receive follows what was before the send.
		"messages": {1, func(*sim.T) {
			var a atomic.Int32
			c, d := make(chan int, 2), make(chan int)
			each(func() { a.Add(1); c <- 1; <-d; a.Add(1) }, func() { <-c; a.Add(1); d <- 1 })
		}},
		// The second send waits for the first receive, the addition with it.
		"a full channel": {1, func(*sim.T) {
			var a atomic.Int32
			c := make(chan int, 1)
			each(func() { c <- 1; c <- 1; a.Add(1) }, func() { a.Add(1); <-c; <-c })
		}},
		// Nothing is ever sent: the receive ends with the close, whoever comes first.
		"close beside a receiver": {1, func(*sim.T) {
			c := make(chan int)
			each(func() { close(c) }, func() { <-c })
		}},
		// 3! orders of close and the receives; the send comes before close.
		"send, close beside 2 receivers": {6, func(*sim.T) {
			c := make(chan int, 1)
			each(func() { c <- 1; close(c) }, func() { <-c }, func() { <-c })
		}},
		// The select comes first and either send ends it (2 orders of these),
		// between them (2), or last, and takes either (2).
		"a select that waits": {6, func(*sim.T) {
			c, d := make(chan int, 1), make(chan int, 1)
			each(func() { c <- 1 }, func() { d <- 1 }, func() {
				select {
				case <-c:
				case <-d:
				}
			})
		}},
		// 3! orders: none of the three can be with another one.
		"2 writers, a reader": {6, func(*sim.T) {
			var rw sync.RWMutex
			write := func() { rw.Lock(); rw.Unlock() }
			each(write, write, func() { rw.RLock(); rw.RUnlock() })
		}},
		// There is always more to wait for when Wait begins: neither the order of
		// Add and Done nor that of Done and Wait can be seen.
		"WaitGroup": {1, func(*sim.T) {
			var wg sync.WaitGroup
			wg.Go(func() {})
			wg.Go(func() {})
			wg.Go(func() {})
			wg.Wait()
		}},
		"a WaitGroup in rounds": {1, func(*sim.T) {
			var wg sync.WaitGroup
			for range 3 {
				wg.Add(2)
				parallel(2, func(int) { wg.Done() })
				wg.Wait()
			}
		}},
		// Each of the two can be the first to lock; the other one has looked at the
		// flag before it was set, and waits, or looks later.
		"a contended Once": {2 * 2, func(*sim.T) {
			var once sync.Once
			f := func() { once.Do(func() {}) }
			each(f, f)
		}},
		// One of them locks first.
		"Wait beside Signal": {2, func(*sim.T) {
			c, ready := sync.NewCond(new(sync.Mutex)), false
			each(func() {
				c.L.Lock()
				for !ready {
					c.Wait()
				}
				c.L.Unlock()
			}, func() {
				c.L.Lock()
				ready = true
				c.Signal()
				c.L.Unlock()
			})
		}},
		// Broadcast is the first to lock: 2 orders of the others; the second: 2, and
		// in each the one that waited locks again before the other one or after it;
		// the last: 2, and they lock again in either order.
		"2 Waits beside Broadcast": {2 + 2*2 + 2*2, func(*sim.T) {
			c, ready := sync.NewCond(new(sync.Mutex)), false
			wait := func() {
				c.L.Lock()
				for !ready {
					c.Wait()
				}
				c.L.Unlock()
			}
			each(wait, wait, func() {
				c.L.Lock()
				ready = true
				c.Broadcast()
				c.L.Unlock()
			})
		}},
		// 3! orders of what may write.
		"CompareAndSwap": {6, func(*sim.T) {
			var a atomic.Int32
			parallel(3, func(i int) { a.CompareAndSwap(0, int32(i)) })
		}},
		// The load comes before both additions, between them (2 orders), or last.
		"Load beside 2 Adds": {6, func(*sim.T) {
			var a atomic.Int32
			each(func() { a.Load() }, func() { a.Add(1) }, func() { a.Add(1) })
		}},
		// Both are woken at the same time, and lock in either order.
		"sleepers that lock": {2, func(*sim.T) {
			var mu sync.Mutex
			parallel(2, func(int) { time.Sleep(time.Second); mu.Lock(); mu.Unlock() })
		}},
		// The timer fires when nobody can run.
		"AfterFunc beside a lock": {1, func(*sim.T) {
			var mu sync.Mutex
			done := make(chan bool)
			time.AfterFunc(time.Second, func() { mu.Lock(); mu.Unlock(); close(done) })
			mu.Lock()
			mu.Unlock()
			<-done
		}},
		// The timer fires when the sender is through.
		"a timeout": {1, func(*sim.T) {
			c := make(chan int, 1)
			go func() { c <- 1 }()
			time.Sleep(time.Millisecond)
			select {
			case <-c:
			case <-time.After(time.Second):
			}
		}},
		// A goroutine that is started while others run: 3! orders of the additions,
		// of which the parent's comes before that of its child.
		"a child": {3, func(*sim.T) {
			var a atomic.Int32
			each(func() { a.Add(1); go func() { a.Add(1) }() }, func() { a.Add(1) })
		}},
		// A value that is drawn, and 3! orders with 1, 2! without.
		"Choose to add": {6 + 2, func(*sim.T) {
			var a atomic.Int32
			each(func() {
				if sim.Choose("add", 2) == 1 {
					a.Add(1)
				}
			}, func() { a.Add(1) }, func() { a.Add(1) })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := exhaust(t, strategy.DPOR{}, c.body)
			assert.Equal(t, c.want, r.Executions)
			assert.Equal(t, c.want, r.Distinct)
			assert.Zero(t, r.Wasted)
		})
	}
}

// TestDPORFindsReuse: a Wait that has returned but for its last look sees that
// the WaitGroup is used again.
func TestDPORFindsReuse(t *testing.T) {
	if sim.RaceEnabled {
		t.Skip("the race detector reports Add beside Wait before that, which would fail this test")
	}
	f := find(t, sim.Options{Strategy: strategy.DPOR{}}, func(*sim.T) {
		var wg sync.WaitGroup
		again := make(chan bool, 1)
		wg.Add(1)
		go func() { wg.Wait() }()
		go func() { wg.Done(); again <- true }()
		go func() { <-again; wg.Add(1); wg.Done() }()
	})
	assert.Contains(t, f.Failure.Detail+f.Failure.Title, "reused before previous Wait has returned")
}
