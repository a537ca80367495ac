package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// table draws the trace: a column for each goroutine if they fit, otherwise one
// column of steps with the goroutine's name in front. Nothing if there are no
// steps.
func table(t Trace, opts TextOptions) []string {
	if len(t.Steps) == 0 {
		return nil
	}
	rows := selectRows(t, opts)
	if len(rows) == 0 {
		return []string{indent + fmt.Sprintf("none of %s worth showing", countSteps(len(t.Steps)))}
	}
	l, ok := newLanes(t, rows, opts.Width)
	if !ok {
		l = newList(t, rows, opts.Width)
	}
	lines, bars := l.draw(t, rows)
	return append(lines, legend(t, rows, bars)...)
}

// layout says where everything goes. All positions are columns from 0.
type layout struct {
	list      bool // one column of steps
	number    column
	time      column
	where     column
	name      column   // only in a list: the goroutine
	lanes     []int    // lane of each column, by first appearance; of a list, none
	columns   []column // of the lanes; of a list, the one of the steps
	necessary bool     // there is a column for the mark
	width     int
}

type column struct{ at, width int }

const (
	gap          = 3  // columns between two lanes: room for ──▶
	narrowGap    = 2  // columns between the others
	maxWhere     = 28 // columns of the position
	maxName      = 24 // columns of a goroutine's name in a list
	minLane      = 12 // columns of a lane, or else there will be a list
	lastLane     = 30 // columns of the last lane, likewise
	minListTexts = 16 // columns of the steps in a list
)

// newFrame places the columns that are left of the lanes.
func newFrame(rows []row, width int) layout {
	l := layout{width: width}
	at := len(indent)
	times := 0
	last := 0
	for _, r := range rows {
		l.necessary = l.necessary || r.necessary
		times = max(times, textWidth(r.time))
		last = max(last, r.step+1)
	}
	if l.necessary {
		at += 2
	}
	place := func(c *column, width int) {
		*c = column{at, width}
		at += width + narrowGap
	}
	place(&l.number, len(strconv.Itoa(last)))
	if times > 0 {
		place(&l.time, max(times, len("time")))
	}
	l.where.at = at // so far; the lanes move it
	return l
}

// newLanes tries with positions, then without. It reports whether the lanes fit.
func newLanes(t Trace, rows []row, width int) (layout, bool) {
	l := newFrame(rows, width)
	var natural []int
	for _, r := range rows {
		if r.elided == 0 && !slices.Contains(l.lanes, r.lane) {
			l.lanes = append(l.lanes, r.lane)
			natural = append(natural, textWidth(t.laneName(r.lane)))
		}
	}
	where := 0
	for _, r := range rows {
		if r.elided == 0 {
			i := slices.Index(l.lanes, r.lane)
			natural[i] = max(natural[i], textWidth(l.cell(t, r)))
			where = max(where, min(textWidth(r.site), maxWhere))
		}
	}
	for _, where := range []int{where, 0} {
		room := width - l.where.at
		if where > 0 {
			room -= max(where, len("where")) + gap
		}
		widths, ok := share(natural, room)
		if !ok {
			continue
		}
		at := l.where.at
		for _, width := range widths {
			l.columns = append(l.columns, column{at, width})
			at += width + gap
		}
		l.where = column{at, where}
		return l, true
	}
	return layout{}, false
}

// share gives each lane what it would like. If that is too much it cuts the
// widest ones alike, but none below minLane. The text of a lane may reach into
// the lanes at its right, which are empty in that row, so only the last lane
// needs its width.
func share(natural []int, room int) ([]int, bool) {
	last := len(natural) - 1
	room -= gap * last
	if room >= sum(natural) {
		return natural, true
	}
	widths := slices.Clone(natural)
	widths[last] = min(widths[last], lastLane)
	for most := slices.Max(natural); most >= minLane; most-- {
		for i := range last {
			widths[i] = min(natural[i], most)
		}
		if total := sum(widths); total <= room {
			widths[last] = min(natural[last], widths[last]+room-total)
			return widths, true
		}
	}
	return nil, false
}

func sum(widths []int) int {
	total := 0
	for _, width := range widths {
		total += width
	}
	return total
}

// newList places the columns of a list. The steps get what is left.
func newList(t Trace, rows []row, width int) layout {
	l := newFrame(rows, width)
	l.list = true
	at := l.where.at
	name, text, where := len("goroutine"), len("step"), 0
	for _, r := range rows {
		if r.elided == 0 {
			name = max(name, min(textWidth(t.laneName(r.lane)), maxName, width/4))
			text = max(text, textWidth(l.cell(t, r)))
			where = max(where, min(textWidth(r.site), maxWhere))
		}
	}
	l.name = column{at, name}
	at += name + narrowGap
	room := width - at
	if where > 0 && room-max(where, len("where"))-gap >= minListTexts {
		room -= max(where, len("where")) + gap
	} else {
		where = 0
	}
	l.columns = []column{{at, max(min(text, room), 1)}}
	l.where = column{at + l.columns[0].width + gap, where}
	return l
}

// cell is the text of a row, with the preemption if no arrow can be drawn
// because the goroutine that runs next has no column.
func (l layout) cell(t Trace, r row) string {
	switch {
	case !r.preempted || l.arrowTo(r) >= 0:
		return r.text
	case r.next < 0 || r.next == r.lane:
		return r.text + " ──▶"
	default:
		return r.text + " ──▶ " + t.laneName(r.next)
	}
}

// arrowTo is the index of the column that a preemption leads to, or -1.
func (l layout) arrowTo(r row) int {
	if !r.preempted || r.next == r.lane {
		return -1
	}
	return slices.Index(l.lanes, r.next)
}

// legend explains the marks that occur.
func legend(t Trace, rows []row, bars bool) []string {
	shown, preempted, necessary := 0, false, false
	for _, r := range rows {
		if r.elided == 0 {
			shown++
			preempted = preempted || r.preempted
			necessary = necessary || r.necessary
		}
	}
	parts := []string{countSteps(shown)}
	if shown < len(t.Steps) {
		parts[0] = fmt.Sprintf("%d of %s", shown, countSteps(len(t.Steps)))
	}
	if preempted {
		parts = append(parts, "──▶ preempted")
	}
	if bars {
		parts = append(parts, "│ blocked")
	}
	if necessary {
		parts = append(parts, "! necessary: without it there is no failure")
	}
	return []string{"", indent + strings.Join(parts, "   ")}
}

func countSteps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return strconv.Itoa(n) + " steps"
}
