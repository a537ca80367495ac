package sim_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// TestDetectors has for each thing that is detected a canary, which has to be
// found, and a clean twin, which looks alike and must not be.
func TestDetectors(t *testing.T) {
	for _, d := range []struct {
		name         string
		canary, twin func(*testing.T)
	}{
		{
			"deadlock, mutex",
			finds(sim.Deadlock, func(*sim.T) {
				var a, b sync.Mutex
				var wg sync.WaitGroup
				wg.Add(2)
				sim.Go("left", func() { defer wg.Done(); a.Lock(); b.Lock(); b.Unlock(); a.Unlock() })
				sim.Go("right", func() { defer wg.Done(); b.Lock(); a.Lock(); a.Unlock(); b.Unlock() })
				wg.Wait()
			}, "left: sync.Mutex.Lock of #", "held by right", "right: sync.Mutex.Lock of #", "held by left", "main: sync.WaitGroup.Wait", "detectors_test.go:"),
			silent(func(*sim.T) {
				var a, b sync.Mutex
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() { a.Lock(); b.Lock(); b.Unlock(); a.Unlock() })
				}
				wg.Wait()
			}),
		},
		{
			"deadlock, channel",
			finds(sim.Deadlock, func(*sim.T) {
				a, b := make(chan int), make(chan int)
				var wg sync.WaitGroup
				wg.Add(2)
				sim.Go("left", func() { defer wg.Done(); a <- 1; <-b })
				sim.Go("right", func() { defer wg.Done(); b <- 1; <-a })
				wg.Wait()
			}, "left: chan send", "right: chan send", "detectors_test.go:"),
			silent(func(*sim.T) {
				a, b := make(chan int), make(chan int)
				var wg sync.WaitGroup
				wg.Go(func() { a <- 1; <-b })
				wg.Go(func() { <-a; b <- 1 })
				wg.Wait()
			}),
		},
		{
			"deadlock, channel of nobody",
			finds(sim.Deadlock, func(*sim.T) { <-make(chan int) }, "main: chan receive"),
			silent(func(*sim.T) { <-closed() }),
		},
		{
			"deadlock, WaitGroup",
			finds(sim.Deadlock, func(*sim.T) {
				var wg sync.WaitGroup
				wg.Add(2)
				go wg.Done()
				wg.Wait()
			}, "main: sync.WaitGroup.Wait"),
			silent(func(*sim.T) {
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {})
					wg.Go(func() {})
					wg.Wait()
				}
			}),
		},
		{
			"deadlock, RWMutex writer starvation",
			finds(sim.Deadlock, func(*sim.T) {
				var mu sync.RWMutex
				var wg sync.WaitGroup
				wg.Add(2)
				sim.Go("reader", func() { defer wg.Done(); mu.RLock(); mu.RLock(); mu.RUnlock(); mu.RUnlock() })
				sim.Go("writer", func() { defer wg.Done(); mu.Lock(); mu.Unlock() })
				wg.Wait()
			}, "reader: sync.RWMutex.RLock", "held by reader", "writer: sync.RWMutex.Lock"),
			silent(func(*sim.T) {
				var mu sync.RWMutex
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() { mu.RLock(); mu.RUnlock(); mu.RLock(); mu.RUnlock() })
				}
				wg.Go(func() { mu.Lock(); mu.Unlock() })
				wg.Wait()
			}),
		},
		{
			"deadlock, self-deadlock",
			finds(sim.Deadlock, func(*sim.T) {
				var mu sync.Mutex
				mu.Lock()
				mu.Lock()
			}, "main: sync.Mutex.Lock", "held by main itself"),
			silent(func(*sim.T) {
				var mu sync.Mutex
				mu.Lock()
				mu.Unlock()
				mu.Lock()
				if mu.TryLock() {
					panic("locked twice")
				}
				mu.Unlock()
			}),
		},
		{
			"deadlock, Cond",
			finds(sim.Deadlock, func(*sim.T) {
				var mu sync.Mutex
				c := sync.NewCond(&mu)
				go c.Signal()
				mu.Lock()
				c.Wait()
				mu.Unlock()
			}, "main: sync.Cond.Wait"),
			silent(func(*sim.T) {
				var mu sync.Mutex
				c, ready := sync.NewCond(&mu), false
				go func() { mu.Lock(); ready = true; mu.Unlock(); c.Signal() }()
				mu.Lock()
				for !ready {
					c.Wait()
				}
				mu.Unlock()
			}),
		},
		{
			"leak",
			finds(sim.Leak, func(*sim.T) {
				c := make(chan int)
				go func() { c <- 1 }()
			}, "chan send"),
			silent(func(t *sim.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() { <-ctx.Done() })
				cancel()
				wg.Wait()
			}),
		},
		{
			"leak, endless retry",
			finds(sim.Leak, func(*sim.T) {
				go func() {
					for {
						time.Sleep(time.Second)
					}
				}()
			}, "sleep"),
			silent(func(*sim.T) { go time.Sleep(time.Hour) }),
		},
		{
			"livelock",
			finds(sim.Livelock, func(*sim.T) {
				var flag atomic.Bool
				for !flag.Load() {
				}
			}, "main: runnable"),
			silent(func(*sim.T) {
				var flag atomic.Bool
				go flag.Store(true)
				for !flag.Load() {
				}
			}),
		},
		{
			"livelock, both give way",
			finds(sim.Livelock, func(*sim.T) {
				var wants [2]atomic.Bool
				var wg sync.WaitGroup
				for i := range 2 {
					wg.Go(func() {
						wants[i].Store(true)
						for wants[1-i].Load() {
						}
					})
				}
				wg.Wait()
			}, "runnable"),
			silent(func(*sim.T) {
				done := make(chan struct{})
				go func() { time.Sleep(time.Second); close(done) }()
				for polls := 0; ; polls++ {
					select {
					case <-done:
						return
					default:
						_ = polls
					}
				}
			}),
		},
		{
			"panic in any goroutine",
			finds(sim.Panicked, func(*sim.T) {
				var wg sync.WaitGroup
				wg.Add(1)
				go func() { panic(errors.New("boom")) }()
				wg.Wait()
			}, "boom", "detectors_test.go:"),
			silent(func(t *sim.T) {
				var wg sync.WaitGroup
				wg.Go(func() {
					defer func() { assert.Equal(t, "boom", recover()) }()
					panic("boom")
				})
				wg.Wait()
			}),
		},
		{
			"panic, negative counter",
			finds(sim.Panicked, func(*sim.T) { new(sync.WaitGroup).Done() }, "negative WaitGroup counter"),
			silent(func(t *sim.T) {
				defer func() { assert.NotNil(t, recover()) }()
				new(sync.WaitGroup).Done()
			}),
		},
		{
			"panic, unlock of unlocked mutex",
			finds(sim.Panicked, func(*sim.T) { new(sync.Mutex).Unlock() }, "unlock of unlocked mutex", "detectors_test.go:"),
			silent(func(*sim.T) {
				var mu sync.Mutex
				mu.Lock()
				go mu.Unlock() // by another one than who locked
				mu.Lock()
				mu.Unlock()
			}),
		},
		{
			"panic, nil map",
			finds(sim.Panicked, func(*sim.T) {
				var m map[string]int
				m["a"] = 1
			}, "assignment to entry in nil map"),
			silent(func(*sim.T) {
				var m map[string]int
				_ = m["a"]
			}),
		},
		{
			"failed check in a goroutine",
			finds(sim.Failed, func(t *sim.T) {
				var wg sync.WaitGroup
				wg.Go(func() { assert.Equal(t, 1, 2) })
				wg.Wait()
			}, "Not equal"),
			silent(func(t *sim.T) {
				var wg sync.WaitGroup
				wg.Go(func() { assert.Equal(t, "a", string('a')) })
				wg.Wait()
			}),
		},
		{
			"fatal in main",
			finds(sim.Failed, func(t *sim.T) { t.Fatalf("no %s", "way") }, "no way"),
			silent(func(t *sim.T) { t.Logf("a %s", "way") }),
		},
		{"data race under -race", racyAreFound, cleanAreNot},
		{"nondeterminism with the first differing point", nondeterminismIsNamed, determinismIsNot},
		{"stray with its call site", strayIsNamed, noStrays},
		{"zero executions", nothingRan, somethingRan},
		{"hang", hangsAreReported, longIsNoHang},
	} {
		t.Run(d.name+"/canary", d.canary)
		t.Run(d.name+"/twin", d.twin)
	}
}

