package model

// checkLeftovers is I8. Who recorded the history looked for what is left, and
// says so only at rest.
func checkLeftovers(v *view, report report) {
	for _, i := range v.events {
		if e := v.h.Events[i]; e.Kind == Leftover && (e.Exec != "" || v.goneBefore(i)) {
			report(i, "%s", e)
		}
	}
	for _, i := range v.settled {
		for _, o := range v.sandboxRemovals() {
			if o.ok() && o.ret < i && v.h.Events[i].Present {
				report(i, "%s, and its sandbox was removed by %s", v.h.Events[i], v.h.Events[o.call])
				break
			}
		}
	}
}

// goneBefore reports whether the service had no record of the container any more
// before event i.
func (v *view) goneBefore(i int) bool {
	for _, o := range v.succeeded(OpRemove) {
		if o.ret < i {
			return true
		}
	}
	for _, s := range v.settled {
		if s < i && !v.h.Events[s].Present {
			return true
		}
	}
	return false
}

// GiveUpTime is how long, in nanoseconds, a call may go on after its caller gave
// up: time to clean up, which is bounded as well.
const GiveUpTime int64 = 15e9

// checkTermination is I10. At rest the runtime has made all the progress it can.
func checkTermination(v *view, report report) {
	for _, i := range v.settled {
		for _, o := range v.ops {
			if o.call < i && (o.ret == never || o.ret > i) {
				report(i, "%s has not returned", v.h.Events[o.call])
			}
		}
	}
	for _, i := range v.events {
		e := v.h.Events[i]
		if e.Kind != Canceled {
			continue
		}
		for _, o := range v.ops {
			if o.id != e.ID || o.ret == never {
				continue
			}
			if late := v.h.Events[o.ret].At - e.At; late > GiveUpTime {
				report(o.ret, "%s returns %d s after its caller gave up", v.h.Events[o.call], late/1e9)
			}
		}
	}
}

// checkDurable is I13. That the states agree at rest is part of I3. The exit of
// a process may be told before it is on disk: a disk that fails must not make a
// dead process look alive, and what is lost with the memory the runtime still
// knows.
func checkDurable(v *view, report report) {
	if len(v.stored) == 0 {
		return
	}
	for _, i := range v.events {
		e := v.h.Events[i]
		switch {
		case e.Kind == Return && e.Op == OpStart && e.Err == "" && v.onDisk(i) < StateRunning:
			report(i, "%s, on disk %s", e, v.onDisk(i))
		case e.Kind == Observed && e.Status.State() == StateRunning && v.onDisk(i) < StateRunning:
			report(i, "%s, on disk %s", e, v.onDisk(i))
		case e.Kind == Settled && e.Present:
			if disk, ok := v.record(i); ok && disk.State() == e.Status.State() && !sameFacts(disk, e.Status) {
				report(i, "the facts of %s are not those on disk", e)
			}
		}
	}
}

// record is the last status on disk before event i.
func (v *view) record(i int) (status Status, ok bool) {
	for _, s := range v.stored {
		if s < i {
			status, ok = v.h.Events[s].Status, true
		}
	}
	return status, ok
}

func sameFacts(a, b Status) bool {
	return a.CreatedAt == b.CreatedAt && a.StartedAt == b.StartedAt &&
		a.FinishedAt == b.FinishedAt && a.ExitCode == b.ExitCode
}

// checkRetry is I14: what was removed stays removed for all who ask, and once
// the faults are over the last try succeeds.
func checkRetry(v *view, report report) {
	last := map[Op]operation{}
	for _, o := range v.ops {
		if o.op != OpStop && o.op != OpRemove || o.ret == never {
			continue
		}
		last[o.op] = o
		for _, remove := range v.succeeded(OpRemove) {
			if o.call > remove.ret && o.err != "" && !v.crashedWithin(o) {
				report(o.ret, "%s, called after %s", v.h.Events[o.ret], v.h.Events[remove.ret])
				break
			}
		}
	}
	for _, op := range []Op{OpStop, OpRemove} {
		if o, ok := last[op]; ok && o.probe && o.err != "" {
			report(o.ret, "%s: it does not converge", v.h.Events[o.ret])
		}
	}
}

// crashedWithin tells whether the service crashed during o, or had crashed and did
// not serve again when o was called.
func (v *view) crashedWithin(o operation) bool {
	down := false
	for i, e := range v.h.Events[:o.ret] {
		switch {
		case e.Kind == Crashed:
			down = true
		case e.Kind == Recovered && e.Err == "" && i < o.call:
			down = false
		}
	}
	return down
}

// checkRecovery is I12. That states agree with the runtime is I3.
func checkRecovery(v *view, report report) {
	if v.name == "" { // these are not about one container
		for _, i := range v.events {
			if e := v.h.Events[i]; e.Kind == Recovered && e.Probe && e.Err != "" {
				report(i, "%s, and nothing fails any more", e)
			}
		}
		return
	}
	removed := len(v.sandboxRemovals()) > 0 // or somebody tried to
	for _, o := range v.ops {
		removed = removed || o.op == OpRemove
	}
	for _, i := range v.settled {
		e := v.h.Events[i]
		switch {
		case e.Present || !v.crashedBefore(i):
		case e.Alive:
			report(i, "%s after a restart: the process is nobody's", e)
		case !removed:
			report(i, "%s after a restart, nobody removed it", e)
		}
	}
}

func (v *view) crashedBefore(i int) bool { return len(v.crashes) > 0 && v.crashes[0] < i }
