package runtime

import "unsafe"

// Asides are entries of the log that are no points: they are no part of the
// hash, and only executions that are drawn have them. They tell which step let
// which other one happen.

// aside logs what goroutine from did on the way. The lock is held.
func (c *ctlState) aside(kind uint8, from, to uint32, obj unsafe.Pointer) {
	cfg := c.cfg
	if cfg.flags&ctlFlagStacks == 0 || cfg.nlog >= uint64(len(cfg.log)) {
		return
	}
	cfg.log[cfg.nlog] = ctlEvent{now: c.b.now, obj: c.objnum(obj), from: from, to: to, kind: kind, flags: ctlEventAside}
	cfg.nlog++
}

// asideWake tells that gp, which was blocked, is runnable. The lock is held.
func (c *ctlState) asideWake(gp *g) {
	from := uint32(0) // the clock, or somebody outside
	if cur := c.cur.ptr(); cur != nil && getg().m.curg == cur {
		from = cur.ctlid
	}
	c.aside(ctlKWake, from, gp.ctlid, nil)
}

// asideUse tells that gp does something with an object without a point of its
// own: it unlocks, or a select takes the case of a channel.
func (c *ctlState) asideUse(gp *g, kind uint8, obj unsafe.Pointer) {
	if c.cfg.flags&ctlFlagStacks == 0 || gp.ctlin != 0 || gp.ctlquiet || c.cur.ptr() != gp {
		return
	}
	c.lock()
	c.aside(kind, gp.ctlid, gp.ctlid, obj)
	c.unlock()
}
