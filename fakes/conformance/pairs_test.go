package conformance_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes/conformance"
	"github.com/startrace/startrace/sim"
)

// pairExecutions is how many executions of a pair are explored at a time, and
// pairRounds how often at most, while an outcome has not been seen.
const (
	pairExecutions = 400
	pairRounds     = 25
)

// explore returns the outcomes of a pair on the fake, of as many executions as it
// takes to see those that a real daemon had.
func explore(t *testing.T, release string, p conformance.Pair, seen map[string]int) map[string]int {
	t.Helper()
	got := conformance.Outcomes{}
	for round := range pairRounds {
		exploreOnce(t, release, p, uint64(round+1), got)
		missing := false
		for text := range seen {
			missing = missing || got[p][text] == 0 && conformance.ExplainPair(p, text) == ""
		}
		if !missing {
			break
		}
	}
	return got[p]
}

func exploreOnce(t *testing.T, release string, p conformance.Pair, seed uint64, got conformance.Outcomes) {
	t.Helper()
	report := sim.Search(sim.Options{Name: t.Name(), Seed: seed, Executions: pairExecutions, SelfCheck: -1, Config: sim.Config{EarlyTimers: -1}}, func(t *sim.T) {
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
}

// TestPairs: what two operations at once did on a real daemon, they can do on
// the fake that behaves like it.
func TestPairs(t *testing.T) {
	for _, release := range conformance.Releases() {
		t.Run(release, func(t *testing.T) {
			recorded := conformance.RecordedPairs(release)
			outcomes, explained := 0, 0
			for _, p := range conformance.Pairs() {
				possible := explore(t, release, p, recorded[p])
				for text, n := range recorded[p] {
					outcomes++
					if possible[text] > 0 {
						continue
					}
					if conformance.ExplainPair(p, text) != "" {
						explained++
						t.Logf("explained: %v: %s, seen %d times", p, text, n)
						continue
					}
					assert.Fail(t, "not on the fake", "%v: %s, seen %d times; the fake has %v", p, text, n, possible)
				}
			}
			t.Logf("%d outcomes of %d pairs, %d of them explained", outcomes, len(recorded), explained)
		})
	}
}

// TestExplainPair: an explanation covers what it is about, and nothing else.
func TestExplainPair(t *testing.T) {
	pause := conformance.Pair{State: conformance.Running, A: "Task.Pause", B: "Task.Kill KILL"}
	assert.NotEmpty(t, conformance.ExplainPair(pause, "ok | ok -> container, task paused"))
	for _, outcome := range []string{"ok | ok -> container, task running", "ok | NotFound -> container, task paused"} {
		assert.Empty(t, conformance.ExplainPair(pause, outcome))
	}
	starts := conformance.Pair{State: conformance.Created, A: "Task.Start", B: "Task.Start"}
	assert.Empty(t, conformance.ExplainPair(starts, "ok | ok -> container, task running"))
}

// TestPairsAreNeeded is the canary: the tame fake, whose Delete is one step, has
// not all that was seen of a real one.
func TestPairsAreNeeded(t *testing.T) {
	p := conformance.Pair{State: conformance.Stopped, A: "Task.Delete", B: "Task.Delete"}
	const both = "ok code 7 | ok code 7 -> container, no task"
	require.Positive(t, conformance.RecordedPairs(conformance.Pinned)[p][both])
	assert.Positive(t, explore(t, conformance.Pinned, p, nil)[both])
	assert.Zero(t, explore(t, "", p, nil)[both])
}
