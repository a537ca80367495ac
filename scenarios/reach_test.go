package scenarios_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// TestReached counts in how many executions of the reference each situation
// happens: with a search that does not come to one of them, the invariants about
// it would say nothing.
func TestReached(t *testing.T) {
	reached := map[string]int{}
	executions := 0
	for _, text := range []string{
		"start|start|stop|remove|exit=7; faults=2",
		"start|stop=10s|exit=7|crash|crash; faults=2",
		"start|stop=10s; ignoreterm",
		"start|exit|stopsandbox",
		"start|giveup",
		"a.start|b.start|a.exit|crash|crash",
		"start|update|update|exec=5s|exit; hooks",
		"start|exec|oom|status|watch|remove; running",
		"a.start|b.start|a.hang|b.stop; running",
		"watch|exit|remove|stopsandbox|crash; running; pause",
	} {
		var counted map[string]bool // in this execution
		body := scenarios.BodyJudged(scenarios.Reference, parse(t, text), func(h model.History) []model.Violation {
			if !slices.ContainsFunc(h.Events, func(e model.Event) bool { return e.Kind == model.Settled }) {
				counted = map[string]bool{} // the first phase of another one
			}
			for _, s := range scenarios.Situations() {
				if !counted[s.Name] && s.Reached(h) {
					counted[s.Name] = true
					reached[s.Name]++
				}
			}
			return model.Check(h)
		})
		r := sim.Search(sim.Options{Name: text, Executions: scale(500, 300), SelfCheck: -1}, body)
		require.NoError(t, r.Err)
		require.Nil(t, r.Found, "%v", r)
		executions += r.Executions
	}
	for _, s := range scenarios.Situations() {
		assert.Positive(t, reached[s.Name], "%s: never", s.Name)
		t.Logf("%s: %d", s.Name, reached[s.Name])
	}
	t.Logf("in %d executions", executions)
}

// TestSituationsAreNotAlwaysReached is the clean twin: a life in which nothing
// happens comes to none of them.
func TestSituationsAreNotAlwaysReached(t *testing.T) {
	h := model.History{Events: []model.Event{
		{Kind: model.Call, Op: model.OpStart, ID: 1},
		{Kind: model.TaskCreated, Life: 1},
		{Kind: model.Started, Life: 1},
		{Kind: model.Return, Op: model.OpStart, ID: 1},
		{Kind: model.Exited, Life: 1},
		{Kind: model.Settled},
	}}
	for _, s := range scenarios.Situations() {
		assert.False(t, s.Reached(h), s.Name)
	}
}
