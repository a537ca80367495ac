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

// timersOnTime is a bound.
const timersOnTime = "timers fire only when nobody can run"

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

// systematic explores with s, up to so many executions, until nothing is left to
// try. Bounds are named only where they kept something out.
func (e *explorer) systematic(s strategy.Strategy, executions int) {
	for range maxRestarts {
		again, err := e.all(s, executions)
		if err != nil && !errors.Is(err, systematic.ErrDiverged) {
			e.report.Err = err
		}
		if !again {
			return
		}
		e.forget()
		e.planned, e.next = 0, 0
	}
	e.report.Err = fmt.Errorf("%w: executions that begin with the same choices keep differing", ErrNondeterministic)
}

// all runs all executions, and reports whether that has to begin again.
func (e *explorer) all(s strategy.Strategy, executions int) (again bool, err error) {
	plans, bounds := searcher(s)
	_, dpor := s.(strategy.DPOR)
	base := e.opts.Config
	base.enabled, base.effects = true, true
	if dpor {
		base.EarlyTimers = -1
	}
	timers := false
	if e.beside == nil {
		var ok bool
		if timers, ok = e.resumePlans(plans); !ok {
			return false, nil
		}
	}
	base.unlockPoints = e.unlock
	progress := time.Now()
	for i := e.planned; i < executions && !e.over(); i++ {
		plan, ok := plans.Next()
		if !ok {
			break
		}
		cfg := base.planned(s.At(i), plan)
		cfg.Seed = mix(e.opts.Seed, uint64(i))
		res := e.once(cfg)
		if e.unlock != base.unlockPoints {
			return true, nil
		}
		e.count(res)
		e.planned++
		timers = timers || res.Elapsed > 0
		e.report.Wasted = plans.Wasted()
		if res.Failure != nil {
			e.found(cfg.Plan, res.keep())
			return false, nil
		}
		x := systematic.Execution{Log: res.log, Alts: res.alts}
		if err := plans.Done(x); err != nil {
			return errors.Is(err, systematic.ErrDiverged), err
		}
		e.report.Wasted, e.report.Inequivalent = plans.Wasted(), plans.Inequivalent()
		if e.checks(i) && !e.check(i, res.keep()) {
			return false, nil
		}
		e.progress(&progress)
		if e.beside != nil && !e.beside() {
			return false, nil
		}
	}
	if e.report.Interrupted {
		return false, e.savePlans(plans, timers)
	}
	if _, more := plans.Next(); more {
		return false, nil
	}
	e.report.Exhausted = true
	e.report.Wasted, e.report.Inequivalent = plans.Wasted(), plans.Inequivalent()
	e.report.Bounds = append(e.report.Bounds, focused(e.opts.Config.Focus, dpor)...)
	if plans.Cut() {
		e.report.Bounds = append(e.report.Bounds, bounds...)
	}
	if timers && base.EarlyTimers < 0 {
		e.report.Bounds = append(e.report.Bounds, timersOnTime)
	}
	return false, nil
}

// planned is the config of an execution that a searcher planned.
func (c Config) planned(p strategy.Plan, plan systematic.Plan) Config {
	c.Plan = p
	c.Plan.Replay = plan.Choices
	c.guided, c.guide, c.values = plan.Guided, plan.Guide, plan.Values
	return c
}
