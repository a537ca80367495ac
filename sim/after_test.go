package sim_test

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/report"
	"github.com/startrace/startrace/sim/strategy"
)

// happens tells whether the first step with text a in lane la happens before
// the first one with text b in lane lb.
func happens(t *testing.T, trace *report.Trace, la, a, lb, b string) bool {
	t.Helper()
	find := func(lane, text string) int {
		for i, s := range trace.Steps {
			if trace.Lanes[s.Lane] == lane && s.Text == text {
				return i
			}
		}
		require.Fail(t, "no step", "%s in %s", text, lane)
		return -1
	}
	before := map[int][]int{}
	last := map[int]int{}
	for i, s := range trace.Steps {
		before[i] = append(before[i], s.After...)
		if j, ok := last[s.Lane]; ok {
			before[i] = append(before[i], j)
		}
		last[s.Lane] = i
	}
	from, todo, seen := find(la, a), []int{find(lb, b)}, map[int]bool{}
	for len(todo) > 0 {
		i := todo[0]
		todo = todo[1:]
		for _, j := range before[i] {
			if j == from {
				return true
			}
			if !seen[j] {
				seen[j] = true
				todo = append(todo, j)
			}
		}
	}
	return false
}

// The steps of two goroutines are ordered by what is between them, in the
// direction in which it took effect, and by nothing else.
func TestHappensBefore(t *testing.T) {
	for _, c := range []struct {
		name    string
		ordered bool
		left    func(v *shared)
		right   func(v *shared)
	}{
		{"nothing", false, func(*shared) {}, func(*shared) {}},
		{
			"an unlock and a lock", true,
			func(v *shared) { v.mu.Lock(); sim.Logf("l"); v.mu.Unlock() },
			func(v *shared) { v.mu.Lock(); v.mu.Unlock(); sim.Logf("r") },
		},
		{
			"different locks", false,
			func(v *shared) { v.mu.Lock(); sim.Logf("l"); v.mu.Unlock() },
			func(v *shared) { v.other.Lock(); v.other.Unlock(); sim.Logf("r") },
		},
		{
			"two readers", false,
			func(v *shared) { v.rw.RLock(); sim.Logf("l"); v.rw.RUnlock() },
			func(v *shared) { v.rw.RLock(); v.rw.RUnlock(); sim.Logf("r") },
		},
		{
			"a reader and a writer", true,
			func(v *shared) { v.rw.RLock(); sim.Logf("l"); v.rw.RUnlock() },
			func(v *shared) { v.rw.Lock(); v.rw.Unlock(); sim.Logf("r") },
		},
		{
			"a writer and a reader", true,
			func(v *shared) { v.rw.Lock(); sim.Logf("l"); v.rw.Unlock() },
			func(v *shared) { v.rw.RLock(); v.rw.RUnlock(); sim.Logf("r") },
		},
		{
			"a send and a receive", true,
			func(v *shared) { sim.Logf("l"); v.buffered <- 1 },
			func(v *shared) { <-v.buffered; sim.Logf("r") },
		},
		{
			"a send and a select", true,
			func(v *shared) { sim.Logf("l"); v.buffered <- 1 },
			func(v *shared) {
				select {
				case <-v.buffered:
				case <-v.unbuffered:
				}
				sim.Logf("r")
			},
		},
		{
			"a close and a receive", true,
			func(v *shared) { sim.Logf("l"); close(v.unbuffered) },
			func(v *shared) { <-v.unbuffered; sim.Logf("r") },
		},
		{
			"Done and Wait", true,
			func(v *shared) { sim.Logf("l"); v.wg.Done() },
			func(v *shared) { v.wg.Wait(); sim.Logf("r") },
		},
		{
			"Done and Done", false,
			func(v *shared) { sim.Logf("l"); v.wg2.Done() },
			func(v *shared) { v.wg2.Done(); sim.Logf("r") },
		},
		{
			"an atomic", true,
			func(v *shared) { sim.Logf("l"); v.n.Store(1) },
			func(v *shared) { v.n.Load(); sim.Logf("r") },
		},
		{
			"time", false,
			func(*shared) { sim.Logf("l") },
			func(*shared) { time.Sleep(time.Second); sim.Logf("r") },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := func(*sim.T) {
				v := newShared()
				sim.Go("left", func() { c.left(v); sim.Logf("l") })
				sim.Go("right", func() { c.right(v); sim.Logf("r") })
				time.Sleep(time.Hour)
			}
			// By default left runs first. Then what it logs first is the past of
			// what right logs, and never the other way round.
			trace := sim.Run(sim.Config{EarlyTimers: -1, Trace: true, Plan: strategy.Plan{Name: "default"}}, body).Trace
			assert.Equal(t, c.ordered, happens(t, trace, "left", "l", "right", "r"), "%+v", trace)
			assert.False(t, happens(t, trace, "right", "r", "left", "l"))
			assert.True(t, happens(t, trace, "main", "go", "left", "l"))
		})
	}
}

