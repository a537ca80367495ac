package report

import (
	"slices"
	"time"
)

// row is one step in the table, or the mark that some were left out.
type row struct {
	step      int // index in the trace
	elided    int // steps left out; if not 0 nothing else is set
	lane      int
	text      string
	time      string
	site      string
	necessary bool
	preempted bool
	next      int // lane that runs after a preemption, -1 if unknown
}

// selectRows picks the steps to show and marks the gaps left by opts.MaxRows.
// Steps that are not worth a row leave no gap.
func selectRows(t Trace, opts TextOptions) []row {
	shown := shownSteps(t, opts.Full)
	kept := shown
	if !opts.Full {
		kept = limit(t, shown, opts.MaxRows)
	}
	var rows []row
	clock := newClock(t, kept)
	next, position := 0, 0 // step after the last row; position in shown
	for _, i := range kept {
		if shown[position] != i {
			rows = append(rows, row{elided: i - next})
			for shown[position] != i {
				position++
			}
		}
		rows = append(rows, newRow(t, i, clock))
		next, position = i+1, position+1
	}
	if position < len(shown) {
		rows = append(rows, row{elided: len(t.Steps) - next})
	}
	return rows
}

func newRow(t Trace, i int, clock *clock) row {
	s := t.Steps[i]
	r := row{
		step: i, lane: s.Lane, text: s.label(), site: cleanLine(s.Site), time: clock.at(s.Time),
		necessary: s.Necessary, preempted: s.Switch, next: -1,
	}
	if i+1 < len(t.Steps) {
		r.next = t.Steps[i+1].Lane
	}
	return r
}

// shownSteps returns the indexes of the steps that are worth a row: those said
// to be, those that matter for the schedule, and where a goroutine that has
// other rows was stuck in the end.
func shownSteps(t Trace, full bool) []int {
	worth := func(s Step) bool { return full || s.Visible || s.Switch || s.Necessary }
	hasRow := map[int]bool{}
	last := map[int]int{}
	for i, s := range t.Steps {
		last[s.Lane] = i
		hasRow[s.Lane] = hasRow[s.Lane] || worth(s)
	}
	var shown []int
	for i, s := range t.Steps {
		if worth(s) || s.Blocked && last[s.Lane] == i && hasRow[s.Lane] {
			shown = append(shown, i)
		}
	}
	return shown
}

// limit keeps at most count of the shown steps: the necessary ones, the end,
// the beginning, the other preemptions, then what is closest to the end.
func limit(t Trace, shown []int, count int) []int {
	if len(shown) <= count {
		return shown
	}
	kept := map[int]bool{}
	keep := func(steps []int, atMost int, want func(Step) bool) {
		for _, i := range slices.Backward(steps) {
			if len(kept) < count && atMost > 0 && !kept[i] && want(t.Steps[i]) {
				kept[i] = true
				atMost--
			}
		}
	}
	all := func(Step) bool { return true }
	keep(shown, count, func(s Step) bool { return s.Necessary })
	keep(shown, count/3, all)
	keep(shown[:max(count/8, 1)], count, all)
	keep(shown, count, func(s Step) bool { return s.Switch })
	keep(shown, count, all)
	return slices.DeleteFunc(slices.Clone(shown), func(i int) bool { return !kept[i] })
}

// clock formats the time column. It is silent while time stands still.
type clock struct {
	ticking bool
	last    int64
}

func newClock(t Trace, steps []int) *clock {
	c := &clock{}
	for _, i := range steps {
		c.ticking = c.ticking || t.Steps[i].Time != 0
	}
	return c
}

func (c *clock) at(ns int64) string {
	if !c.ticking || ns == c.last {
		return ""
	}
	c.last = ns
	d := time.Duration(ns)
	switch {
	case d >= time.Second:
		d = d.Round(time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(time.Microsecond)
	}
	return d.String()
}
