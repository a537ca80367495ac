package model

import "slices"

// process is one process as one subscriber sees it.
type process struct {
	channel string
	life    int
}

// rank is the place of a notice in a life; 0 for none.
func rank(n Notice) int {
	for i, known := range []Notice{NoticeCreated, NoticeStarted, NoticeStopped, NoticeDeleted} {
		if n == known {
			return i + 1
		}
	}
	return 0
}

// checkOrder is I6.
func checkOrder(v *view, report report) {
	last := map[process]Event{}
	for _, i := range v.events {
		e := v.h.Events[i]
		if e.Kind != Notified {
			continue
		}
		p := process{e.Channel, e.Life}
		if before, ok := last[p]; ok && rank(e.Notice) < rank(before.Notice) {
			report(i, "%s after %s", e, before.Notice)
			continue
		}
		last[p] = e
	}
}

// checkExecs is I7.
func checkExecs(v *view, report report) {
	stopped := map[process]bool{} // as this channel was told
	recorded := false             // the exit is, by the service
	for _, i := range v.events {
		switch e := v.h.Events[i]; {
		case e.Kind == Notified && e.Notice == NoticeStopped:
			stopped[process{e.Channel, e.Life}] = true
		case e.Kind == Stored && e.Status.State() == StateExited:
			recorded = true
		case e.Kind == ExecExited && stopped[process{e.Channel, e.Life}]:
			report(i, "%s after that of its container", e)
		case e.Kind == ExecStarted && recorded:
			report(i, "%s after the exit of the container was recorded", e)
		}
	}
}

// checkOneNotice is I16. A subscriber that was told of the start has to be told
// of the end, unless it went away.
func checkOneNotice(v *view, report report) {
	stopped := map[process]bool{}
	started := map[process]int{}
	for _, i := range v.events {
		e := v.h.Events[i]
		p := process{e.Channel, e.Life}
		switch {
		case e.Kind != Notified:
		case e.Notice == NoticeStarted:
			started[p] = i
		case e.Notice == NoticeStopped && stopped[p]:
			report(i, "%s for the second time", e)
		case e.Notice == NoticeStopped:
			stopped[p] = true
		}
	}
	for _, at := range v.settled {
		for _, l := range v.lives {
			if l.exited == never || l.exited > at || l.started == never && !v.exact(at) {
				continue // of what never ran and is gone without a trace nobody can tell
			}
			for _, i := range v.events { // in the order of the history
				e := v.h.Events[i]
				p := process{e.Channel, l.number}
				if from, ok := started[p]; ok && from == i && !stopped[p] && !v.unsubscribed(e.Channel) {
					report(at, "%s never learns the end of process %d", e.Channel, l.number)
				}
			}
		}
	}
}

func (v *view) unsubscribed(channel string) bool {
	for _, e := range v.h.Events {
		if e.Kind == Unsubscribed && e.Channel == channel {
			return true
		}
	}
	return false
}

const sigkill = 9

// checkSignal is I15. What a service has signaled it does not remember after a
// crash, so that its successor may do it again; and a signal that was under way
// when it crashed may arrive later, and is still its own. Whether the timeout of a stop
// left time for the signal shows only at rest, when nothing fails or is slow.
func checkSignal(v *view, report report) {
	type sender struct{ life, crashes int }
	polite, killed := map[sender]int{}, map[int]bool{}
	reached := map[int]bool{}
	for _, i := range v.events {
		e := v.h.Events[i]
		switch {
		case e.Kind != Signaled:
		case e.Signal == sigkill:
			killed[e.Life] = true
		default:
			reached[e.Life] = true
			s := sender{e.Life, v.crashesBefore(i)}
			polite[s]++
			before := sender{s.life, s.crashes - 1}
			if polite[s] == 2 && polite[before] == 0 && v.stopUnderWay(s.crashes) {
				polite[before], polite[s] = 1, 1
			}
			if polite[s] > 1 && (v.signalsLost == never || v.signalsLost > i) {
				report(i, "%s for the second time", e)
			}
		}
	}
	for _, stop := range v.succeeded(OpStop) {
		if len(v.settled) == 0 || stop.call < v.settled[0] || v.h.Events[stop.call].Timeout == 0 {
			continue
		}
		for _, l := range v.lives {
			if l.aliveAt(stop.call) && killed[l.number] && !reached[l.number] {
				report(stop.ret, "%s: process %d was killed and never asked to end", v.h.Events[stop.ret], l.number)
			}
		}
	}
}

// stopUnderWay tells whether crash n, from 1, ended a call of StopContainer.
func (v *view) stopUnderWay(n int) bool {
	if n == 0 {
		return false
	}
	crash := v.crashes[n-1]
	return slices.ContainsFunc(v.ops, func(o operation) bool {
		return o.op == OpStop && o.call < crash && (o.ret == never || o.ret > crash)
	})
}

func (v *view) crashesBefore(i int) int {
	n := 0
	for _, c := range v.crashes {
		if c < i {
			n++
		}
	}
	return n
}
