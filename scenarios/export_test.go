package scenarios

import (
	"slices"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// BodyOnly is Body, blind for all invariants but one.
func BodyOnly(v Variant, w Workload, invariant string) func(*sim.T) {
	return body(v, w, func(h model.History) []model.Violation {
		return slices.DeleteFunc(model.Check(h), func(v model.Violation) bool { return v.Invariant != invariant })
	})
}

// BodyJudged is Body with another judge.
func BodyJudged(v Variant, w Workload, check func(model.History) []model.Violation) func(*sim.T) {
	return body(v, w, check)
}
