package runtime

import "unsafe"

// pick decides who runs after a point: self, which may be nil, a held
// goroutine, or the root, which moves the clock. The lock is held. The chosen
// goroutine stays on the list.
//
// The alternatives are numbered so that 0 is the tame one: self, then the held
// goroutines in the order in which they became runnable, then the clock. A
// goroutine that yields, or that took too many points in a row, comes after
// the held ones.
func (c *ctlState) pick(self *g, from uint32, kind uint8, obj unsafe.Pointer, label uint32) *g {
	cfg := c.cfg
	cfg.points++
	c.sinceTime++
	at := c.count(from)
	if c.over() {
		return c.b.root
	}
	if cfg.flags&ctlFlagEnabled != 0 {
		return c.pickEnabled(self, from, at, kind, obj, label)
	}
	n := c.nheld
	if self != nil {
		n++
		c.streak++
	} else {
		c.streak = 0
	}
	clock := !c.rootRun && c.b.timers.wakeTime() != 0
	if clock && c.sinceTime > cfg.timeEvery && cfg.timeEvery != 0 && n != 0 {
		c.sinceTime = 0
		c.record(from, 0, at, kind, obj, label, 1, 0)
		cfg.switches++
		return c.b.root
	}
	if n == 0 {
		return nil
	}
	clock = clock && cfg.early != 0 && !c.onTime && kind < ctlKSpawn
	selfLast := self != nil && c.nheld != 0 && (kind == ctlKGosched || cfg.fairEvery != 0 && c.streak > cfg.fairEvery)
	alts := n
	if clock {
		alts++
	}
	var next *g
	k := uint32(0)
	if alts > 1 {
		cfg.decisions++
		k = c.choose(self, from, at, selfLast, kind, n, clock)
		if k == n {
			next = c.b.root
			cfg.early1++
			cfg.switches++
			c.record(from, 0, at, kind, obj, label, alts, k)
			return next
		}
	}
	next = c.at(self, selfLast, k)
	if c.announces() {
		c.ran(self, next)
	}
	if next != self {
		c.streak = 0
		cfg.switches++
		if self != nil && !selfLast {
			cfg.preemptions++
		}
	}
	c.record(from, next.ctlid, at, kind, obj, label, alts, k)
	return next
}

// over ends executions that go on for too long.
func (c *ctlState) over() bool {
	cfg := c.cfg
	if cfg.verdict != ctlVerdictNone {
		return !c.rootRun
	}
	if c.rootRun {
		return false
	}
	if cfg.maxPoints != 0 && cfg.points > cfg.maxPoints {
		cfg.verdict = ctlVerdictLimit
		if c.b.done {
			cfg.verdict = ctlVerdictLeak
		}
		return true
	}
	if c.doneAt != 0 && cfg.afterMain != 0 && cfg.points-c.doneAt > cfg.afterMain {
		cfg.verdict = ctlVerdictLeak
		return true
	}
	return false
}

// at returns alternative k.
func (c *ctlState) at(self *g, selfLast bool, k uint32) *g {
	if self != nil {
		if selfLast {
			if k == c.nheld {
				return self
			}
		} else {
			if k == 0 {
				return self
			}
			k--
		}
	}
	next := c.head.ptr()
	for ; k > 0; k-- {
		next = next.schedlink.ptr()
	}
	return next
}

// choose returns the number of the alternative to take: below n a goroutine,
// n the clock.
func (c *ctlState) choose(self *g, from, at uint32, selfLast bool, kind uint8, n uint32, clock bool) uint32 {
	alts := n
	if clock {
		alts++
	}
	if c.plain && !clock && c.forcedPos >= len(c.cfg.forced) {
		k := c.randomWalk(self, selfLast, n)
		c.chose(k)
		return k
	}
	k, ok := c.force(alts)
	if to, turns := c.turn(from, at); turns {
		k, ok = c.find(to, self, selfLast, n, clock), true
	}
	if !ok {
		switch {
		case clock && c.cfg.strategy != ctlStrategyFirst && ctlMix(&c.rng)%1000 < c.cfg.early:
			k = n
		case c.cfg.strategy == ctlStrategyRandom:
			k = c.randomWalk(self, selfLast, n)
		case c.cfg.strategy == ctlStrategyPCT:
			k = c.pct(self, selfLast, kind)
		case c.cfg.strategy == ctlStrategyPOS:
			k = c.pos(self, selfLast)
		case c.cfg.strategy == ctlStrategyURW:
			k = c.urw(self, selfLast)
		}
	}
	c.chose(k)
	return k
}

// chooseData returns a value in [0, n).
func (c *ctlState) chooseData(kind uint8, n, label uint32) uint32 {
	c.cfg.decisions++
	from := getg().ctlid
	at := c.count(from)
	k, ok := c.force(n)
	if to, turns := c.turn(from, at); turns {
		k, ok = to, true
		if k >= n {
			k = 0
		}
	}
	if !ok && c.cfg.strategy == ctlStrategyGuided {
		k, ok = c.value(at, n), true
	}
	if !ok && c.cfg.strategy != ctlStrategyFirst {
		if kind == ctlKCase || ctlMix(&c.rng)%1000 >= c.cfg.tame {
			k = uint32(ctlMix(&c.rng) >> 33 % uint64(n))
		}
	}
	c.chose(k)
	c.record(from, from, at, kind, nil, label, n, k)
	return k
}

