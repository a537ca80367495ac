// Package scenarios runs one workload on every implementation of the service:
// simulated, on the fake containerd, under every schedule that one cares to
// try, and for real, on a real containerd. Package model judges both.
//
// Variants lists the implementations: the reference, and the algorithms that it
// replaced, in our own words, with the races that they had. A Workload says
// what happens to a container, in parallel, and what may go wrong; its text is
// for command lines and reports. Body makes of both the body of an exploration
// of package sim:
//
//	w, err := scenarios.ParseWorkload("start|start|stop|remove|exit=7; loss")
//	...
//	sim.Explore(t, sim.Options{}, scenarios.Body(scenarios.Reference, w))
//
// OpenReal runs the same on a containerd.
//
// # Contract
//
// A Body is repeatable: equal schedules give equal executions, in any process.
// It fails if and only if the history of the execution breaks an invariant, a
// call never returns, it does not come to rest within ConvergePoints, or the service
// leaves goroutines behind. Its set-up is
// never the reason: faults and losses begin after it.
//
// A workload keeps its meaning: its text, read and printed, is the same.
//
// # Limits
//
// Each operation of a workload is called once. What a search did not find may be
// there. A real run proves less than a simulated one, and
// cannot be repeated; see Real.
package scenarios
