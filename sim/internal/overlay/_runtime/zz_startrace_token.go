package runtime

import (
	"internal/runtime/atomic"
	"unsafe"
)

// ctlYield is a scheduling point: the caller stays runnable, another held
// goroutine may be chosen to run before it goes on.
func ctlYield(kind uint8, obj unsafe.Pointer) {
	gp := getg()
	if b := gp.bubble; b != nil && b.ctl != nil {
		ctlPointAt(gp, b.ctl, kind, obj, 0)
	}
}

func ctlPointAt(gp *g, c *ctlState, kind uint8, obj unsafe.Pointer, label uint32) {
	mp := gp.m
	if gp.ctlin != 0 || gp.ctlquiet || mp == nil || mp.curg != gp || mp.locks != 0 || mp.mallocing != 0 || c.cur.ptr() != gp {
		return
	}
	gp.ctlwait = uintptr(obj)
	if len(c.cfg.focus) != 0 && c.away(kind) {
		c.lock()
		c.pass(gp, kind, obj, label)
		c.unlock()
		return
	}
	if c.announces() {
		c.announce(gp, kind, obj)
	}
	gp.ctlkind = kind
	if kind == ctlKTryLock {
		c.cfg.tried = 1
	}
	c.lock()
	next := c.pick(gp, gp.ctlid, kind, obj, label)
	if next == gp {
		c.unlock()
		return
	}
	c.push(gp)
	if next == c.b.root {
		c.cur = 0
	} else {
		c.remove(next)
		c.cur.set(next)
	}
	gp.ctlnext.set(next)
	// gp is among the held ones and still runs: nothing may come in between.
	// So the lock goes, and what keeps gp from being preempted stays.
	atomic.StoreRel(&c.locked, 0)
	mcall(ctlYield_m)
}

// ctlYield_m leaves gp, which has handed over, and runs the next goroutine.
func ctlYield_m(gp *g) {
	mp := getg().m
	mp.locks--
	b := gp.bubble
	next := gp.ctlnext.ptr()
	gp.ctlnext = 0
	if next != b.root && ctlSwitch(mp, gp, next) {
		gogo(&next.sched)
	}
	trace := traceAcquire()
	if trace.ok() {
		trace.GoSched()
	}
	casgstatus(gp, _Grunning, _Grunnable)
	if trace.ok() {
		traceRelease(trace)
	}
	locked := gp.lockedm != 0
	dropg()
	if next == b.root {
		ctlWakeRoot(b)
		schedule()
	}
	ctlRun(next, locked)
}

// ctlWakeRoot has the root move the clock, or end the execution, although not
// all goroutines are blocked. The root passes the token on when it parks.
func ctlWakeRoot(b *synctestBubble) {
	b.incActive()
	ready(b.root, 0, true)
}

// ctlRun runs next, which holds the token, on this M if that is possible. It
// never returns.
func ctlRun(next *g, locked bool) {
	mp := getg().m
	mp.p.ptr().schedtick++
	if locked || next.lockedm != 0 || mp.lockedg != 0 || gcBlackenEnabled != 0 || sched.gcwaiting.Load() {
		runqput(mp.p.ptr(), next, true)
		if locked || mp.lockedg != 0 {
			wakep()
		}
		schedule()
	}
	if ctlSwitch(mp, nil, next) {
		gogo(&next.sched)
	}
	execute(next, true)
}

// ctlRelease passes the token on after gp parked or exited. It runs on g0 and
// returns the next goroutine to run, if any.
func ctlRelease(b *synctestBubble, gp *g, id uint32, kind uint8) *g {
	c := b.ctl
	c.lock()
	if gp == b.root {
		id = 0
		kind = ctlKRoot
		c.rootRun = false
		if c.cur != 0 {
			c.unlock()
			return nil
		}
	} else if c.cur.ptr() != gp {
		c.unlock()
		return nil
	}
	next := c.pick(nil, id, kind, nil, 0)
	if next == b.root && next != nil {
		c.cur = 0
		c.unlock()
		ctlWakeRoot(b)
		return nil
	}
	if next != nil {
		c.remove(next)
	}
	c.cur.set(next)
	c.unlock()
	return next
}

// ctlReleases tells whether parking for reason r passes the token on. Any
// other reason, as GC assist or preemption, is transparent: gp keeps it.
func ctlReleases(r waitReason) bool {
	if r == waitReasonCoroutine {
		return false
	}
	if r.isIdleInSynctest() {
		return true
	}
	switch r {
	case waitReasonSyncMutexLock, waitReasonSyncRWMutexRLock, waitReasonSyncRWMutexLock,
		waitReasonSyncWaitGroupWait, waitReasonChanReceive, waitReasonChanSend,
		waitReasonSelect, waitReasonIOWait, waitReasonSemacquire:
		return true
	}
	return false
}

func ctlInPark(b *synctestBubble, gp *g) bool {
	return b != nil && b.ctl != nil && (gp == b.root || !gp.ctlquiet && ctlReleases(gp.waitreason))
}

