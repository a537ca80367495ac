package scenarios

import (
	"slices"

	"github.com/startrace/startrace/model"
)

// Situation is something that executions have to come to, or the invariants about
// it hold for want of a case.
type Situation struct {
	Name    string
	Reached func(model.History) bool
}

// Situations lists those of one container that workloads are made for.
func Situations() []Situation {
	return []Situation{
		{"a start fails after its task was created", duringStart(model.TaskCreated, "", failed)},
		{"a start fails after its process was started", duringStart(model.Started, "", failed)},
		{"the exit beats the return of StartContainer", duringStart(model.Exited, "", succeeded)},
		{"StopContainer arrives while the container is starting", duringStart(model.Call, model.OpStop, either)},
		{"RemoveContainer arrives while the container is starting", duringStart(model.Call, model.OpRemove, either)},
		{"two starts overlap", duringStart(model.Call, model.OpStart, either)},
		{"the sandbox is stopped while the container is starting", duringStart(model.Call, model.OpStopSandbox, either)},
		{"the service crashes while the container is starting", duringStart(model.Crashed, "", either)},
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

// duringStart reports whether an event of that kind, about the container or about
// all, lies between the call of a StartContainer and its return, which is as
// returned says.
func duringStart(kind model.Kind, op model.Op, returned func(err string) bool) func(model.History) bool {
	return func(h model.History) bool {
		for from, call := range h.Events {
			if call.Kind != model.Call || call.Op != model.OpStart {
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
				found = found || about && e.Kind == kind && e.Op == op
			}
		}
		return false
	}
}

// life is what is known of the last task of a container.
type life struct{ created, started, ended bool }

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
