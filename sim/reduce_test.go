package sim_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

// incrementing is a body in which so many goroutines increment a counter, each
// in two critical sections, beside so many that do nothing of interest.
func incrementing(writers, others int) func(*sim.T) {
	return func(t *sim.T) {
		var mu, idle sync.Mutex
		var wg sync.WaitGroup
		v := 0
		for range writers {
			wg.Go(func() {
				mu.Lock()
				x := v
				mu.Unlock()
				mu.Lock()
				v = x + 1
				mu.Unlock()
			})
		}
		for range others {
			wg.Go(func() { idle.Lock(); idle.Unlock() })
		}
		wg.Wait()
		if v != writers {
			t.Errorf("lost update: %d of %d", v, writers)
		}
	}
}

// fewer is sim.Options.Smaller of bodies whose names end in the two numbers of
// incrementing.
func fewer(name string) (bodies []sim.Body) {
	words := strings.Split(name, "/")
	numbers := strings.Split(words[len(words)-1], "+")
	prefix := strings.TrimSuffix(name, words[len(words)-1])
	n, _ := strconv.Atoi(numbers[0])
	m, _ := strconv.Atoi(numbers[1])
	for _, less := range [][2]int{{n - 1, m}, {n, 0}, {n, m - 1}} {
		if less[0] >= 0 && less[1] >= 0 && less != [2]int{n, m} {
			bodies = append(bodies, sim.Body{Name: fmt.Sprintf("%s%d+%d", prefix, less[0], less[1]), Run: incrementing(less[0], less[1])})
		}
	}
	return bodies
}

// A failure is shrunk to the smallest body that has it, whatever found it.
func TestSmallerBody(t *testing.T) {
	for _, s := range []strategy.Strategy{strategy.Portfolio{}, strategy.RandomWalk{}, strategy.URW{}, strategy.ICB{}} {
		t.Run(s.String(), func(t *testing.T) {
			r := sim.Search(sim.Options{Name: "x/5+3", Strategy: s, Executions: 5000, Smaller: fewer}, incrementing(5, 3))
			require.NoError(t, r.Err)
			require.NotNil(t, r.Found)
			f := r.Found
			assert.Equal(t, "x/2+0", f.Name)
			assert.Equal(t, "x/2+0", f.Schedule.Label)
			assert.Equal(t, "x/5+3", f.FoundSchedule.Label)
			assert.Equal(t, 1, f.Preemptions)
			assert.Len(t, f.Trace.Lanes, 1+1+2, "clock, main and two goroutines")
			require.NotNil(t, f.FoundTrace)
			assert.Len(t, f.FoundTrace.Lanes, 1+1+8)
			require.NotNil(t, f.Passing)
			assert.Len(t, f.Passing.Lanes, 1+1+2)
			assert.Contains(t, f.Text(r), fmt.Sprintf("shrunk from x/5+3 to x/2+0, in %d executions", f.BodyTries))
			assert.Contains(t, f.Failure.Title, "lost update: 1 of 2")

			again, err := schedule.Parse(f.Schedule.Token())
			require.NoError(t, err)
			res, err := sim.Reproduce(sim.Config{Name: f.Name}, again, incrementing(2, 0))
			require.NoError(t, err)
			require.NotNil(t, res.Failure)
			assert.Equal(t, f.Failure.Signature, res.Failure.Signature)
		})
	}
}

// The body stays what it was if all that is smaller fails in another way, or
// not at all, and if nothing may be tried.
func TestNoSmallerBody(t *testing.T) {
	other := func(string) []sim.Body {
		return []sim.Body{{Name: "fails always", Run: func(t *sim.T) { t.Error("lost update, somewhere else") }}, {Name: "fails never", Run: noUpdateLost}}
	}
	r := sim.Search(sim.Options{Name: "x/3+0", Smaller: other}, incrementing(3, 0))
	require.NoError(t, r.Err)
	require.NotNil(t, r.Found)
	assert.Equal(t, "x/3+0", r.Found.Name)
	assert.Equal(t, "x/3+0", r.Found.Schedule.Label)
	assert.Positive(t, r.Found.BodyTries)
	assert.NotContains(t, r.Found.Text(r), "shrunk from x")

	r = sim.Search(sim.Options{Name: "x/3+0", Smaller: fewer, Shrink: -1}, incrementing(3, 0))
	require.NotNil(t, r.Found)
	assert.Equal(t, "x/3+0", r.Found.Name)
	assert.Zero(t, r.Found.BodyTries)

	r = sim.Search(sim.Options{Name: "x/3+5", Smaller: fewer, Shrink: 3}, incrementing(3, 5))
	require.NotNil(t, r.Found)
	assert.LessOrEqual(t, r.Found.BodyTries, 3)
}

func TestPlantedSmaller(t *testing.T) {
	planted(t)
	sim.Explore(t, sim.Options{Name: t.Name() + "/4+1", Smaller: fewer}, incrementing(4, 1))
}

// The command that a test prints replays the smaller body.
func TestSmallerBodyIsReplayed(t *testing.T) {
	out, code := child(t, "TestPlantedSmaller")
	require.Equal(t, 1, code, out)
	assert.Contains(t, out, "shrunk from TestPlantedSmaller/4+1 to TestPlantedSmaller/2+0")
	strict := command.FindStringSubmatch(out)
	require.NotNil(t, strict, out)
	lenient := lenientCommand.FindStringSubmatch(out)
	require.NotNil(t, lenient, out)
	for _, args := range [][]string{{"-sim.replay=" + strict[2]}, {"-sim.replay=" + lenient[1], "-sim.lenient=" + lenient[2]}} {
		out, code = child(t, "TestPlantedSmaller", args...)
		assert.Equal(t, 1, code, out)
		assert.Contains(t, out, "lost update: 1 of 2")
	}
	foreign := schedule.Schedule{Label: "TestPlantedSmaller/9+9"}
	out, code = child(t, "TestPlantedSmaller", "-test.v", "-sim.replay="+foreign.Token())
	assert.Equal(t, 1, code, out)
	assert.Contains(t, out, "the schedule to replay belongs to TestPlantedSmaller/9+9")
}
