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

func TestDetectors(t *testing.T) {
	for _, c := range []struct {
		name    string
		kind    sim.Kind
		body    func(*sim.T)
		details []string
	}{
		{"mutexes in opposite order", sim.Deadlock, func(*sim.T) {
			var a, b sync.Mutex
			var wg sync.WaitGroup
			wg.Add(2)
			sim.Go("left", func() { defer wg.Done(); a.Lock(); b.Lock(); b.Unlock(); a.Unlock() })
			sim.Go("right", func() { defer wg.Done(); b.Lock(); a.Lock(); a.Unlock(); b.Unlock() })
			wg.Wait()
		}, []string{"left: sync.Mutex.Lock of #", "held by right", "right: sync.Mutex.Lock of #", "held by left", "main: sync.WaitGroup.Wait", "detect_test.go:"}},
		{"lock twice", sim.Deadlock, func(*sim.T) {
			var mu sync.Mutex
			mu.Lock()
			mu.Lock()
		}, []string{"main: sync.Mutex.Lock", "held by main itself"}},
		{"nested read lock and a writer", sim.Deadlock, func(*sim.T) {
			var mu sync.RWMutex
			var wg sync.WaitGroup
			wg.Add(2)
			sim.Go("reader", func() { defer wg.Done(); mu.RLock(); mu.RLock(); mu.RUnlock(); mu.RUnlock() })
			sim.Go("writer", func() { defer wg.Done(); mu.Lock(); mu.Unlock() })
			wg.Wait()
		}, []string{"reader: sync.RWMutex.RLock", "held by reader", "writer: sync.RWMutex.Lock"}},
		{"receive from nobody", sim.Deadlock, func(*sim.T) {
			<-make(chan int)
		}, []string{"main: chan receive"}},
		{"wait for too many", sim.Deadlock, func(*sim.T) {
			var wg sync.WaitGroup
			wg.Add(2)
			go wg.Done()
			wg.Wait()
		}, []string{"main: sync.WaitGroup.Wait"}},
		{"signal before wait", sim.Deadlock, func(*sim.T) {
			var mu sync.Mutex
			c := sync.NewCond(&mu)
			go c.Signal()
			mu.Lock()
			c.Wait()
			mu.Unlock()
		}, []string{"main: sync.Cond.Wait"}},
		{"goroutine left", sim.Leak, func(*sim.T) {
			c := make(chan int)
			go func() { c <- 1 }()
		}, []string{"chan send"}},
		{"endless retry left", sim.Leak, func(*sim.T) {
			go func() {
				for {
					time.Sleep(time.Second)
				}
			}()
		}, []string{"sleep"}},
		{"spinning on an atomic", sim.Livelock, func(*sim.T) {
			var flag atomic.Bool
			for !flag.Load() {
			}
		}, []string{"main: runnable"}},
		{"panic in a goroutine", sim.Panicked, func(*sim.T) {
			var wg sync.WaitGroup
			wg.Add(1)
			go func() { panic(errors.New("boom")) }()
			wg.Wait()
		}, []string{"boom", "detect_test.go:"}},
		{"negative counter", sim.Panicked, func(*sim.T) {
			var wg sync.WaitGroup
			wg.Done()
		}, []string{"negative WaitGroup counter"}},
		{"unlock of unlocked mutex", sim.Panicked, func(*sim.T) {
			var mu sync.Mutex
			mu.Unlock()
		}, []string{"unlock of unlocked mutex", "detect_test.go:"}},
		{"nil map", sim.Panicked, func(*sim.T) {
			var m map[string]int
			m["a"] = 1
		}, []string{"assignment to entry in nil map"}},
		{"failed check in a goroutine", sim.Failed, func(t *sim.T) {
			var wg sync.WaitGroup
			wg.Go(func() { assert.Equal(t, 1, 2) })
			wg.Wait()
		}, []string{"Not equal"}},
		{"fatal in main", sim.Failed, func(t *sim.T) {
			t.Fatalf("no %s", "way")
		}, []string{"no way"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := sim.Options{}
			if c.kind == sim.Livelock {
				opts.Config.MaxPoints = 20_000
				opts.Shrink = -1
			}
			f := find(t, opts, c.body)
			assert.Equal(t, c.kind, f.Failure.Kind, f.Failure.Title)
			for _, want := range c.details {
				assert.Contains(t, f.Failure.Title+"\n"+f.Failure.Detail, want)
			}
		})
	}
}