// count returns the number of this point among those of goroutine from, which
// holds the token.
func (c *ctlState) count(from uint32) uint32 {
	if gp := c.cur.ptr(); gp != nil && from != 0 {
		gp.ctlpoint++
		return gp.ctlpoint
	}
	c.outside++
	return c.outside
}

// turn tells whether the schedule that is replayed is one of turns, and which
// one to take at a point: ^0 for none.
func (c *ctlState) turn(from, at uint32) (uint32, bool) {
	turns := c.cfg.turns
	if len(turns) == 0 {
		return 0, false
	}
	for i := range turns {
		if turns[i].from == from && turns[i].point == at {
			return turns[i].to, true
		}
	}
	return ^uint32(0), true
}

// find returns the number of the alternative that runs goroutine to, 0 if
// there is none.
func (c *ctlState) find(to uint32, self *g, selfLast bool, n uint32, clock bool) uint32 {
	if to == 0 {
		if clock {
			return n
		}
		return 0
	}
	for k := uint32(0); k < n; k++ {
		if c.at(self, selfLast, k).ctlid == to {
			return k
		}
	}
	return 0
}

// force returns the next choice of the schedule that is replayed, if any.
func (c *ctlState) force(alts uint32) (uint32, bool) {
	cfg := c.cfg
	if c.forcedPos >= len(cfg.forced) {
		return 0, false
	}
	k := cfg.forced[c.forcedPos]
	c.forcedPos++
	if k >= alts {
		if cfg.diverged == 0 {
			cfg.diverged = uint64(c.forcedPos)
		}
		k = 0
	}
	return k, true
}

func (c *ctlState) chose(k uint32) {
	cfg := c.cfg
	if cfg.nchoices < uint64(len(cfg.choices)) {
		cfg.choices[cfg.nchoices] = k
	}
	cfg.nchoices++
}

// record adds a point to the hash and, if there is one, to the log.
func (c *ctlState) record(from, to, at uint32, kind uint8, obj unsafe.Pointer, label, alts, k uint32) {
	c.mix(uint64(from)<<40 ^ uint64(to)<<16 ^ uint64(alts)<<8 ^ uint64(ctlHashed[kind]))
	if c.cfg.nlog < uint64(len(c.cfg.log)) {
		c.log(from, to, at, kind, obj, label, alts, k)
	}
}

func (c *ctlState) log(from, to, at uint32, kind uint8, obj unsafe.Pointer, label, alts, k uint32) {
	cfg := c.cfg
	e := &cfg.log[cfg.nlog]
	e.now = c.b.now
	e.obj = c.objnum(obj)
	e.label = label
	e.from, e.to, e.point = from, to, at
	e.nalts, e.choice = uint16(alts), uint16(k)
	e.kind = kind
	e.flags = 0
	if gp := c.cur.ptr(); gp != nil && kind < ctlKPark {
		e.flags = ctlEventFlags(gp, kind)
	}
	e.npc = 0
	if cfg.flags&ctlFlagStacks != 0 && from != 0 {
		c.stack(e, kind)
	}
	cfg.nlog++
}

// mix adds x to the hash of the execution.
func (c *ctlState) mix(x uint64) {
	h := (c.cfg.hash ^ x) * 0x9e3779b97f4a7c15
	c.cfg.hash = h ^ h>>29
}

// stack adds the call stack of the goroutine at the point to the log.
func (c *ctlState) stack(e *ctlEvent, kind uint8) {
	cfg := c.cfg
	i := cfg.nlog * ctlDepth
	if i+ctlDepth > uint64(len(cfg.stacks)) {
		return
	}
	buf := cfg.stacks[i : i+ctlDepth]
	gp := getg()
	switch {
	case gp.m != nil && gp == gp.m.curg:
		e.npc = uint16(callers(3, buf))
	case kind >= ctlKPark && kind < ctlKSpawn && c.cur != 0:
		e.npc = uint16(gcallers(c.cur.ptr(), 0, buf))
	}
}

// logSpawn logs a new goroutine with the place where it starts.
func (c *ctlState) logSpawn(gp *g) {
	cfg := c.cfg
	if cfg.strategy == ctlStrategyURW || cfg.flags&ctlFlagEffects != 0 {
		c.name(gp)
	}
	if cfg.strategy == ctlStrategyURW {
		c.sign(gp)
	}
	if cfg.nlog >= uint64(len(cfg.log)) {
		return
	}
	e := &cfg.log[cfg.nlog]
	*e = ctlEvent{now: c.b.now, to: gp.ctlid, kind: ctlKSpawn}
	if cfg.flags&ctlFlagEffects != 0 {
		e.label = gp.shortName()
	}
	if cur := c.cur.ptr(); cur != nil {
		e.from = cur.ctlid
	}
	if i := cfg.nlog * ctlDepth; i+2 <= uint64(len(cfg.stacks)) {
		cfg.stacks[i], cfg.stacks[i+1] = gp.startpc+1, gp.gopc
		e.npc = 2
	}
	cfg.nlog++
}
