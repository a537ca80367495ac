package runtime

import "internal/runtime/atomic"

// lock takes the lock of c, and keeps the caller on its M. It is held for a few
// instructions and hardly ever contended; a mutex of the runtime would take
// several times as long, since it also keeps statistics.
func (c *ctlState) lock() {
	getg().m.locks++
	for !atomic.Cas(&c.locked, 0, 1) {
		procyield(10)
	}
}

func (c *ctlState) unlock() {
	atomic.StoreRel(&c.locked, 0)
	getg().m.locks--
}

// ctlLock takes the lock of the bubble itself: mu, or if it is controlled one of
// the same kind as above.
func (b *synctestBubble) ctlLock() {
	c := b.ctl
	if c == nil {
		lock(&b.mu)
		return
	}
	getg().m.locks++
	for !atomic.Cas(&c.bubble, 0, 1) {
		procyield(10)
	}
}

func (b *synctestBubble) ctlUnlock() {
	c := b.ctl
	if c == nil {
		unlock(&b.mu)
		return
	}
	atomic.StoreRel(&c.bubble, 0)
	getg().m.locks--
}

// ctlSwitch does what casgstatus, dropg and execute do to leave gp, if it is
// not nil, and to get next ready for gogo, as long as nothing is going on that
// they would have to look after. It runs on g0. It changes nothing if it
// reports false.
//
// Between running and runnable nothing changes for the bubble, which is what
// casgstatus spends most of its time on.
func ctlSwitch(mp *m, gp, next *g) bool {
	pp := mp.p.ptr()
	if traceEnabled() || gcBlackenEnabled != 0 || sched.gcwaiting.Load() || goroutineProfile.active ||
		pp.runSafePointFn != 0 || mp.lockedg != 0 || next.lockedm != 0 || mp.profilehz != sched.profilehz ||
		gp != nil && gp.lockedm != 0 {
		return false
	}
	if !next.atomicstatus.CompareAndSwap(_Grunnable, _Grunning) {
		return false // the garbage collector looks at its stack
	}
	if gp != nil {
		if !gp.atomicstatus.CompareAndSwap(_Grunning, _Grunnable) {
			casgstatus(next, _Grunning, _Grunnable)
			return false
		}
		setMNoWB(&gp.m, nil)
	}
	next.tracking = false // samples of scheduling latencies would mean nothing
	setGNoWB(&mp.curg, next)
	setMNoWB(&next.m, mp)
	next.syncSafePoint = false
	next.waitsince = 0
	next.preempt = false
	next.stackguard0 = next.stack.lo + stackGuard
	pp.schedtick++
	return true
}

// ctlCounts tells whether a change of status can matter to a bubble. Between
// running and runnable it can't.
//
//go:nosplit
func ctlCounts(oldval, newval uint32) bool {
	return oldval != _Grunnable && oldval != _Grunning || newval != _Grunnable && newval != _Grunning
}
