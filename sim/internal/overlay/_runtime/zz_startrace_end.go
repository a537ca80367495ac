package runtime

import "unsafe"

// ctlEnd ends the goroutines that an execution left, as far as that can be
// done, so that executions that fail leave no memory behind. They end where
// they are: no deferred function runs. The caller is the root.
//
// A goroutine is left alone that somebody outside of the bubble may be about to
// wake, that is locked to its thread, or that is inside of the runtime.
func ctlEnd(b *synctestBubble) {
	c := b.ctl
	if c.cur != 0 || traceEnabled() {
		return
	}
	b.incActive() // the root runs, and must not be woken
	systemstack(func() {
		var end guintptr
		forEachG(func(gp *g) {
			if gp.bubble == b && gp != b.root && readgstatus(gp)&^_Gscan == _Gwaiting && ctlMayEnd(gp) {
				gp.schedlink = end
				end.set(gp)
			}
		})
		for gp := c.head.ptr(); gp != nil; {
			next := gp.schedlink.ptr()
			if ctlMayEnd(gp) {
				c.remove(gp)
				gp.schedlink = end
				end.set(gp)
			}
			gp = next
		}
		for gp := end.ptr(); gp != nil; {
			next := gp.schedlink.ptr()
			gp.schedlink = 0
			if ctlUnqueue(gp) {
				ctlDestroy(b, gp)
			}
			gp = next
		}
	})
	if raceenabled {
		raceacquireg(b.root, b.raceaddr())
	}
}

// ctlMayEnd tells whether gp, which is held or parked, is in the program: not
// in the collector, a system call, or a semaphore of the runtime.
func ctlMayEnd(gp *g) bool {
	if gp.ctlquiet || gp.lockedm != 0 {
		return false
	}
	r := gp.waitreason
	if readgstatus(gp)&^_Gscan == _Gwaiting {
		return r != waitReasonIOWait && r != waitReasonSemacquire && (ctlReleases(r) || r == waitReasonCoroutine)
	}
	return r != waitReasonSemacquire
}

// ctlUnqueue takes gp off all queues on which it waits. It reports false if
// somebody else took it off first and is going to make it runnable.
func ctlUnqueue(gp *g) bool {
	held := readgstatus(gp)&^_Gscan == _Grunnable
	s := gp.waiting
	switch {
	case s == nil:
		return true
	case s.c.get() != nil:
		return ctlUnqueueChan(gp, held)
	case held:
		return true
	case gp.waitreason == waitReasonSyncCondWait:
		l := (*notifyList)(s.elem.get())
		return l != nil && l.ctlRemove(s)
	}
	addr := (*uint32)(s.elem.get())
	return addr != nil && semtable.rootFor(addr).ctlRemove(addr, s)
}

func ctlUnqueueChan(gp *g, held bool) bool {
	s := gp.waiting
	if !held && s.isSelect && !gp.selectDone.CompareAndSwap(0, 1) {
		return false
	}
	mine := held || s.isSelect
	for ; s != nil; s = s.waitlink {
		ch := s.c.get()
		lock(&ch.lock)
		for _, q := range [...]*waitq{&ch.recvq, &ch.sendq} {
			if q.ctlHas(s) {
				q.dequeueSudoG(s)
				mine = true
			}
		}
		unlock(&ch.lock)
	}
	return mine
}

func (q *waitq) ctlHas(s *sudog) bool {
	for x := q.first; x != nil; x = x.next {
		if x == s {
			return true
		}
	}
	return false
}

// ctlRemove takes s, which waits for a signal, off l.
func (l *notifyList) ctlRemove(s *sudog) bool {
	lockWithRank(&l.lock, lockRankNotifyList)
	found := false
	for prev, x := (*sudog)(nil), l.head; x != nil; prev, x = x, x.next {
		if x != s {
			continue
		}
		if prev == nil {
			l.head = x.next
		} else {
			prev.next = x.next
		}
		if l.tail == x {
			l.tail = prev
		}
		x.next = nil
		found = true
		break
	}
	unlock(&l.lock)
	return found
}

// ctlRemove takes s, which waits for the semaphore at addr, off the treap or
// off the list behind its node.
func (root *semaRoot) ctlRemove(addr *uint32, s *sudog) bool {
	lockWithRank(&root.lock, lockRankRoot)
	found := false
	t := root.treap
	for a := uintptr(unsafe.Pointer(addr)); t != nil && t.elem.uintptr() != a; {
		if a < t.elem.uintptr() {
			t = t.prev
		} else {
			t = t.next
		}
	}
	if t == s && s != nil {
		root.dequeue(addr)
		found = true
	}
	for p := t; !found && p != nil; p = p.waitlink {
		if p.waitlink != s {
			continue
		}
		p.waitlink = s.waitlink
		if t.waittail == s {
			t.waittail = p
			if p == t {
				t.waittail = nil
			}
		}
		if t.waiters != 0 && t.waiters+1 != 0 {
			t.waiters--
		}
		found = true
	}
	if found {
		root.nwait.Add(-1)
	}
	unlock(&root.lock)
	return found
}

// ctlDestroy ends gp, which is on no queue.
func ctlDestroy(b *synctestBubble, gp *g) {
	if raceenabled {
		racereleasemergeg(gp, b.raceaddr())
		racectxend(gp.racectx)
		gp.racectx = 0
	}
	if b.waiter == gp {
		b.waiter = nil
	}
	gp.waiting = nil
	gp.selectDone.Store(0)
	gp.parkingOnChan.Store(false)
	gp.activeStackChans = false
	gp.coroarg = nil
	gp.coroexit = false
	mp := getg().m
	locked := mp.lockedg
	gdestroy(gp)
	mp.lockedg = locked
}
