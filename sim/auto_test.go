package sim_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

func TestAutoExhaustsWhatIsSmall(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name()}, sections(3, 1))
	require.NoError(t, r.Err)
	require.Nil(t, r.Found)
	assert.True(t, r.Exhausted)
	assert.Empty(t, r.Bounds)
	require.Len(t, r.Parts, 2)
	assert.Equal(t, sim.Part{Strategy: "dpor", Executions: 6}, r.Parts[0])
	assert.Equal(t, "portfolio", r.Parts[1].Strategy)
	assert.Equal(t, r.Executions, r.Parts[0].Executions+r.Parts[1].Executions)
	assert.Less(t, r.Executions, 300, "a quarter of the budget goes to what dpor does not see")
	assert.Equal(t, 6, r.Classes)
	assert.Contains(t, r.String(), "auto (dpor 6, portfolio ")
	assert.Contains(t, r.String(), "all 6 inequivalent executions checked")
}

func TestAutoGoesOnWithWhatIsLarge(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 100}, sections(6, 10))
	require.NoError(t, r.Err)
	assert.False(t, r.Exhausted)
	assert.Equal(t, []sim.Part{{Strategy: "portfolio", Executions: 100}}, r.Parts)
	assert.Equal(t, 100, r.Classified)
	assert.Greater(t, r.Unseen(), 0.9, "nearly each is new")

	// Small executions, and too many of them.
	r = sim.Search(sim.Options{Name: t.Name(), Executions: 100}, sections(2, 5))
	require.NoError(t, r.Err)
	assert.False(t, r.Exhausted)
	assert.Equal(t, []sim.Part{{Strategy: "dpor", Executions: 25}, {Strategy: "portfolio", Executions: 75}}, r.Parts)
}

// plainRace is a lost update without synchronisation: only operations on
// different objects lie between, which dpor takes for nothing that an order
// could change.
func plainRace(t *sim.T) {
	var wg sync.WaitGroup
	own := make([]atomic.Int32, 2)
	v := 0
	for i := range own {
		wg.Go(func() {
			x := v
			own[i].Store(1)
			v = x + 1
		})
	}
	wg.Wait()
	if v != 2 {
		t.Errorf("v is %d", v)
	}
}

func TestAutoFindsWhatDPORDoesNotSee(t *testing.T) {
	if sim.RaceEnabled {
		t.Skip("the race detector reports it, and once in a process")
	}
	r := sim.Search(sim.Options{Name: t.Name(), Strategy: strategy.DPOR{}}, plainRace)
	require.NoError(t, r.Err)
	require.Nil(t, r.Found)
	require.True(t, r.Exhausted)
	r = sim.Search(sim.Options{Name: t.Name()}, plainRace)
	require.NotNil(t, r.Found)
	assert.Equal(t, "auto", r.Strategy)
	assert.False(t, r.Exhausted)
}

// slowTimer fails if its timer fires although goroutines can run, which dpor
// leaves out.
func slowTimer(t *sim.T) {
	var late atomic.Bool
	timer := time.AfterFunc(time.Second, func() { late.Store(true) })
	for range 5 {
		sim.Point("busy", nil)
	}
	if timer.Stop(); late.Load() {
		t.Error("late")
	}
}

func TestAutoGoesOnBeyondBounds(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 20_000, Config: sim.Config{EarlyTimers: 50}}, slowTimer)
	require.NotNil(t, r.Found, "%v", r)

	r = sim.Search(sim.Options{Name: t.Name(), Executions: 400}, func(t *sim.T) {
		sections(2, 1)(t)
		time.Sleep(time.Second)
	})
	require.NoError(t, r.Err)
	assert.True(t, r.Exhausted)
	assert.Equal(t, []string{"timers fire only when nobody can run"}, r.Bounds)
	assert.Equal(t, 400, r.Executions, "the budget is used up")
}

func TestFeedbackIsDeterministic(t *testing.T) {
	search := func(seed uint64) sim.Report {
		r := sim.Search(sim.Options{Name: "x", Strategy: strategy.Feedback{}, Seed: seed, Executions: 400}, sections(4, 3))
		require.NoError(t, r.Err)
		r.Elapsed = 0
		return r
	}
	first := search(1)
	assert.Equal(t, first, search(1))
	assert.NotEqual(t, first, search(2))
}
