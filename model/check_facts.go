package model

// checkResources is I19. Of updates that overlap either may be the last, and one
// that failed may have come through.
func checkResources(v *view, report report) {
	for _, at := range v.settled {
		if !v.h.Events[at].Alive {
			continue
		}
		effective, applied := "", false
		for _, i := range v.events {
			if e := v.h.Events[i]; e.Kind == Applied && i < at {
				effective, applied = e.Resources, true
			}
		}
		accepted, last := 0, operation{}
		allowed := false
		for _, o := range v.ops {
			if o.op != OpUpdate || o.call > at || v.superseded(o, at) {
				continue
			}
			if o.ok() {
				accepted, last = accepted+1, o
			}
			allowed = allowed || applied && v.h.Events[o.call].Resources == effective
		}
		if accepted > 0 && !allowed {
			report(at, "%s was accepted with %s, the process has %s",
				v.h.Events[last.call], v.h.Events[last.call].Resources, orNone(effective))
		}
		if recorded := v.h.Events[at].Resources; recorded != "" && recorded != effective && (v.asked(recorded) || v.asked(effective)) {
			report(at, "the record says %s, the process has %s", recorded, orNone(effective))
		}
	}
}

// asked reports whether an update asked for resources.
func (v *view) asked(resources string) bool {
	for _, o := range v.ops {
		if o.op == OpUpdate && v.h.Events[o.call].Resources == resources {
			return true
		}
	}
	return false
}

func orNone(resources string) string {
	if resources == "" {
		return "what it was started with"
	}
	return resources
}

// superseded reports whether a successful update followed o before event at.
func (v *view) superseded(o operation, at int) bool {
	for _, later := range v.succeeded(OpUpdate) {
		if o.ret != never && later.call > o.ret && later.ret < at {
			return true
		}
	}
	return false
}

// OOMReason is the reason of an exit for lack of memory.
const OOMReason = "OOMKilled"

// checkOOM is I20. A start that failed is reason enough, as in I4.
func checkOOM(v *view, report report) {
	for _, i := range v.events {
		e := v.h.Events[i]
		if e.Kind != Observed && (e.Kind != Settled || !e.Present) ||
			e.Status.State() != StateExited || e.Status.Reason == OOMReason ||
			e.Status.Reason == StartErrorReason || v.reasonsLost != never && v.reasonsLost < i {
			continue
		}
		for _, l := range v.lives {
			if v.outOfMemory(l) && l.exited < i && l.code == e.Status.ExitCode {
				report(i, "%s: not a word of the lack of memory that killed process %d", e, l.number)
			}
		}
	}
}

// outOfMemory reports whether the kernel killed l and said why before it ended.
func (v *view) outOfMemory(l life) bool {
	if l.code != KilledCode {
		return false
	}
	for _, i := range v.events {
		if e := v.h.Events[i]; e.Kind == OOMKilled && e.Life == l.number {
			return l.exited != never && i < l.exited
		}
	}
	return false
}

// checkIdentity is I21.
func checkIdentity(v *view, report report) {
	if !v.simulated() {
		return
	}
	for _, i := range v.stored {
		e := v.h.Events[i]
		switch e.Status.State() {
		case StateRunning:
			if e.Status.Pid != 0 && !v.hadPid(e.Status.Pid, i) {
				report(i, "%s with pid %d, which no process of this container had", e, e.Status.Pid)
			}
		case StateExited:
			v.ofThisLife(i, e, report)
		}
	}
}

func (v *view) hadPid(pid uint32, before int) bool {
	for _, l := range v.lives {
		if l.pid == pid && l.begunBefore(before) {
			return true
		}
	}
	return false
}

// ofThisLife reports an exit that is that of an earlier life, and not of the one
// that was started last before event i.
func (v *view) ofThisLife(i int, e Event, report report) {
	var last *life
	for k, l := range v.lives {
		if l.started != never && l.started < i {
			last = &v.lives[k]
		}
	}
	if last == nil || last.exited != never && last.code == e.Status.ExitCode && last.exitedAt == e.Status.FinishedAt {
		return
	}
	for _, l := range v.lives {
		if l.number < last.number && l.exited != never && l.code == e.Status.ExitCode && l.exitedAt == e.Status.FinishedAt {
			report(i, "%s: that is the end of process %d, not of process %d", e, l.number, last.number)
			return
		}
	}
}
