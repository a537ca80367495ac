// Package shrinktest judges the shrinker of package sim by random failures of
// programs whose depth is known. It is for the tests of packages that have such
// programs.
package shrinktest

import (
	"fmt"
	"slices"
	"testing"
	"time"

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
		switch {
		case !known:
			t.Errorf("%s violates %q, of unknown depth", p.Name, f.Failure.ID)
		case f.Preemptions > depth+1:
			t.Errorf("%s, %s, seed %d: %d preemptions of a failure of depth %d\n%s", p.Name, r.Strategy, r.Seed, f.Preemptions, depth, f.Text(r))
		}
		replay(t, p, f.Failure, f.FoundSchedule)
		replay(t, p, f.Failure, f.Schedule)
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
		if i > 20*n+100 {
			tb.Fatalf("failures are rare: %d", o.Failures)
		}
		p := programs[i%len(programs)]
		r := sim.Search(sim.Options{
			Name: p.Name, Strategy: strategies[(i/len(programs)+i%len(programs))%len(strategies)],
			Executions: budget, Seed: uint64(i + 1), SelfCheck: -1,
		}, p.Body)
		if r.Err != nil {
			tb.Fatalf("%s, %s, seed %d: %v", p.Name, r.Strategy, r.Seed, r.Err)
		}
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

// replay replays a schedule by its token: it has to fail like f.
func replay(t *testing.T, p Program, f *sim.Failure, s schedule.Schedule) {
	t.Helper()
	again, err := schedule.Parse(s.Token())
	if err != nil {
		t.Errorf("%s: %v", p.Name, err)
		return
	}
	r, err := sim.Reproduce(sim.Config{Name: p.Name}, again, p.Body)
	switch {
	case err != nil:
		t.Errorf("%s: %s: %v", p.Name, s.Token(), err)
	case r.Failure == nil:
		t.Errorf("%s: %s does not fail", p.Name, s.Token())
	case r.Failure.Signature != f.Signature:
		t.Errorf("%s: %s fails with %q, not %q", p.Name, s.Token(), r.Failure.Signature, f.Signature)
	}
}
