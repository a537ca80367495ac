package scenarios

import (
	"slices"

	"github.com/startrace/startrace/fakes/failpoint"
)

// Smaller returns workloads that have less than w in one respect: operations,
// conditions, calls that may fail, rules of the plan, values, containers, in this order. Of one operation
// without conditions and value there is none.
func (w Workload) Smaller() []Workload {
	var smaller []Workload
	add := func(change func(*Workload)) {
		less := w
		less.Ops, less.FaultCalls = slices.Clone(w.Ops), slices.Clone(w.FaultCalls)
		change(&less)
		smaller = append(smaller, less)
	}
	if len(w.Ops) > 1 {
		for i := range w.Ops {
			add(func(w *Workload) { w.Ops = slices.Delete(w.Ops, i, i+1) })
		}
	}
	if w.Faults > 0 {
		add(func(w *Workload) { w.Faults, w.FaultCalls = 0, nil })
	}
	if w.Plan != "" {
		add(func(w *Workload) { w.Plan = "" })
	}
	if w.Loss {
		add(func(w *Workload) { w.Loss = false })
	}
	if w.IgnoreTerm {
		add(func(w *Workload) { w.IgnoreTerm = false })
	}
	if w.Running {
		add(func(w *Workload) { w.Running = false })
	}
	if w.Pause {
		add(func(w *Workload) { w.Pause = false })
	}
	if w.Hooks {
		add(func(w *Workload) { w.Hooks = false })
	}
	if w.Faults > 1 {
		add(func(w *Workload) { w.Faults = 1 })
	}
	if w.Faults > 2 {
		add(func(w *Workload) { w.Faults-- })
	}
	if calls := w.faultCalls(); w.Faults > 0 && len(calls) > 1 {
		for i := range calls {
			add(func(w *Workload) { w.FaultCalls = slices.Clone(calls[i : i+1]) })
		}
	}
	if len(w.FaultCalls) > 2 {
		for i := range w.FaultCalls {
			add(func(w *Workload) { w.FaultCalls = slices.Delete(w.FaultCalls, i, i+1) })
		}
	}
	for _, plan := range smallerPlans(w.Plan) {
		add(func(w *Workload) { w.Plan = plan })
	}
	for i, op := range w.Ops {
		if plain := (Op{Sandbox: op.Sandbox, Container: op.Container, Kind: op.Kind}); op != plain {
			add(func(w *Workload) { w.Ops[i] = plain })
		}
	}
	without := func(has func(Op) bool) { // their operations all at once
		add(func(w *Workload) { w.Ops = slices.DeleteFunc(w.Ops, has) })
	}
	if all := w.containers(); len(all) > 1 {
		for _, c := range all {
			without(func(o Op) bool { return o.Kind.onContainer() && o.place() == c })
		}
	}
	if names := w.sandboxes(); len(names) > 1 {
		for _, name := range names {
			without(func(o Op) bool { return !o.Kind.onAll() && o.Sandbox == name })
		}
	}
	return smaller
}

// smallerPlans returns plans with a rule or a term less than text has.
func smallerPlans(text string) (smaller []string) {
	plan, err := failpoint.Parse(text)
	if err != nil {
		panic("scenarios: " + err.Error()) // only a plan that was read is in a Workload
	}
	for i, rule := range plan {
		if len(plan) > 1 {
			smaller = append(smaller, slices.Delete(slices.Clone(plan), i, i+1).String())
		}
		for j := range rule.Terms {
			if len(rule.Terms) > 1 {
				less := slices.Clone(plan)
				less[i].Terms = slices.Delete(slices.Clone(rule.Terms), j, j+1)
				smaller = append(smaller, less.String())
			}
		}
	}
	return smaller
}
