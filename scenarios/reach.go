package scenarios

import (
	"slices"
	"strings"

	"github.com/startrace/startrace/model"
)

// Situation is something that executions have to come to, or the invariants about
// it hold for want of a case.
type Situation struct {
	Name    string
	Reached func(model.History) bool
}

// Situations lists those that workloads are made for.
func Situations() []Situation {
	starting := func(kind model.Kind, op model.Op, returned func(string) bool) func(model.History) bool {
		return during(model.OpStart, kind, op, returned)
	}
	return []Situation{
		{"a start fails after its task was created", starting(model.TaskCreated, "", failed)},
		{"a start fails after its process was started", starting(model.Started, "", failed)},
		{"the exit beats the return of StartContainer", starting(model.Exited, "", succeeded)},
		{"StopContainer arrives while the container is starting", starting(model.Call, model.OpStop, either)},
		{"RemoveContainer arrives while the container is starting", starting(model.Call, model.OpRemove, either)},
		{"an update arrives while the container is starting", starting(model.Call, model.OpUpdate, either)},
		{"two starts overlap", starting(model.Call, model.OpStart, either)},
		{"the sandbox is stopped while the container is starting", starting(model.Call, model.OpStopSandbox, either)},
		{"the caller of a start gives up, and it fails", starting(model.Canceled, "", failed)},
		{"the service crashes while the container is starting", starting(model.Crashed, "", either)},
		{"two updates overlap", during(model.OpUpdate, model.Call, model.OpUpdate, either)},
		{"an update overtakes the end of the process", during(model.OpUpdate, model.Exited, "", either)},
		{"the process ends while a command runs in it", during(model.OpExec, model.Exited, "", failed)},
		{"a command ends well", func(h model.History) bool {
			return has(h, func(e model.Event) bool { return e.Kind == model.Return && e.Op == model.OpExec && e.Err == "" })
		}},
		{"the process ends for lack of memory, and somebody sees it", func(h model.History) bool {
			return has(h, func(e model.Event) bool { return e.Status.Reason == model.OOMReason && e.Kind != model.Stored })
		}},
		{"somebody is told of the whole life of a process", wholeLife},
		{"a subscriber survives a crash", func(h model.History) bool {
			return has(h, func(e model.Event) bool { return e.Kind == model.Notified && strings.HasSuffix(e.Channel, "#2") })
		}},
		{"a hook fails a start", func(h model.History) bool {
			return has(h, func(e model.Event) bool {
				return e.Kind == model.Return && strings.Contains(e.Err, "start hook failed")
			})
		}},
		{"the runtime hangs for one container, and a call about another returns", whileHung},
		{"the service crashes in the removal of a container", during(model.OpRemove, model.Crashed, "", either)},
		{"the service crashes in the stop of a sandbox", during(model.OpStopSandbox, model.Crashed, "", either)},
		{"the service crashes between an exit and its record", crashIn(func(l life) bool { return l.started && l.ended && !l.recorded })},
		{"the service crashes between the record of an exit and the deletion of the task", crashIn(func(l life) bool { return l.recorded && !l.deleted })},
		{"a sandbox that was stopped survives a crash", stoppedBeforeCrash},
		{"the service crashes between Create and Start of the task", crashInStart},
		{"the service crashes while the process runs", crashWhileRunning},
		{"the process ends while the service is down", exitInOutage},
		{"recovery crashes", crashInRecovery},
		{"the service does not recover at first", func(h model.History) bool {
			return has(h, func(e model.Event) bool { return e.Kind == model.Recovered && e.Err != "" })
		}},
		{"a process is asked to end, and killed", askedThenKilled},
		{"a process is left at rest", func(h model.History) bool {
			return has(h, func(e model.Event) bool { return e.Kind == model.Settled && e.Alive })
		}},
	}
}

func has(h model.History, is func(model.Event) bool) bool { return slices.ContainsFunc(h.Events, is) }

func failed(err string) bool    { return err != "" }
func succeeded(err string) bool { return err == "" }
func either(string) bool        { return true }

