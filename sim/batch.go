package sim

import (
	"maps"
	"slices"
)

// batch is what a stretch of executions of a random search came to.
type batch struct {
	Executions, Points, Decisions, MaxPoints int
	Checked, FirstRun, Skipped, Wasted       int
	Strays, MapOrders                        int
	Focused                                  uint64
	Stray, MapOrder                          string
	Seen                                     []uint64       // hashes
	Classes                                  map[uint64]int // executions of each class
}

// batch is what was counted since the last restart.
func (e *explorer) batch() batch {
	r := &e.report
	seen := e.list
	if !e.lists {
		seen = slices.Collect(maps.Keys(e.seen))
	}
	return batch{
		Executions: r.Executions, Points: r.Points, Decisions: r.Decisions, MaxPoints: r.MaxPoints,
		Checked: r.Checked, FirstRun: r.FirstRun, Skipped: r.Skipped, Wasted: r.Wasted,
		Focused: e.focused, Strays: r.Strays, MapOrders: r.MapOrders, Stray: r.Stray, MapOrder: r.MapOrder,
		Seen: seen, Classes: maps.Clone(e.classes),
	}
}

// merge adds what was counted elsewhere.
func (e *explorer) merge(b batch) {
	r := &e.report
	r.Executions += b.Executions
	r.Points += b.Points
	r.Decisions += b.Decisions
	r.MaxPoints = max(r.MaxPoints, b.MaxPoints)
	r.Checked += b.Checked
	r.FirstRun += b.FirstRun
	r.Skipped += b.Skipped
	r.Wasted += b.Wasted
	e.focused += b.Focused
	r.add(Uncontrolled{Strays: b.Strays, Stray: b.Stray, MapOrders: b.MapOrders, MapOrder: b.MapOrder})
	for _, h := range b.Seen {
		e.seen[h] = struct{}{}
	}
	r.Distinct = len(e.seen)
	for class, n := range b.Classes {
		e.classify(class, n)
	}
}

// forget begins to count anew.
func (e *explorer) forget() {
	r := &e.report
	r.Executions, r.Points, r.Decisions, r.MaxPoints = 0, 0, 0, 0
	r.Checked, r.FirstRun, r.Skipped, r.Wasted, r.Distinct = 0, 0, 0, 0, 0
	r.Uncontrolled, r.Saturation = Uncontrolled{}, Saturation{}
	e.focused = 0
	e.list = e.list[:0]
	clear(e.seen)
	clear(e.classes)
}
