package scenarios_test

import (
	"context"
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/soak"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/unguarded"
	"github.com/startrace/startrace/sim"
)

// replaying reports whether this process has to replay a schedule, as a command
// of a report tells it to.
func replaying() bool { return flag.Lookup("sim.replay").Value.String() != "" }

// seeds are the explorations of which the median is taken.
const seeds = 21

// TestVariantsAreBroken finds, blindly, a violation in each variant of history.
// With -sim.replay it replays one instead, which fails.
func TestVariantsAreBroken(t *testing.T) {
	w := parse(t, scenarios.DefaultWorkload)
	for name, want := range map[string]struct {
		// One of these is what shows, the first one most of all. I11 is a task
		// that is left after a failed start whose cleanup ran out of time, I8 a record
		// on disk that was written after its container was removed.
		invariants []string
		median     int // executions to the first violation, at most
	}{
		"preseed":  {[]string{"I3", "I11", "I8"}, 50},
		"seed2019": {[]string{"I9", "I11"}, 50},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := scenarios.Lookup(name)
			require.NoError(t, err)
			if replaying() {
				sim.Explore(t, sim.Options{}, scenarios.Body(v, w))
				return
			}
			var executions []int
			found := map[string]int{}
			begin := time.Now()
			for seed := range scale(seeds, 5) {
				shrink := -1 // the first is shrunk
				if seed == 0 {
					shrink = 0
				}
				r := sim.Search(sim.Options{
					Name: t.Name(), Executions: 2000, Seed: uint64(seed + 1), Shrink: shrink,
				}, scenarios.Body(v, w))
				require.NoError(t, r.Err)
				require.NotNil(t, r.Found, "seed %d: nothing in %v", seed+1, r)
				assert.Contains(t, want.invariants, r.Found.Failure.ID, r.Found.Failure.Title)
				found[r.Found.Failure.ID]++
				executions = append(executions, r.Found.Execution)
				if seed == 0 {
					assert.LessOrEqual(t, r.Found.Deviations, min(12, r.Found.FoundDeviations))
					again := replay(t, t.Name(), r.Found.Schedule)
					assert.Contains(t, again, r.Found.Failure.Title)
					t.Logf("%s\n%s", r, r.Found.Text(r))
				}
			}
			slices.Sort(executions)
			median := executions[len(executions)/2]
			t.Logf("%d searches: median %d executions to the first violation, at most %d; %v; %v",
				len(executions), median, executions[len(executions)-1], found, time.Since(begin).Round(time.Millisecond))
			assert.LessOrEqual(t, median, want.median)
			assert.Greater(t, 2*found[want.invariants[0]], len(executions), "%v", found)
		})
	}
}

// unguardedVariant starts a container as often as it is asked to.
var unguardedVariant = scenarios.Variant{Name: "unguarded", New: func(ctx context.Context, env variants.Env) (scenarios.Service, error) {
	return unguarded.New(ctx, env)
}}

// TestCanary: a search that does not find the double start of a service without
// any guard finds nothing.
func TestCanary(t *testing.T) {
	body := scenarios.BodyOnly(unguardedVariant, parse(t, "start|start|exit=7"), "I1")
	if replaying() {
		sim.Explore(t, sim.Options{}, body)
		return
	}
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 20_000}, body)
	require.NoError(t, r.Err)
	require.NotNil(t, r.Found, "the double start was not found: %v", r)
	assert.Equal(t, "I1", r.Found.Failure.ID, r.Found.Failure.Title)
	t.Logf("%s\n%s", r, r.Found.Text(r))
}

// TestReference explores the reference with what breaks the others and with
// more.
func TestReference(t *testing.T) {
	executions := scale(6000, 300)
	for _, text := range []string{
		scenarios.DefaultWorkload,
		"start|start|remove|exit=7",
		"start|stop|stop=10s|exit=3; ignoreterm",
		"start|remove|remove|status|status|exit; loss",
		"start|start|stop|remove|exit=7; faults=2; loss",
		"start|start|stop=10s|remove|exit=7; faults=4:tasks.Create,tasks.Start,tasks.Wait,tasks.Kill,tasks.Delete",
		"start|start|exit=1; faults=3:checkpoint.Write",
		"start|remove|remove|exit; faults=3:containers.Delete,checkpoint.Remove,tasks.Get",
		// What a caller asked for who has given up comes about later.
		"start|giveup; plan={tasks.Create/before-effect=1*slow(12s)}",
		"create|start|giveup; plan={containers.Create/before-effect=1*slow(12s)}",
	} {
		t.Run(text, func(t *testing.T) {
			begin := time.Now()
			r := sim.Explore(t, sim.Options{Executions: executions}, scenarios.Body(scenarios.Reference, parse(t, text)))
			t.Logf("%.0f executions/s", float64(r.Executions)/time.Since(begin).Seconds())
		})
	}
}

// scale returns the first budget, or the second with -short or -race; make soak
// multiplies it.
func scale(full, small int) int {
	if testing.Short() || raceEnabled {
		return soak.Times(small)
	}
	return soak.Times(full)
}
