package sim

import (
	"slices"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// segment is a stretch of an execution in which one goroutine runs, up to a
// place where it does not go on.
type segment struct {
	spot
	preempted bool
}

// spot is a place in a goroutine: its operation number op, or where it blocks or
// ends after that. It does not depend on how often the goroutine blocked
// before, as the numbers of points do.
type spot struct {
	who, op uint32
	after   bool
}

// drawn is a value that was drawn.
type drawn struct {
	spot
	value uint32
}

// cut cuts a logged execution into segments. What was drawn is apart, since it
// stays what it is wherever the segment goes. The map has the points of the spots.
func cut(log []ctl.Event) (segments []segment, draws []drawn, points map[spot]uint32) {
	points = map[spot]uint32{}
	ops := map[uint32]uint32{}
	for _, e := range log {
		if e.Flags&ctl.EventAside != 0 || e.Kind == ctl.KSpawn || e.Kind == ctl.KName || e.Kind == ctl.KNote {
			continue
		}
		after := e.Kind >= ctl.KPark
		if !after {
			ops[e.From]++
		}
		at := spot{e.From, ops[e.From], after}
		if _, known := points[at]; !known {
			points[at] = e.Point
		}
		switch {
		case e.Kind == ctl.KChoose || e.Kind == ctl.KCase:
			if e.NAlts > 1 && e.Choice != 0 {
				draws = append(draws, drawn{at, uint32(e.Choice)})
			}
		case e.From != e.To:
			segments = append(segments, segment{at, !after && e.Kind != ctl.KGosched})
		}
	}
	return segments, draws, points
}

// through returns the turns that go through the segments in this order.
func through(segments []segment, draws []drawn, points map[spot]uint32) (turns []ctl.Turn) {
	for i, s := range segments[:len(segments)-1] {
		next := segments[i+1]
		if point, ok := s.find(points); ok && next.who != s.who {
			turns = append(turns, ctl.Turn{From: s.who, Point: point, To: next.who})
		}
	}
	for _, d := range draws {
		if point, ok := d.find(points); ok {
			turns = append(turns, ctl.Turn{From: d.who, Point: point, To: d.value})
		}
	}
	return turns
}

// find returns the point of a spot. A goroutine that is to block does so at the
// first opportunity.
func (p spot) find(points map[spot]uint32) (point uint32, ok bool) {
	for {
		if point, ok = points[p]; ok || !p.after {
			return point, ok
		}
		p.op++
		if _, runs := points[spot{p.who, p.op, false}]; !runs {
			return 0, false
		}
	}
}

// consolidate makes preempted goroutines go on: what such a one does later comes
// first, or what it did before comes later, and the others wait meanwhile; or it
// goes on until it blocks. The first two are the moves of Jalbert and Sen (A
// trace simplification technique for effective debugging of concurrent programs,
// FSE 2010). Removing turns does not find any of them where the switches in
// between are needed. It reports whether the result is simpler.
func (s *shrinker) consolidate() bool {
	begin := s.best
	for improved := true; improved; {
		improved = false
		segments, draws, points := cut(s.replay())
		for i := len(segments) - 1; i >= 0 && !improved; i-- {
			if segments[i].preempted {
				improved = slices.ContainsFunc(moves(segments, i), func(moved []segment) bool {
					return s.follow(moved, draws, points)
				})
			}
		}
	}
	return s.best.less(begin)
}

// moves returns the orders in which the goroutine of segment i is not preempted
// at its end.
func moves(segments []segment, i int) [][]segment {
	at := segments[i]
	blocked := segment{spot: spot{at.who, at.op, true}}
	orders := [][]segment{slices.Concat(segments[:i], []segment{blocked}, segments[i+1:])}
	if n := slices.IndexFunc(segments[i+1:], func(s segment) bool { return s.who == at.who }); n >= 0 {
		next := i + 1 + n
		orders = append(orders,
			slices.Concat(segments[:i], segments[next:next+1], segments[i+1:next], segments[next+1:]),
			slices.Concat(segments[:i], segments[i+1:]))
	}
	return orders
}

// renumberings is how often follow looks where the places are.
const renumberings = 3

// follow looks for a simpler execution that goes through the segments. What is
// moved changes who blocks where, and so the numbers of points.
func (s *shrinker) follow(segments []segment, draws []drawn, points map[spot]uint32) bool {
	before := s.best
	var last []ctl.Turn
	for range renumberings {
		turns := through(segments, draws, points)
		if s.over() || slices.Equal(turns, last) {
			return false
		}
		cfg := s.taking(turns)
		cfg.logged = true
		r := s.run(cfg)
		if s.accept(r) {
			return s.best.less(before)
		}
		last = turns
		_, _, points = cut(r.log)
	}
	return false
}
