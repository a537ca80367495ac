package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/startrace/startrace/internal/rapidtest"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/simrapid"
	"github.com/startrace/startrace/sim/strategy"
)

// TestReferenceKeepsInvariants draws workload and schedule together, so that
// both are shrunk together: the reference keeps every invariant in every
// execution, and comes to rest and to an end within maxPoints. It comes to each of
// the situations.
func TestReferenceKeepsInvariants(t *testing.T) {
	rapidtest.Fix(t, scale(reachedWithin, 400))
	longest, executions, reached := 0, 0, map[string]int{} // by situation: in which execution first
	defer func() { t.Logf("%d executions, up to %d points", executions, longest) }()
	property := func(rt *rapid.T) {
		w := drawWorkload(rt)
		cfg := drawSchedule(rt, sim.Config{Name: t.Name(), MaxPoints: maxPoints})
		executions++
		body := scenarios.BodyJudged(scenarios.Reference, w, func(h model.History) []model.Violation {
			for _, s := range scenarios.Situations() {
				if reached[s.Name] == 0 && s.Reached(h) {
					reached[s.Name] = executions
				}
			}
			return model.Check(h)
		})
		res := sim.Run(cfg, body)
		longest = max(longest, res.Points)
		if res.Failure == nil {
			return
		}
		again, err := sim.Reproduce(sim.Config{Name: t.Name(), MaxPoints: maxPoints}, res.Schedule, body)
		if err != nil {
			rt.Fatalf("%s: %s\n%v", w, res.Failure.Detail, err)
		}
		rt.Fatalf("%s: schedule %s\n%s", w, res.Schedule.Token(), again.Text())
	}
	rapid.Check(t, property)
	// The rarest situations come once in some thousand executions.
	for round := 1; executions >= reachedWithin && len(reached) < len(scenarios.Situations()) && round < 8; round++ {
		if t.Failed() || !rapidtest.Again(t, round) {
			break
		}
		rapid.Check(t, property)
	}
	for _, s := range scenarios.Situations() {
		if executions >= reachedWithin {
			assert.Positive(t, reached[s.Name], "%s: never", s.Name)
		}
		t.Logf("%s: execution %d", s.Name, reached[s.Name])
	}
}

// reachedWithin is how many executions come to most of the situations.
const reachedWithin = 6000

// drawSchedule draws a few deviations from the default schedule, which shrink, or the
// seed of a random one, of which there are more: those deviate at any time, and
// from faults and timers that come one after the other.
func drawSchedule(rt *rapid.T, cfg sim.Config) sim.Config {
	if !rapid.Bool().Draw(rt, "random schedule") {
		return simrapid.Config(rt, cfg)
	}
	cfg.Plan = strategy.Portfolio{}.At(uniform(rt, "strategy", 64))
	for range 4 {
		cfg.Seed = cfg.Seed<<6 | uint64(uniform(rt, "seed", 64))
	}
	return cfg
}

// maxPoints bounds all phases of an execution together. Longer ones are livelocks.
const maxPoints = 20_000
