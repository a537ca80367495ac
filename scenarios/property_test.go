package scenarios_test

import (
	"flag"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/simrapid"
)

// TestReferenceKeepsInvariants draws workload and schedule together, so that
// both are shrunk together: the reference keeps every invariant in every
// execution, and comes to rest and to an end within maxPoints.
func TestReferenceKeepsInvariants(t *testing.T) {
	setChecks(t, scale(4000, 400))
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

// setChecks sets how many cases rapid draws and from which seed, so that all runs
// of the test try the same, unless flags say otherwise.
func setChecks(t *testing.T, n int) {
	t.Helper()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(n), "rapid.seed": "1000"} {
		if given[name] {
			continue
		}
		f := flag.Lookup(name)
		before := f.Value.String()
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(before) })
	}
}
