package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/startrace/startrace/fakes/conformance"
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
}
