package model

import (
	"math"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// Linearizable judges whether each container of h behaves as if its operations,
// CreateContainer, StartContainer, StopContainer, RemoveContainer and
// ContainerStatus, took effect one after the other, each at an instant between
// its call and its return (Herlihy, Wing: Linearizability, TOPLAS 1990). It
// returns one violation for a container of which that is not so, with the ID
// [LinearizableID] and the event after which no order is left. The search is
// that of porcupine (Lowe: Testing for linearizability, 2017); it takes time
// exponential in the number of calls that overlap.
//
// The specification is sequential and loose where the runtime decides: a process
// may end at any time; a call that failed may have had its effect, none, or have
// it after its return. Errors that a correct service gives for what another call
// is doing need no justification. UNKNOWN, and an error of ContainerStatus other
// than NotFound, say nothing.
//
// RemovePodSandbox removes the containers of the sandbox, so it is one of their
// operations as well; that StopPodSandbox ends processes needs no call.
//
// A container whose creation is not in h is there from the beginning, CREATED.
// Calls and returns are in order in a Real history too, so that nothing about it
// is undecided. It runs goroutines, which end before it returns.
func Linearizable(h History) []Violation {
	var found []Violation
	for _, v := range views(h) {
		ops, init := v.linear()
		if len(ops) < 2 || linear(ops, init) {
			continue
		}
		found = append(found, violation(LinearizableID, v.name, v.lastLinear(ops, init),
			"no order of the calls explains their answers"))
	}
	slices.SortStableFunc(found, func(a, b Violation) int { return a.Event - b.Event })
	return found
}

// LinearizableID is the ID of the violations of Linearizable, and
// LinearizableSentence what they break.
const (
	LinearizableID       = "L"
	LinearizableSentence = "Calls about a container take effect one after the other, each between its call and its return."
)

// abstract is a container as the sequential specification knows it. The zero
// value is none.
type abstract State

const absent = abstract(StateUnknown)

// answer is what a call returned.
type answer struct {
	failed bool
	saw    State // OpStatus: StateUnknown stands for NotFound
}

// step returns the states that may follow from, if op answered a there; none if
// it can't have. That the process ends by itself is possible before each step.
func step(from abstract, op Op, a answer) []abstract {
	states := []abstract{from}
	if from == abstract(StateRunning) {
		states = append(states, abstract(StateExited))
	}
	var next []abstract
	for _, s := range states {
		for _, to := range after(s, op, a) {
			if !slices.Contains(next, to) {
				next = append(next, to)
			}
		}
	}
	return next
}

// after is step without an end in between.
func after(s abstract, op Op, a answer) []abstract {
	is := func(states ...State) bool {
		return slices.ContainsFunc(states, func(state State) bool { return s == abstract(state) })
	}
	var effect []abstract
	switch op {
	case OpCreate:
		if s == absent {
			effect = []abstract{abstract(StateCreated)}
		}
	case OpStart:
		if is(StateCreated) {
			effect = []abstract{abstract(StateRunning)}
			if a.failed {
				effect = append(effect, abstract(StateExited))
			}
		}
	case OpStop:
		switch {
		case is(StateRunning):
			effect = []abstract{abstract(StateExited)}
		case !a.failed:
			effect = []abstract{s}
		}
	case OpRemove:
		effect = []abstract{absent}
		if a.failed && is(StateRunning) { // stopped, and no further
			effect = append(effect, abstract(StateExited))
		}
	case OpStatus:
		if s == abstract(a.saw) {
			return []abstract{s}
		}
		return nil
	}
	if a.failed {
		effect = append(effect, s)
	}
	return effect
}

// linear returns the operations of a container, for porcupine, and the state in
// which it is found.
func (v *view) linear() (ops []porcupine.Operation, init abstract) {
	init = abstract(StateCreated)
	for n, o := range append(slices.Clip(v.ops), v.sandboxRemovals()...) {
		switch o.op {
		case OpCreate:
			init = absent
		case OpStart, OpStop, OpRemove, OpStatus:
		default:
			continue
		}
		a := answer{failed: !o.ok()}
		end := int64(o.ret)
		if a.failed {
			end = math.MaxInt64
		}
		if o.op == OpStatus {
			saw, ok := v.saw(o)
			if !ok {
				continue
			}
			a, end = answer{saw: saw}, int64(o.ret)
		}
		ops = append(ops, porcupine.Operation{
			ClientId: n, Input: o.op, Output: a, Call: int64(o.call), Return: end,
		})
	}
	return ops, init
}

// saw returns the state that a ContainerStatus told, StateUnknown for NotFound,
// and false if it told none.
func (v *view) saw(o operation) (State, bool) {
	if o.ret == never {
		return 0, false
	}
	if o.err != "" {
		return StateUnknown, strings.HasPrefix(o.err, "NotFound") || strings.Contains(o.err, "not found")
	}
	for _, i := range v.events {
		if e := v.h.Events[i]; e.Kind == Observed && e.ID == o.id {
			return e.Status.State(), e.Status.State() != StateUnknown
		}
	}
	return 0, false
}

// linear reports whether there is an order.
func linear(ops []porcupine.Operation, init abstract) bool {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{init} },
		Step: func(state, input, output any) []any {
			var next []any
			for _, s := range step(state.(abstract), input.(Op), output.(answer)) {
				next = append(next, s)
			}
			return next
		},
	}
	return porcupine.CheckOperations(model.ToModel(), ops)
}

// lastLinear returns the first return with which there is no order any more.
func (v *view) lastLinear(ops []porcupine.Operation, init abstract) int {
	var returns []int64
	for _, o := range ops {
		if o.Return != math.MaxInt64 {
			returns = append(returns, o.Return)
		}
	}
	slices.Sort(returns)
	for _, end := range returns {
		var some []porcupine.Operation
		for _, o := range ops {
			if o.Call < end {
				if o.Return > end { // what has not returned may answer anything
					if o.Input == OpStatus {
						continue
					}
					o.Return, o.Output = math.MaxInt64, answer{failed: true}
				}
				some = append(some, o)
			}
		}
		if !linear(some, init) {
			return int(end)
		}
	}
	return len(v.h.Events) - 1
}
