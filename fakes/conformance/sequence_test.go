package conformance_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/startrace/startrace/fakes/conformance"
	"github.com/startrace/startrace/internal/rapidtest"
)

// TestExplainSequence: what explains the crash of a shim after a double start
// explains nothing else.
func TestExplainSequence(t *testing.T) {
	twice := conformance.Step{Op: "Exec.Start", Outcome: "Unknown: cannot start a running process", After: "container, task running, exec running"}
	gone := conformance.Step{Op: "Task.Kill KILL", Outcome: "ok", After: "container, no task, exec none"}
	closed := conformance.Step{Op: "Task.Kill KILL", Outcome: "Unknown: ttrpc: closed", After: "container, task running"}
	stopped := conformance.Step{Op: "Task.Kill KILL", Outcome: "ok", After: "container, task stopped 137"}
	assert.NotEmpty(t, conformance.ExplainSequence(conformance.Pinned, []conformance.Step{twice, gone}))
	assert.NotEmpty(t, conformance.ExplainSequence(conformance.Pinned, []conformance.Step{twice, closed}))
	assert.Empty(t, conformance.ExplainSequence(conformance.Pinned, []conformance.Step{gone}))
	assert.Empty(t, conformance.ExplainSequence(conformance.Pinned, []conformance.Step{twice, stopped}))
	assert.Empty(t, conformance.ExplainSequence("1.6.20", []conformance.Step{twice, gone}))
	failed := conformance.Step{Op: "Exec.Start", Outcome: "Unknown: OCI runtime exec failed: exec failed: cannot exec in a paused container"}
	assert.NotEmpty(t, conformance.ExplainSequence("1.6.20", []conformance.Step{failed, closed}))
	assert.Empty(t, conformance.ExplainSequence("1.6.20", []conformance.Step{failed, gone}))
	assert.Empty(t, conformance.ExplainSequence("1.6.20", []conformance.Step{closed}))
	paused := conformance.Step{Op: "Exec.Kill TERM", Outcome: "ok", After: "container, task paused, exec paused"}
	polite := conformance.Step{Op: "Task.Kill KILL all", Outcome: "ok", After: "container, task stopped 137, exec stopped 143"}
	assert.NotEmpty(t, conformance.ExplainSequence("1.6.20", []conformance.Step{paused, polite}))
	assert.Empty(t, conformance.ExplainSequence("1.6.20", []conformance.Step{paused, stopped}))
	assert.Empty(t, conformance.ExplainSequence("1.6.20", []conformance.Step{polite}))
}

func onFake(t *testing.T, release string, names []string) (done []conformance.Step) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		done, err = conformance.RunSequenceOnFake(t.Context(), release, names)
		require.NoError(t, err)
	})
	return done
}

// TestSequences: on the fake a sequence does the same each time, and random ones
// come to where each operation succeeds.
func TestSequences(t *testing.T) {
	rapidtest.Fix(t, 100)
	succeeded := map[string]bool{}
	rapid.Check(t, func(r *rapid.T) {
		names := conformance.DrawSequence(20, func(from []string) string {
			return rapid.SampledFrom(from).Draw(r, "operation")
		})
		done := onFake(t, conformance.Pinned, names)
		assert.Equal(r, done, onFake(t, conformance.Pinned, names))
		for _, step := range done {
			if step.Outcome[:2] == "ok" {
				succeeded[step.Op] = true
			}
		}
	})
	all := slices.Sorted(slices.Values(conformance.StepOps()))
	assert.Equal(t, slices.Compact(all), slices.Sorted(maps.Keys(succeeded)))
}

// TestSequenceLeavesNothing: removing an executed process whose first Start
// failed crashes the shim, which is cleaned up a moment later.
func TestSequenceLeavesNothing(t *testing.T) {
	done := onFake(t, conformance.Pinned, []string{"Task.Start", "Task.Exec", "Task.Pause", "Exec.Start", "Task.Resume", "Exec.Start"})
	assert.Equal(t, "container, task running, exec running", done[5].After)
}

// TestSequencesDiffer is the canary: two releases are told apart.
func TestSequencesDiffer(t *testing.T) {
	names := []string{"Task.Start", "Task.Exec", "Exit", "Exec.Start"}
	old, pinned := onFake(t, "1.6.20", names), onFake(t, conformance.Pinned, names)
	assert.Equal(t, old[:3], pinned[:3])
	assert.NotEqual(t, old[3], pinned[3])
}
