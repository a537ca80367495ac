package sim

import (
	"slices"

	"github.com/startrace/startrace/sim/report"
	"github.com/startrace/startrace/sim/schedule"
)

// pictures adds the executions that a page shows beside the shrunk one.
func (e *explorer) pictures(f *Found) {
	if f.Failure.Kind == DataRace { // reported once in a process: nothing to compare with
		return
	}
	if f.FoundTrace == nil && !slices.Equal(f.FoundSchedule.Choices, f.Schedule.Choices) {
		f.FoundTrace = e.retrace(f.FoundSchedule).Trace
	}
	f.Passing = passing(f.Schedule, e.retrace)
}

// retrace is rerun with a trace.
func (e *explorer) retrace(s schedule.Schedule) Result {
	return e.runner.run(e.retracing(s))
}

func (e *explorer) retracing(s schedule.Schedule) Config {
	cfg := e.replaying(s)
	cfg.Trace = true
	return cfg
}

// maxPassing limits how many executions the search for one that passes takes.
const maxPassing = 16

// passing returns the execution nearest to a failing schedule that does not
// fail: that in which one choice is taken back, the last one for which this
// helps, since they agree up to there. It is nil if there is none.
func passing(s schedule.Schedule, trace func(schedule.Schedule) Result) *report.Trace {
	deviations := s.Deviations()
	for i := range min(len(deviations), maxPassing) {
		d := deviations[len(deviations)-1-i]
		near := s
		near.Hash = 0
		near.Choices = slices.Clone(s.Choices)
		near.Choices[d.Index] = 0
		if r := trace(near); r.Failure == nil && !r.Skipped {
			return r.Trace
		}
	}
	return nil
}

// NearestPassing returns the execution nearest to a failing schedule that does
// not fail: that in which one choice is taken back. It is nil if there is none.
// It is for programs, after [Reproduce] with the same arguments.
func NearestPassing(cfg Config, s schedule.Schedule, body func(*T)) (*report.Trace, error) {
	return newRunner(nil, body).passing(cfg, s)
}

func (r *runner) passing(cfg Config, s schedule.Schedule) (*report.Trace, error) {
	cfg, err := cfg.replaying(s)
	if err != nil {
		return nil, err
	}
	return passing(s, func(near schedule.Schedule) Result {
		cfg.Plan.Replay, cfg.Trace = near.Choices, true
		return r.run(cfg)
	}), nil
}

// Page is what [report.HTML] draws.
func (f *Found) Page(r Report) report.Page {
	return report.Page{Failure: f.report(r), Found: f.FoundTrace, Passing: f.Passing}
}

// Page is what [report.HTML] draws of a failed execution, beside one that
// passes, which may be nil.
func (r Result) Page(passing *report.Trace) report.Page {
	return report.Page{Failure: r.report(), Passing: passing}
}
