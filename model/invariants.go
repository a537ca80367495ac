package model

import (
	"fmt"
	"slices"
)

// Invariant is one sentence that every correct implementation keeps in every
// execution, and the check that finds it broken in a history.
type Invariant struct {
	ID       string // I1 and so on; I0 is about the history itself
	Name     string
	Sentence string
	// Undecided says what part of the sentence a Real history cannot decide,
	// "" when nothing. A Simulated history decides all of it.
	Undecided string
	// needs are kinds of events without any of which it holds; nil: it may not.
	needs []Kind
	// check returns the violations in the order of their events.
	check func(History, []*view) []Violation
}

// Violation is one place where a history breaks an invariant.
type Violation struct {
	Invariant string // ID
	Container string
	Message   string
	Event     int // index of the event that broke it
}

// String returns "I1 c1 at 7: message".
func (v Violation) String() string {
	return fmt.Sprintf("%s %s at %d: %s", v.Invariant, v.Container, v.Event, v.Message)
}

// Invariants lists all of them in the order of their IDs. Those that need events
// of a kind that a history has none of hold in it.
var Invariants = []Invariant{
	{
		ID: "I0", Name: "well formed",
		Sentence: "Every return has one call, and a life is created, started and ended at most once.",
		check:    each("I0", checkWellFormed),
	},
	{
		ID: "I1", Name: "one start",
		Sentence:  "StartContainer succeeds at most once for a container, and its process is started at most once.",
		Undecided: "whether a start that no event told of happened",
		check:     each("I1", checkOneStart),
	},
	{
		ID: "I2", Name: "remove excludes start",
		Sentence:  "RemoveContainer does not succeed while the container starts or runs, and nothing starts after it succeeded.",
		Undecided: "whether the process was alive at the very return of RemoveContainer, or started after it and died again",
		check:     each("I2", checkRemove),
	},
	{
		ID: "I3", Name: "exits are seen",
		Sentence:  "At rest a container that exited is EXITED, and it is RUNNING if and only if its process was started and is alive; its record on disk says the same.",
		Undecided: "whether a process that no event told of has run",
		check:     each("I3", checkSettled),
	},
	{
		ID: "I4", Name: "the true exit",
		Sentence:  "A recorded exit has the code and the time of the real one, a made-up code only where there is no real one, and is never changed.",
		Undecided: "whether the recorded time is the exact time of the exit, and any exit that no event told of",
		check:     each("I4", checkTrueExit),
	},
	{
		ID: "I5", Name: "forward only",
		Sentence: "A status moves CREATED, RUNNING, EXITED, or straight to EXITED if the start failed, on disk and for readers.",
		needs:    []Kind{Stored, Observed},
		check:    each("I5", checkForward),
	},
	{
		ID: "I6", Name: "notices in order",
		Sentence: "Whoever is told of a process is told CREATED, STARTED, STOPPED, DELETED in this order.",
		needs:    []Kind{Notified},
		check:    each("I6", checkOrder),
	},
	{
		ID: "I7", Name: "execs within",
		Sentence:  "The end of an executed process is told before that of its container, and none starts after the exit of the container was recorded.",
		Undecided: "whether a process was executed that no event told of",
		needs:     []Kind{ExecStarted, ExecExited},
		check:     each("I7", checkExecs),
	},
	{
		ID: "I8", Name: "nothing is left",
		Sentence:  "At rest nothing is left of a container that is gone: no task, process, record, name, snapshot or lease; nor is a container left of a sandbox that is gone, or an executed process of a call.",
		Undecided: "what is left of a kind that nobody looked for",
		needs:     []Kind{Leftover, Member},
		check:     each("I8", checkLeftovers),
	},
	{
		ID: "I9", Name: "stopped means stopped",
		Sentence:  "When StopContainer has returned success, the process that was starting or running when it was called does not run, then or later.",
		Undecided: "whether the process was still alive at the very return of StopContainer, if it was dead at rest",
		check:     each("I9", checkStop),
	},
	{
		ID: "I10", Name: "calls return",
		Sentence: "At rest every call has returned, and one whose caller gave up does so in bounded time.",
		needs:    []Kind{Settled, Canceled},
		check:    each("I10", checkTermination),
	},
	{
		ID: "I11", Name: "flags are given back",
		Sentence: "At rest a container that still has a record is neither Starting nor Removing, and every probe of it succeeds.",
		check:    each("I11", checkReleased),
	},
	{
		ID: "I12", Name: "restarts lose nothing",
		Sentence: "After a restart every container that was not removed has a record, a live process above all, and nothing keeps the service from serving once the faults are over.",
		needs:    []Kind{Settled, Recovered},
		check:    each("I12", checkRecovery),
	},
	{
		ID: "I13", Name: "success is durable",
		Sentence: "A container is told to run, and StartContainer succeeds, only when that is on disk; at rest disk and memory hold the same facts.",
		check:    each("I13", checkDurable),
	},
	{
		ID: "I14", Name: "retries converge",
		Sentence: "StopContainer and RemoveContainer succeed after RemoveContainer did, and at rest they succeed after a few tries.",
		check:    each("I14", checkRetry),
	},
	{
		ID: "I15", Name: "asked to end once",
		Sentence:  "A service delivers the stop signal at most once to a process, and a StopContainer with a timeout kills none at rest that was never asked to end.",
		Undecided: "signals, which no event tells of",
		needs:     []Kind{Signaled},
		check:     each("I15", checkSignal),
	},
	{
		ID: "I16", Name: "one notice of the end",
		Sentence:  "Whoever was told that a process started is told once that it ended.",
		Undecided: "the end of a process that no event told of",
		needs:     []Kind{Notified},
		check:     each("I16", checkOneNotice),
	},
	{
		ID: "I17", Name: "a stopped sandbox is quiet",
		Sentence:  "When StopPodSandbox or RemovePodSandbox has returned success, no container of the sandbox runs, then or later.",
		Undecided: "whether a process was alive at the very return, if it was dead at rest",
		needs:     []Kind{Member},
		check:     across("I17", checkSandbox),
	},
	{
		ID: "I18", Name: "isolation",
		Sentence: "While the runtime does not answer about one container, calls about others return in bounded time.",
		needs:    []Kind{Hung},
		check:    across("I18", checkIsolation),
	},
	{
		ID: "I19", Name: "updates take effect",
		Sentence:  "At rest a live process has the resources of the last accepted update, or of one that overlapped it or failed, and its record says the same.",
		Undecided: "resources, which no event tells of",
		needs:     []Kind{Settled},
		check:     each("I19", checkResources),
	},
	{
		ID: "I20", Name: "lack of memory is told",
		Sentence:  "Who sees that a process ended for lack of memory sees the reason.",
		Undecided: "lack of memory that no event told of before the exit",
		needs:     []Kind{OOMKilled},
		check:     each("I20", checkOOM),
	},
	{
		ID: "I21", Name: "identity",
		Sentence:  "A record names only processes of its container, and the exit of an earlier one is never taken for that of the next.",
		Undecided: "all of it: events of a process may come after its record",
		needs:     []Kind{Stored},
		check:     each("I21", checkIdentity),
	},
}

