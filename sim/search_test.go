package sim_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

// lostUpdate is a read and a write in two critical sections.
func lostUpdate(t *sim.T) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	v := 0
	for range 3 {
		wg.Go(func() {
			mu.Lock()
			x := v
			mu.Unlock()
			mu.Lock()
			v = x + 1
			mu.Unlock()
		})
	}
	wg.Wait()
	if v != 3 {
		t.Errorf("lost update: v is %d", v)
	}
}

// noUpdateLost is its clean twin.
func noUpdateLost(t *sim.T) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	v := 0
	for range 3 {
		wg.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			v++
		})
	}
	wg.Wait()
	if v != 3 {
		t.Errorf("lost update: v is %d", v)
	}
}

func find(t *testing.T, opts sim.Options, body func(*sim.T)) *sim.Found {
	t.Helper()
	opts.Name = t.Name()
	r := sim.Search(opts, body)
	require.NoError(t, r.Err)
	require.NotNil(t, r.Found, "%v", r)
	return r.Found
}

func TestSearchFindsAndShrinks(t *testing.T) {
	for _, s := range []strategy.Strategy{strategy.Auto{}, strategy.Feedback{}, strategy.Portfolio{}, strategy.RandomWalk{}, strategy.RandomWalk{Sticky: 900}, strategy.PCT{}, strategy.PCT{Depth: 2}, strategy.POS{}, strategy.URW{}, strategy.SURW{}} {
		t.Run(s.String(), func(t *testing.T) {
			f := find(t, sim.Options{Strategy: s}, lostUpdate)
			assert.Equal(t, sim.Failed, f.Failure.Kind)
			assert.Equal(t, 1, f.Preemptions, "the bug has depth 2")
			assert.Equal(t, 1, f.Deviations)
			assert.LessOrEqual(t, f.Execution, 100)
		})
	}
}

func TestSearchPassesCleanTwin(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Strategy: strategy.Portfolio{}, Executions: 1000}, noUpdateLost)
	require.NoError(t, r.Err)
	assert.Nil(t, r.Found)
	assert.Equal(t, 1000, r.Executions)
	assert.Greater(t, r.Distinct, 100)
	assert.Equal(t, 16, r.Checked, "one in 64 runs twice")
	assert.Zero(t, r.Strays)
}

func TestDefaultScheduleIsTame(t *testing.T) {
	r := sim.Run(sim.Config{}, lostUpdate)
	assert.Nil(t, r.Failure)
	assert.Zero(t, r.Preemptions)
	assert.Empty(t, r.Schedule.Choices)
}

func TestSameSeedSameReport(t *testing.T) {
	search := func(seed uint64) string {
		r := sim.Search(sim.Options{Name: "x", Seed: seed, Replayable: "replay %s"}, lostUpdate)
		require.NotNil(t, r.Found)
		r.Elapsed = 0
		return r.String() + r.Found.Text(r)
	}
	first := search(1)
	for range 3 {
		assert.Equal(t, first, search(1))
	}
	different := 0
	for seed := range uint64(10) {
		if search(seed+2) != first {
			different++
		}
	}
	assert.Positive(t, different)
}

func TestReplayIsExact(t *testing.T) {
	f := find(t, sim.Options{}, lostUpdate)
	for range 1000 {
		r, err := sim.Reproduce(sim.Config{Name: t.Name()}, f.Schedule, lostUpdate)
		require.NoError(t, err)
		require.NotNil(t, r.Failure)
		require.Equal(t, f.Schedule.Hash, r.Hash())
		require.Equal(t, f.Failure.Signature, r.Failure.Signature)
	}
}

func TestReplayIsStrict(t *testing.T) {
	f := find(t, sim.Options{}, lostUpdate)
	_, err := sim.Reproduce(sim.Config{}, f.Schedule, noUpdateLost)
	require.ErrorIs(t, err, sim.ErrDiverged)

	s := f.Schedule
	s.Choices = append([]uint32{99}, s.Choices...)
	_, err = sim.Reproduce(sim.Config{}, s, lostUpdate)
	require.ErrorIs(t, err, sim.ErrDiverged)
	assert.ErrorContains(t, err, "fewer alternatives")

	s = f.Schedule
	s.Options = "early,telepathy"
	_, err = sim.Reproduce(sim.Config{}, s, lostUpdate)
	assert.ErrorContains(t, err, `"telepathy"`)
}

func TestScheduleSurvivesItsToken(t *testing.T) {
	f := find(t, sim.Options{}, lostUpdate)
	s, err := schedule.Parse(f.Schedule.Token())
	require.NoError(t, err)
	assert.Equal(t, f.Schedule, s)
	r, err := sim.Reproduce(sim.Config{}, s, lostUpdate)
	require.NoError(t, err)
	assert.Contains(t, r.Text(), "lost update: v is")
}

var (
	lazy     sync.Once
	lazyMap  sync.Map
	lazySize int
)

// firstRun has globals that its first execution initialises, with points.
func firstRun(t *sim.T) {
	lazy.Do(func() {
		var mu sync.Mutex
		for range 20 {
			mu.Lock()
			lazySize++
			mu.Unlock()
		}
	})
	lazyMap.LoadOrStore("key", lazySize)
	lostUpdate(t)
}

func TestFirstRunEffectsAreNoNondeterminism(t *testing.T) {
	f := find(t, sim.Options{SelfCheck: 1}, firstRun)
	assert.Equal(t, 1, f.Preemptions)
}

func TestDurationEndsASearch(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 1 << 30, Duration: 50 * time.Millisecond}, noUpdateLost)
	require.NoError(t, r.Err)
	assert.Positive(t, r.Executions)
	assert.Less(t, r.Elapsed, 10*time.Second)
}

func TestReportText(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Replayable: "go test -sim.replay=%s ./x"}, lostUpdate)
	require.NotNil(t, r.Found)
	text := r.Found.Text(r)
	for _, want := range []string{
		"lost update: v is ", "──▶", "Lock #", "search_test.go:",
		"go test -sim.replay=st1.", fmt.Sprintf("execution %d", r.Found.Execution),
	} {
		assert.Contains(t, text, want)
	}
	assert.Less(t, strings.Count(text, "\n"), 50)
}

func TestBodiesRunOneAtATime(t *testing.T) {
	var wg sync.WaitGroup
	reports := make([]sim.Report, 4)
	for i := range reports {
		wg.Go(func() {
			reports[i] = sim.Search(sim.Options{Name: t.Name(), SelfCheck: 1}, lostUpdate)
		})
	}
	wg.Wait()
	for _, r := range reports {
		require.NoError(t, r.Err)
		require.NotNil(t, r.Found)
		assert.Equal(t, reports[0].Found.Schedule, r.Found.Schedule)
	}
}

func TestNestedExecutionIsRefused(t *testing.T) {
	r := sim.Run(sim.Config{}, func(*sim.T) { sim.Run(sim.Config{}, lostUpdate) })
	require.NotNil(t, r.Failure)
	assert.Contains(t, r.Failure.Title, "an execution can't run another one")
}
