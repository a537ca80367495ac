package strategy

import "fmt"

// The strategies of this file are systematic: package sim plans each of their
// executions from what the ones before have shown, and knows when there are no
// more. At is the plan of the first one. In none of them waiting for a held
// lock is an alternative as long as somebody else can run.

// DFS makes all choices, in depth-first order (Godefroid: Model checking for
// programming languages using VeriSoft, POPL 1997).
type DFS struct{}

// At implements Strategy.
func (s DFS) At(int) Plan { return Plan{Name: s.String()} }

// String implements Strategy.
func (DFS) String() string { return "dfs" }

// ICB makes all choices with no preemption, then those with one, and so on
// (Musuvathi, Qadeer: Iterative context bounding for systematic testing of
// multithreaded programs, PLDI 2007). It stops after Bound preemptions unless
// that is 0.
type ICB struct{ Bound int }

// At implements Strategy.
func (s ICB) At(int) Plan { return Plan{Name: s.String()} }

// String implements Strategy.
func (s ICB) String() string { return bounded("icb", s.Bound) }

// Delay lets the default schedule skip nobody, then one goroutine whose turn it
// is, and so on (Emmi, Qadeer, Rakamarić: Delay-bounded scheduling, POPL 2011).
// It stops after Bound delays unless that is 0.
type Delay struct{ Bound int }

// At implements Strategy.
func (s Delay) At(int) Plan { return Plan{Name: s.String()} }

// String implements Strategy.
func (s Delay) String() string { return bounded("delay", s.Bound) }

func bounded(name string, bound int) string {
	if bound == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d", name, bound)
}

// DPOR runs one of all executions that differ only in the order of operations
// which commute (Abdulla, Aronis, Jonsson, Sagonas: Source sets: a foundation
// for optimal dynamic partial order reduction, J. ACM 2017). Timers fire only
// when nobody can run.
type DPOR struct{}

// At implements Strategy.
func (s DPOR) At(int) Plan { return Plan{Name: s.String()} }

// String implements Strategy.
func (DPOR) String() string { return "dpor" }