func closed() chan int {
	c := make(chan int)
	close(c)
	return c
}

// finds is a test that the body fails, and that the report has these texts.
func finds(kind sim.Kind, body func(*sim.T), texts ...string) func(*testing.T) {
	return func(t *testing.T) {
		opts := sim.Options{}
		if kind == sim.Livelock {
			opts.Config.MaxPoints = 2000
			opts.Shrink = 20
		}
		f := find(t, opts, body)
		assert.Equal(t, kind, f.Failure.Kind, f.Failure.Title)
		for _, want := range texts {
			assert.Contains(t, f.Failure.Title+"\n"+f.Failure.Detail, want)
		}
	}
}

// silent is a test that the body does not fail, nor anything else about it.
func silent(body func(*sim.T)) func(*testing.T) {
	return func(t *testing.T) {
		r := sim.Search(sim.Options{Name: t.Name(), Strategy: strategy.Portfolio{}, Executions: 300, SelfCheck: 7}, body)
		require.NoError(t, r.Err)
		if r.Found != nil {
			t.Fatal(r.Found.Text(r))
		}
		assert.Equal(t, 300, r.Executions)
		assert.Zero(t, r.Strays)
	}
}

var calls atomic.Int64

// differing takes three steps, of which the second is another one in every
// other execution.
func differing(*sim.T) {
	var mu sync.Mutex
	var n atomic.Int64
	sim.Point("first", nil)
	if calls.Add(1)%2 == 0 {
		n.Add(1)
	} else {
		mu.Lock()
		mu.Unlock()
	}
	sim.Point("last", nil)
}

