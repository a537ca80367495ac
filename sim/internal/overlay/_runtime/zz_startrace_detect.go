package runtime

import "unsafe"

// ctlReport notes what the goroutines left in b wait for and who holds it.
func ctlReport(b *synctestBubble) {
	c := b.ctl
	cfg := c.cfg
	systemstack(func() {
		forEachG(func(gp *g) {
			if gp.bubble != b || gp == b.root || gp.ctlid == 0 || cfg.nblocked >= uint64(len(cfg.blocked)) {
				return
			}
			status := readgstatus(gp) &^ _Gscan
			if status != _Gwaiting && status != _Grunnable {
				return
			}
			r := &cfg.blocked[cfg.nblocked]
			cfg.nblocked++
			*r = ctlBlocked{id: gp.ctlid, reason: uint32(gp.waitreason), gopc: gp.gopc}
			if status == _Grunnable {
				r.running = 1
			} else {
				c.holders(r, gp.ctlwait, gp.waitreason)
				r.obj = c.objnum(unsafe.Pointer(gp.ctlwait))
			}
			r.npc = uint32(gcallers(gp, 0, r.pcs[:]))
		})
	})
}

func slicesHas(list []uint32, x uint32) bool {
	for _, y := range list {
		if y == x {
			return true
		}
	}
	return false
}

func (c *ctlState) holders(r *ctlBlocked, addr uintptr, reason waitReason) {
	switch reason {
	case waitReasonSyncMutexLock, waitReasonSyncRWMutexRLock, waitReasonSyncRWMutexLock:
	default:
		return
	}
	for i := 0; i < c.nowners && int(r.nowner) < len(r.owners); i++ {
		if c.owners[i].addr == addr && !slicesHas(r.owners[:r.nowner], c.owners[i].id) {
			r.owners[r.nowner] = c.owners[i].id
			r.nowner++
		}
	}
}

// ctlGone tells whether gp was left by an execution that has ended. It can
// never run again, and stack dumps, as those of leak checkers, leave it out.
func ctlGone(gp *g) bool {
	b := gp.bubble
	return b != nil && b.ctl != nil && b.ctl.dead
}

// owned tells whether a goroutine of the bubble holds the lock at addr, or may.
func (c *ctlState) owned(addr uintptr) bool {
	for i := 0; i < c.nowners; i++ {
		if c.owners[i].addr == addr {
			return true
		}
	}
	return c.ownersFull
}

// ctlAcquired notes that the caller holds the lock at p, whether or not that
// was a point.
func ctlAcquired(p unsafe.Pointer, read bool) {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return
	}
	c := b.ctl
	if gp.ctlin == 0 && gp.ctlkind == ctlKTryLock && c.cfg.flags&ctlFlagEffects != 0 {
		c.logEffect(ctlKTryLock, p)
	}
	if c.nowners == len(c.owners) {
		c.ownersFull = true
		return
	}
	o := &c.owners[c.nowners]
	o.addr, o.id, o.read = uintptr(p), gp.ctlid, read
	c.nowners++
}

// ctlReleased notes that the lock at p is let go: by the caller if it is among
// the holders, by anyone otherwise, as Go allows.
func ctlReleased(p unsafe.Pointer, read bool) {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return
	}
	c := b.ctl
	found := -1
	for i := c.nowners - 1; i >= 0; i-- {
		if o := &c.owners[i]; o.addr == uintptr(p) && o.read == read {
			found = i
			if o.id == gp.ctlid {
				break
			}
		}
	}
	if found >= 0 {
		c.nowners--
		c.owners[found] = c.owners[c.nowners]
	}
}

// ctlPanicked takes over when a goroutine of a controlled bubble is about to
// end the process with panic p: the execution ends instead.
func ctlPanicked(p *_panic, e any) {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil || gp == b.root || b.ctl.cfg.flags&ctlFlagCatchPanics == 0 || gp.m.locks != 0 {
		return
	}
	cfg := b.ctl.cfg
	if cfg.verdict == ctlVerdictNone {
		cfg.panicVal = e
		cfg.npanic = uint64(callers(2, cfg.panicPCs[:]))
	}
	runningPanicDefers.Add(-1)
	ctlEndBy(gp, b.ctl)
}

// ctlFatal does the same for an error as the unlock of an unlocked mutex.
func ctlFatal(s string) {
	gp := getg()
	if gp.m == nil || gp != gp.m.curg || gp.m.locks != 0 {
		return
	}
	b := gp.bubble
	if b == nil || b.ctl == nil || gp == b.root || b.ctl.cfg.flags&ctlFlagCatchPanics == 0 {
		return
	}
	cfg := b.ctl.cfg
	if cfg.verdict == ctlVerdictNone {
		cfg.ntext = uint64(copy(cfg.text[:], s))
		cfg.npanic = uint64(callers(2, cfg.panicPCs[:]))
	}
	ctlEndBy(gp, b.ctl)
}

func ctlEndBy(gp *g, c *ctlState) {
	if c.cfg.verdict == ctlVerdictNone {
		c.cfg.panicGo = uint64(gp.ctlid)
		c.cfg.verdict = ctlVerdictPanic
	}
	gp.ctlin = 0
	gp.ctlquiet = false
	goexit1()
}

// ctlCrash prints the choices of the execution in which the process dies, so
// that it can be replayed.
func ctlCrash(gp *g) {
	if gp.m != nil && gp == gp.m.g0 && gp.m.curg != nil {
		gp = gp.m.curg
	}
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return
	}
	cfg := b.ctl.cfg
	print("startrace: the process dies in a controlled execution; its schedule so far:\nraw1:")
	n := cfg.nchoices
	if n > uint64(len(cfg.choices)) {
		n = uint64(len(cfg.choices))
	}
	for i := uint64(0); i < n; i++ {
		if i > 0 {
			print(",")
		}
		print(cfg.choices[i])
	}
	print("\n")
}

// ctlCase decides which of the ready cases of a select is taken, by moving it
// to the front of pollorder. The channels are locked.
func ctlCase(gp *g, scases []scase, pollorder []uint16, nsends int) {
	b := gp.bubble
	if b == nil || b.ctl == nil || gp.ctlin != 0 || gp.ctlquiet || b.ctl.cur.ptr() != gp {
		return
	}
	n := uint32(0)
	for _, i := range pollorder {
		if ctlReady(&scases[i], int(i) < nsends) {
			n++
		}
	}
	if n == 0 {
		return
	}
	c := b.ctl
	k := uint32(0)
	if n > 1 {
		c.lock()
		k = c.chooseData(ctlKCase, n, 0)
		c.unlock()
	}
	for j, i := range pollorder {
		if !ctlReady(&scases[i], int(i) < nsends) {
			continue
		}
		if k == 0 {
			pollorder[0], pollorder[j] = pollorder[j], pollorder[0]
			c.asideUse(gp, ctlKCase, unsafe.Pointer(scases[i].c))
			return
		}
		k--
	}
}

func ctlReady(cas *scase, send bool) bool {
	c := cas.c
	if c.closed != 0 {
		return true
	}
	if send {
		return c.qcount < c.dataqsiz || ctlWaiter(&c.recvq)
	}
	return c.qcount > 0 || ctlWaiter(&c.sendq)
}

func ctlWaiter(q *waitq) bool {
	for s := q.first; s != nil; s = s.next {
		if !s.isSelect || s.g.selectDone.Load() == 0 {
			return true
		}
	}
	return false
}
