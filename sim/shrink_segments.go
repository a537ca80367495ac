package sim

import (
	"slices"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// segment is a stretch of an execution in which one goroutine runs, up to a
// place where it does not go on.
type segment struct {
	spot
	deviates  bool // who goes on is not who would by default
	preempted bool
}

// spot is a place in a goroutine: its operation number n, or where it blocks or
// ends after that, or its draw number n. It does not depend on how often the
// goroutine blocked before, as the numbers of points do.
type spot struct {
	who, n uint32
	kind   spotKind
}

type spotKind uint8

const (
	operating spotKind = iota
	halting
	drawing
)

// aim is where to go from a spot, or what to draw there.
type aim struct {
	spot
	to uint32
}

// cut cuts a logged execution into segments. What was drawn is apart, since it
// stays what it is wherever the segment goes. The map has the points of the spots.
func cut(log []ctl.Event) (segments []segment, draws []aim, points map[spot]uint32) {
	points = map[spot]uint32{}
	counts := map[spot]uint32{} // by goroutine and kind
	for _, e := range log {
		if e.Flags&ctl.EventAside != 0 || e.Kind == ctl.KSpawn || e.Kind == ctl.KName || e.Kind == ctl.KNote {
			continue
		}
		at := spot{who: e.From}
		switch {
		case e.Kind == ctl.KChoose || e.Kind == ctl.KCase:
			at.kind = drawing
		case e.Kind >= ctl.KPark:
			at.kind = halting
		}
		if at.kind == halting {
			at.n = counts[spot{who: e.From}]
		} else {
			counts[at]++
			at.n = counts[at]
		}
		if _, known := points[at]; !known {
			points[at] = e.Point
		}
		switch {
		case e.Kind == ctl.KChoose || e.Kind == ctl.KCase:
			if e.NAlts > 1 && e.Choice != 0 {
				draws = append(draws, aim{at, uint32(e.Choice)})
			}
		case e.From != e.To:
			segments = append(segments, segment{at, e.NAlts > 1 && e.Choice != 0, at.kind == operating && e.Kind != ctl.KGosched})
		}
	}
	return segments, draws, points
}

// through returns the aims that go through the segments in this order.
func through(segments []segment, draws []aim) (aims []aim) {
	for i, s := range segments[:max(len(segments)-1, 0)] {
		if next := segments[i+1]; next.who != s.who {
			aims = append(aims, aim{s.spot, next.who})
		}
	}
	return append(aims, draws...)
}

// find returns the point of a spot. A goroutine that is to block does so at the
// first opportunity.
func (p spot) find(points map[spot]uint32) (point uint32, ok bool) {
	for {
		if point, ok = points[p]; ok || p.kind != halting {
			return point, ok
		}
		p.n++
		if _, runs := points[spot{who: p.who, n: p.n}]; !runs {
			return 0, false
		}
	}
}

// consolidate leaves out deviations, and makes preempted goroutines go on: what such a one does later comes
// first, or what it did before comes later, and the others wait meanwhile; or it
// goes on until it blocks. The first two are the moves of Jalbert and Sen (A
// trace simplification technique for effective debugging of concurrent programs,
// FSE 2010). Removing turns does not find any of them where the switches in
// between are needed. It reports whether the result is simpler.
func (s *shrinker) consolidate() bool {
	begin := s.best
	for improved := true; improved; {
		segments, draws, points := cut(s.replay())
		improved = s.omit(segments, draws, points)
		for i := len(segments) - 1; i >= 0 && !improved; i-- {
			if segments[i].preempted {
				improved = slices.ContainsFunc(moves(segments, i), func(moved []segment) bool {
					return s.follow(through(moved, draws), points)
				})
			}
		}
	}
	return s.best.less(begin)
}

// omit looks for a deviation that can be left out if the others stay where they
// are in the program.
func (s *shrinker) omit(segments []segment, draws []aim, points map[spot]uint32) bool {
	var deviations []aim
	for i, g := range segments[:max(len(segments)-1, 0)] {
		if g.deviates {
			deviations = append(deviations, aim{g.spot, segments[i+1].who})
		}
	}
	deviations = append(deviations, draws...)
	for i := range deviations {
		if s.follow(slices.Concat(deviations[:i], deviations[i+1:]), points) {
			return true
		}
	}
	return false
}

// moves returns the orders in which the goroutine of segment i is not preempted
// at its end.
func moves(segments []segment, i int) [][]segment {
	at := segments[i]
	blocked := segment{spot: spot{at.who, at.n, halting}}
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

// follow looks for a simpler execution with these aims. What is moved or left out
// changes who blocks where, and so the numbers of points.
func (s *shrinker) follow(aims []aim, points map[spot]uint32) bool {
	before := s.best
	var last []ctl.Turn
	for range renumberings {
		var turns []ctl.Turn
		for _, a := range aims {
			if point, ok := a.find(points); ok {
				turns = append(turns, ctl.Turn{From: a.who, Point: point, To: a.to})
			}
		}
		if s.over() || last != nil && slices.Equal(turns, last) {
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
