package model

// checkOneStart is I1. A start that failed counts when its process ran: what
// reaches the runtime is what the user's workload sees.
func checkOneStart(v *view, report report) {
	first := never
	for _, i := range v.events {
		e := v.h.Events[i]
		if e.Kind != Started {
			continue
		}
		switch {
		case first == never:
			first = i
		case v.simulated() && v.anyAliveAt(i):
			report(i, "%s while another process of the container is alive", e)
		default:
			report(i, "%s: the container had run before", e)
		}
	}
	for n, start := range v.succeeded(OpStart) {
		if n > 0 {
			report(start.ret, "%s: the second success", v.h.Events[start.ret])
		}
	}
}

func (v *view) anyAliveAt(i int) bool {
	for _, l := range v.lives {
		if l.aliveAt(i) {
			return true
		}
	}
	return false
}

// checkRemove is I2, judged by linearization: a StartContainer that overlaps
// a RemoveContainer may take effect before it (then the process must have
// ended by the time the remove returns) or after it (then it must fail), and
// nothing in between.
func checkRemove(v *view, report report) {
	for _, remove := range v.succeeded(OpRemove) {
		done := v.h.Events[remove.ret]
		for _, start := range v.succeeded(OpStart) {
			if start.call > remove.ret {
				report(start.ret, "%s, called after %s", v.h.Events[start.ret], done)
			}
		}
		if !v.exact(remove.ret) {
			for _, i := range v.settled {
				if i > remove.ret && v.h.Events[i].Alive {
					report(i, "process alive at rest after %s", done)
				}
			}
			continue
		}
		for _, l := range v.lives {
			switch {
			case l.aliveAt(remove.ret):
				report(remove.ret, "%s while process %d is alive", done, l.number)
			case l.started > remove.ret:
				report(l.started, "process %d starts after %s", l.number, done)
			}
		}
	}
}
