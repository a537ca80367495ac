package report

import (
	"slices"
	"strconv"
	"strings"
)

// canvas is one line that is written to by column.
type canvas []rune

func (c *canvas) put(at int, text string) {
	for _, r := range text {
		c.set(at, r)
		at++
	}
}

func (c *canvas) set(at int, r rune) {
	for len(*c) <= at {
		*c = append(*c, ' ')
	}
	(*c)[at] = r
}

// line draws ─ over blanks and ┼ over bars, from..to inclusive.
func (c *canvas) line(from, to int) {
	for at := from; at <= to; at++ {
		if at < len(*c) && (*c)[at] == '│' {
			c.set(at, '┼')
		} else {
			c.set(at, '─')
		}
	}
}

func (c *canvas) right(col column, text string) {
	c.put(col.at+col.width-textWidth(text), text)
}

func (c *canvas) String() string { return strings.TrimRight(string(*c), " ") }

// draw returns the lines of the table, and whether one of them has a bar.
func (l layout) draw(t Trace, rows []row) (lines []string, bars bool) {
	lines = l.head(t)
	blocked := map[int]bool{} // lanes, before the next step
	next := 0
	for _, r := range rows {
		step := r.step
		if r.elided > 0 {
			step = next + r.elided
		}
		for ; next < step; next++ {
			blocked[t.Steps[next].Lane] = t.Steps[next].Blocked
		}
		if r.elided == 0 {
			blocked[r.lane] = false // it goes on
		}
		for _, lane := range l.lanes {
			bars = bars || blocked[lane]
		}
		if r.elided > 0 {
			lines = append(lines, l.elision(r, blocked))
		} else {
			lines = append(lines, l.row(t, r, blocked)...)
		}
	}
	return lines, bars
}

// head is the names of the columns, and a rule below.
func (l layout) head(t Trace) []string {
	var names, rule canvas
	names.right(l.number, "#")
	columns := []column{l.number}
	if l.time.width > 0 {
		names.right(l.time, "time")
		columns = append(columns, l.time)
	}
	if l.list {
		names.put(l.name.at, "goroutine")
		names.put(l.columns[0].at, "step")
		columns = append(columns, l.name)
	}
	for i, lane := range l.lanes {
		names.put(l.columns[i].at, truncate(t.laneName(lane), l.columns[i].width))
	}
	columns = append(columns, l.columns...)
	if l.where.width > 0 {
		names.put(l.where.at, "where")
		columns = append(columns, column{l.where.at, max(l.where.width, len("where"))})
	}
	for _, c := range columns {
		rule.line(c.at, c.at+c.width-1)
	}
	return []string{names.String(), rule.String()}
}

func (l layout) elision(r row, blocked map[int]bool) string {
	var c canvas
	l.bars(&c, blocked)
	text := "… " + strconv.Itoa(r.elided) + " more step"
	if r.elided > 1 {
		text += "s"
	}
	at := l.columns[0].at
	if l.list {
		at = l.name.at
	}
	c.put(at, text+" ")
	return c.String()
}

// row draws one step, on several lines if its text is long.
func (l layout) row(t Trace, r row, blocked map[int]bool) []string {
	index := max(slices.Index(l.lanes, r.lane), 0)
	cell := l.columns[index]
	target := l.arrowTo(r)
	texts := wrap(l.cell(t, r), l.room(r, index, target, blocked))
	lines := make([]canvas, len(texts))
	for i, text := range texts {
		l.bars(&lines[i], blocked)
		lines[i].put(cell.at, text)
		if at := cell.at + textWidth(text); at < len(lines[i]) {
			lines[i].set(at, ' ')
		}
	}
	first, last := &lines[0], &lines[len(lines)-1]
	if target > index {
		last.line(cell.at+textWidth(texts[len(texts)-1])+1, l.columns[target].at-1)
		last.set(l.columns[target].at, '▶')
	} else if target >= 0 {
		first.line(l.columns[target].at+1, cell.at-2)
		first.set(l.columns[target].at, '◀')
	}
	if r.necessary {
		first.put(len(indent), "!")
	}
	first.right(l.number, strconv.Itoa(r.step+1))
	first.right(l.time, r.time)
	if l.list {
		first.put(l.name.at, truncate(t.laneName(r.lane), l.name.width))
	}
	if l.where.width > 0 {
		first.put(l.where.at, truncateLeft(r.site, l.where.width))
	}
	result := make([]string, len(lines))
	for i := range lines {
		result[i] = lines[i].String()
	}
	return result
}

// room is how wide the text of a row can be: up to the next bar if it fits, or
// else over the bars up to the head of its arrow or the end of the lanes.
func (l layout) room(r row, index, target int, blocked map[int]bool) int {
	from, end := l.columns[index].at, l.columns[len(l.columns)-1]
	room := end.at + end.width - from
	if target > index {
		room = l.columns[target].at - gap - from
	}
	for i := index + 1; i < len(l.lanes); i++ {
		if space := l.columns[i].at - gap - from; blocked[l.lanes[i]] && space < room && space >= textWidth(r.text) {
			return space
		}
	}
	return room
}

// bars draws │ in the lanes that are blocked.
func (l layout) bars(c *canvas, blocked map[int]bool) {
	for i, lane := range l.lanes {
		if blocked[lane] {
			c.set(l.columns[i].at, '│')
		}
	}
}
