package scenarios

import "slices"

// Smaller returns workloads that have less than w in one respect: operations,
// conditions, calls that may fail, values, in this order. Of one operation
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
	if w.Loss {
		add(func(w *Workload) { w.Loss = false })
	}
	if w.IgnoreTerm {
		add(func(w *Workload) { w.IgnoreTerm = false })
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
	for i, op := range w.Ops {
		if plain := (Op{Kind: op.Kind}); op != plain {
			add(func(w *Workload) { w.Ops[i] = plain })
		}
	}
	return smaller
}
