package sim

import (
	"cmp"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

// shrink looks for the schedule with the fewest preemptions, and the fewest
// deviations from the default one, that fails in the same way.
//
// It works on turns: at which point of its own a goroutine hands over to which
// other one. They keep their meaning when others are left out, which positions
// in a choice list don't. Package schedule lowers and moves what is left.
//
// All of that goes downhill and can end in a hollow. As long as what is left
// looks too complicated for a bug, it starts again at other executions.
func (e *explorer) shrink(f *Found, res Result) {
	s := &shrinker{explorer: e, failure: res.Failure, best: candidate{res.Schedule, res.Preemptions}, budget: e.opts.Shrink}
	s.minimise()
	for n := 0; n >= 0 && s.best.preemptions > simple && s.tries < s.budget*3/4 && !s.over(); {
		best := s.best
		if n = s.another(n); n >= 0 {
			s.minimise()
		}
		if best.less(s.best) {
			s.best = best
		}
	}
	for before := s.best; ; before = s.best {
		s.refine()
		refined := s.best
		if s.over() || !refined.less(before) {
			break
		}
		if s.minimise(); !s.best.less(refined) {
			break
		}
	}
	f.Schedule, f.Tries = s.best.Schedule, s.tries
}

const (
	simple   = 2   // preemptions that most bugs need at most
	patience = 200 // executions in which another failure has to show up
)

// another looks for another execution that fails in the same way, and makes it
// the best one. It tries random ones with about as many preemptions as a bug
// needs, from the n-th one on, which begin as the best one does up to one of its
// deviations. It returns how far it came, -1 if it was in vain.
func (s *shrinker) another(n int) int {
	best, deviations := s.best, s.best.Deviations()
	stay := 1000 - 1000*(simple+1)/max(int(s.runner.longest), 1)
	for end := n + patience; n < end && !s.over(); n++ {
		cfg := s.replaying(best.Schedule)
		cfg.Plan = strategy.RandomWalk{Sticky: max(stay, 500)}.At(0)
		cfg.Plan.Replay = best.Choices[:deviations[n%len(deviations)].Index]
		cfg.Seed = mix(s.opts.Seed+1, uint64(n))
		if r := s.run(cfg); s.failure.same(r) {
			s.best = candidate{r.Schedule, r.Preemptions}
			return n + 1
		}
	}
	return -1
}

type shrinker struct {
	*explorer
	failure *Failure
	best    candidate
	tries   int
	points  int // of those tries
	budget  int
}

// mostPoints ends shrinking of long executions, such as a livelock: some 10 s.
const mostPoints = 100_000_000

func (s *shrinker) over() bool { return s.tries >= s.budget || s.points >= mostPoints }

// candidate is a schedule that fails in the same way.
type candidate struct {
	schedule.Schedule
	preemptions int
}

// less tells whether c is the simpler one of two. A preemption counts twice, as
// one and as a deviation: a goroutine that could go on has to be thought of as
// stopped in the middle of something.
func (c candidate) less(than candidate) bool {
	a, b := len(c.Deviations()), len(than.Deviations())
	return cmp.Or(
		cmp.Compare(a+c.preemptions, b+than.preemptions),
		cmp.Compare(c.preemptions, than.preemptions),
		c.Compare(than.Schedule),
	) < 0
}

// refine shrinks the choice list, without more preemptions.
func (s *shrinker) refine() {
	most := s.best.preemptions
	best, _ := schedule.Shrink(s.best.Schedule, func(c schedule.Schedule) (schedule.Schedule, bool) {
		if s.points >= mostPoints {
			return c, false
		}
		r := s.run(s.replaying(c))
		return r.Schedule, r.Preemptions <= most && s.failure.same(r)
	}, max(s.budget-s.tries, s.budget/4))
	s.best = candidate{best, s.run(s.replaying(best)).Preemptions}
}

// replaying is the configuration that replays a schedule of ours.
func (e *explorer) replaying(s schedule.Schedule) Config {
	cfg, err := e.opts.Config.replaying(s)
	if err != nil {
		panic(err)
	}
	return cfg
}

// replay runs the best schedule and returns its log, which lasts until the next
// execution.
func (s *shrinker) replay() []ctl.Event {
	cfg := s.replaying(s.best.Schedule)
	cfg.logged = true
	return s.run(cfg).log
}

// try runs the default schedule with these turns. If it fails in the same way,
// and is no less simple than the best, it is the best.
func (s *shrinker) try(turns []ctl.Turn) bool {
	if s.over() {
		return false
	}
	return s.accept(s.run(s.taking(turns)))
}

func (s *shrinker) run(cfg Config) Result {
	s.tries++
	r := s.runner.run(cfg)
	s.points += r.Points
	return r
}

func (s *shrinker) accept(r Result) bool {
	c := candidate{r.Schedule, r.Preemptions}
	if !s.failure.same(r) || s.best.less(c) {
		return false
	}
	s.best = c
	return true
}

// taking is the configuration of the default schedule with these turns.
func (s *shrinker) taking(turns []ctl.Turn) Config {
	cfg := s.replaying(s.best.Schedule)
	cfg.Plan, cfg.turns = strategy.Replay{}.At(0), turns
	if len(turns) == 0 {
		cfg.turns = noTurns
	}
	return cfg
}

// noTurns is a turn that never comes.
var noTurns = []ctl.Turn{{From: ^uint32(0)}}

// minimise leaves out what it can, and then what other moves make superfluous.
func (s *shrinker) minimise() {
	turns := turnsOf(s.replay())
	if len(turns) == 0 || !s.try(turns) || s.try(nil) {
		return // the turns don't say it all, or nothing does
	}
	for again := true; again; {
		turns = s.leaveOut(turns)
		for {
			shorter := s.shortcut(turns)
			if len(shorter) == len(turns) {
				break
			}
			turns = s.leaveOut(shorter)
		}
		if again = len(turns) > 1 && s.consolidate(); again {
			turns = turnsOf(s.replay())
		}
	}
}

// few is the number of turns up to which shortcut also tries to leave out turns
// in front.
const few = 8

// shortcut looks for a turn that can go where a later one goes, without those
// between and, if they are few, some in front. Where many goroutines do the
// same, a schedule of a random walk goes from one to the next, each preempted
// like the one before, until one comes that matters: none of these turns can be
// left out, and one is enough. It returns turns if there is no such one.
func (s *shrinker) shortcut(turns []ctl.Turn) []ctl.Turn {
	for to := len(turns) - 1; to > 0; to-- { // the last one goes to whoever sees the failure
		for at := range to {
			first := at
			if len(turns) <= few {
				first = 0
			}
			for keep := first; keep <= at; keep++ {
				shorter := append([]ctl.Turn{}, turns[:keep]...)
				shorter = append(shorter, ctl.Turn{From: turns[at].From, Point: turns[at].Point, To: turns[to].To})
				if shorter = append(shorter, turns[to+1:]...); s.try(shorter) {
					return shorter
				}
			}
		}
	}
	return turns
}

// leaveOut is the ddmin algorithm (Zeller, Hildebrandt: Simplifying and
// isolating failure-inducing input, IEEE TSE 2002), without its test of
// subsets: that of complements is what takes something away.
func (s *shrinker) leaveOut(turns []ctl.Turn) []ctl.Turn {
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
			break
		}
		if !smaller || size > 1 {
			size = max(size/2, 1)
		}
	}
	return turns
}
