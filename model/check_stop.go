package model

// checkStop is I9. StopContainer of a container that nobody is starting does
// nothing, and a start that overlaps it may come after it. So a start counts
// as earlier only if the runtime had seen its task before StopContainer was
// called: then it had been accepted, and the stop must have ended it.
func checkStop(v *view, report report) {
	for _, stop := range v.succeeded(OpStop) {
		if v.exact(stop.ret) {
			v.stopped(stop, report)
		} else {
			v.stoppedAtRest(stop, report)
		}
	}
}

func (v *view) stopped(stop operation, report report) {
	done := v.h.Events[stop.ret]
	for _, l := range v.lives {
		switch {
		case !l.begunBefore(stop.call):
		case l.aliveAt(stop.ret):
			report(stop.ret, "%s while process %d is alive", done, l.number)
		case l.started > stop.ret:
			report(l.started, "process %d, created before StopContainer#%d was called, starts after its success", l.number, stop.id)
		}
	}
}

// stoppedAtRest judges a Real history, and one whose runtime takes a dead shim for
// a dead process. An event is seen after it happened, so
// what was seen before the call happened before the call; but what was seen
// after the return may have happened before it.
func (v *view) stoppedAtRest(stop operation, report report) {
	earlier := false
	for _, l := range v.lives {
		// A simulated one knows which of the lives it is that is left.
		earlier = earlier || l.begunBefore(stop.call) && (l.exited == never || !v.simulated())
	}
	for _, o := range v.ops {
		switch {
		case o.op != OpStart || v.simulated():
		case o.call > stop.ret && o.err == "":
			return // a later start may run
		case o.ok() && o.ret < stop.call:
			earlier = true
		}
	}
	for _, i := range v.settled {
		if earlier && i > stop.ret && v.h.Events[i].Alive {
			report(i, "process alive at rest after %s", v.h.Events[stop.ret])
		}
	}
}

// checkReleased is I11: by the flags where the harness sees them, and by what
// a caller meets in any case.
func checkReleased(v *view, report report) {
	for _, i := range v.events {
		e := v.h.Events[i]
		switch {
		case e.Kind == Settled && e.Present && (e.Status.Starting || e.Status.Removing):
			report(i, "%s", e)
		case e.Kind == Return && e.Probe && e.Err != "":
			report(i, "%s", e)
		}
	}
}
