package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/startrace/startrace/sim/internal/systematic"
	"github.com/startrace/startrace/sim/strategy"
)

const (
	// smallDecisions is how many decisions executions may have that auto tries
	// to exhaust.
	smallDecisions = 40
	// maxSystematic limits the executions that auto spends on trying.
	maxSystematic = 500
)

// Part is what one strategy of several did in an exploration.
type Part struct {
	Strategy   string `json:"strategy"`
	Executions int    `json:"executions"`
}

// auto exhausts the body if it is small, and goes on with a portfolio. Both take
// turns until one has found something or nothing is left, so that neither costs
// the other more than twice the executions.
func (e *explorer) auto() {
	e.begin()
	part := min(e.opts.Executions/4, maxSystematic)
	if e.runner.longest <= smallDecisions && part > 0 && e.opts.Shard.whole() {
		e.beside = e.step
		e.systematic(strategy.DPOR{}, part)
		e.beside = nil
		if errors.Is(e.report.Err, systematic.ErrTooMany) {
			e.report.Err = nil // it is not small
		}
	}
	if e.early && e.report.Exhausted && !slices.Contains(e.report.Bounds, timersOnTime) {
		e.report.Bounds = append(e.report.Bounds, timersOnTime)
	}
	if e.report.Exhausted && len(e.report.Bounds) == 0 {
		e.opts.Executions = e.planned + part
	}
	if e.report.Found == nil && e.report.Err == nil {
		e.random()
	}
	e.part(strategy.DPOR{}, e.planned)
	e.part(strategy.Portfolio{}, e.report.Executions-e.planned)
}

func (e *explorer) part(s strategy.Strategy, executions int) {
	if executions > 0 {
		e.report.Parts = append(e.report.Parts, Part{s.String(), executions})
	}
}

// strategy is the strategy with its parts, if it has some.
func (r Report) strategy() string {
	if len(r.Parts) == 0 {
		return r.Strategy
	}
	var parts []string
	for _, p := range r.Parts {
		parts = append(parts, fmt.Sprintf("%s %d", p.Strategy, p.Executions))
	}
	return fmt.Sprintf("%s (%s)", r.Strategy, strings.Join(parts, ", "))
}
