package sim_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/internal/programs/noisy"
	"github.com/startrace/startrace/sim/strategy"
)

const (
	here  = "github.com/startrace/startrace/sim_test"
	there = "github.com/startrace/startrace/sim/internal/programs/noisy"
)

// logging are 2 goroutines of 2 critical sections each, which log in between: 6
// orders of the sections and 6 of the lines, and 26 of the 36 pairs of these are
// possible.
func logging(*sim.T) {
	var mu sync.Mutex
	var log noisy.Log
	parallel(2, func(int) {
		for range 2 {
			mu.Lock()
			mu.Unlock()
			log.Print()
		}
	})
}

func focusing(t *testing.T, s strategy.Strategy, body func(*sim.T), focus ...string) sim.Report {
	t.Helper()
	return sim.Search(sim.Options{
		Name: t.Name(), Strategy: s, Executions: 20_000,
		Config: sim.Config{EarlyTimers: -1, Focus: focus},
	}, body)
}

func TestFocusLeavesOutDecisions(t *testing.T) {
	for name, c := range map[string]struct {
		focus []string
		want  int
	}{
		"everything":               {nil, 26},
		"everything, as patterns":  {[]string{"..."}, 26},
		"the sections":             {[]string{here}, 6},
		"the lines":                {[]string{there}, 6},
		"the lines, by their type": {[]string{there + ".(*Log)"}, 6},
		"the lines, by a method":   {[]string{there + ".(*Log).Print"}, 6},
		"all but the lines":        {[]string{"...", "-" + there + "/..."}, 6},
		"both":                     {[]string{here, "github.com/startrace/startrace/sim/internal/..."}, 26},
	} {
		t.Run(name, func(t *testing.T) {
			r := focusing(t, strategy.DPOR{}, logging, c.focus...)
			require.NoError(t, r.Err)
			require.True(t, r.Exhausted, "%v", r)
			assert.Equal(t, c.want, r.Executions)
			assert.Equal(t, c.want, r.Inequivalent)
			assert.Zero(t, r.Wasted)
			assert.Equal(t, c.focus, r.Focus)
		})
	}
}

// lost loses an addition, if somebody comes in between: within package noisy only.
func lost(t *sim.T) {
	var c noisy.Counter
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(c.Add)
	}
	wg.Wait()
	if n := c.Value(); n != 2 {
		t.Errorf("%d additions", n)
	}
}

// TestFocusNamesWhatItLeavesOut: a race out of focus is not found, and a report
// does not claim that there is none.
func TestFocusNamesWhatItLeavesOut(t *testing.T) {
	for _, s := range []strategy.Strategy{strategy.DPOR{}, strategy.ICB{}} {
		r := focusing(t, s, lost, here)
		require.NoError(t, r.Err)
		require.Nil(t, r.Found)
		require.True(t, r.Exhausted)
		require.NotEmpty(t, r.Bounds)
		assert.Contains(t, r.Bounds[0], "decisions only in "+here)
		assert.Contains(t, r.String(), "decisions only in "+here)

		r = focusing(t, s, lost, there)
		require.NotNil(t, r.Found, "%v: in focus it is found", r)
	}
}

// TestFocusIsReplayed: a schedule says what was in focus.
func TestFocusIsReplayed(t *testing.T) {
	for _, s := range []strategy.Strategy{strategy.DPOR{}, strategy.RandomWalk{}, strategy.PCT{}, strategy.POS{}, strategy.URW{}, strategy.SURW{}} {
		t.Run(s.String(), func(t *testing.T) {
			r := focusing(t, s, lost, there, "-"+here)
			require.NoError(t, r.Err)
			require.NotNil(t, r.Found, "%v", r)
			assert.Contains(t, r.Found.Schedule.Options, "focus="+there+" -"+here)
			again, err := sim.Reproduce(sim.Config{}, r.Found.Schedule, lost)
			require.NoError(t, err)
			require.NotNil(t, again.Failure)
			assert.Equal(t, r.Found.Schedule.Hash, again.Hash())
		})
	}
}

// TestFocusEndsWaiting: who asks again and again gives way to others, although it
// is out of focus.
func TestFocusEndsWaiting(t *testing.T) {
	r := focusing(t, strategy.RandomWalk{}, func(*sim.T) {
		var set noisy.Set[int]
		var mu sync.Mutex
		go func() {
			mu.Lock()
			defer mu.Unlock()
			set.Put(1)
		}()
		for !set.Has() {
		}
	}, here)
	require.NoError(t, r.Err)
	require.Nil(t, r.Found)
}

// TestFocusCostsNoMemory: a point allocates nothing.
func TestFocusCostsNoMemory(t *testing.T) {
	body := func(n int) func(*sim.T) {
		return func(*sim.T) {
			var set noisy.Set[int]
			for range n {
				set.Has()
			}
		}
	}
	allocations := func(n int) float64 {
		return testing.AllocsPerRun(10, func() { sim.Run(sim.Config{Focus: []string{here}}, body(n)) })
	}
	assert.InDelta(t, allocations(10), allocations(5000), 50)
}

func TestFocusThatIsNone(t *testing.T) {
	r := focusing(t, strategy.DPOR{}, logging, "example.org/elsewhere/...")
	require.ErrorIs(t, r.Err, sim.ErrFocus)
	assert.False(t, r.Exhausted)
	for _, p := range []string{"-", "a/", "a...", "-a/b", ".../a", "a b", ""} {
		r := focusing(t, strategy.DPOR{}, logging, p)
		require.ErrorIs(t, r.Err, sim.ErrFocus, "%q", p)
	}
	_, err := sim.ParseFocus("a/..., -a/b,a/b.(*T).M")
	require.NoError(t, err)
}
