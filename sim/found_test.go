package sim

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim/strategy"
)

// initialized is what lazily keeps from one execution to the next.
var initialized bool

// lazily fails in few executions, after it has initialised something for the first
// time, for which it passes points that later executions do not pass.
func lazily(t *T) {
	var steps, phase, other int
	matched := 0
	var wg sync.WaitGroup
	var mu sync.Mutex
	wg.Go(func() {
		for range 3 {
			runtime.Gosched()
			steps++
		}
		runtime.Gosched()
		if phase == 1 {
			runtime.Gosched()
			if other == 1 {
				t.Violatef("I1", "all at their place")
			}
		}
	})
	wg.Go(func() {
		for i := range 3 {
			runtime.Gosched()
			if steps == i+1 {
				matched++
			}
		}
		if matched < 3 {
			return
		}
		if !initialized {
			initialized = true
			for range 3 {
				mu.Lock()
				mu.Unlock()
			}
		}
		phase = 1
	})
	wg.Go(func() {
		runtime.Gosched()
		other = 1
		runtime.Gosched()
		other = 2
	})
	wg.Wait()
}

// TestFailureAtFirstUse: a failure is confirmed although the execution that failed
// initialised something, so that its choices come too early in the next one.
func TestFailureAtFirstUse(t *testing.T) {
	tried, confirmed := 0, 0
	for seed := range uint64(50) {
		opts := Options{
			Name: t.Name(), Strategy: strategy.RandomWalk{}, Executions: 5000, Seed: seed, Workers: 1, SelfCheck: -1, Shrink: -1,
			Config: Config{EarlyTimers: -1},
		}
		r := search(t, opts, lazily)
		require.NoError(t, r.Err)
		if r.Found == nil {
			continue
		}
		opts.defaults()
		e := newExplorer(t, opts, lazily)
		first := func() Result {
			initialized = false
			cfg, err := opts.Config.replaying(r.Found.Schedule)
			require.NoError(t, err)
			cfg.Plan, cfg.turns, cfg.logged = strategy.Replay{}.At(0), r.Found.turns, true
			return e.runner.run(cfg)
		}
		if res := first(); res.Failure == nil || e.rerun(res.Schedule).Failure != nil {
			continue // the choices alone make it fail again, or nothing does
		}
		tried++
		if again, ok := e.confirm(first()); ok {
			confirmed++
			assert.Equal(t, "I1", again.Failure.ID)
			assert.Positive(t, e.report.FirstRun)
		}
	}
	assert.Positive(t, tried)
	assert.Equal(t, tried, confirmed)
	t.Logf("%d of 50 fail at first use, and not again with the same choices", tried)
}
