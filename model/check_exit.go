package model

// checkSettled is I3. At rest the runtime itself was asked whether a process
// is alive, so that this is decided on a real runtime too.
func checkSettled(v *view, report report) {
	for _, i := range v.settled {
		e := v.h.Events[i]
		if !e.Present {
			continue
		}
		state := e.Status.State()
		switch {
		case e.Alive && state != StateRunning:
			report(i, "process alive, status %s", state)
		case e.Alive && v.simulated() && !v.ran():
			report(i, "status RUNNING, and nobody started the process")
		case !e.Alive && state == StateRunning:
			report(i, "no process alive, status RUNNING")
		case !e.Alive && state != StateExited && v.ran():
			report(i, "the process exited, status %s", state)
		case len(v.succeeded(OpStart)) > 0 && state == StateCreated:
			report(i, "StartContainer succeeded, status CREATED")
		case len(v.succeeded(OpStart)) > 0 && !v.ran() && v.simulated():
			report(i, "StartContainer succeeded, no process ever ran")
		case v.onDisk(i) != StateUnknown && v.onDisk(i) != state:
			report(i, "status %s, on disk %s", state, v.onDisk(i))
		}
	}
}

// onDisk is the state of the record before event i, StateUnknown if there is
// none.
func (v *view) onDisk(i int) State {
	state := StateUnknown
	for _, s := range v.stored {
		if s < i {
			state = v.h.Events[s].Status.State()
		}
	}
	return state
}

// checkTrueExit is I4.
//
// Of a start that failed with effect an implementation may record that the call
// failed, 128 with the reason StartError, before its process has ended. After that
// there is a real exit to record, as there is once a StartContainer succeeded.
func checkTrueExit(v *view, report report) {
	var first Status // the first exit that was stored
	for _, i := range v.events {
		e := v.h.Events[i]
		if e.Kind != Stored && (e.Kind != Settled || !e.Present) || e.Status.State() != StateExited {
			continue
		}
		if first.State() == StateExited && (e.Status.ExitCode != first.ExitCode || e.Status.FinishedAt != first.FinishedAt) {
			report(i, "%s: changed, was code %d at %d, is code %d at %d",
				e, first.ExitCode, first.FinishedAt, e.Status.ExitCode, e.Status.FinishedAt)
			continue
		}
		if first.State() == StateExited && e.Status.Reason == first.Reason {
			continue // it was judged when it was stored
		}
		v.judgeExit(i, e, report)
		if e.Kind == Stored && first.State() != StateExited {
			first = e.Status
		}
	}
}

// judgeExit compares the exit that event i recorded with what happened.
func (v *view) judgeExit(i int, e Event, report report) {
	known := false // an exit that happened, as far as the history knows
	for _, l := range v.lives {
		if l.exited == never || l.exited > i && v.simulated() {
			continue
		}
		known = known || l.started != never && !v.madeUp(l, i)
		if l.code == e.Status.ExitCode && (l.exitedAt == e.Status.FinishedAt || !v.simulated()) {
			return
		}
	}
	started := len(v.succeeded(OpStart)) > 0
	outlived := v.outlived(i, e)
	switch {
	case e.Status.startError() && !started && (!known || !v.exact(i)):
	case !v.ran() && (e.Status.startError() || e.Status.ExitCode == UnknownCode):
	case outlived != nil:
		report(i, "%s: ended at %d, the process lived until %d", e, e.Status.FinishedAt, outlived.exitedAt)
	case !v.simulated() && !known:
	case v.lossy(i) && (e.Status.ExitCode == UnknownCode || e.Status.ExitCode == KilledCode):
	case !v.ran():
		report(i, "%s: no process ever ran", e)
	case !known:
		report(i, "%s: the process has not exited", e)
	default:
		for _, l := range v.lives {
			if l.started != never && l.exited != never {
				report(i, "%s: code %d at %d, the process exited with %d at %d",
					e, e.Status.ExitCode, e.Status.FinishedAt, l.code, l.exitedAt)
				return
			}
		}
	}
}

// outlived returns the life of a real process that went on after an end that somebody
// made up and event i recorded, unless its shim may be to blame. The times say so: of a
// real process the history may have an event later than it was.
func (v *view) outlived(i int, e Event) *life {
	if v.simulated() || v.shimless(i) || e.Status.ExitCode != UnknownCode {
		return nil
	}
	for k, l := range v.lives {
		if l.started != never && l.exited != never && l.exitedAt > e.Status.FinishedAt {
			return &v.lives[k]
		}
	}
	return nil
}

// madeUp reports whether the end of l may be one that the runtime makes up for a
// process whose shim died. Of a simulated one the history has the real end.
func (v *view) madeUp(l life, i int) bool {
	return !v.simulated() && v.lossy(i) && l.code == KilledCode
}

// checkForward is I5.
func checkForward(v *view, report report) {
	v.forwardOnDisk(report)
	v.forwardForReaders(report)
}

func (v *view) forwardOnDisk(report report) {
	var last Status
	for _, i := range v.stored {
		e := v.h.Events[i]
		from, to := last.State(), e.Status.State()
		switch {
		case !Legal(from, to):
			report(i, "%s after %s", e, from)
		case from == StateCreated && to == StateExited && len(v.succeeded(OpStart)) > 0:
			report(i, "%s: the exit of a started container without the RUNNING it ends", e)
		case from != StateUnknown && e.Status.CreatedAt != last.CreatedAt:
			report(i, "%s: creation time changed from %d to %d", e, last.CreatedAt, e.Status.CreatedAt)
		}
		last = e.Status
	}
}

// forwardForReaders compares reads of which one returned before the other was
// called. Reads that overlap may see the two sides of a change in any order.
func (v *view) forwardForReaders(report report) {
	type read struct {
		operation
		event int
		state State
	}
	var reads []read
	for _, i := range v.events {
		e := v.h.Events[i]
		if e.Kind != Observed || e.Status.State() == StateUnknown {
			continue
		}
		for _, o := range v.ops {
			if o.id == e.ID {
				reads = append(reads, read{o, i, e.Status.State()})
			}
		}
	}
	for _, later := range reads {
		for _, earlier := range reads {
			if earlier.ret != never && earlier.ret < later.call && earlier.state > later.state {
				report(later.event, "%s after #%d saw %s", v.h.Events[later.event], earlier.id, earlier.state)
				break
			}
		}
	}
}
