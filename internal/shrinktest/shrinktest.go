// Package shrinktest judges the shrinker of package sim by random failures of
// programs whose depth is known. It is for the tests of packages that have such
// programs.
package shrinktest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

// Program is a body that fails under some schedules.
type Program struct {
	Name string
	// Depths says how many scheduling constraints a failure needs, which is one
	// more than the preemptions; by the ID of the violated invariant, "" without.
	Depths map[string]int
	Body   func(*sim.T)
}

// strategies are those that the failures come from, in turn.
var strategies = []strategy.Strategy{
	strategy.RandomWalk{}, strategy.PCT{}, strategy.SURW{}, strategy.RandomWalk{Sticky: 900}, strategy.POS{}, strategy.URW{},
}

// Outcome is what shrinking so many failures took.
type Outcome struct {
	Failures int
	Tries    []int           // executions, sorted
	Times    []time.Duration // real time, sorted
}

// MedianTries is the median number of executions.
func (o Outcome) MedianTries() int { return o.Tries[o.Failures/2] }

// MedianTime is the median of the real time.
func (o Outcome) MedianTime() time.Duration { return o.Times[o.Failures/2] }

// String has the medians and the largest figures.
func (o Outcome) String() string {
	last := o.Failures - 1
	return fmt.Sprintf("%d failures shrunk: median %d executions, %v; at most %d, %v",
		o.Failures, o.MedianTries(), o.MedianTime().Round(time.Microsecond), o.Tries[last], o.Times[last].Round(time.Microsecond))
}

// budget is the number of executions that may go by before a failure.
const budget = 300

// Shrink finds n failures of the programs, each with another program, strategy
// and seed than the one before, and shrinks them. It fails t if one of them
//
//   - has more than depth + 1 preemptions,
//   - fails in another way than what was found,
//   - or is not replayed, strictly, by its token.
func Shrink(t *testing.T, programs []Program, n int) Outcome {
	t.Helper()
	return each(t, programs, n, func(p Program, r sim.Report) {
		f := r.Found
		t.Logf("%-18s %-3s %-10v seed %3d: %d choices (%d preemptions) to %d (%d), %d executions, %v",
			p.Name, f.Failure.ID, r.Strategy, r.Seed, f.FoundDeviations, f.FoundPreemptions, f.Deviations, f.Preemptions, f.Tries, f.ShrinkTime.Round(time.Microsecond))
		depth, known := p.Depths[f.Failure.ID]
		require.True(t, known, "%s violates %q", p.Name, f.Failure.ID)
		assert.LessOrEqual(t, f.Preemptions, depth+1, "%s, %s, seed %d: %s", p.Name, r.Strategy, r.Seed, f.Text(r))
		replay(t, p, f)
	})
}

// Benchmark shrinks b.N failures of the programs and reports the medians.
func Benchmark(b *testing.B, programs []Program) {
	o := each(b, programs, b.N, func(Program, sim.Report) {})
	b.ReportMetric(float64(o.MedianTries()), "median-executions")
	b.ReportMetric(float64(o.MedianTime().Microseconds())/1000, "median-ms")
}

// each calls found with n shrunk failures.
func each(tb testing.TB, programs []Program, n int, found func(Program, sim.Report)) (o Outcome) {
	tb.Helper()
	for i := 0; o.Failures < n; i++ {
		require.Less(tb, i, 20*n+100, "failures are rare: %d", o.Failures)
		p := programs[i%len(programs)]
		r := sim.Search(sim.Options{
			Name: p.Name, Strategy: strategies[(i/len(programs)+i%len(programs))%len(strategies)],
			Executions: budget, Seed: uint64(i + 1), SelfCheck: -1,
		}, p.Body)
		require.NoError(tb, r.Err, "%s, %s, seed %d", p.Name, r.Strategy, r.Seed)
		if r.Found == nil || r.Found.Execution > budget { // later is what the warm-up found, always the same
			continue
		}
		o.Failures++
		o.Tries = append(o.Tries, r.Found.Tries)
		o.Times = append(o.Times, r.Found.ShrinkTime)
		found(p, r)
	}
	slices.Sort(o.Tries)
	slices.Sort(o.Times)
	return o
}

// replay replays what was found and what it was shrunk to.
func replay(t *testing.T, p Program, f *sim.Found) {
	t.Helper()
	for _, s := range []schedule.Schedule{f.FoundSchedule, f.Schedule} {
		again, err := schedule.Parse(s.Token())
		require.NoError(t, err)
		r, err := sim.Reproduce(sim.Config{Name: p.Name}, again, p.Body)
		require.NoError(t, err, "%s: %s", p.Name, s.Token())
		if assert.NotNil(t, r.Failure, "%s: %s", p.Name, s.Token()) {
			assert.Equal(t, f.Failure.Signature, r.Failure.Signature, "%s: %s", p.Name, s.Token())
		}
	}
}
