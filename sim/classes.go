package sim

import (
	"fmt"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// Saturation says how much of what a body can do a search has seen: the
// classes of executions that differ in more than the order of operations which
// commute. A long random search looks at a part of its executions only.
type Saturation struct {
	Classified int // executions that were looked at
	Classes    int // classes that these belong to
	Once       int // classes that only one of these belongs to
}

// Unseen estimates the probability that another execution belongs to a class
// that was not met: the share of those that were met once (Good: The population
// frequencies of species and the estimation of population parameters,
// Biometrika 1953). It knows nothing of what the strategy makes unlikely.
func (s Saturation) Unseen() float64 {
	if s.Classified == 0 {
		return 1
	}
	return float64(s.Once) / float64(s.Classified)
}

// String is a clause of a report.
func (s Saturation) String() string {
	return fmt.Sprintf("%d executions belong to %d classes, %.1f%% of the next ones to others", s.Classified, s.Classes, 100*s.Unseen())
}

// Execution i of a random search is classified if it is among the first ones or
// one of every few: to look at each would cost up to a third of the speed.
const (
	classifiedFirst = 2000
	classifiedEvery = 7 // no divisor of what strategies cycle with
)

func classified(i int) bool { return i < classifiedFirst || i%classifiedEvery == 0 }

// classify counts n executions of a class.
func (e *explorer) classify(class uint64, n int) {
	s := &e.report.Saturation
	before := e.classes[class]
	e.classes[class] = before + n
	s.Classified += n
	switch {
	case before == 0 && n == 1:
		s.Classes++
		s.Once++
	case before == 0:
		s.Classes++
	case before == 1:
		s.Once--
	}
}

// classifier computes a fingerprint of the happens-before relation of an
// execution from its log: executions that differ only in the order of
// operations which commute have the same one. The relation is that of
// [dependencies]. Each goroutine and each object carries a hash of all that its
// last operation depends on, and the fingerprint is the sum of those of all
// operations, so that it does not matter who is asked first. A lock that is
// tried to take and held is no operation.
type classifier struct {
	lanes   []laneHash
	objects []objectHash
	sum     uint64
	clock   uint64
}

type laneHash struct {
	h       uint64
	kids    uint64
	uses    []uint32 // channels of the select that it is at
	pending op
	running op // happens, or turns out to have to wait
}

type op struct {
	kind uint8
	obj  uint32
}

// objectHash is what the next operation on an object depends on: those of the
// class before, and, if it is of another class, those of this one.
type objectHash struct {
	class  class
	before uint64
	last   uint64
}

// class returns the fingerprint of the execution with this log, which has the
// effects.
func (c *classifier) class(log []ctl.Event) uint64 {
	c.sum, c.clock = 0, 0
	c.lanes, c.objects = c.lanes[:0], c.objects[:0]
	for _, e := range log {
		c.event(e)
	}
	for i := range c.lanes {
		c.flush(&c.lanes[i])
		c.sum += hashed(c.lanes[i].h, 1)
	}
	return c.sum
}

func (c *classifier) event(e ctl.Event) {
	c.grow(max(e.From, e.To))
	from := &c.lanes[e.From]
	parks := e.NAlts > 0 && e.Kind >= ctl.KPark && e.Kind < ctl.KSpawn
	if parks && (from.running.kind == ctl.KLock || from.running.kind == ctl.KRLock) {
		from.pending, from.running = from.running, op{} // once more when it is woken
	}
	c.flush(from)
	switch {
	case e.Kind == ctl.KSpawn:
		from.kids++
		c.lanes[e.To].h = hashed(from.h, from.kids)
		return
	case e.Kind == ctl.KWake:
		if e.From == 0 {
			c.lanes[e.To].h = hashed(c.lanes[e.To].h, c.clock)
		}
		return
	case e.Kind == ctl.KUses:
		from.uses = append(from.uses, e.Obj)
		return
	case e.NAlts == 0:
		return
	case e.Kind == ctl.KChoose || e.Kind == ctl.KCase:
		from.h = hashed(from.h, uint64(e.Choice)+2)
		return
	case e.Kind < ctl.KPark:
		from.pending = op{e.Kind, e.Obj}
	}
	if e.To == 0 {
		c.clock++
		return
	}
	to := &c.lanes[e.To]
	to.running, to.pending = to.pending, op{}
}

// flush lets what a goroutine is doing have happened.
func (c *classifier) flush(l *laneHash) {
	o := l.running
	l.running = op{}
	switch o.kind {
	case ctl.KNone, ctl.KGo, ctl.KGosched:
	case ctl.KSelect:
		for _, obj := range l.uses {
			c.use(l, op{o.kind, obj})
		}
		l.uses = l.uses[:0]
	default:
		c.use(l, o)
	}
}

func (c *classifier) use(l *laneHash, o op) {
	l.h = hashed(l.h, uint64(o.kind))
	if o.obj != 0 && o.obj != ^uint32(0) {
		for len(c.objects) <= int(o.obj) {
			c.objects = append(c.objects, objectHash{})
		}
		ob := &c.objects[o.obj]
		if k := fingerprintClass(o.kind); k == exclusive || k != ob.class {
			ob.class, ob.before, ob.last = k, hashed(ob.before, ob.last), 0
		}
		l.h = hashed(l.h, ob.before)
		ob.last += hashed(l.h, 3)
	}
	c.sum += hashed(l.h, 5)
}

// fingerprintClass is classOf, but a Done and a Wait can change places, as
// partial-order reduction has it: a Wait that blocks has the same end as one
// that comes later.
func fingerprintClass(kind uint8) class {
	switch kind {
	case ctl.KDone, ctl.KJoin:
		return waiting
	}
	return classOf(kind)
}

func (c *classifier) grow(g uint32) {
	for len(c.lanes) <= int(g) {
		if n := len(c.lanes); n < cap(c.lanes) {
			c.lanes = c.lanes[:n+1]
			c.lanes[n] = laneHash{uses: c.lanes[n].uses[:0]}
		} else {
			c.lanes = append(c.lanes, laneHash{})
		}
	}
}

func hashed(h, x uint64) uint64 { return mix(h^0x2545f4914f6cdd1d, x) }
