package runtime

import "unsafe"

// The entry points for internal/sync, sync, sync/atomic and sim/internal/ctl.

//go:linkname ctl_isync_before internal/sync.runtime_ctlBefore
func ctl_isync_before(kind uint8, p unsafe.Pointer) {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return
	}
	gp.ctlwait = uintptr(p) // even if it is no point
	ctlPointAt(gp, b.ctl, kind, p, 0)
}

//go:linkname ctl_isync_acquired internal/sync.runtime_ctlAcquired
func ctl_isync_acquired(p unsafe.Pointer) { ctlAcquired(p, false) }

//go:linkname ctl_isync_released internal/sync.runtime_ctlReleased
func ctl_isync_released(p unsafe.Pointer) { ctlUnlocking(ctlKUnlock, p, false) }

//go:linkname ctl_sync_enter sync.runtime_ctlEnter
func ctl_sync_enter(kind uint8, p unsafe.Pointer) bool { return ctlEnter(kind, p, 0) }

//go:linkname ctl_sync_leave sync.runtime_ctlLeave
func ctl_sync_leave() { getg().ctlin-- }

//go:linkname ctl_sync_acquired sync.runtime_ctlAcquired
func ctl_sync_acquired(p unsafe.Pointer, read bool) { ctlAcquired(p, read) }

//go:linkname ctl_sync_released sync.runtime_ctlReleased
func ctl_sync_released(kind uint8, p unsafe.Pointer, read bool) { ctlUnlocking(kind, p, read) }

//go:linkname ctl_sync_before sync.runtime_ctlBefore
func ctl_sync_before(kind uint8, p unsafe.Pointer) { ctlYield(kind, p) }

//go:linkname ctl_sync_on sync.runtime_ctlOn
func ctl_sync_on() bool { return ctlOn() }

//go:linkname ctl_atomic_before sync/atomic.runtime_ctlBefore
func ctl_atomic_before(p unsafe.Pointer) { ctlAtomic(ctlKAtomic, p) }

//go:linkname ctl_atomic_load sync/atomic.runtime_ctlBeforeLoad
func ctl_atomic_load(p unsafe.Pointer) { ctlAtomic(ctlKLoad, p) }

func ctlAtomic(kind uint8, p unsafe.Pointer) {
	gp := getg()
	if b := gp.bubble; b != nil && b.ctl != nil && gp.ctlin == 0 && b.ctl.cfg.flags&ctlFlagNoAtomics == 0 {
		ctlPointAt(gp, b.ctl, kind, p, 0)
	}
}

// ctl_atomic_before_func is the point before a function of sync/atomic. The
// counters of -covermode=atomic are none of the program's.
//
//go:linkname ctl_atomic_before_func sync/atomic.runtime_ctlBeforeFunc
func ctl_atomic_before_func(p unsafe.Pointer) {
	if gp := getg(); gp.bubble == nil || gp.bubble.ctl == nil {
		return
	}
	if a := uintptr(p); a < firstmoduledata.covctrs || a >= firstmoduledata.ecovctrs {
		ctl_atomic_before(p)
	}
}

//go:linkname ctl_sync_add sync.runtime_ctlEnterAdd
func ctl_sync_add(delta int, p unsafe.Pointer) bool {
	kind := uint8(ctlKAdd)
	if delta < 0 {
		kind, delta = ctlKDone, -delta
	}
	if b := getg().bubble; b == nil || b.ctl == nil || b.ctl.cfg.flags&ctlFlagEffects == 0 {
		delta = 0
	}
	return ctlEnter(kind, p, uint32(delta))
}

// ctlEnter is the point before an operation of package sync that is made of
// several steps. Up to ctlLeave the caller takes no further points.
func ctlEnter(kind uint8, p unsafe.Pointer, label uint32) bool {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return false
	}
	if kind != ctlKNone {
		gp.ctlwait = uintptr(p)
		ctlPointAt(gp, b.ctl, kind, p, label)
	}
	gp.ctlin++
	return true
}

