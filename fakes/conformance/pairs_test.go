package conformance_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes/conformance"
	"github.com/startrace/startrace/sim"
)

// pairExecutions is how many executions of a pair are explored.
const pairExecutions = 400

// explore returns the outcomes of a pair on the fake.
func explore(t *testing.T, release string, p conformance.Pair) map[string]int {
	t.Helper()
	got := conformance.Outcomes{}
	report := sim.Search(sim.Options{Name: t.Name(), Executions: pairExecutions, SelfCheck: -1, Config: sim.Config{EarlyTimers: -1}}, func(t *sim.T) {
		w, err := conformance.NewFake(release)
		if err != nil {
			t.Fatalf("%v", err)
		}
		text, err := conformance.RunPair(context.Background(), w, "pair", p, 0, func(look func() string) string {
			time.Sleep(time.Second)
			return look()
		})
		if err != nil {
			t.Errorf("%v", err)
		}
		got.Add(p, text)
	})
	require.NoError(t, report.Err)
	require.Nil(t, report.Found, "%v: %v", p, report.Found)
	return got[p]
}

// TestPairs: what two operations at once did on a real daemon, they can do on
// the fake that behaves like it.
func TestPairs(t *testing.T) {
	for _, release := range conformance.Releases() {
		t.Run(release, func(t *testing.T) {
			recorded := conformance.RecordedPairs(release)
			outcomes, explained := 0, 0
			for _, p := range conformance.Pairs() {
				possible := explore(t, release, p)
				for text, n := range recorded[p] {
					outcomes++
					if possible[text] > 0 {
						continue
					}
					if conformance.ExplainPair(p, text) != "" {
						explained++
						continue
					}
					assert.Fail(t, "not on the fake", "%v: %s, seen %d times; the fake has %v", p, text, n, possible)
				}
			}
			t.Logf("%d outcomes of %d pairs, %d of them explained", outcomes, len(recorded), explained)
		})
	}
}

// TestExplainPair: an explanation covers what it is about, and no success that
// is too many and no process that is left.
func TestExplainPair(t *testing.T) {
	for pair, outcomes := range map[conformance.Pair][]string{
		{State: conformance.Stopped, A: "Task.Delete", B: "Task.Start"}:             {"ok code 7 | ok -> container, no task", "ok code 7 | Unknown -> container, task stopped 7"},
		{State: conformance.NoTask, A: "Container.NewTask", B: "Container.NewTask"}: {"ok | ok -> container, task created", "Unknown | Unknown -> container, no task"},
		{State: conformance.ExecCreated, A: "Exec.Start", B: "Task.Kill KILL"}:      {"Unknown | Unknown -> container, task stopped 137", "Unknown | ok -> container, task running"},
		{State: conformance.Created, A: "Task.Start", B: "Task.Start"}:              {"ok | ok -> container, task running", "Unknown | Unknown -> container, task created"},
		{State: conformance.Paused, A: "Task.Resume", B: "Task.Kill KILL"}:          {"ok | ok -> container, task running", "ok | NotFound -> container, task paused"},
		{State: conformance.Running, A: "Task.Kill KILL", B: "Task.Delete"}:         {"ok | ok code 137 -> container, no task"},
	} {
		for i, outcome := range outcomes {
			if pair.State == conformance.Running {
				assert.Empty(t, conformance.ExplainPair(pair, strings.Replace(outcome, "no task", "task running", 1)))
				continue
			}
			assert.Empty(t, conformance.ExplainPair(pair, outcome), "%v, %d", pair, i)
		}
	}
	assert.NotEmpty(t, conformance.ExplainPair(conformance.Pair{State: conformance.Stopped, A: "Task.Delete", B: "Task.Start"}, "ok code 7 | Unknown -> container, no task"))
}
