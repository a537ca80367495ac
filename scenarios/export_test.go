package scenarios

import (
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// BodyJudged is Body with another judge.
func BodyJudged(v Variant, w Workload, check func(model.History) []model.Violation) func(*sim.T) {
	return body(v, w, judge{check: check, linearizable: true})
}
