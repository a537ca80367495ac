package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/report"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

// Found is a failure that an exploration found, shrunk.
type Found struct {
	Failure   *Failure
	Name      string // of the body that fails, smaller than the explored one if Options.Smaller has such one
	Execution int    // how many executions it took, this one included
	Strategy  string // that found it
	Schedule  schedule.Schedule
	Trace     *report.Trace

	Preemptions int           // of the shrunk execution
	Deviations  int           // choices other than the first alternative, of the shrunk execution
	Tries       int           // executions that shrinking took
	BodyTries   int           // executions that looking for a smaller body took
	ShrinkTime  time.Duration // real time that both took

	FoundSchedule    schedule.Schedule // before shrinking
	FoundPreemptions int
	FoundDeviations  int
	FoundTrace       *report.Trace // nil if shrinking changed nothing
	Passing          *report.Trace // the nearest execution that does not fail, nil if none is known

	Commands []string // to paste

	turns []ctl.Turn // the deviations of the shrunk execution
}

// found confirms the failure of the last execution that was counted, shrinks it
// and fills in the report.
func (e *explorer) found(plan strategy.Plan, res Result) {
	f := &Found{
		Failure: res.Failure, Name: e.opts.Name, Execution: e.report.Executions, Strategy: plan.Name,
		FoundPreemptions: res.Preemptions, FoundDeviations: len(res.Schedule.Deviations()),
	}
	e.report.Found = f
	e.report.Exhausted, e.report.Bounds = false, nil // by an earlier part
	if res.Failure.Kind != DataRace {                // reported once in a process
		stable, ok := e.confirm(res)
		if !ok {
			e.report.Found = nil
			e.report.Err = fmt.Errorf("%w: execution %d failed (%s), and did not when it ran again with the same choices",
				ErrNondeterministic, f.Execution-1, res.Failure.Title)
			return
		}
		res = stable
	}
	f.FoundSchedule, f.Schedule = res.Schedule, res.Schedule
	if e.opts.Shrink > 0 && res.Failure.Kind != DataRace {
		begin := time.Now()
		res = e.reduce(f, res)
		e.shrink(f, res)
		f.ShrinkTime = time.Since(begin)
	}
	e.trace(f)
}

// confirm runs a failing schedule until two executions in a row are the same
// one and fail in the same way; the first one may have initialised something. Its
// choices come too early then in the next one, but not its turns, which are known if it
// was logged.
func (e *explorer) confirm(res Result) (Result, bool) {
	fails := func(r Result) bool { return r.Failure != nil && r.Failure.Signature == res.Failure.Signature }
	for range 5 {
		turns := turnsOf(res.log)
		again := e.rerun(res.Schedule)
		if !fails(again) && len(turns) > 0 {
			again = e.rerunTurns(res.Schedule, turns)
		}
		if !fails(again) {
			return res, false
		}
		if again.Hash() == res.Hash() {
			return again, true
		}
		e.report.FirstRun++
		res = again
	}
	return res, false
}

// rerunTurns runs s with these turns instead of its choices.
func (e *explorer) rerunTurns(s schedule.Schedule, turns []ctl.Turn) Result {
	cfg, err := e.opts.Config.replaying(s)
	if err != nil {
		return Result{}
	}
	cfg.Plan, cfg.turns = strategy.Replay{}.At(0), turns
	return e.runner.run(cfg)
}

// same returns the shrinker's question: does the candidate fail like f?
func (e *explorer) same(f *Failure) schedule.Attempt {
	return func(candidate schedule.Schedule) (schedule.Schedule, bool) {
		r := e.rerun(candidate)
		return r.Schedule, f.same(r)
	}
}

// trace runs the shrunk schedule once more and keeps everything that the
// report shows.
func (e *explorer) trace(f *Found) {
	cfg, err := e.opts.Config.replaying(f.Schedule)
	if err != nil {
		e.report.Err = err
		return
	}
	cfg.Trace = true
	r := e.runner.run(cfg)
	if f.Failure.Kind != DataRace {
		if r.Failure == nil || r.Hash() != f.Schedule.Hash {
			e.report.Err = e.different(f.Schedule, "the shrunk schedule")
			return
		}
		f.Failure = r.Failure
	}
	f.Trace, f.turns = r.Trace, turnsOf(r.log)
	f.Preemptions, f.Deviations = r.Preemptions, len(r.Schedule.Deviations())
	if f.Failure.Kind != DataRace && f.Deviations <= maxNecessary {
		mark(r, f.Schedule.Deviations(), schedule.Necessary(f.Schedule, e.same(f.Failure)))
	}
	e.pictures(f)
	if e.opts.Replayable != "" {
		f.Commands = []string{strings.ReplaceAll(e.opts.Replayable, "%s", f.Schedule.Token())}
	}
}

// maxNecessary limits how many deviations are checked for necessity.
const maxNecessary = 64

// mark notes in the trace which choices are necessary for the failure.
func mark(r Result, deviations []schedule.Deviation, necessary []bool) {
	for i, m := range r.marks {
		for j, d := range deviations {
			if m.decision == d.Index+1 && necessary[j] {
				r.Trace.Steps[i].Necessary = true
			}
		}
	}
}

// Text is what a failing test prints.
func (f *Found) Text(r Report) string { return text(f.report(r)) }

func (f *Found) report(r Report) report.Failure {
	facts := []string{fmt.Sprintf("found by %s (%s) in execution %d, seed %d", r.Strategy, f.Strategy, f.Execution, r.Seed)}
	if f.Name != r.Name {
		facts = append(facts, fmt.Sprintf("shrunk from %s to %s, in %d executions", r.Name, f.Name, f.BodyTries))
	}
	facts = append(facts, fmt.Sprintf("shrunk from %d choices (%d preemptions) to %d (%d), in %d executions",
		f.FoundDeviations, f.FoundPreemptions, f.Deviations, f.Preemptions, f.Tries))
	return newReport(f.Failure, f.Trace, append(facts, r.facts()...), f.Commands)
}

// reportWidth leaves room for a column of each of about eight goroutines.
const reportWidth = 150

func text(f report.Failure) string { return f.Text(report.TextOptions{Width: reportWidth}) }

func newReport(f *Failure, t *report.Trace, facts, commands []string) report.Failure {
	out := report.Failure{Title: f.Title, Detail: f.Detail, Facts: facts, Commands: commands}
	if t != nil {
		out.Trace = *t
	}
	return out
}
