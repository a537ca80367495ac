package systematic

import "slices"

// bounded is a depth-first search in which choices cost something: first come
// all executions that cost nothing, then those that cost 1, and so on. Each
// runs once.
type bounded struct {
	cost   func(d decision, k int) int
	limit  int // -1: none
	levels [][]branch
	level  int
	now    branch
	cut    bool
}

// branch is an execution to run, by its first choices.
type branch []uint32

func newBounded(limit int, cost func(d decision, k int) int) *bounded {
	return &bounded{cost: cost, limit: limit, levels: [][]branch{{nil}}}
}

// NewDFS returns the search through all choices in depth-first order, without
// a state that would be kept between executions (Godefroid: Model checking for
// programming languages using VeriSoft, POPL 1997).
func NewDFS() Searcher {
	return newBounded(-1, func(decision, int) int { return 0 })
}

// NewICB returns iterative context bounding: first all executions without a
// preemption, then those with one, up to limit, or all if that is negative
// (Musuvathi, Qadeer: Iterative context bounding for systematic testing of
// multithreaded programs, PLDI 2007). To switch where a goroutine blocks, ends
// or yields, and to draw a value, costs nothing.
func NewICB(limit int) Searcher {
	return newBounded(limit, func(d decision, k int) int {
		if d.self && k != 0 {
			return 1
		}
		return 0
	})
}

// NewDelay returns delay bounding: executions of a deterministic scheduler, that
// of the default schedule, which is made to skip up to limit goroutines whose
// turn it is (Emmi, Qadeer, Rakamarić: Delay-bounded scheduling, POPL 2011).
func NewDelay(limit int) Searcher {
	return newBounded(limit, func(d decision, k int) int {
		if d.data {
			return 0
		}
		return k
	})
}

// Next implements Searcher.
func (s *bounded) Next() (Plan, bool) {
	for len(s.levels[s.level]) == 0 {
		if s.level+1 >= len(s.levels) {
			return Plan{}, false
		}
		s.levels[s.level] = nil
		s.level++
	}
	l := s.levels[s.level]
	s.now = l[len(l)-1]
	s.levels[s.level] = l[:len(l)-1]
	return Plan{Choices: s.now}, true
}

// Done implements Searcher.
func (s *bounded) Done(x Execution) error {
	decisions := x.decisions()
	if len(decisions) < len(s.now) {
		return ErrDiverged
	}
	choices := make([]uint32, len(decisions))
	for i, d := range decisions {
		choices[i] = d.choice
	}
	if !slices.Equal(choices[:len(s.now)], s.now) {
		return ErrDiverged
	}
	for i := len(s.now); i < len(decisions); i++ {
		for k := 1; k < decisions[i].alts; k++ {
			s.add(s.level+s.cost(decisions[i], k), choices[:i], uint32(k))
		}
	}
	return nil
}

func (s *bounded) add(level int, prefix []uint32, k uint32) {
	if s.limit >= 0 && level > s.limit {
		s.cut = true
		return
	}
	for len(s.levels) <= level {
		s.levels = append(s.levels, nil)
	}
	s.levels[level] = append(s.levels[level], append(slices.Clone(prefix), k))
}

// Cut implements Searcher.
func (s *bounded) Cut() bool { return s.cut }

// Wasted implements Searcher.
func (s *bounded) Wasted() int { return 0 }

// Inequivalent implements Searcher.
func (s *bounded) Inequivalent() int { return 0 }
