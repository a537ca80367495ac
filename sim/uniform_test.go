package sim_test

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// ordersOfWrites counts how often each order of the writes of two goroutines to
// one variable comes up, five writes each.
func ordersOfWrites(t *testing.T, s strategy.Strategy, executions int) map[uint16]int {
	t.Helper()
	counts := map[uint16]int{}
	ran := 0 // beside those that count are those that warm up
	r := sim.Search(sim.Options{
		Name: t.Name(), Strategy: s, Executions: executions, SelfCheck: -1, Config: sim.Config{EarlyTimers: -1},
	}, func(*sim.T) {
		var v atomic.Int32
		var mu sync.Mutex // for the bookkeeping, which has no points
		order, n := uint16(0), 0
		for g := range 2 {
			go func() {
				for range 5 {
					v.Add(1)
					sim.Quietly(func() {
						mu.Lock()
						defer mu.Unlock()
						order |= uint16(g) << n
						if n++; n == 10 {
							counts[order]++
							ran++
						}
					})
				}
			}()
		}
	})
	require.NoError(t, r.Err)
	require.Nil(t, r.Found)
	require.Less(t, ran-executions, 100)
	return counts
}

// upperTail is the probability that a χ² distributed number of so many degrees
// of freedom is larger than x, by Wilson and Hilferty's approximation.
func upperTail(x, degrees float64) float64 {
	v := 2 / (9 * degrees)
	z := (math.Cbrt(x/degrees) - (1 - v)) / math.Sqrt(v)
	return math.Erfc(z/math.Sqrt2) / 2
}

// uniformity is the p-value of the hypothesis that all counts have the same
// expectation.
func uniformity(counts map[uint16]int, buckets int) float64 {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	want := float64(sum) / float64(buckets)
	x := want * float64(buckets-len(counts))
	for _, n := range counts {
		x += (float64(n) - want) * (float64(n) - want) / want
	}
	return upperTail(x, float64(buckets-1))
}

const orders = 252 // of 2 × 5 writes

func TestUpperTail(t *testing.T) {
	// From tables of the distribution.
	assert.InDelta(t, 0.05, upperTail(18.307, 10), 0.001)
	assert.InDelta(t, 0.01, upperTail(135.807, 100), 0.0005)
}

// TestUniformStrategies: all orders of the writes are equally likely, by 100
// executions for each. The random walk, which has no reason to be uniform, shows
// that the test can tell.
func TestUniformStrategies(t *testing.T) {
	for _, c := range []struct {
		strategy strategy.Strategy
		uniform  bool
	}{
		{strategy.URW{}, true}, {strategy.SURW{}, true}, {strategy.RandomWalk{}, false}, {strategy.POS{}, false},
	} {
		t.Run(c.strategy.String(), func(t *testing.T) {
			counts := ordersOfWrites(t, c.strategy, 100*orders)
			assert.Len(t, counts, orders, "every order comes up")
			p := uniformity(counts, orders)
			t.Logf("p = %.3g", p)
			if c.uniform {
				assert.Greater(t, p, 0.01)
			} else {
				assert.Less(t, p, 1e-6)
			}
		})
	}
}

// TestStrategiesDoNotDependOnCollections: what the strategies know of objects
// and of goroutines must not change with where these are in memory.
func TestStrategiesDoNotDependOnCollections(t *testing.T) {
	for _, s := range []strategy.Strategy{strategy.POS{}, strategy.URW{}, strategy.SURW{}, strategy.Portfolio{}} {
		t.Run(s.String(), func(t *testing.T) {
			search := func(collect bool) sim.Report {
				r := sim.Search(sim.Options{Name: "x", Strategy: s, Executions: 200}, func(t *sim.T) {
					if collect {
						runtime.GC()
					}
					noUpdateLost(t)
					if collect {
						runtime.GC()
					}
				})
				require.NoError(t, r.Err)
				r.Elapsed = 0
				return r
			}
			assert.Equal(t, search(false), search(true))
		})
	}
}

// TestUniformStrategiesDoNotStarve: one goroutine spins until another one has
// done what may be a selected operation, and the third waits for both.
func TestUniformStrategiesDoNotStarve(t *testing.T) {
	for _, s := range []strategy.Strategy{strategy.POS{}, strategy.URW{}, strategy.SURW{}} {
		r := sim.Search(sim.Options{
			Name: t.Name(), Strategy: s, Executions: 300, Config: sim.Config{EarlyTimers: -1, MaxPoints: 100_000},
		}, func(*sim.T) {
			var ready, done atomic.Bool
			var mu sync.Mutex
			end := make(chan struct{})
			go func() {
				mu.Lock()
				defer mu.Unlock()
				ready.Store(true)
				done.Store(true)
			}()
			go func() {
				for !ready.Load() {
				}
				for !done.Load() {
				}
				close(end)
			}()
			<-end
			mu.Lock()
			defer mu.Unlock()
		})
		require.NoError(t, r.Err)
		require.Nil(t, r.Found, "%v", r)
		assert.Less(t, r.MaxPoints, 5000, s)
	}
}
