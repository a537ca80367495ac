package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/startrace/startrace/sim/internal/systematic"
	"github.com/startrace/startrace/sim/strategy"
)

// maxRestarts limits how often a systematic search begins again because a lazy
// global was initialised, or since it turned out that unlocking has to be a
// point.
const maxRestarts = 4

// searcher returns what plans the executions of s, nil if s is not systematic,
// and the bounds that it has beyond those of every search.
func searcher(s strategy.Strategy) (plans systematic.Searcher, bounds []string) {
	unless0 := func(bound int) int {
		if bound == 0 {
			return -1
		}
		return bound
	}
	switch s := s.(type) {
	case strategy.DFS:
		return systematic.NewDFS(), nil
	case strategy.ICB:
		return systematic.NewICB(unless0(s.Bound)), atMost(s.Bound, "preemptions")
	case strategy.Delay:
		return systematic.NewDelay(unless0(s.Bound)), atMost(s.Bound, "delays")
	case strategy.DPOR:
		return systematic.NewDPOR(), nil
	}
	return nil, nil
}

func atMost(bound int, of string) []string {
	if bound == 0 {
		return nil
	}
	return []string{fmt.Sprintf("at most %d %s", bound, of)}
}

// systematic explores until nothing is left to try. Bounds are named only
// where they kept something out.
func (e *explorer) systematic() {
	cfg := &e.opts.Config
	cfg.enabled = true
	if _, ok := e.opts.Strategy.(strategy.DPOR); ok {
		cfg.EarlyTimers = -1
	}
	for range maxRestarts {
		again, err := e.all()
		if err != nil && !errors.Is(err, systematic.ErrDiverged) {
			e.report.Err = err
		}
		if !again {
			return
		}
		e.report.Executions, e.report.Points, e.report.Decisions, e.report.Skipped = 0, 0, 0, 0
		clear(e.seen)
	}
	e.report.Err = fmt.Errorf("%w: executions that begin with the same choices keep differing", ErrNondeterministic)
}

// all runs all executions, and reports whether that has to begin again.
func (e *explorer) all() (again bool, err error) {
	plans, bounds := searcher(e.opts.Strategy)
	unlock := e.unlock
	progress := time.Now()
	timers := false
	for i := 0; i < e.opts.Executions && !e.over(); i++ {
		plan, ok := plans.Next()
		if !ok {
			break
		}
		res := e.planned(i, plan)
		if e.unlock != unlock {
			return true, nil
		}
		e.count(res)
		timers = timers || res.Elapsed > 0
		e.report.Wasted = plans.Wasted()
		if res.Failure != nil {
			e.found(i, e.opts.Strategy.At(i), res.keep())
			return false, nil
		}
		x := systematic.Execution{Log: res.log, Alts: res.alts, Astray: res.astray}
		if err := plans.Done(x); err != nil {
			return errors.Is(err, systematic.ErrDiverged), err
		}
		e.report.Wasted = plans.Wasted()
		if e.opts.SelfCheck > 0 && i%e.opts.SelfCheck == 0 && !e.check(i, res.keep()) {
			return false, nil
		}
		e.progress(&progress)
	}
	if _, more := plans.Next(); more {
		return false, nil
	}
	e.report.Exhausted = true
	if plans.Cut() {
		e.report.Bounds = append(e.report.Bounds, bounds...)
	}
	if timers && e.opts.Config.EarlyTimers < 0 {
		e.report.Bounds = append(e.report.Bounds, "timers fire only when nobody can run")
	}
	return false, nil
}

// planned runs execution i, as planned.
func (e *explorer) planned(i int, plan systematic.Plan) Result {
	cfg := e.opts.Config
	cfg.Plan = e.opts.Strategy.At(i)
	cfg.Plan.Replay = plan.Choices
	cfg.unlockPoints = e.unlock
	cfg.effects, cfg.guided = true, plan.Guided
	cfg.guide, cfg.values = plan.Guide, plan.Values
	return e.once(cfg)
}