// ctlHold is called for a goroutine that has just become runnable. It reports
// whether the goroutine was put among the held ones.
func ctlHold(gp *g) bool {
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return false
	}
	c := b.ctl
	if gp == b.root {
		c.rootRun = true
		return false
	}
	if c.cur.ptr() == gp && (gp.ctlquiet || !ctlReleases(gp.waitreason)) {
		return false // transparent park
	}
	c.lock()
	if gp.ctlid == 0 {
		ctlNewG(c, gp)
		c.logSpawn(gp)
	} else {
		c.asideWake(gp)
		c.logWake(gp)
	}
	gp.ctlkind = ctlKNone
	if r := gp.waitreason; c.cfg.flags&ctlFlagEffects != 0 && (r == waitReasonSyncWaitGroupWait || r == waitReasonSynctestWaitGroupWait) {
		gp.ctlkind = ctlKJoin // it looks again whether there is nothing to wait for
	}
	c.push(gp)
	var kick *g
	if c.cur == 0 && !c.rootRun && !c.dead && getg().bubble != b {
		kick = c.pick(nil, 0, ctlKOutside, nil, 0)
		if kick == b.root {
			c.unlock()
			ctlWakeRoot(b)
			return true
		}
		c.remove(kick)
		c.cur.set(kick)
	}
	c.unlock()
	if kick != nil {
		runqput(getg().m.p.ptr(), kick, true)
		wakep()
	}
	return true
}

// ctlQuietWake tells that the M which readies gp will look at its run queue
// next, so that no other M has to be woken.
func ctlQuietWake(gp *g) bool {
	b := gp.bubble
	return b != nil && b.ctl != nil && gp == b.root && getg() == getg().m.g0 && getg().m.curg == nil
}

// ctlSystem tells whether newg, which callergp starts, is a goroutine of the
// system, which goes by its name.
func ctlSystem(callergp, newg *g) bool {
	b := callergp.bubble
	if b == nil || b.ctl == nil {
		return isSystemGoroutine(newg, false)
	}
	known := &b.ctl.users[newg.startpc>>5%8]
	if *known == newg.startpc {
		return false
	}
	if isSystemGoroutine(newg, false) {
		return true
	}
	*known = newg.startpc
	return false
}

// ctlMain holds the bubble's first goroutine until the root parks.
func ctlMain(b *synctestBubble, gp *g) bool {
	c := b.ctl
	if c == nil {
		return false
	}
	c.lock()
	ctlNewG(c, gp)
	c.logSpawn(gp)
	c.push(gp)
	c.unlock()
	return true
}

// ctlStray is the safety net in schedule: a bubble goroutine that came to a
// run queue by a path without a hook (netpoll) is held unless it has the token.
func ctlStray(gp *g) bool {
	b := gp.bubble
	if b == nil || b.ctl == nil || gp == b.root {
		return false
	}
	c := b.ctl
	if c.cur.ptr() == gp {
		return false
	}
	c.lock()
	c.cfg.strays++
	if gp.ctlid == 0 {
		ctlNewG(c, gp)
	}
	if c.cfg.strays == 1 {
		ctlNoteStray(c.cfg, gp)
	}
	if c.cur == 0 && !c.dead {
		c.cur.set(gp)
		c.unlock()
		return false
	}
	c.push(gp)
	c.unlock()
	return true
}

// ctlCoro moves the token along with a coroutine switch.
func ctlCoro(b *synctestBubble, gp, gnext *g) {
	if b == nil || b.ctl == nil {
		return
	}
	c := b.ctl
	c.lock()
	if gnext.ctlid == 0 {
		ctlNewG(c, gnext)
		if c.cfg.flags&ctlFlagEffects != 0 {
			c.logSpawn(gnext)
		}
	}
	if c.cur.ptr() == gp {
		c.cur.set(gnext)
	}
	c.unlock()
}

// ctlIdle replaces isIdleInSynctest for goroutines of a bubble. entering tells
// a goroutine that parks from one that is woken: the answers must agree.
func (b *synctestBubble) ctlIdle(gp *g, entering bool) bool {
	r := gp.waitreason
	if r.isIdleInSynctest() {
		return true
	}
	c := b.ctl
	if c == nil {
		return false
	}
	switch r {
	case waitReasonSyncMutexLock, waitReasonSyncRWMutexRLock:
		// Only if the holder is in the bubble: a global mutex may be held outside.
		if entering {
			gp.ctlidle = c.owned(gp.ctlwait)
		}
		return gp.ctlidle
	case waitReasonSyncRWMutexLock:
		return true
	case waitReasonSyncWaitGroupWait, waitReasonChanReceive, waitReasonChanSend, waitReasonSelect:
		return c.cfg.flags&ctlFlagChanIdle != 0
	}
	return false
}

func (c *ctlState) push(gp *g) {
	gp.schedlink = 0
	if c.tail != 0 {
		c.tail.ptr().schedlink.set(gp)
	} else {
		c.head.set(gp)
	}
	c.tail.set(gp)
	c.nheld++
}

func (c *ctlState) remove(gp *g) {
	var prev *g
	for p := c.head.ptr(); p != nil; prev, p = p, p.schedlink.ptr() {
		if p != gp {
			continue
		}
		if prev == nil {
			c.head = p.schedlink
		} else {
			prev.schedlink = p.schedlink
		}
		if c.tail.ptr() == p {
			c.tail.set(prev)
		}
		p.schedlink = 0
		c.nheld--
		return
	}
	throw("startrace: goroutine is not held")
}
