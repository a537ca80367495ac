package sim_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

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

// What does not end is found in a different place at each limit, and confirmed at
// the one at which it was found.
func TestEndlessIsConfirmed(t *testing.T) {
	f := find(t, sim.Options{Config: sim.Config{MaxPoints: 1000}, Strategy: strategy.RandomWalk{}, Shrink: -1}, func(*sim.T) {
		var at [3]atomic.Int64
		for {
			for range 301 {
				at[0].Add(1)
			}
			for range 307 {
				at[1].Add(1)
			}
			for range 311 {
				at[2].Add(1)
			}
		}
	})
	assert.Equal(t, sim.Livelock, f.Failure.Kind, f.Failure.Title)
	assert.Contains(t, f.Failure.Title, "1000 points")
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
