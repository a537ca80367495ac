package overlay

// patchRuntime puts the hooks of the added source into package runtime.
func (g *generator) patchRuntime() {
	f := g.open("runtime/runtime2.go")
	f.global("bubble  *synctestBubble\n", `bubble  *synctestBubble
	ctlid    uint32     // number in the bubble, by creation
	ctlpath  uint64     // names it whatever the order of creation
	ctlkids  uint32     // goroutines that it started
	ctlin    uint32     // inside an operation that is one point
	ctlkind  uint8      // of the point at which it waits for its turn
	ctlidle  bool       // parked on a lock that a goroutine of the bubble holds
	ctlquiet bool       // no points, no hand-over
	ctlprio  uint32     // PCT, POS
	ctlpoint uint32     // points taken
	ctlrand  uint64     // data stream
	ctlwait  uintptr    // object of the last point
	ctlpend  uint8      // what the operation that comes next does to it
	ctlsel   bool       // URW: that operation is selected
	ctlops   uint32     // URW: operations announced
	ctlleft  uint32     // URW: selected operations to come, with those of its children
	ctlteach uint32     // URW: first of cfg.teach that is not used
	ctllast  uint32     // URW: end of it
	ctlnext  guintptr   // chosen to run next
	ctlcfg   *ctlConfig // arms the next synctestRun
`)
	f.write()

	f = g.open("runtime/synctest.go")
	f.global("root    *g     // caller of synctest.Run", "ctl *ctlState // not nil: controlled\n\troot    *g     // caller of synctest.Run")
	f.in("(synctestBubble) changegstatus", "if gp.waitreason.isIdleInSynctest() {\n\t\t\twasRunning", "if bubble.ctlIdle(gp, false) {\n\t\t\twasRunning")
	f.in("(synctestBubble) changegstatus", "if gp.waitreason.isIdleInSynctest() {\n\t\t\tisRunning", "if bubble.ctlIdle(gp, true) {\n\t\t\tisRunning")
	f.in("synctestRun", "\tgp.bubble = bubble\n", "\tctlInit(bubble, gp)\n\tgp.bubble = bubble\n")
	f.in("synctestRun", "pp := getg().m.p.ptr()\n", "if ctlMain(bubble, bubble.main) {\n\t\t\treturn\n\t\t}\n\t\tpp := getg().m.p.ptr()\n")
	f.in("synctestRun", "\t\tnext := bubble.timers.wakeTime()\n", "\t\tif ctlStop(bubble) {\n\t\t\tbreak\n\t\t}\n\t\tnext := bubble.timers.wakeTime()\n")
	f.in("synctestRun", "\t\tif bubble.done {\n\t\t\t// Time stops", "\t\tif bubble.done && !ctlGoOn(bubble) {\n\t\t\t// Time stops")
	f.in("synctestRun", "\t\tbubble.now = next\n", "\t\tctlAdvance(bubble)\n\t\tbubble.now = next\n")
	f.in("synctestRun", "\tif total != 1 {\n", "\tif ctlDone(bubble, total != 1) {\n\t\treturn\n\t}\n\tif total != 1 {\n")
	f.all(5, "\tlock(&bubble.mu)", "\tbubble.ctlLock()")
	f.all(5, "unlock(&bubble.mu)", "bubble.ctlUnlock()")
	f.all(4, "\tlock(&gp.bubble.mu)", "\tgp.bubble.ctlLock()")
	f.all(5, "unlock(&gp.bubble.mu)", "gp.bubble.ctlUnlock()")
	f.entry("synctest_associate", "\tif ctlOwn() {\n\t\treturn bubbleAssocCurrentBubble\n\t}")
	f.entry("synctest_disassociate", "\tif ctlOwn() {\n\t\treturn\n\t}")
	f.entry("synctest_isAssociated", "\tif ctlOwn() {\n\t\treturn true\n\t}")
	f.write()

	f = g.open("runtime/proc.go")
	f.in("casgstatus", "\tif gp.bubble != nil {\n", "\tif gp.bubble != nil && ctlCounts(oldval, newval) {\n")
	f.entry("Gosched", "\tctlYield(ctlKGosched, nil)")
	f.in("ready", "\trunqput(mp.p.ptr(), gp, next)\n\twakep()\n", `	if ctlHold(gp) {
		releasem(mp)
		return
	}
	runqput(mp.p.ptr(), gp, next)
	if !ctlQuietWake(gp) {
		wakep()
	}
`)
	f.in("park_m", "\tbubble := gp.bubble\n", `	bubble := gp.bubble
	ctlPark, ctlReason, ctlLocked := ctlInPark(bubble, gp), gp.waitreason, gp.lockedm != 0
	ctlId := gp.ctlid
	var ctlNext *g
`)
	f.in("park_m", "\tif bubble != nil {\n\t\tbubble.decActive()\n\t}\n\n\tschedule()", `	if ctlPark {
		ctlNext = ctlRelease(bubble, gp, ctlId, ctlKPark+uint8(ctlReason))
	}
	if bubble != nil {
		bubble.decActive()
	}
	if ctlNext != nil {
		ctlRun(ctlNext, ctlLocked)
	}

	schedule()`)
	f.in("goexit0", "\tgdestroy(gp)\n", `	ctlB, ctlId := gp.bubble, gp.ctlid
	if ctlB != nil && ctlB.ctl != nil && gp.lockedm != 0 {
		if next := ctlRelease(ctlB, gp, ctlId, ctlKExit); next != nil {
			runqput(getg().m.p.ptr(), next, true)
		}
		ctlB = nil
	}
	if ctlB != nil && ctlB.ctl == nil {
		ctlB = nil
	}
	ctlLast := ctlB != nil && ctlB.ctl.nheld == 0
	if ctlLast {
		ctlB.incActive() // the root must not run before the token is passed on
	}
	gdestroy(gp)
	if ctlB != nil {
		next := ctlRelease(ctlB, gp, ctlId, ctlKExit)
		if ctlLast {
			ctlB.decActive()
		}
		if next != nil {
			ctlRun(next, false)
		}
	}
`)
	f.in("gdestroy", "casgstatus(gp, _Grunning, _Gdead)", "casgstatus(gp, readgstatus(gp)&^_Gscan, _Gdead)")
	f.in("gdestroy", "isSystemGoroutine(gp, false)", "gp.bubble == nil && isSystemGoroutine(gp, false)")
	f.in("newproc1", "isSystemGoroutine(newg, false)", "ctlSystem(callergp, newg)")
	f.in("gdestroy", "\tdropg()\n", "\tif mp.curg == gp {\n\t\tdropg()\n\t}\n")
	f.in("gdestroy", "\tgp.bubble = nil\n", "\tgp.bubble = nil\n\tgp.ctlid = 0\n\tgp.ctlin = 0\n\tgp.ctlkind = 0\n\tgp.ctlquiet = false\n\tgp.ctlwait = 0\n\tgp.ctlnext = 0\n")
	f.in("newproc", "\t\trunqput(pp, newg, true)\n", "\t\tif ctlHold(newg) {\n\t\t\treturn\n\t\t}\n\t\trunqput(pp, newg, true)\n")
	f.exit("newproc", "\tctlYield(ctlKGo, nil)")
	f.in("schedule", "\tif sched.disable.user && !schedEnabled(gp) {\n", "\tif ctlStray(gp) {\n\t\tgoto top\n\t}\n\tif sched.disable.user && !schedEnabled(gp) {\n")
	f.entry("internal_sync_runtime_canSpin", "\tif ctlOn() {\n\t\treturn false\n\t}")
	f.write()

	f = g.open("runtime/panic.go")
	f.in("gopanic", "\tvar p _panic\n", "\tgp.ctlin = 0\n\tvar p _panic\n")
	f.in("gopanic", "\tpreprintpanics(&p)\n", "\tctlPanicked(&p, e)\n\tpreprintpanics(&p)\n")
	f.entry("fatal", "\tctlFatal(s)")
	f.entry("dopanic_m", "\tctlCrash(gp)")
	f.write()

	f = g.open("runtime/traceback.go")
	f.in("tracebackothers", "func(*g) bool { return true }", "func(gp *g) bool { return !ctlGone(gp) }")
	f.write()

	f = g.open("runtime/mgc.go")
	f.rename("GC", "ctlGC0")
	f.write()

	f = g.open("runtime/coro.go")
	f.in("coroswitch_m", "\tc := gp.coroarg\n", "\tctlGp := gp\n\tc := gp.coroarg\n")
	f.in("coroswitch_m", "\tsetGNoWB(&mp.curg, gnext)\n", "\tctlCoro(bubble, ctlGp, gnext)\n\tsetGNoWB(&mp.curg, gnext)\n")
	f.write()

	f = g.open("runtime/chan.go")
	f.entry("chansend", "\tctlChan(ctlKSend, c, block)")
	f.entry("chanrecv", "\tctlChan(ctlKRecv, c, block)")
	f.entry("closechan", "\tctlYield(ctlKClose, unsafe.Pointer(c))")
	f.write()

	f = g.open("runtime/select.go")
	f.entry("selectgo", "\tctlSelect(cas0, nsends, nrecvs, block)")
	f.in("selectgo", "cheaprandn(", "ctlRandn(")
	f.in("selectgo", "\t// pass 1 - look for something already waiting\n", "\tctlCase(gp, scases, pollorder, nsends)\n\n\t// pass 1 - look for something already waiting\n")
	f.write()

	f = g.open("runtime/sema.go")
	f.in("internal_sync_nanotime", "return nanotime()", "return ctlNow()")
	f.write()

	f = g.open("runtime/time.go")
	f.in("(timer) maybeAdd", "cheaprand()", "ctlCheaprand()")
	f.write()

	f = g.open("runtime/rand.go")
	f.entry("rand", "\tif gp := getg(); gp.bubble != nil && gp.bubble.ctl != nil {\n\t\treturn ctlRand(gp)\n\t}")
	f.entry("randinit", "\tfor i := range startupRand {\n\t\tstartupRand[i] = byte(i*37 + 11) // the same hash keys in every process\n\t}")
	f.write()

	g.addRuntime()
}
