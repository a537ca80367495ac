package nightly

import (
	"strings"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// Counts counts what happened. The parts of a key have a dot between them:
//
//	rounds, lifecycles              of containers that were created
//	calls.OPERATION.OUTCOME         the outcome is ok or a class of errors
//	creates.repeated                CreateContainer failed under faults, and was called again
//	kills.daemon, kills.shim
//	met.daemon.PHASE                containers that a kill of the daemon met in that phase
//	met.shim.PHASE                  containers whose shim was killed in that phase
//	unseen                          processes that were made to end while there was no daemon
//	events.seen.KIND                task events, in rounds without faults
//	events.lost.KIND                task events that must have been and did not come, in the same rounds
//	events.inverted                 exits that were told before their starts, in the same rounds
//	findings.INVARIANT
//	forgotten.KIND                  what containerd and runc left when daemon or shims were killed
type Counts map[string]int64

// add adds n to the count of a key of these parts.
func (c Counts) add(n int64, parts ...string) {
	if n != 0 {
		c[strings.Join(parts, ".")] += n
	}
}

// Add adds all counts of more.
func (c Counts) Add(more Counts) {
	for key, n := range more {
		c[key] += n
	}
}

// Sum is the sum of the counts whose keys begin with these parts.
func (c Counts) Sum(parts ...string) (sum int64) {
	prefix := strings.Join(parts, ".")
	for key, n := range c {
		if key == prefix || strings.HasPrefix(key, prefix+".") {
			sum += n
		}
	}
	return sum
}

// history counts a history. Faults make events be lost, which says nothing then.
func (c Counts) history(h model.History, broken bool) {
	c.add(1, "lifecycles")
	for _, e := range h.Events {
		if e.Kind == model.Return {
			c.add(1, "calls", string(e.Op), outcome(e.Err))
		}
	}
	if !broken {
		c.events(h)
	}
}

// outcomes are the classes of errors that calls return, as their texts name them.
var outcomes = []string{
	"not found", "already exists", "failed precondition", "invalid argument", "unavailable", "deadline exceeded",
	"canceled", "aborted", "internal", "resource exhausted", "permission denied", "unimplemented", "unknown",
}

// outcome is the class of an error that a history has, "ok" for none.
func outcome(text string) string {
	if text == "" {
		return "ok"
	}
	first, class := len(text), "other"
	for _, o := range outcomes {
		if i := strings.Index(text, o); i >= 0 && i < first {
			first, class = i, o
		}
	}
	return class
}

// events counts the task events of h.
func (c Counts) events(h model.History) {
	type life struct{ created, started, ended bool }
	lives := map[int]*life{}
	for _, e := range h.Events {
		switch e.Kind {
		case model.TaskCreated, model.Started, model.Exited:
		default:
			continue
		}
		l := lives[e.Life]
		if l == nil {
			l = &life{}
			lives[e.Life] = l
		}
		switch e.Kind {
		case model.TaskCreated:
			l.created = true
			c.add(1, "events", "seen", "create")
		case model.Started:
			l.started = true
			c.add(1, "events", "seen", "start")
			if l.ended {
				c.add(1, "events", "inverted")
			}
		case model.Exited:
			l.ended = true
			c.add(1, "events", "seen", "exit")
		}
	}
	for _, l := range lives {
		if !l.created {
			c.add(1, "events", "lost", "create")
		}
		if l.started && !l.ended { // all processes have ended when a history does
			c.add(1, "events", "lost", "exit")
		}
	}
}

// broken counts what came of faults.
func (c Counts) broken(b *scenarios.Broken) {
	c.add(int64(b.Failed), "creates", "repeated")
	c.add(int64(b.Kills), "kills", "daemon")
	c.add(int64(b.Unseen), "unseen")
	for _, phase := range scenarios.Phases() {
		c.add(int64(b.DaemonKills[phase]), "met", "daemon", string(phase))
		c.add(int64(b.ShimKills[phase]), "met", "shim", string(phase))
		c.add(int64(b.ShimKills[phase]), "kills", "shim")
	}
}
