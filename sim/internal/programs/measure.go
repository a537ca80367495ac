package programs

import (
	"fmt"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// Outcome is how long searches took to find the failure of a program.
type Outcome struct {
	Trials int
	Found  int     // trials that found it
	Mean   float64 // executions to the first failure, of those
}

// Measure searches so many times, each time with another seed and up to budget
// executions.
func Measure(p Program, s strategy.Strategy, trials, budget int) (Outcome, error) {
	o := Outcome{Trials: trials}
	for seed := range trials {
		r := sim.Search(sim.Options{
			Name: p.Name, Strategy: s, Executions: budget, Seed: uint64(seed + 1), SelfCheck: -1, Shrink: -1,
		}, func(t *sim.T) { p.Run(func(text string) { t.Error(text) }) })
		if r.Err != nil {
			return o, fmt.Errorf("%s with %s: %w", p.Name, s, r.Err)
		}
		if r.Found != nil && r.Found.Execution <= budget { // later is what the warm-up found
			o.Found++
			o.Mean += float64(r.Found.Execution)
		}
	}
	o.Mean /= float64(max(o.Found, 1))
	return o, nil
}

// String is the outcome as tables have it: the mean, with how many trials it is
// of if those are not all.
func (o Outcome) String() string {
	switch o.Found {
	case 0:
		return "never"
	case o.Trials:
		return fmt.Sprintf("%.0f", o.Mean)
	}
	return fmt.Sprintf("%.0f*%d", o.Mean, o.Found)
}
