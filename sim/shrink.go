package sim

import (
	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

// shrink looks for the schedule with the fewest deviations from the default
// one that fails in the same way.
//
// It works on turns: at which point of its own a goroutine hands over to which
// other one. They keep their meaning when others are left out, which positions
// in a choice list don't.
func (e *explorer) shrink(f *Found, res Result) {
	budget := e.opts.Shrink
	s := &shrinker{explorer: e, failure: res.Failure, best: res.Schedule, budget: budget}
	if turns := s.turns(res.Schedule); len(turns) > 0 {
		s.minimise(turns)
	}
	best, stats := schedule.Shrink(s.best, e.same(res.Failure), max(budget-s.tries, budget/4))
	f.Schedule, f.Tries = best, s.tries+stats.Attempts
}

type shrinker struct {
	*explorer
	failure *Failure
	best    schedule.Schedule
	tries   int
	budget  int
}

// turns replays a schedule and returns its deviations as turns.
func (s *shrinker) turns(from schedule.Schedule) []ctl.Turn {
	cfg, err := s.opts.Config.replaying(from)
	if err != nil {
		return nil
	}
	cfg.Trace = true
	r := s.runner.run(cfg)
	s.tries++
	return turnsOf(r.log)
}

// try runs the default schedule with these turns.
func (s *shrinker) try(turns []ctl.Turn) bool {
	if s.tries >= s.budget {
		return false
	}
	s.tries++
	cfg, err := s.opts.Config.replaying(s.best)
	if err != nil {
		return false
	}
	cfg.Plan = strategy.Replay{}.At(0)
	cfg.turns = turns
	if len(turns) == 0 {
		cfg.turns = noTurns
	}
	r := s.runner.run(cfg)
	if r.Failure == nil || r.Failure.Signature != s.failure.Signature {
		return false
	}
	s.best = r.Schedule
	return true
}

// noTurns is a turn that never comes.
var noTurns = []ctl.Turn{{From: ^uint32(0)}}

// minimise is the ddmin algorithm (Zeller, Hildebrandt: Simplifying and
// isolating failure-inducing input, IEEE TSE 2002), without its test of
// subsets: that of complements is what takes something away.
func (s *shrinker) minimise(turns []ctl.Turn) {
	if !s.try(turns) {
		return // the turns don't say it all
	}
	if s.try(nil) {
		return
	}
	for size := (len(turns) + 1) / 2; size > 0; {
		smaller := false
		for i := 0; i < len(turns); {
			rest := append(append([]ctl.Turn{}, turns[:i]...), turns[min(i+size, len(turns)):]...)
			if len(rest) > 0 && s.try(rest) {
				turns, smaller = rest, true
			} else {
				i += size
			}
		}
		if size == 1 && !smaller {
			return
		}
		if !smaller || size > 1 {
			size = max(size/2, 1)
		}
	}
}
