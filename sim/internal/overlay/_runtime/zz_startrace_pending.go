package runtime

import "unsafe"

// What the operation that a goroutine announced at its point does to its
// object. Two operations of different goroutines race if they have the same
// object and do not commute: reads commute, and so do additions to a WaitGroup.
const (
	ctlPendNone   = iota // nothing that others could see, or done already
	ctlPendRead          // read lock, load
	ctlPendWrite         // anything else that has an object
	ctlPendAdd           // WaitGroup.Add
	ctlPendSelect        // select: any channel
	ctlPendPoint         // sim.Point: what all such points share
	ctlPendYield         // nothing, and others first
)

// announces tells whether the strategy needs to know what goroutines are about
// to do.
func (c *ctlState) announces() bool {
	return c.cfg.strategy == ctlStrategyPOS || c.cfg.strategy == ctlStrategyURW
}

// announce notes what gp, which is at a point, does when it goes on. It is
// called for the strategies that need it.
func (c *ctlState) announce(gp *g, kind uint8, obj unsafe.Pointer) {
	switch {
	case kind == ctlKPoint:
		gp.ctlpend = ctlPendPoint
	case kind == ctlKSelect:
		gp.ctlpend = ctlPendSelect
	case kind == ctlKGosched:
		gp.ctlpend = ctlPendYield
	case obj == nil || gp.stack.lo <= uintptr(obj) && uintptr(obj) < gp.stack.hi:
		// What is on its stack is its own, and stacks move.
		gp.ctlpend = ctlPendNone
	case kind == ctlKAdd, kind == ctlKDone:
		gp.ctlpend = ctlPendAdd
	case kind == ctlKRLock, kind == ctlKRUnlock, kind == ctlKLoad:
		gp.ctlpend = ctlPendRead
	default:
		gp.ctlpend = ctlPendWrite
	}
	if c.cfg.strategy == ctlStrategyURW {
		c.urwAnnounce(gp, obj)
	}
}

// ran notes that next was chosen to run: the operation that it announced
// happens now. The lock is held.
func (c *ctlState) ran(self, next *g) {
	if c.cfg.strategy == ctlStrategyPOS {
		c.posRan(self, next)
	} else {
		c.urwRan(next)
	}
	next.ctlpend = ctlPendNone
}

// born gives a new goroutine what the strategies know of it.
func (c *ctlState) born(gp *g) {
	gp.ctlpend = ctlPendNone
	gp.ctlsel = false
	gp.ctlops, gp.ctlleft, gp.ctlteach, gp.ctllast = 0, 0, 0, 0
	gp.ctlprio = uint32(ctlMix(&c.rng) >> 32)
}

// local returns the number of an alternative that does nothing that others
// could see, such as starting a goroutine, if there is one. What such steps come
// before or after makes no difference, unless there is a data race; that is why
// one in eight executions does not prefer them.
func (c *ctlState) local(self *g, selfLast bool) (uint32, bool) {
	if !c.localFirst {
		return 0, false
	}
	k := uint32(0)
	if self != nil && !selfLast {
		if self.ctlpend == ctlPendNone {
			return 0, true
		}
		k++
	}
	for p := c.head.ptr(); p != nil; p = p.schedlink.ptr() {
		if p.ctlpend == ctlPendNone {
			return k, true
		}
		k++
	}
	return 0, false
}

// races tells whether the operations that p and q announced race.
func races(p, q *g) bool {
	a, b := p.ctlpend, q.ctlpend
	switch {
	case a == ctlPendNone || b == ctlPendNone || a == ctlPendYield || b == ctlPendYield:
		return false
	case a == ctlPendPoint || b == ctlPendPoint:
		return a == b
	case a == ctlPendSelect || b == ctlPendSelect:
		return a == ctlPendWrite || b == ctlPendWrite || a == b
	}
	return p.ctlwait == q.ctlwait && (a != b || a == ctlPendWrite)
}

// ctlEventFlags says of a logged operation what profiles need to know.
func ctlEventFlags(gp *g, kind uint8) uint8 {
	f := uint8(0)
	if kind == ctlKLoad {
		f = ctlEventLoad
	}
	if a := gp.ctlwait; a >= gp.stack.lo && a < gp.stack.hi {
		f |= ctlEventStack
	}
	return f
}
