package systematic

import (
	"errors"
	"fmt"
	"slices"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// maxReady is the number of goroutines that may be ready at once.
const maxReady = 64

// ErrTooMany says that a search has a limit that an execution exceeds.
var ErrTooMany = errors.New("more goroutines are ready at once than the search can tell apart")

// dpor runs one of all executions that differ only in the order of operations
// which commute.
type dpor struct {
	names   *names
	path    []*node
	choices []uint32 // of the last execution
	plan    Plan
	shared  int // nodes that the planned execution has in common with the last one
	wasted  int
	seen    map[uint64]struct{} // fingerprints
	known   translations        // with the last execution
}

// node is an event of the last execution, and what else to do in its place.
type node struct {
	g, point uint32
	decision int
	alts     []pending
	chosen   uint64 // the bit of g among alts
	slept    uint64 // alternatives asleep when the node was first reached
	explored uint64 // alternatives that are done with
	todo     []sequence
	values   []uint32 // of a value that is drawn: those to do
}

// sequence is the reversal of a race, to be run in the place of an event. Its
// clocks and objects are those of the execution that showed the race.
type sequence struct {
	from   *order
	origin int // the number of the event
	events []*event
}

// NewDPOR returns optimal dynamic partial-order reduction (Flanagan, Godefroid,
// POPL 2005; Abdulla, Aronis, Jonsson, Sagonas: Source sets: a foundation for
// optimal dynamic partial order reduction, J. ACM 2017). A race is reversed by
// running, in the place of its first event, all that does not depend on that,
// to the end of the execution, and then the second event, unless a goroutine
// asleep could begin it. Where that paper keeps these sequences in a tree, here
// they are in lists: when one of them is run, the others go along with it as far
// as they agree.
//
// An object is only known within one execution, and beyond that as far as events
// have the same mark. Where that is not enough to tell that a sequence agrees it
// is kept, and may turn out to be wasted.
func NewDPOR() Searcher {
	return &dpor{names: newNames(), plan: Plan{Guided: true}, seen: map[uint64]struct{}{}, known: translations{}}
}

// Next implements Searcher.
func (d *dpor) Next() (Plan, bool) {
	if d.choices == nil && d.path == nil {
		return d.plan, d.shared == 0
	}
	for len(d.path) > 0 {
		n := d.path[len(d.path)-1]
		if plan, ok := n.next(d.choices[:n.decision], d.names); ok {
			d.plan = plan
			d.shared = len(d.path)
			return plan, true
		}
		d.path = d.path[:len(d.path)-1]
	}
	return Plan{}, false
}

// next plans an execution that has the same events before n and another one in
// its place.
func (n *node) next(before []uint32, names *names) (Plan, bool) {
	if len(n.values) > 0 {
		v := n.values[0]
		n.values = n.values[1:]
		return Plan{Guided: true, Choices: append(slices.Clone(before), v)}, true
	}
	n.explored |= n.chosen
	if len(n.todo) == 0 {
		return Plan{}, false
	}
	plan := Plan{Guided: true, Choices: slices.Clone(before)}
	for _, x := range n.todo[0].events {
		t := ctl.Turn{From: names.paths[x.g], Point: x.point, To: x.value}
		if x.data {
			plan.Values = append(plan.Values, t)
		} else {
			plan.Guide = append(plan.Guide, t)
		}
	}
	n.todo = n.todo[1:]
	return plan, true
}

// Done implements Searcher.
func (d *dpor) Done(x Execution) error {
	from := max(d.shared-1, 0)
	o, choices := understand(x, d.names)
	clear(d.known)
	o.known = d.known
	if len(choices) < len(d.plan.Choices) || !slices.Equal(choices[:len(d.plan.Choices)], d.plan.Choices) {
		return ErrDiverged
	}
	if len(o.events) < d.shared {
		return ErrDiverged
	}
	for i, n := range d.path[:from] {
		if e := o.events[i]; e.g != n.g || e.point != n.point {
			return ErrDiverged
		}
	}
	d.choices = choices
	mark := o.marks.fingerprint()
	_, again := d.seen[mark]
	d.seen[mark] = struct{}{}
	end, err := d.walk(o)
	if err != nil {
		return err
	}
	if again || end < len(o.events) {
		d.wasted++
	}
	for _, r := range o.races {
		if r.second < end {
			d.reverse(o, r)
		}
	}
	return nil
}

// walk brings the path up to date. It returns how many events are no
// repetition of what has been explored.
func (d *dpor) walk(o *order) (int, error) {
	var asleep []pending
	var along []sequence // of the node where this execution branches off
	guided := len(d.plan.Guide)
	for i, e := range o.events {
		if i >= d.shared {
			d.path = append(d.path, &node{decision: e.decision})
		}
		n := d.path[i]
		fresh := i >= d.shared-1
		n.g, n.point = e.g, e.point
		if i == d.shared-1 {
			along, n.todo = n.todo, nil
		}
		if e.data {
			if i >= d.shared && !d.planned(e) {
				for v := range uint32(e.nvalues) {
					if v != e.value {
						n.values = append(n.values, v)
					}
				}
			}
			if fresh && guided > 0 {
				along = n.pass(e, along, o)
			}
			continue
		}
		n.alts = e.alts
		if len(e.alts) > maxReady {
			return 0, fmt.Errorf("%w: %d", ErrTooMany, len(e.alts))
		}
		n.slept = 0
		for bit, a := range e.alts {
			if a.g == e.g && fresh {
				n.chosen = 1 << bit
			}
			if slices.ContainsFunc(asleep, func(q pending) bool { return q.g == a.g }) {
				n.slept |= 1 << bit
			}
		}
		if (n.slept|n.explored)&n.chosen != 0 {
			d.path = d.path[:i]
			return i, nil
		}
		if fresh && guided > 0 {
			along = n.pass(e, along, o)
			if guided--; guided == 0 {
				along = nil // whatever comes is explored
			}
		}
		asleep = stillAsleep(asleep, n, e)
	}
	return len(o.events), nil
}

// planned tells whether the plan says what is drawn.
func (d *dpor) planned(e *event) bool {
	return slices.ContainsFunc(d.plan.Values, func(v ctl.Turn) bool {
		return v.From == d.names.paths[e.g] && v.Point == e.point
	})
}

// stillAsleep returns those asleep after e: what they are about to do has been
// explored from a point from which on nothing happened that it depends on.
func stillAsleep(asleep []pending, n *node, e *event) []pending {
	var out []pending
	for bit, a := range n.alts {
		if (n.slept|n.explored)>>bit&1 != 0 && a.g != e.g && !e.depends(a.op) {
			out = append(out, a)
		}
	}
	// Those who have no turn here, since nobody else had one, sleep on.
	for _, q := range asleep {
		if q.g != e.g && !e.depends(q.op) && !slices.ContainsFunc(n.alts, func(a pending) bool { return a.g == q.g }) {
			out = append(out, q)
		}
	}
	return out
}

// reverse plans to run the second event of a race before the first.
func (d *dpor) reverse(o *order, r race) {
	e, last := o.events[r.first], o.events[r.second]
	n := d.path[r.first]
	// Without the first event the second may have less to wait for.
	second := *last
	second.clock = slices.Clone(last.before)
	second.woke, second.rough = slices.Clone(e.woke), e.rough // it may end the selects that the first one ended
	for _, s := range last.ended {
		if !s.clock.has(e) {
			second.wakes(s.op)
		}
	}
	var v []*event
	for i, x := range o.events[r.first+1:] {
		if x.clock.has(e) {
			continue
		}
		v = append(v, x)
		if r.first+1+i < r.second && last.dependsOn(x) {
			second.clock.join(x.clock)
		}
	}
	s := sequence{from: o, origin: r.first, events: append(v, &second)}
	for bit, a := range n.alts {
		if (n.slept|n.explored)>>bit&1 != 0 && s.begins(a) {
			return
		}
	}
	for _, w := range n.todo {
		if w.covers(s) {
			return
		}
	}
	n.todo = append(n.todo, s)
}

// begins tells whether a, of the execution of s, could be the first of s, or comes
// into its way nowhere.
func (s sequence) begins(a pending) bool {
	if i := s.index(a.g); i >= 0 {
		return s.initial(i)
	}
	return !slices.ContainsFunc(s.events, func(x *event) bool { return x.depends(a.op) })
}

// index returns the place of the first event of goroutine g, -1 if there is
// none.
func (s sequence) index(g uint32) int {
	return slices.IndexFunc(s.events, func(x *event) bool { return x.g == g })
}

// initial tells whether nothing in s has to come before event i.
func (s sequence) initial(i int) bool {
	return !slices.ContainsFunc(s.events[:i], func(y *event) bool { return s.events[i].clock.has(y) })
}

// after returns what is left of s after event e of o, and whether s agrees with e.
func (s sequence) after(e *event, o *order) (sequence, bool) {
	i := s.index(e.g)
	if i < 0 {
		return s, s.apart(e, o)
	}
	x := s.events[i]
	if x.point != e.point || x.value != e.value || !s.initial(i) {
		return s, false
	}
	if i == 0 {
		s.events = s.events[1:] // as mostly
	} else {
		s.events = slices.Concat(s.events[:i], s.events[i+1:])
	}
	return s, true
}

// covers tells whether executions that begin with s, all of which will be
// explored, can go on like v too.
func (s sequence) covers(v sequence) bool {
	for _, e := range s.events {
		var ok bool
		if v, ok = v.after(e, s.from); !ok {
			return false
		}
	}
	return true
}

// pass hands the sequences that agree with event e of node n, which ran, on to
// the next node, and leaves the others for later.
func (n *node) pass(e *event, along []sequence, o *order) (on []sequence) {
	for _, s := range along {
		rest, ok := s.after(e, o)
		switch {
		case !ok:
			n.todo = append(n.todo, s)
		case len(rest.events) > 0:
			on = append(on, rest)
		}
	}
	return on
}

// Cut implements Searcher.
func (d *dpor) Cut() bool { return false }

// Wasted implements Searcher.
func (d *dpor) Wasted() int { return d.wasted }
