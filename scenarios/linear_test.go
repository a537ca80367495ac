package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// TestLinearizabilityCanary: a judge who knows no invariant sees the double start
// by linearizability alone, and nothing of the kind in the reference.
func TestLinearizabilityCanary(t *testing.T) {
	blind := func(model.History) []model.Violation { return nil }
	w := parse(t, "start|start|status|status|exit=7")
	if replaying() {
		sim.Explore(t, sim.Options{}, scenarios.BodyJudged(unguardedVariant, w, blind))
		return
	}
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 2000}, scenarios.BodyJudged(unguardedVariant, w, blind))
	require.NoError(t, r.Err)
	require.NotNil(t, r.Found, "%v", r)
	assert.Equal(t, model.LinearizableID, r.Found.Failure.ID, r.Found.Failure.Title)
	t.Logf("%s\n%s", r, r.Found.Text(r))

	r = sim.Search(sim.Options{Name: t.Name(), Executions: scale(2000, 200)}, scenarios.BodyJudged(scenarios.Reference, w, blind))
	require.NoError(t, r.Err)
	require.Nil(t, r.Found, "%v", r)
}
