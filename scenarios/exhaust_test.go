package scenarios_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/soak"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/unguarded"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

func exhaust(t *testing.T, v scenarios.Variant, workload string) sim.Report {
	t.Helper()
	r := sim.Search(sim.Options{
		Name: t.Name(), Strategy: strategy.DPOR{}, Executions: 200_000, Shrink: -1, SelfCheck: 1000,
		Config: sim.Config{EarlyTimers: -1, Focus: scenarios.Focus()},
	}, scenarios.Body(v, parse(t, workload)))
	require.NoError(t, r.Err)
	return r
}

// TestReferenceIsExhausted leaves nothing to try of a workload, and finds more to
// try with each operation that is added to it.
func TestReferenceIsExhausted(t *testing.T) {
	workloads := []string{"start", "start|remove"}
	if !raceEnabled && !testing.Short() {
		workloads = append(workloads, "start|remove|exit=7")
	}
	if soak.Times(1) > 1 { // half a minute
		workloads = append(workloads, "start|start|remove|exit=7")
	}
	last := 0
	for _, w := range workloads {
		r := exhaust(t, scenarios.Reference, w)
		require.Nil(t, r.Found, "%s", w)
		require.True(t, r.Exhausted, "%s: %v", w, r)
		assert.Greater(t, r.Inequivalent, last, "%s", w)
		assert.LessOrEqual(t, r.Inequivalent, r.Executions, "%s", w)
		assert.Less(t, 10*(r.Executions-r.Inequivalent), r.Executions, "%s: many are the same", w)
		assert.Contains(t, r.String(), "decisions only in github.com/startrace/startrace/impl/...")
		last = r.Inequivalent
		t.Logf("%s: %v", w, r)
	}
}

// TestScopesAreExhausted tries all there is of races of two or three in a small
// world. The counts are those of docs/design.md; a change of the reference or of the
// fake changes them.
func TestScopesAreExhausted(t *testing.T) {
	workloads := []string{"start|stop", "start|exit=7", "start|update", "start|stopsandbox", "crash; running", "crash|crash; running"}
	if !raceEnabled && !testing.Short() {
		workloads = append(workloads,
			"stop|exit=7; running", "remove|exit=7; running", "stop|remove; running", "start|stop; hooks",
			"start|crash", "exit=7|crash; running", "remove|crash; running")
	}
	if soak.Times(1) > 1 { // some minutes
		workloads = append(workloads, "stop|stop|exit=7; running", "start|crash|crash",
			"update|exit=7; running", "update|crash; running", "exec|exit=7; running")
	}
	for _, w := range workloads {
		r := exhaust(t, scenarios.Reference, w)
		require.Nil(t, r.Found, "%s: %v", w, r)
		require.True(t, r.Exhausted, "%s: %v", w, r)
		assert.Greater(t, r.Inequivalent, 1, "%s: nothing races", w)
		t.Logf("| `%s` | %d | %d | %v |", w, r.Executions, r.Inequivalent, r.Elapsed.Round(10*time.Millisecond))
	}
}

// TestExhaustionFinds is the canary: what is known to be wrong is found by the
// very search that the reference survives.
func TestExhaustionFinds(t *testing.T) {
	broken := map[string]scenarios.Variant{"unguarded": {
		Name: "unguarded",
		New: func(ctx context.Context, env variants.Env) (scenarios.Service, error) {
			return unguarded.New(ctx, env)
		},
	}}
	for _, v := range scenarios.Variants() {
		broken[v.Name] = v
	}
	for name, workload := range map[string]string{
		"preseed":   "start|exit=7; loss",
		"seed2019":  "start|stop",
		"unguarded": "start|start|remove|exit=7",
	} {
		r := exhaust(t, broken[name], workload)
		require.NotNil(t, r.Found, "%s: %v", name, r)
		t.Logf("%s: %s in execution %d", name, r.Found.Failure.Title, r.Found.Execution)
		if name == "unguarded" {
			continue
		}
		clean := exhaust(t, scenarios.Reference, workload)
		require.Nil(t, clean.Found, "%s", workload)
		assert.True(t, clean.Exhausted, "%s: %v", workload, clean)
	}
}