type shared struct {
	mu, other  sync.Mutex
	rw         sync.RWMutex
	wg, wg2    sync.WaitGroup
	n          atomic.Int32
	buffered   chan int
	unbuffered chan int
}

func newShared() *shared {
	v := &shared{buffered: make(chan int, 1), unbuffered: make(chan int)}
	v.wg.Add(1)
	v.wg2.Add(2)
	return v
}

// Whoever was blocked comes after what woke it, though that is further down.
func TestHappensBeforeWakes(t *testing.T) {
	trace := sim.Run(sim.Config{EarlyTimers: -1, Trace: true}, func(*sim.T) {
		done := make(chan int)
		sim.Go("worker", func() { sim.Logf("work"); done <- 1 })
		<-done
		sim.Logf("done")
	}).Trace
	assert.True(t, happens(t, trace, "worker", "work", "main", "done"))
	for i, s := range trace.Steps {
		if s.Blocked && trace.Lanes[s.Lane] == "main" {
			require.Len(t, s.After, 1)
			assert.Greater(t, s.After[0], i)
			assert.Equal(t, "send", trace.Steps[s.After[0]].Op)
		}
	}
}

// A lock that a goroutine was preempted before is taken after those who had it
// meanwhile let go.
func TestHappensBeforeOvertaken(t *testing.T) {
	f := find(t, sim.Options{Config: sim.Config{EarlyTimers: -1}}, func(t *sim.T) {
		var mu sync.Mutex
		var first string
		var wg sync.WaitGroup
		wg.Add(2)
		enter := func(name string) {
			mu.Lock()
			if first == "" {
				first = name
			}
			sim.Logf("in")
			mu.Unlock()
			wg.Done()
		}
		sim.Go("left", func() { enter("left") })
		sim.Go("right", func() { enter("right") })
		wg.Wait()
		if first != "left" {
			t.Error("overtaken")
		}
	})
	assert.True(t, happens(t, f.Trace, "right", "in", "left", "in"))
	assert.False(t, happens(t, f.Trace, "left", "in", "right", "in"))
}

// Whatever the schedule, dependencies have no circles: the importer refuses
// those. And they do not depend on who looks.
func TestHappensBeforeHasNoCircles(t *testing.T) {
	for i := range 300 {
		cfg := sim.Config{Trace: true, Seed: uint64(i), Plan: strategy.Portfolio{}.At(i)}
		first := sim.Run(cfg, busy).Trace
		var text bytes.Buffer
		require.NoError(t, first.JSONL(&text))
		read, err := report.ReadJSONL(bytes.NewReader(text.Bytes()))
		require.NoError(t, err)
		require.Equal(t, *first, read)
		for j, s := range first.Steps {
			for _, k := range s.After {
				require.NotEqual(t, s.Lane, first.Steps[k].Lane, "step %d", j)
			}
		}
	}
}

// busy does a bit of everything.
func busy(*sim.T) {
	v := newShared()
	cond := sync.NewCond(&v.other)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			v.mu.Lock()
			v.n.Add(1)
			v.mu.Unlock()
			v.rw.RLock()
			v.rw.RUnlock()
			select {
			case v.buffered <- 1:
			case <-v.unbuffered:
			case <-time.After(time.Second):
			}
		})
		wg.Go(func() {
			v.rw.Lock()
			v.mu.Lock()
			v.mu.Unlock()
			v.rw.Unlock()
			select {
			case <-v.buffered:
			case <-time.After(time.Minute):
			}
			v.other.Lock()
			cond.Broadcast()
			v.other.Unlock()
		})
	}
	v.other.Lock()
	cond.Wait()
	v.other.Unlock()
	close(v.unbuffered)
	wg.Wait()
}

// Drawing leaves the execution as it is.
func TestTraceChangesNothing(t *testing.T) {
	for i := range 20 {
		cfg := sim.Config{Seed: uint64(i), Plan: strategy.Portfolio{}.At(i)}
		plain := sim.Run(cfg, busy)
		cfg.Trace = true
		assert.Equal(t, plain.Hash(), sim.Run(cfg, busy).Hash(), strings.Repeat("!", i))
	}
}
