package sim_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// parallel runs f in n goroutines.
func parallel(n int, f func(i int)) {
	for i := range n {
		go f(i)
	}
}

func exhaust(t *testing.T, s strategy.Strategy, body func(*sim.T)) sim.Report {
	t.Helper()
	r := sim.Search(sim.Options{Name: t.Name(), Strategy: s, Executions: 100_000, Config: sim.Config{EarlyTimers: -1}}, body)
	require.NoError(t, r.Err)
	require.Nil(t, r.Found)
	require.True(t, r.Exhausted)
	return r
}

// sections are n goroutines with r critical sections each.
func sections(n, r int) func(*sim.T) {
	return func(*sim.T) {
		var mu sync.Mutex
		parallel(n, func(int) {
			for range r {
				mu.Lock()
				mu.Unlock()
			}
		})
	}
}

// TestDPORCounts has programs whose inequivalent executions can be counted.
func TestDPORCounts(t *testing.T) {
	for name, c := range map[string]struct {
		want int
		body func(*sim.T)
	}{
		"2x1 lock": {2, sections(2, 1)},
		"2x2 lock": {6, sections(2, 2)},
		"3x1 lock": {6, sections(3, 1)},
		"3x2 lock": {90, sections(3, 2)},
		"2x5 lock": {252, sections(2, 5)},
		"yields": {1, func(*sim.T) {
			parallel(3, func(int) { runtime.Gosched(); runtime.Gosched() })
		}},
		"loads": {1, func(*sim.T) {
			var a atomic.Int32
			parallel(3, func(int) { a.Load() })
		}},
		"a store beside 2 loads": {4, func(*sim.T) {
			var a atomic.Int32
			parallel(3, func(i int) {
				if i == 0 {
					a.Store(1)
				} else {
					a.Load()
				}
			})
		}},
		"adds": {6, func(*sim.T) {
			var a atomic.Int32
			parallel(3, func(int) { a.Add(1) })
		}},
		"readers": {1, func(*sim.T) {
			var rw sync.RWMutex
			parallel(3, func(int) { rw.RLock(); defer rw.RUnlock() })
		}},
		"a writer beside 2 readers": {4, func(*sim.T) {
			var rw sync.RWMutex
			parallel(3, func(i int) {
				if i == 0 {
					rw.Lock()
					defer rw.Unlock()
				} else {
					rw.RLock()
					defer rw.RUnlock()
				}
			})
		}},
		"Done": {1, func(*sim.T) {
			var wg sync.WaitGroup
			wg.Add(3)
			parallel(3, func(int) { wg.Done() })
			wg.Wait()
		}},
		"3 senders": {6, func(*sim.T) {
			c := make(chan int, 3)
			parallel(3, func(i int) { c <- i })
		}},
		"different channels": {1, func(*sim.T) {
			parallel(3, func(i int) { make(chan int, 1) <- i })
		}},
		"select beside a sender": {2, func(*sim.T) {
			c := make(chan int, 1)
			parallel(2, func(i int) {
				if i == 0 {
					c <- 1
					return
				}
				select {
				case <-c:
				default:
				}
			})
		}},
		// Each send comes before the select or after it; of two that do either
		// may be taken.
		"select beside 2 senders": {5, func(*sim.T) {
			c, d := make(chan int, 1), make(chan int, 1)
			parallel(3, func(i int) {
				switch i {
				case 0:
					c <- 1
				case 1:
					d <- 1
				default:
					select {
					case <-c:
					case <-d:
					default:
					}
				}
			})
		}},
		"Once": {2, func(*sim.T) {
			var mu sync.Mutex
			var once sync.Once
			once.Do(func() {})
			parallel(2, func(int) {
				once.Do(func() {})
				mu.Lock()
				mu.Unlock()
			})
		}},
		"Choose": {6, func(*sim.T) { sim.Choose("a", 2); sim.Choose("b", 3) }},
		"Choose in 2": {6, func(*sim.T) {
			parallel(2, func(i int) { sim.Choose("a", i+2) })
		}},
		"sleepers": {1, func(*sim.T) {
			parallel(2, func(i int) { time.Sleep(time.Duration(i+1) * time.Second) })
		}},
		"TryLock": {3, func(*sim.T) {
			var mu sync.Mutex
			parallel(2, func(i int) {
				if i == 0 {
					mu.Lock()
					mu.Unlock()
				} else if mu.TryLock() {
					mu.Unlock()
				}
			})
		}},
		"Signal beside Broadcast": {2, func(*sim.T) {
			c := sync.NewCond(new(sync.Mutex))
			parallel(2, func(i int) {
				if i == 0 {
					c.Signal()
				} else {
					c.Broadcast()
				}
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := exhaust(t, strategy.DPOR{}, c.body)
			assert.Equal(t, c.want, r.Executions)
			assert.Equal(t, c.want, r.Distinct)
			assert.Zero(t, r.Wasted)
			assert.Equal(t, c.want, r.Classes, "each execution has a fingerprint of its own")

			// A random walk meets no other classes, and all of them.
			r = sim.Search(sim.Options{
				Name: t.Name(), Strategy: strategy.RandomWalk{}, Executions: max(200, 100*c.want), SelfCheck: -1,
				Config: sim.Config{EarlyTimers: -1},
			}, c.body)
			require.NoError(t, r.Err)
			assert.Equal(t, c.want, r.Classes, "at random")
		})
	}
}

// interleavings counts how two goroutines, with so many moves left, can take
// turns. To leave one that could go on costs 1, to begin with the second one
// costs first.
func interleavings(left [2]int, current, first, budget int) int {
	if left[0]+left[1] == 0 {
		return 1
	}
	n := 0
	for g := range left {
		cost := 0
		switch {
		case current < 0:
			cost = g * first
		case g != current && left[current] > 0:
			cost = 1
		}
		if left[g] > 0 && cost <= budget {
			after := left
			after[g]--
			n += interleavings(after, g, first, budget-cost)
		}
	}
	return n
}

// TestAllChoices counts the executions of searches that know nothing of
// equivalence.
func TestAllChoices(t *testing.T) {
	for steps := range 4 {
		body := func(*sim.T) {
			var a atomic.Int32
			sim.Quietly(func() {
				parallel(2, func(int) {
					for range steps {
						a.Load()
					}
				})
			})
		}
		moves := [2]int{steps + 1, steps + 1}
		all := interleavings(moves, -1, 0, 100)
		for _, c := range []struct {
			s    strategy.Strategy
			want int
		}{
			{strategy.DFS{}, all},
			{strategy.ICB{}, all},
			{strategy.Delay{}, all},
			{strategy.ICB{Bound: 1}, interleavings(moves, -1, 0, 1)},
			{strategy.ICB{Bound: 2}, interleavings(moves, -1, 0, 2)},
			{strategy.Delay{Bound: 1}, interleavings(moves, -1, 1, 1)},
			{strategy.Delay{Bound: 2}, interleavings(moves, -1, 1, 2)},
		} {
			r := exhaust(t, c.s, body)
			assert.Equal(t, c.want, r.Executions, "%d steps, %v", steps, c.s)
			assert.Equal(t, c.want, r.Distinct, "%d steps, %v", steps, c.s)
			assert.Equal(t, c.want == all, len(r.Bounds) == 0, "%d steps, %v: %v", steps, c.s, r.Bounds)
		}
	}
}

func TestSystematicFinds(t *testing.T) {
	for _, s := range []strategy.Strategy{strategy.DFS{}, strategy.ICB{}, strategy.Delay{}, strategy.DPOR{}, strategy.ICB{Bound: 1}, strategy.Delay{Bound: 1}} {
		t.Run(s.String(), func(t *testing.T) {
			f := find(t, sim.Options{Strategy: s, Executions: 100_000}, lostUpdate)
			assert.Equal(t, 1, f.Preemptions)
			assert.Equal(t, "enabled", f.Schedule.Options[len(f.Schedule.Options)-7:])
			again, err := sim.Reproduce(sim.Config{Name: t.Name()}, f.Schedule, lostUpdate)
			require.NoError(t, err)
			assert.NotNil(t, again.Failure)
		})
	}
	assert.Contains(t, exhaust(t, strategy.DPOR{}, noUpdateLost).String(), "inequivalent executions checked")
}

func TestSystematicFindsDeadlock(t *testing.T) {
	f := find(t, sim.Options{Strategy: strategy.DPOR{}}, func(*sim.T) {
		var a, b sync.Mutex
		go func() { a.Lock(); b.Lock(); b.Unlock(); a.Unlock() }()
		go func() { b.Lock(); a.Lock(); a.Unlock(); b.Unlock() }()
	})
	assert.Equal(t, sim.Leak, f.Failure.Kind)
	assert.Contains(t, f.Failure.Detail, "held by")
}

func TestOneMoreOperationMeansMoreExecutions(t *testing.T) {
	last := 0
	for r := 1; r <= 4; r++ {
		n := exhaust(t, strategy.DPOR{}, sections(2, r)).Executions
		assert.Greater(t, n, last)
		last = n
	}
}

func TestBudgetIsNoExhaustion(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Strategy: strategy.DPOR{}, Executions: 89}, sections(3, 2))
	require.NoError(t, r.Err)
	assert.False(t, r.Exhausted)
	r = sim.Search(sim.Options{Name: t.Name(), Strategy: strategy.DPOR{}, Executions: 90}, sections(3, 2))
	assert.True(t, r.Exhausted)
}
