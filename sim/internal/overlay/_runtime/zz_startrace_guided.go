package runtime

import "unsafe"

// pickEnabled is pick for systematic searches, under ctlFlagEnabled: a
// goroutine that would only wait for a lock is no alternative. Where nobody
// else is left the clock moves; without a timer the waiting ones run and
// block, and reports of deadlocks are what they always are.
func (c *ctlState) pickEnabled(self *g, from, at uint32, kind uint8, obj unsafe.Pointer, label uint32) *g {
	cfg := c.cfg
	held := c.nheld
	if self != nil {
		held++
		c.streak++
		if uintptr(obj) >= self.stack.lo && uintptr(obj) < self.stack.hi {
			obj = nil // nobody else can reach it
		}
		if obj == nil && kind != ctlKGosched && kind != ctlKPoint && kind != ctlKSelect {
			self.ctlkind = ctlKGo
		}
	} else {
		c.streak = 0
	}
	if held == 0 {
		return nil
	}
	selfLast := self != nil && c.nheld != 0 && (kind == ctlKGosched || cfg.fairEvery != 0 && c.streak > cfg.fairEvery)
	n := uint32(0)
	for k := uint32(0); k < held; k++ {
		if !ctlWaits(c.at(self, selfLast, k)) {
			n++
		}
	}
	clock := !c.rootRun && c.b.timers.wakeTime() != 0
	if clock && (n == 0 || c.sinceTime > cfg.timeEvery && cfg.timeEvery != 0) {
		c.sinceTime = 0
		c.record(from, 0, at, kind, obj, label, 1, 0)
		cfg.switches++
		return c.b.root
	}
	if n == 0 {
		next := c.at(self, selfLast, 0)
		c.record(from, next.ctlid, at, kind, obj, label, 1, 0)
		if i := cfg.nlog; i > 0 && i < uint64(len(cfg.log)) {
			cfg.log[i-1].flags |= ctlEventWaits
		}
		return next
	}
	clock = clock && cfg.early != 0 && !c.onTime && kind < ctlKSpawn
	alts := n
	if clock {
		alts++
	}
	k := c.chooseEnabled(self, from, at, selfLast, held, n, alts)
	if alts > 1 {
		c.logAlts(self, selfLast, held, clock)
	}
	if k == n {
		cfg.early1++
		cfg.switches++
		c.record(from, 0, at, kind, obj, label, alts, k)
		return c.b.root
	}
	next := c.enabled(self, selfLast, k)
	if next != self {
		c.streak = 0
		cfg.switches++
		if self != nil && !selfLast && !ctlWaits(self) {
			cfg.preemptions++
		}
	}
	c.record(from, next.ctlid, at, kind, obj, label, alts, k)
	return next
}

// ctlWaits tells whether gp, at its point, would only wait for a lock. The
// first word of a Mutex, which is the first field of an RWMutex, tells: it is
// locked from when a writer announces itself, even if it waits for readers.
func ctlWaits(gp *g) bool {
	if gp.ctlkind != ctlKLock && gp.ctlkind != ctlKRLock || gp.ctlwait == 0 {
		return false
	}
	const locked = 1
	return *(*int32)(unsafe.Pointer(gp.ctlwait))&locked != 0
}

// enabled returns alternative k, not counting those that wait.
func (c *ctlState) enabled(self *g, selfLast bool, k uint32) *g {
	for i := uint32(0); ; i++ {
		gp := c.at(self, selfLast, i)
		if ctlWaits(gp) {
			continue
		}
		if k == 0 {
			return gp
		}
		k--
	}
}

// chooseEnabled returns the number of the alternative to take: below n a
// goroutine, n the clock.
func (c *ctlState) chooseEnabled(self *g, from, at uint32, selfLast bool, held, n, alts uint32) uint32 {
	cfg := c.cfg
	if alts == 1 {
		if gp := c.enabled(self, selfLast, 0); c.guidePos < len(cfg.guide) && c.forcedPos >= len(cfg.forced) {
			if step := cfg.guide[c.guidePos]; gp.shortName() == step.from && gp.ctlpoint == step.point {
				c.guidePos++
			}
		}
		return 0
	}
	cfg.decisions++
	k, ok := c.force(alts)
	if to, turns := c.turn(from, at); turns {
		k, ok = 0, true
		for i := uint32(0); i < n; i++ {
			if c.enabled(self, selfLast, i).ctlid == to {
				k = i
			}
		}
		if to == 0 {
			k = alts - 1
		}
	}
	if !ok && cfg.strategy == ctlStrategyGuided {
		k = c.guided(self, selfLast, n)
	}
	c.chose(k)
	return k
}

// guided runs whoever has not come to an operation yet, then follows the guide,
// then goes on by default.
func (c *ctlState) guided(self *g, selfLast bool, n uint32) uint32 {
	for k := uint32(0); k < n; k++ {
		if gp := c.enabled(self, selfLast, k); gp.ctlkind == ctlKNone || gp.ctlkind == ctlKGo {
			return k
		}
	}
	cfg := c.cfg
	if c.guidePos >= len(cfg.guide) {
		return 0
	}
	step := cfg.guide[c.guidePos]
	c.guidePos++
	for k := uint32(0); k < n; k++ {
		if gp := c.enabled(self, selfLast, k); gp.shortName() == step.from && gp.ctlpoint == step.point {
			return k
		}
	}
	c.guidePos = len(cfg.guide)
	return 0
}