// ctlUnlocking is called before a lock is let go. Whoever gets it next runs
// before his own point, so this is one only for programs that try locks.
func ctlUnlocking(kind uint8, p unsafe.Pointer, read bool) {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return
	}
	flags := b.ctl.cfg.flags
	if flags&ctlFlagUnlockPoints != 0 {
		ctlPointAt(gp, b.ctl, kind, p, 0)
	} else if flags&ctlFlagStacks != 0 {
		b.ctl.asideUse(gp, kind, p)
	}
	ctlReleased(p, read)
	if flags&ctlFlagEffects != 0 && gp.ctlin == 0 {
		b.ctl.logEffect(kind, p)
	}
}

func ctlOn() bool {
	b := getg().bubble
	return b != nil && b.ctl != nil
}

// ctlOwn tells whether the caller is in a bubble of ours, whose objects need no
// record of the bubble that they belong to.
func ctlOwn() bool {
	b := getg().bubble
	return b != nil && b.ctl != nil && b.ctl.cfg.flags&ctlFlagAuto == 0
}

// GC runs a garbage collection. Its own waits and yields are no points.
func GC() {
	gp := getg()
	q := gp.ctlquiet
	gp.ctlquiet = true
	ctlGC0()
	gp.ctlquiet = q
}

//go:linkname ctl_arm github.com/startrace/startrace/sim/internal/ctl.arm
func ctl_arm(cfg *ctlConfig) { getg().ctlcfg = cfg }

//go:linkname ctl_run github.com/startrace/startrace/sim/internal/ctl.synctestRun
func ctl_run(f func()) { synctestRun(f) }

//go:linkname ctl_id github.com/startrace/startrace/sim/internal/ctl.ID
func ctl_id() uint32 { return getg().ctlid }

//go:linkname ctl_controlled github.com/startrace/startrace/sim/internal/ctl.Controlled
func ctl_controlled() bool { return ctlOn() }

//go:linkname ctl_config github.com/startrace/startrace/sim/internal/ctl.current
func ctl_config() *ctlConfig {
	if b := getg().bubble; b != nil && b.ctl != nil {
		return b.ctl.cfg
	}
	return nil
}

//go:linkname ctl_point github.com/startrace/startrace/sim/internal/ctl.point
func ctl_point(kind uint8, obj unsafe.Pointer, label string) {
	gp := getg()
	if b := gp.bubble; b != nil && b.ctl != nil {
		ctlPointAt(gp, b.ctl, kind, obj, ctlLabel(b.ctl, label))
	}
}

//go:linkname ctl_choose github.com/startrace/startrace/sim/internal/ctl.choose
func ctl_choose(n uint32, label string) uint32 {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil || n < 2 || b.ctl.cur.ptr() != gp {
		return 0
	}
	c := b.ctl
	l := ctlLabel(c, label)
	c.lock()
	k := c.chooseData(ctlKChoose, n, l)
	c.unlock()
	return k
}

//go:linkname ctl_note github.com/startrace/startrace/sim/internal/ctl.note
func ctl_note(kind uint8, label string) {
	gp := getg()
	b := gp.bubble
	if b == nil || b.ctl == nil {
		return
	}
	c := b.ctl
	l := ctlLabel(c, label)
	c.lock()
	if c.cfg.nlog < uint64(len(c.cfg.log)) {
		c.cfg.log[c.cfg.nlog] = ctlEvent{now: c.b.now, label: l, from: gp.ctlid, to: gp.ctlid, kind: kind}
		c.cfg.nlog++
	}
	c.unlock()
}

// ctl_quiet makes the caller's operations no points, until it is called with
// false. Calls nest.
//
//go:linkname ctl_quiet github.com/startrace/startrace/sim/internal/ctl.quiet
func ctl_quiet(on bool) {
	if on {
		getg().ctlin++
	} else {
		getg().ctlin--
	}
}

//go:linkname ctl_ontime github.com/startrace/startrace/sim/internal/ctl.OnTime
func ctl_ontime() {
	if b := getg().bubble; b != nil && b.ctl != nil {
		b.ctl.onTime = true
	}
}

// ctlLabel keeps a label for the log and returns its number.
func ctlLabel(c *ctlState, label string) uint32 {
	cfg := c.cfg
	if label == "" || cfg.nlabels >= uint64(len(cfg.labels)) {
		return 0
	}
	cfg.labels[cfg.nlabels] = label
	cfg.nlabels++
	return uint32(cfg.nlabels)
}

//go:linkname ctl_reason github.com/startrace/startrace/sim/internal/ctl.reasonString
func ctl_reason(r uint32) string { return waitReason(r).String() }
