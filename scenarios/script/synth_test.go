package script_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/script"
)

// TestTell makes stories of workloads that are known to fail, and each of them fails
// in the same way.
func TestTell(t *testing.T) {
	for _, c := range []struct {
		variant, workload, invariant string
		rules                        []string
	}{
		{"seed2019", "start|stop", "I9", nil},
		{"v2_4_2", "start|update", "I19", nil},
		{"v2_4_2", "exit=7|crash; running", "I4", nil},
		{"preseed", "start|exit=7", "I3", []string{"event/tasks/exit=1*drop"}},
		{"v2_4_2", "start|start", "I1", []string{"disk.rename=2*error(EIO)"}},
	} {
		t.Run(c.variant+" "+c.workload, func(t *testing.T) {
			v, err := scenarios.Lookup(c.variant)
			require.NoError(t, err)
			w, err := scenarios.ParseWorkload(c.workload)
			require.NoError(t, err)
			s, err := script.Tell(v, w, c.rules, c.invariant)
			require.NoError(t, err)
			again, err := script.Parse("x.txt", s.String())
			require.NoError(t, err, "%s", s)
			r, err := script.Run(again, c.variant, false)
			require.NoError(t, err)
			assert.Equal(t, c.invariant, r.Invariant(), "%s", s)
			t.Logf("%s", s)
		})
	}
}

// TestNoStory: where the reference fails in nothing there is nothing to tell.
func TestNoStory(t *testing.T) {
	w, err := scenarios.ParseWorkload("start|stop")
	require.NoError(t, err)
	_, err = script.Tell(scenarios.Reference, w, nil, "I9")
	assert.ErrorIs(t, err, script.ErrNoStory)
	w, err = scenarios.ParseWorkload("start|hang")
	require.NoError(t, err)
	_, err = script.Tell(scenarios.Reference, w, nil, "I9")
	assert.ErrorContains(t, err, "there is no hang in stories")
}