// Check judges h by all Invariants and returns the violations in the order of
// their events, those of one event in the order of the invariants.
func Check(h History) []Violation {
	var found []Violation
	var has [Leftover + 1]bool
	for _, e := range h.Events {
		has[e.Kind] = true
	}
	all := views(h)
	for _, inv := range Invariants {
		if inv.needs == nil || slices.ContainsFunc(inv.needs, func(k Kind) bool { return has[k] }) {
			found = append(found, inv.check(h, all)...)
		}
	}
	slices.SortStableFunc(found, func(a, b Violation) int { return a.Event - b.Event })
	return found
}

// Check judges h by this invariant alone.
func (i Invariant) Check(h History) []Violation { return i.check(h, views(h)) }

// Undecidable says what of the invariant with this ID a history from source
// cannot decide; "" when it decides all of it. It panics on an unknown ID.
func Undecidable(id string, source Source) string {
	for _, inv := range Invariants {
		if inv.ID == id {
			if source == Real {
				return inv.Undecided
			}
			return ""
		}
	}
	panic("model: no invariant " + id)
}

// report is how a check tells what it found: where, and a format.
type report func(event int, format string, args ...any)

// each makes the check of a history from the check of one container.
func each(id string, check func(*view, report)) func(History, []*view) []Violation {
	return func(_ History, all []*view) []Violation {
		var found []Violation
		for _, v := range all {
			check(v, func(event int, format string, args ...any) {
				found = append(found, violation(id, v.name, event, format, args...))
			})
		}
		slices.SortStableFunc(found, func(a, b Violation) int { return a.Event - b.Event })
		return found
	}
}

func violation(id, container string, event int, format string, args ...any) Violation {
	return Violation{Invariant: id, Container: container, Message: fmt.Sprintf(format, args...), Event: event}
}

// checkWellFormed is I0: a history that breaks it says more about who
// recorded it than about the implementation.
func checkWellFormed(v *view, report report) {
	type once struct {
		kind   Kind
		number int
	}
	var all []once // few enough that a map would cost more
	seen := func(o once) bool {
		if slices.Contains(all, o) {
			return true
		}
		all = append(all, o)
		return false
	}
	var calls []Event // under way
	for _, i := range v.events {
		e := v.h.Events[i]
		switch e.Kind {
		case Call:
			if seen(once{Call, e.ID}) {
				report(i, "%s: a second call with this number", e)
			}
			calls = append(calls, e)
		case Return:
			k := slices.IndexFunc(calls, func(c Event) bool { return c.ID == e.ID })
			if k < 0 || calls[k].Op != e.Op {
				report(i, "%s: no such call is under way", e)
			}
			calls = slices.DeleteFunc(calls, func(c Event) bool { return c.ID == e.ID })
		case TaskCreated, Started, Exited:
			if e.Life < 1 {
				report(i, "%s: lives are numbered from 1", e)
			}
			if seen(once{e.Kind, e.Life}) {
				report(i, "%s: for the second time", e)
			}
		}
	}
}
