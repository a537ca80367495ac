package model

import "slices"

// across makes the check of a history from one that needs all containers.
func across(id string, check func(History, []*view, func(container string, event int, format string, args ...any))) func(History, []*view) []Violation {
	return func(h History, all []*view) []Violation {
		var found []Violation
		check(h, all, func(container string, event int, format string, args ...any) {
			found = append(found, violation(id, container, event, format, args...))
		})
		slices.SortStableFunc(found, func(a, b Violation) int { return a.Event - b.Event })
		return found
	}
}

// checkSandbox is I17. A start that overlaps the stop of the sandbox may come
// before it; then its process has ended when the sandbox is stopped.
func checkSandbox(h History, all []*view, report func(string, int, string, ...any)) {
	for i, e := range h.Events {
		if e.Kind != Return || e.Err != "" || e.Op != OpStopSandbox && e.Op != OpRemoveSandbox {
			continue
		}
		for _, v := range all {
			if !v.memberOf(e.Sandbox) {
				continue
			}
			for _, l := range v.lives {
				switch {
				case !v.exact(i):
				case l.aliveAt(i):
					report(v.name, i, "%s while process %d is alive", e, l.number)
				case l.started > i:
					report(v.name, l.started, "process %d starts after %s", l.number, e)
				}
			}
			for _, at := range v.settled {
				if at > i && h.Events[at].Alive && !v.exact(i) {
					report(v.name, at, "process alive at rest after %s", e)
				}
			}
		}
	}
}

func (v *view) memberOf(sandbox string) bool {
	for _, i := range v.events {
		if e := v.h.Events[i]; e.Kind == Member && e.Sandbox == sandbox {
			return true
		}
	}
	return false
}

// sandboxRemovals are the calls that remove a sandbox with this container in it.
func (v *view) sandboxRemovals() []operation {
	var all []operation
	for i, e := range v.h.Events {
		switch {
		case e.Op != OpRemoveSandbox || !v.memberOf(e.Sandbox):
		case e.Kind == Call:
			all = append(all, operation{op: OpRemove, id: e.ID, call: i, ret: never})
		case e.Kind == Return:
			for k := range all {
				if all[k].id == e.ID {
					all[k].ret, all[k].err = i, e.Err
				}
			}
		}
	}
	return all
}

// ProgressTime is how long, in nanoseconds beside its own timeout, a call may
// take while the runtime hangs for another container.
const ProgressTime int64 = 60e9

// checkIsolation is I18.
func checkIsolation(h History, all []*view, report func(string, int, string, ...any)) {
	for from, hung := range h.Events {
		if hung.Kind != Hung {
			continue
		}
		until := from + 1
		for until < len(h.Events) && (h.Events[until].Kind != Resumed || h.Events[until].Container != hung.Container) {
			until++
		}
		if until == len(h.Events) {
			until-- // what was seen last
		}
		for _, v := range all {
			if v.name == hung.Container || v.hangsWithin(from, until) {
				continue
			}
			for _, o := range v.ops {
				call := h.Events[o.call]
				if call.Sandbox != "" && slices.ContainsFunc(all, func(hangs *view) bool {
					return hangs.hangsWithin(from, until) && hangs.memberOf(call.Sandbox)
				}) {
					continue // it is about such a container
				}
				limit := call.At + call.Timeout + ProgressTime
				switch {
				case o.call < from || limit > h.Events[until].At:
				case o.ret == never || h.Events[o.ret].At > limit:
					report(v.name, until, "%s is held up by %s", call, hung.Container)
				}
			}
		}
	}
}

// hangsWithin reports whether the runtime hung for this container as well before
// event until.
func (v *view) hangsWithin(from, until int) bool {
	for _, i := range v.events {
		if v.h.Events[i].Kind == Hung && i < until {
			for _, r := range v.events {
				if v.h.Events[r].Kind == Resumed && r > i && r < from {
					return false
				}
			}
			return true
		}
	}
	return false
}
