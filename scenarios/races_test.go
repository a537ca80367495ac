package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// TestRaces: a search finds each race in the first variant that has it and in the
// last one, and nothing in the reference.
func TestRaces(t *testing.T) {
	pct, err := strategy.Parse("pct")
	require.NoError(t, err)
	for _, race := range scenarios.Races() {
		t.Run(race.Invariant+" in "+race.Workload, func(t *testing.T) {
			w := parse(t, race.Workload)
			in := race.In()
			require.NotEmpty(t, in)
			for _, v := range []scenarios.Variant{in[0], in[len(in)-1]} {
				if replaying() {
					break // of the reference
				}
				findRace(t, v, w, race.Invariant, pct)
			}
			sim.Explore(t, sim.Options{Executions: scale(100, 20)}, scenarios.Body(scenarios.Reference, w))
		})
	}
}

// findRace fails t unless a search finds a violation of the invariant. A variant may
// have worse, such as a deadlock, which ends a search; then another one begins.
func findRace(t *testing.T, v scenarios.Variant, w scenarios.Workload, invariant string, s strategy.Strategy) {
	t.Helper()
	for seed := range uint64(10) {
		r := sim.Search(sim.Options{
			Name: t.Name(), Strategy: s, Executions: 5000, Shrink: -1, Seed: seed + 1,
		}, scenarios.BodyOnly(v, w, invariant))
		require.NoError(t, r.Err)
		require.NotNil(t, r.Found, "%s: %v", v.Name, r)
		t.Logf("%s: %s in execution %d of seed %d", v.Name, r.Found.Failure.Title, r.Found.Execution, seed+1)
		if r.Found.Failure.ID == invariant {
			return
		}
	}
	assert.Fail(t, "no violation of "+invariant, "in %s", v.Name)
}

// TestStoppedFirst: STOPPED overtakes STARTED in containerd since it has events,
// which a search has to find: there is no call between the two that could be held
// up by hand. See package variants for what is.
func TestStoppedFirst(t *testing.T) {
	v, err := scenarios.Lookup("v2_4_2")
	require.NoError(t, err)
	body := scenarios.BodyOnly(v, parse(t, "start|exit=7|watch"), "I6")
	if replaying() {
		sim.Explore(t, sim.Options{}, body)
		return
	}
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 2000}, body)
	require.NoError(t, r.Err)
	require.NotNil(t, r.Found, "%v", r)
	assert.Contains(t, r.Found.Failure.Title, "STARTED of process 1 after STOPPED")
	t.Logf("%s\n%s", r, r.Found.Text(r))
}
