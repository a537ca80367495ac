package scenarios_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/startrace/startrace/internal/rapidtest"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/simrapid"
)

// TestReferenceKeepsInvariants draws workload and schedule together, so that
// both are shrunk together: the reference keeps every invariant in every
// execution, and comes to rest and to an end within maxPoints.
func TestReferenceKeepsInvariants(t *testing.T) {
	rapidtest.Fix(t, scale(4000, 400))
	longest := 0
	defer func() { t.Logf("up to %d points", longest) }()
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorkload(rt)
		cfg := simrapid.Config(rt, sim.Config{Name: t.Name(), MaxPoints: maxPoints})
		body := scenarios.Body(scenarios.Reference, w)
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
	})
}

// maxPoints bounds all phases of an execution together. Longer ones are livelocks.
const maxPoints = 20_000