func nondeterminismIsNamed(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Strategy: strategy.Portfolio{}, SelfCheck: 1}, differing)
	require.ErrorIs(t, r.Err, sim.ErrNondeterministic)
	const lock, add = `Lock #\d+ in main \(detectors_test.go:\d+\)`, `atomic #\d+ in main \(detectors_test.go:\d+\)`
	assert.Regexp(t, `ran twice with the same choices and differs at step \d+: (`+lock+` in one run, `+add+`|`+add+` in one run, `+lock+`) in the other`, r.Err.Error())
}

func determinismIsNot(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Strategy: strategy.Portfolio{}, SelfCheck: 1, Executions: 200}, func(*sim.T) {
		sim.Point("first", nil)
		if sim.Choose("which", 2) == 0 {
			new(atomic.Int64).Add(1)
		} else {
			new(sync.Mutex).Lock()
		}
		sim.Point("last", nil)
	})
	require.NoError(t, r.Err)
	assert.Nil(t, r.Found)
	assert.Equal(t, 200, r.Checked)
	assert.Equal(t, 2, r.Distinct)
}

func nothingRan(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 10}, func(t *sim.T) { t.Skip("nothing to do") })
	require.ErrorIs(t, r.Err, sim.ErrNothingRan)
	assert.Equal(t, 10, r.Skipped)
}

func somethingRan(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 50}, func(t *sim.T) {
		if sim.Choose("anything to do", 2) == 0 {
			t.Skip("nothing to do")
		}
	})
	require.NoError(t, r.Err)
	assert.Positive(t, r.Skipped)
	assert.Less(t, r.Skipped, 50)
}
