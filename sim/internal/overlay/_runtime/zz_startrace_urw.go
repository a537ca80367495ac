package runtime

import "unsafe"

// ctlProfile says what a goroutine is expected to do, by an execution that was
// watched. A goroutine is found by the path of numbers, by creation, that leads
// to it from the first one.
type ctlProfile struct {
	path  uint64
	left  uint32 // selected operations, with those of its children
	teach uint32 // its part of ctlConfig.teach
	last  uint32
	_     uint32
}

// What is selected beside the objects that ctlConfig.teach leads to.
const (
	ctlSelectAll    = 1 << iota // all operations that have an object
	ctlSelectPoints             // sim.Point
)

// ctlPatience is how many choices the goroutine that may do the next selected
// operation has for coming to it: it may wait, by spinning or together with
// somebody who spins, for one of those that wait for it.
const ctlPatience = 500

// urw takes the selected operations in a uniformly random order. To that end
// one goroutine, drawn in proportion to the selected operations that are left
// to it and to the children that it has not started yet, is the one that may do
// the next of them; the others may do everything else, in random order. With
// the operations on all shared objects selected this is the uniform random
// walk, with those on some of them SURW (Zhao, Wolff, Mathur, Roychoudhury:
// Selectively uniform concurrency testing, ASPLOS 2025).
func (c *ctlState) urw(self *g, selfLast bool) uint32 {
	if k, ok := c.local(self, selfLast); ok {
		return k
	}
	c.waited++
	if c.intended == 0 || c.waited > ctlPatience {
		c.intend(self)
	}
	k, ok := c.unblocked(self, selfLast)
	if !ok {
		// The intended goroutine waits for one of those that wait for it.
		c.intend(self)
		k, _ = c.unblocked(self, selfLast)
	}
	return k
}

// intend draws the goroutine that may do the next selected operation. The
// estimates may be too low, which is why no goroutine has none left.
func (c *ctlState) intend(self *g) {
	c.waited = 0
	sum := uint64(0)
	if self != nil {
		sum = uint64(max(self.ctlleft, 1))
	}
	for p := c.head.ptr(); p != nil; p = p.schedlink.ptr() {
		sum += uint64(max(p.ctlleft, 1))
	}
	x := ctlMix(&c.rng) % sum
	if self != nil {
		w := uint64(max(self.ctlleft, 1))
		if x < w {
			c.intended = self.ctlid
			return
		}
		x -= w
	}
	for p := c.head.ptr(); p != nil; p = p.schedlink.ptr() {
		w := uint64(max(p.ctlleft, 1))
		if x < w {
			c.intended = p.ctlid
			return
		}
		x -= w
	}
}

// unblocked draws one of the goroutines that may go on, if there is one.
func (c *ctlState) unblocked(self *g, selfLast bool) (uint32, bool) {
	n := uint64(0)
	for p := c.head.ptr(); p != nil; p = p.schedlink.ptr() {
		if c.mayRun(p) {
			n++
		}
	}
	if self != nil && c.mayRun(self) {
		n++
	}
	if n == 0 {
		return 0, false
	}
	x := (ctlMix(&c.rng) >> 32) * n >> 32
	k := uint32(0)
	if self != nil && !selfLast {
		if c.mayRun(self) {
			if x == 0 {
				return 0, true
			}
			x--
		}
		k++
	}
	for p := c.head.ptr(); p != nil; p = p.schedlink.ptr() {
		if c.mayRun(p) {
			if x == 0 {
				return k, true
			}
			x--
		}
		k++
	}
	return k, true // self, which comes last
}

func (c *ctlState) mayRun(p *g) bool { return !p.ctlsel || p.ctlid == c.intended }

// urwRan counts the operation of next, if it is a selected one.
func (c *ctlState) urwRan(next *g) {
	if !next.ctlsel {
		return
	}
	next.ctlsel = false
	if next.ctlleft > 0 {
		next.ctlleft--
	}
	c.intended = 0
}

// urwAnnounce finds out whether the operation that gp announced is a selected one:
// its object is known, or the profile says that this is where gp comes to it.
// From then on the object is kept, so that its address has no other meaning in
// this execution. A goroutine at a point has a P, which write barriers need.
//
//go:yeswritebarrierrec
func (c *ctlState) urwAnnounce(gp *g, obj unsafe.Pointer) {
	gp.ctlops++
	gp.ctlsel = false
	taught := gp.ctlteach < gp.ctllast && c.cfg.teach[gp.ctlteach] == gp.ctlops
	if taught {
		gp.ctlteach++
	}
	switch gp.ctlpend {
	case ctlPendPoint:
		gp.ctlsel = c.cfg.selected&ctlSelectPoints != 0
		return
	case ctlPendRead, ctlPendWrite:
	default:
		return
	}
	if c.cfg.selected&ctlSelectAll != 0 {
		gp.ctlsel = true
		return
	}
	for i := 0; i < c.nchosen; i++ {
		if c.chosen[i] == obj {
			gp.ctlsel = true
			return
		}
	}
	if taught && c.nchosen < len(c.chosen) {
		c.chosen[c.nchosen] = obj
		c.nchosen++
		gp.ctlsel = true
	}
}

// sign gives gp, which the holder of the token starts, what the profile knows of
// it. What it will do was counted as its parent's until now.
func (c *ctlState) sign(gp *g) {
	cfg := c.cfg
	parent := c.cur.ptr()
	for lo, hi := 0, len(cfg.profile); lo < hi; {
		mid := int(uint(lo+hi) / 2)
		p := &cfg.profile[mid]
		if p.path == gp.ctlpath {
			gp.ctlleft, gp.ctlteach, gp.ctllast = p.left, p.teach, p.last
			break
		}
		if p.path < gp.ctlpath {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if parent == nil {
		return
	}
	sum := max(parent.ctlleft, gp.ctlleft)
	parent.ctlleft = sum - gp.ctlleft
	if sum > 0 && c.intended == parent.ctlid && uint32(ctlMix(&c.rng)>>33)%sum < gp.ctlleft {
		c.intended = gp.ctlid
	}
}

// urwInit forgets the last execution.
func (c *ctlState) urwInit() {
	c.intended, c.waited = 0, 0
	for i := 0; i < c.nchosen; i++ {
		c.chosen[i] = nil
	}
	c.nchosen = 0
}