// name gives a new goroutine a name that does not depend on what others start
// in the meantime.
func (c *ctlState) name(gp *g) {
	s, n := uint64(0), &c.kids
	if cur := c.cur.ptr(); cur != nil {
		s, n = cur.ctlpath, &cur.ctlkids
	}
	*n++
	s += uint64(*n)
	gp.ctlpath = ctlMix(&s)
}

// shortName is the part of the name that guides and logs have.
func (gp *g) shortName() uint32 { return uint32(gp.ctlpath >> 32) }

// value returns what to draw at a point.
func (c *ctlState) value(at, n uint32) uint32 {
	from := getg().shortName()
	for _, v := range c.cfg.values {
		if v.from == from && v.point == at && v.to < n {
			return v.to
		}
	}
	return 0
}

// ctlHashed is what the hash of an execution knows of each kind.
var ctlHashed = func() (t [256]uint8) {
	for i := range t {
		t[i] = uint8(i)
	}
	t[ctlKDone], t[ctlKJoin], t[ctlKLoad] = ctlKAdd, ctlKWait, ctlKAtomic
	return t
}()

// ctlChan is the point before a send or a receive. To a systematic search it
// tells how much the channel holds, and whether the outcome depends on that: that
// of one that does not block, or that has to do with the clock, does.
func ctlChan(kind uint8, ch *hchan, block bool) {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return
	}
	label := uint32(0)
	if b.ctl.cfg.flags&ctlFlagEffects != 0 && ch != nil {
		label = uint32(min(ch.dataqsiz, 1<<30)) << 1
		if !block || ch.timer != nil {
			label |= 1
		}
	}
	ctlPointAt(gp, b.ctl, kind, unsafe.Pointer(ch), label)
}

// ctlSelect is the point before a select.
func ctlSelect(cas0 *scase, nsends, nrecvs int, block bool) {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return
	}
	c := b.ctl
	n := nsends + nrecvs
	for i, cas := range (*[1 << 16]scase)(unsafe.Pointer(cas0))[:n:n] {
		c.logUse(cas.c, i < nsends, !block)
	}
	ctlPointAt(gp, c, ctlKSelect, nil, 0)
}

// logUse logs, to a systematic search, a channel of a select that comes next, or
// that of a receive that does not block.
func (c *ctlState) logUse(ch *hchan, sends, polls bool) {
	gp := getg()
	if c.cfg.flags&ctlFlagEffects == 0 || gp.ctlin != 0 || c.cur.ptr() != gp {
		return
	}
	n := c.cfg.nlog
	c.logEffect(ctlKUses, unsafe.Pointer(ch))
	if n == c.cfg.nlog {
		return // there is no room
	}
	if sends {
		c.cfg.log[n].flags |= ctlEventSends
	}
	if polls {
		c.cfg.log[n].flags |= ctlEventPolls
	}
}

// ctlPolls comes before a receive that does not block.
func ctlPolls(ch *hchan) {
	if b := getg().bubble; b != nil && b.ctl != nil {
		b.ctl.logUse(ch, false, true)
	}
}

// logEffect logs what the caller does, or is about to do, to an object beside
// the operation of its last point.
func (c *ctlState) logEffect(kind uint8, p unsafe.Pointer) {
	cfg := c.cfg
	gp := getg()
	c.lock()
	if cfg.nlog < uint64(len(cfg.log)) {
		cfg.log[cfg.nlog] = ctlEvent{now: c.b.now, obj: c.objnum(p), from: gp.ctlid, to: gp.ctlid, kind: kind}
		cfg.nlog++
	}
	c.unlock()
}

// logWake logs that gp becomes runnable again. The lock is held.
func (c *ctlState) logWake(gp *g) {
	cfg := c.cfg
	if cfg.flags&ctlFlagEffects == 0 || cfg.nlog >= uint64(len(cfg.log)) {
		return
	}
	e := &cfg.log[cfg.nlog]
	*e = ctlEvent{now: c.b.now, to: gp.ctlid, kind: ctlKWake}
	if cur := c.cur.ptr(); cur != nil {
		e.from = cur.ctlid
	}
	cfg.nlog++
}

// logAlts logs who could run, 0 for the clock. The lock is held.
func (c *ctlState) logAlts(self *g, selfLast bool, held uint32, clock bool) {
	cfg := c.cfg
	if cfg.flags&ctlFlagEffects == 0 {
		return
	}
	for k := uint32(0); k < held; k++ {
		if gp := c.at(self, selfLast, k); !ctlWaits(gp) {
			c.logAlt(gp.ctlid)
		}
	}
	if clock {
		c.logAlt(0)
	}
}

func (c *ctlState) logAlt(id uint32) {
	cfg := c.cfg
	if cfg.nalts < uint64(len(cfg.alts)) {
		cfg.alts[cfg.nalts] = id
	}
	cfg.nalts++
}
