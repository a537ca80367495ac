package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// TestNoOperationIsSilent: a workload that a variant cannot run is an error, for who
// asks and for who does not.
func TestNoOperationIsSilent(t *testing.T) {
	v, err := scenarios.Lookup("preseed")
	require.NoError(t, err)
	for text, lacks := range map[string]string{
		"start|update": "update", "start|exec": "exec", "start|oom": "oom", "start|watch": "watch",
		"start|stall": "watch", "start|crash": "crash", "start; pause": "pause", "start; hooks": "hooks",
	} {
		w := parse(t, text)
		require.NoError(t, scenarios.Reference.Check(w), text)
		require.ErrorContains(t, v.Check(w), "variant preseed has no "+lacks, text)
		r := sim.Search(sim.Options{Name: text, Executions: 10, Shrink: -1}, scenarios.Body(v, w))
		require.NotNil(t, r.Found, text)
		assert.Contains(t, r.Found.Failure.Title, "variant preseed has no "+lacks)
	}
	assert.NoError(t, v.Check(parse(t, "a.create|p:a.start|b.hang|list|restart|p:stopsandbox; loss; running")))

	v.Has = []scenarios.Ability{scenarios.Updates}
	r := sim.Search(sim.Options{Executions: 10, Shrink: -1}, scenarios.Body(v, parse(t, "start|update")))
	require.NotNil(t, r.Found)
	assert.Contains(t, r.Found.Failure.Title, "says that it has update, and has no method for it")
}
