package systematic

import "slices"

// Objects have numbers within one execution only. An event, however, is the same
// one in all executions in which its goroutine came to it in the same way, and
// then it has the same object. That is what marks are for: they are equal if and
// only if (but for collisions of a 64-bit hash) all that happened before is.

// marks computes the marks of the events of an execution.
type marks struct {
	after [][]uint64 // by goroutine and number of the event
}

// comes marks that goroutine g comes to a point, knowing what it knows.
func (m *marks) comes(g, point uint32, knows clock) uint64 {
	h := mix(mix(0, uint64(g)), uint64(point))
	for other, n := range knows {
		if n > 0 {
			h = mix(h, m.after[other][n-1])
		}
	}
	return h
}

// happened notes event e, the clocks of which are known, for the marks of those
// that come after it.
func (m *marks) happened(e *event) {
	for len(m.after) <= int(e.g) {
		m.after = append(m.after, nil)
	}
	h := mix(e.comes, uint64(e.value))
	for other, n := range e.clock {
		if n > 0 && other != int(e.g) {
			h = mix(h, m.after[other][n-1])
		}
	}
	m.after[e.g] = append(m.after[e.g], h)
}

func mix(h, x uint64) uint64 {
	h = (h ^ x) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// apart tells whether event e of o comes into the way of s nowhere, as far as it
// is known which objects of o are those of s, if that is of another execution: of
// two objects one has to be known.
func (s sequence) apart(e *event, o *order) bool {
	if e.data || e.op.obj == 0 && len(e.op.chans) == 0 {
		return true
	}
	if o == s.from || e.known <= s.origin && len(e.woke) == 0 {
		return !slices.ContainsFunc(s.events, e.dependsOn)
	}
	t := o.objectsOf(s.from)
	all := t.hasAll(e)
	for _, x := range s.events {
		y, ok := t.event(x)
		if !ok && !all || e.dependsOn(y) {
			return false
		}
	}
	return true
}

// translations are those to the objects of the first of two executions from those
// of the second one, as far as they were needed.
type translations map[[2]*order]translation

// translation leads from the objects of one execution to those of another one.
type translation struct {
	to   map[uint32]uint32
	from map[uint32]bool // what it leads to
}

// objectsOf returns what is known of the objects of p: events with the same mark
// have the same one.
func (o *order) objectsOf(p *order) translation {
	pair := [2]*order{o, p}
	if t, ok := o.known[pair]; ok {
		return t
	}
	t := translation{map[uint32]uint32{0: 0}, map[uint32]bool{0: true}}
	for _, x := range p.events {
		y := o.come[x.comes]
		if y == nil || x.op.kind != y.op.kind || len(x.op.chans) != len(y.op.chans) {
			continue
		}
		t.add(x.op.obj, y.op.obj)
		for i, ch := range x.op.chans {
			t.add(ch, y.op.chans[i])
		}
	}
	o.known[pair] = t
	return t
}

func (t translation) add(obj, is uint32) {
	if obj != numberless && is != numberless {
		t.to[obj] = is
		t.from[is] = true
	}
}

// hasAll tells whether all objects of e are known.
func (t translation) hasAll(e *event) bool {
	unknown := func(obj uint32) bool { return !t.from[obj] }
	return !unknown(e.op.obj) && !slices.ContainsFunc(e.op.chans, unknown) && !slices.ContainsFunc(e.woke, unknown)
}

// event returns what matters of e with the other numbers, where one that is not
// known is no other one's, and whether all of them are.
func (t translation) event(e *event) (*event, bool) {
	ok := true
	number := func(obj uint32) uint32 {
		n, known := t.to[obj]
		if !known {
			ok = false
			return numberless - 1
		}
		return n
	}
	y := &event{op: e.op, rough: e.rough}
	y.op.obj, y.op.chans = number(e.op.obj), nil
	if e.by != 0 {
		y.by = number(e.by)
	}
	for _, ch := range e.op.chans {
		y.op.chans = append(y.op.chans, number(ch))
	}
	for _, ch := range e.woke {
		y.woke = append(y.woke, number(ch))
	}
	return y, ok
}