// during reports whether an event of that kind, about the same container or about
// none, lies between a call of op and its return, which is as returned says.
func during(op model.Op, kind model.Kind, other model.Op, returned func(err string) bool) func(model.History) bool {
	return func(h model.History) bool {
		for from, call := range h.Events {
			if call.Kind != model.Call || call.Op != op {
				continue
			}
			found := false
			for _, e := range h.Events[from+1:] {
				if e.Kind == model.Return && e.ID == call.ID {
					if found && returned(e.Err) {
						return true
					}
					break
				}
				about := e.Container == call.Container || e.Container == ""
				found = found || about && e.Kind == kind && e.Op == other
			}
		}
		return false
	}
}

// life is what is known of the last task of a container.
type life struct{ created, started, ended, recorded, deleted bool }

// scan calls at for each event with the last task of each container before it.
func scan(h model.History, at func(e model.Event, last map[string]life) bool) bool {
	last := map[string]life{}
	for _, e := range h.Events {
		if at(e, last) {
			return true
		}
		l := last[e.Container]
		switch e.Kind {
		case model.TaskCreated:
			l = life{created: true}
		case model.Started:
			l.started = true
		case model.Exited:
			l.ended = true
		case model.Stored:
			l.recorded = l.started && e.Status.State() == model.StateExited
		case model.TaskDeleted:
			l.deleted = true
		default:
			continue
		}
		last[e.Container] = l
	}
	return false
}

func crashIn(is func(life) bool) func(model.History) bool {
	return func(h model.History) bool {
		return scan(h, func(e model.Event, last map[string]life) bool {
			if e.Kind != model.Crashed {
				return false
			}
			for _, l := range last {
				if is(l) {
					return true
				}
			}
			return false
		})
	}
}

var (
	crashInStart      = crashIn(func(l life) bool { return l.created && !l.started && !l.ended })
	crashWhileRunning = crashIn(func(l life) bool { return l.started && !l.ended })
)

func exitInOutage(h model.History) bool {
	down := false
	return has(h, func(e model.Event) bool {
		switch e.Kind {
		case model.Crashed:
			down = true
		case model.Recovered:
			down = false
		}
		return down && e.Kind == model.Exited
	})
}

func crashInRecovery(h model.History) bool {
	down := false
	return has(h, func(e model.Event) bool {
		switch e.Kind {
		case model.Crashed:
			if down {
				return true
			}
			down = true
		case model.Recovered:
			down = e.Err != ""
		}
		return false
	})
}

func askedThenKilled(h model.History) bool {
	asked := map[string]bool{}
	return has(h, func(e model.Event) bool {
		if e.Kind != model.Signaled {
			return false
		}
		if e.Signal == int(sigterm) {
			asked[e.Container] = true
		}
		return e.Signal != int(sigterm) && asked[e.Container]
	})
}

// wholeLife reports whether somebody was told of the start, the end and the removal
// of a container.
func wholeLife(h model.History) bool {
	type who struct{ channel, container string }
	told := map[who]map[model.Notice]bool{}
	for _, e := range h.Events {
		if e.Kind != model.Notified {
			continue
		}
		w := who{e.Channel, e.Container}
		if told[w] == nil {
			told[w] = map[model.Notice]bool{}
		}
		told[w][e.Notice] = true
		if told[w][model.NoticeStarted] && told[w][model.NoticeStopped] && told[w][model.NoticeDeleted] {
			return true
		}
	}
	return false
}

func whileHung(h model.History) bool {
	hung := ""
	called := map[int]bool{}
	return has(h, func(e model.Event) bool {
		switch e.Kind {
		case model.Hung:
			hung = e.Container
		case model.Resumed:
			hung = ""
		case model.Call:
			called[e.ID] = hung != "" && e.Container != hung && e.Sandbox == ""
		}
		return e.Kind == model.Return && hung != "" && called[e.ID]
	})
}

func stoppedBeforeCrash(h model.History) bool {
	stopped, crashed := false, false
	return has(h, func(e model.Event) bool {
		stopped = stopped || e.Kind == model.Return && e.Op == model.OpStopSandbox && e.Err == ""
		crashed = crashed || stopped && e.Kind == model.Crashed
		return crashed && e.Kind == model.Settled
	})
}
