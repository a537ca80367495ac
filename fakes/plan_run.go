package fakes

import (
	"math"
	"slices"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
)

// planState is a plan in execution: how often each term was executed, and the
// weight of each rule in this run. It is guarded by the lock of the Faults.
type planState struct {
	rules   failpoint.Plan // those of Plan, and those that were added
	used    [][]int
	weights []float64 // by rule; nil before the first site is passed
}

// planned reports whether there is a plan at all.
func (f *Faults) planned() bool { return f != nil && len(f.Plan) > 0 }

// Extend adds a plan to that of f, from now on; its rules come before those that are
// there. The one that f has must not be empty,
// be it a rule without an effect such as "disk.write=off": only with a plan do calls
// pass the sites that are for plans alone.
func (f *Faults) Extend(plan failpoint.Plan) {
	if !f.planned() {
		panic("fakes: there is no plan to extend")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prepare()
	f.plan.add(plan)
}

// prepare takes the rules of Plan, once; the lock is held.
func (f *Faults) prepare() {
	if f.plan.rules == nil {
		f.plan.add(f.Plan)
	}
}

// add puts the rules of a plan before the others.
func (s *planState) add(plan failpoint.Plan) {
	var used [][]int
	var weights []float64
	for _, r := range plan {
		used = append(used, make([]int, len(r.Terms)))
		weights = append(weights, -1)
	}
	s.rules = slices.Concat(plan, s.rules)
	s.used = slices.Concat(used, s.used)
	s.weights = slices.Concat(weights, s.weights)
}

// evaluate returns what the plan has for a passage of site; nil for nothing.
// Its operations are no scheduling points.
func (f *Faults) evaluate(site, object string) *failpoint.Action {
	if !f.planned() {
		return nil
	}
	var a *failpoint.Action
	sim.Quietly(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.stopped && !f.held {
			a = f.execute(site)
		}
	})
	if a == nil || a.Name == "off" {
		return nil
	}
	sim.Logf("fault: %v at %s %s", a, site, object)
	return a
}

// execute returns the first term of the first rule for site that executes.
func (f *Faults) execute(site string) *failpoint.Action {
	f.prepare()
	for i, r := range f.plan.rules {
		if !failpoint.Matches(r.Site, site) {
			continue
		}
		weight := f.weight(i)
		if weight == 0 {
			continue
		}
		for j, t := range r.Terms {
			if t.Count != 0 && f.plan.used[i][j] == t.Count || failpoint.Fits(site, t.Action) != nil {
				continue
			}
			if t.Percent != 0 && !f.chance(t.Action.String()+" at "+site, t.Percent*weight) {
				continue
			}
			f.plan.used[i][j]++
			return &t.Action
		}
	}
	return nil
}

// weights of rules in a swarm; 0 is off.
var swarmWeights = []float64{0, 0.5, 1, 2}

// weight returns what the percentages of a rule are multiplied with. In a swarm
// it is drawn when the rule is met for the first time in a run: runs that leave
// faults out altogether find what runs with all of them do not (Groce, Zhang,
// Eide, Chen, Regehr: Swarm Testing, ISSTA 2012).
func (f *Faults) weight(rule int) float64 {
	if !f.Swarm {
		return 1
	}
	if f.plan.weights[rule] < 0 {
		f.plan.weights[rule] = swarmWeights[f.draw("swarm "+f.plan.rules[rule].Site, len(swarmWeights))]
	}
	return f.plan.weights[rule]
}

// draw is Choose, or the choice of the simulation.
func (f *Faults) draw(label string, n int) int {
	if f != nil && f.Choose != nil {
		return f.Choose(label, n)
	}
	return choose(label, n)
}

// chance draws an event of the given percentage.
func (f *Faults) chance(label string, percent float64) bool {
	if percent >= 100 {
		return true
	}
	if f != nil && f.Choose != nil {
		const fine = 10_000
		return f.Choose(label, fine) >= fine-int(percent*fine/100)
	}
	return simulated(label, percent)
}

// tame is the share of its choices that the simulation makes 0 without a draw.
const tame = 0.75

// simulated draws an event of nearly the given percentage by choices of the
// simulation. Those are 0 more often than not, so that one with two values says
// yes once in eight; the probability of more is that of some yes in several
// choices, the probability of less that of the last of many values. Few values
// keep systematic searches small and let the shrinker take the event out by
// making one choice 0.
func simulated(label string, percent float64) bool {
	p := percent / 100
	const yes = (1 - tame) / 2
	if p < yes {
		n := int(math.Round((1 - tame) / p))
		return choose(label, n) == n-1
	}
	for range int(math.Round(math.Log(1-p) / math.Log(1-yes))) {
		if choose(label, 2) == 1 {
			return true
		}
	}
	return false
}

// chosenOrder draws one of all orders of the facets, 0 being the usual one.
func (f *Faults) chosenOrder(label string) []failpoint.Facet {
	order := slices.Clone(failpoint.Facets)
	for i := range order {
		j := i + f.draw(label, len(order)-i)
		// What is drawn moves to the front, the others keep their order.
		drawn := order[j]
		copy(order[i+1:j+1], order[i:j])
		order[i] = drawn
	}
	return order
}