// The clean twins: programs that look alike and are right.
func TestDetectorsAreSilent(t *testing.T) {
	for _, c := range []struct {
		name string
		body func(*sim.T)
	}{
		{"mutexes in one order", func(*sim.T) {
			var a, b sync.Mutex
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() { a.Lock(); b.Lock(); b.Unlock(); a.Unlock() })
			}
			wg.Wait()
		}},
		{"readers and a writer", func(*sim.T) {
			var mu sync.RWMutex
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() { mu.RLock(); mu.RUnlock() })
			}
			wg.Go(func() { mu.Lock(); mu.Unlock() })
			wg.Wait()
		}},
		{"goroutine that sleeps on", func(*sim.T) {
			go time.Sleep(time.Hour)
		}},
		{"spinning on an atomic until somebody sets it", func(*sim.T) {
			var flag atomic.Bool
			go flag.Store(true)
			for !flag.Load() {
			}
		}},
		{"polling beside a sleeper", func(*sim.T) {
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
		}},
		{"recovered panic", func(t *sim.T) {
			defer func() { assert.Equal(t, "boom", recover()) }()
			panic("boom")
		}},
		{"recovered misuse", func(t *sim.T) {
			var wg sync.WaitGroup
			func() {
				defer func() { assert.NotNil(t, recover()) }()
				wg.Done()
			}()
			var mu sync.Mutex
			mu.Lock()
			mu.Unlock()
		}},
		{"canceled context", func(t *sim.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { <-ctx.Done() })
			cancel()
			wg.Wait()
		}},
		{"counter used again", func(*sim.T) {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {})
				wg.Go(func() {})
				wg.Wait()
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sim.Search(sim.Options{Name: t.Name(), Executions: 300, SelfCheck: 7}, c.body)
			require.NoError(t, r.Err)
			if r.Found != nil {
				t.Fatal(r.Found.Text(r))
			}
			assert.Equal(t, 300, r.Executions)
		})
	}
}

// timeoutRace commits after it was seen as timed out.
func timeoutRace(t *sim.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var mu sync.Mutex
	committed := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		if ctx.Err() != nil {
			return
		}
		mu.Lock()
		committed = true
		mu.Unlock()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		mu.Lock()
		seen := committed
		mu.Unlock()
		<-done
		if !seen && committed {
			t.Error("timed out, and committed all the same")
		}
	}
}

func TestEarlyTimers(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 5000, Config: sim.Config{EarlyTimers: -1}}, timeoutRace)
	require.NoError(t, r.Err)
	assert.Nil(t, r.Found, "without early timers time stands still while goroutines run")

	f := find(t, sim.Options{Executions: 5000}, timeoutRace)
	assert.Contains(t, f.Text(sim.Report{}), "a timer fires early")
}

func TestTryLockSeesLockedMutex(t *testing.T) {
	body := func(t *sim.T) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		wg.Go(func() { mu.Lock(); mu.Unlock() })
		if mu.TryLock() {
			mu.Unlock()
		} else {
			t.Error("locked")
		}
		wg.Wait()
	}
	f := find(t, sim.Options{}, body)
	r, err := sim.Reproduce(sim.Config{}, f.Schedule, body)
	require.NoError(t, err)
	assert.NotNil(t, r.Failure)
}

func TestStepLimitGrows(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 2, Config: sim.Config{MaxPoints: 1000}, Strategy: strategy.RandomWalk{}}, func(*sim.T) {
		var n atomic.Int64
		for n.Add(1) < 50_000 {
		}
	})
	require.NoError(t, r.Err)
	assert.Nil(t, r.Found, "long is not endless")
}

func TestOnTime(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 5000}, func(t *sim.T) {
		sim.OnTime()
		timeoutRace(t)
	})
	require.NoError(t, r.Err)
	assert.Nil(t, r.Found)
}

// A lock that is taken quietly is a lock: who waits for it is blocked, and the
// clock goes on.
func TestQuietLocks(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 200}, func(*sim.T) {
		var mu sync.Mutex
		var rw sync.RWMutex
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				sim.Quietly(func() {
					mu.Lock()
					time.Sleep(time.Second)
					mu.Unlock()
				})
				sim.Quietly(func() {
					rw.Lock()
					time.Sleep(time.Second)
					rw.Unlock()
				})
				sim.Quietly(func() {
					rw.RLock()
					time.Sleep(time.Second)
					rw.RUnlock()
				})
			})
		}
		wg.Wait()
	})
	require.NoError(t, r.Err)
	if r.Found != nil {
		t.Fatal(r.Found.Text(r))
	}
}
