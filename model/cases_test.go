package model

// invariantCase is a history and what is wrong with it.
type invariantCase struct {
	name   string
	source Source
	events []Event
	want   []string // Violation.String, nil: all invariants are kept
}

func notified(life int, n Notice) Event {
	return Event{Kind: Notified, Channel: "s1", Life: life, Notice: n}
}
func signaled(life, signal int) Event { return Event{Kind: Signaled, Life: life, Signal: signal} }
func elsewhere(container string, e Event) Event {
	e.Container = container
	return e
}
func service(e Event) Event           { return elsewhere(everywhere, e) }
func at(seconds int64, e Event) Event { e.At = seconds * 1e9; return e }
func graceful(e Event) Event          { e.Timeout = 10e9; return e }
func of(sandbox string, e Event) Event {
	e.Sandbox = sandbox
	return e
}

// recorded is the final view of a running container whose record has resources.
func recorded(resources string) Event {
	e := settled(running, true)
	e.Resources = resources
	return e
}

func update(id int, resources string) Event {
	return Event{Kind: Call, Op: OpUpdate, ID: id, Resources: resources}
}

// invariantCases are those of the invariants about more than the states of one
// container.
var invariantCases = []invariantCase{
	{
		name: "I6: a subscriber that comes late",
		events: []Event{
			task(1), starts(1), notified(1, NoticeStarted), exits(1, 0), notified(1, NoticeStopped), notified(1, NoticeDeleted),
		},
	},
	{
		name:   "I6: the end before the beginning",
		events: []Event{task(1), starts(1), exits(1, 0), notified(1, NoticeStopped), notified(1, NoticeStarted)},
		want:   []string{"I6 c1 at 4: s1 learns STARTED of process 1 after STOPPED"},
	},
	{
		name: "I7: an executed process ends first",
		events: []Event{
			starts(1),
			{Kind: ExecStarted, Life: 1, Exec: "e"},
			exits(1, 0),
			{Kind: ExecExited, Channel: "s1", Life: 1, Exec: "e"},
			notified(1, NoticeStopped),
		},
	},
	{
		name: "I7: the end of an executed process comes last",
		events: []Event{
			starts(1),
			{Kind: ExecStarted, Life: 1, Exec: "e"},
			exits(1, 0),
			notified(1, NoticeStopped),
			{Kind: ExecExited, Channel: "s1", Life: 1, Exec: "e"},
		},
		want: []string{"I7 c1 at 4: s1 learns the end of exec e in process 1 after that of its container"},
	},
	{
		name:   "I7: executed in a container that is EXITED",
		events: lifecycle(Event{Kind: ExecStarted, Life: 1, Exec: "e"}),
		want:   []string{"I7 c1 at 8: exec e starts in process 1 after the exit of the container was recorded"},
	},
	{
		name:   "I8: a task of a container that is there",
		events: lifecycle(Event{Kind: Leftover, What: "task"}),
	},
	{
		name:   "I8: a task without its container",
		events: lifecycle(call(OpRemove, 2), ok(OpRemove, 2), Event{Kind: Leftover, What: "task"}),
		want:   []string{"I8 c1 at 10: left: task"},
	},
	{
		name:   "I8: an executed process of a container that is there",
		events: lifecycle(Event{Kind: Leftover, What: "an executed process", Exec: "e"}),
		want:   []string{"I8 c1 at 8: left: an executed process"},
	},
	{
		name: "I8: a sandbox is removed with its container",
		events: []Event{
			{Kind: Member, Sandbox: "p"}, service(of("p", call(OpRemoveSandbox, 1))), service(of("p", ok(OpRemoveSandbox, 1))), gone(false),
		},
	},
	{
		name: "I8: a container outlives its sandbox",
		events: []Event{
			{Kind: Member, Sandbox: "p"}, service(of("p", call(OpRemoveSandbox, 1))), service(of("p", ok(OpRemoveSandbox, 1))), settled(created, false),
		},
		want: []string{"I8 c1 at 3: settled: CREATED, no process, and its sandbox was removed by RemovePodSandbox#1"},
	},
	{
		name: "I10: a caller gives up and gets its answer soon",
		events: []Event{
			at(1, call(OpStop, 1)), at(2, Event{Kind: Canceled, ID: 1}), at(12, fail(OpStop, 1, "Canceled")),
		},
	},
	{
		name: "I10: a call goes on after its caller gave up",
		events: []Event{
			at(1, call(OpStop, 1)), at(2, Event{Kind: Canceled, ID: 1}), at(100, fail(OpStop, 1, "Canceled")),
		},
		want: []string{"I10 c1 at 2: StopContainer#1 returns 98 s after its caller gave up"},
	},
	{
		name:   "I10: a call that hangs",
		events: []Event{call(OpStop, 1), settled(created, false)},
		want:   []string{"I10 c1 at 1: StopContainer#1 has not returned"},
	},
	{
		name: "I12: a container outlives the service",
		events: []Event{
			call(OpStart, 1), task(1), starts(1), stored(running), ok(OpStart, 1), service(Event{Kind: Crashed}),
			service(Event{Kind: Recovered}), settled(running, true),
		},
		want: []string{"I5 c1 at 3: stored RUNNING after UNKNOWN"}, // the set-up was not recorded
	},
	{
		name: "I12: a process without a record",
		events: []Event{
			starts(1), call(OpRemove, 1), service(Event{Kind: Crashed}), fail(OpRemove, 1, "Unavailable"),
			service(Event{Kind: Recovered}), gone(true),
		},
		want: []string{"I12 c1 at 5: settled: no record, process alive after a restart: the process is nobody's"},
	},
	{
		name:   "I12: a container is forgotten",
		events: []Event{stored(created), service(Event{Kind: Crashed}), service(Event{Kind: Recovered}), gone(false)},
		want:   []string{"I12 c1 at 3: settled: no record, no process after a restart, nobody removed it"},
	},
	{
		name: "I12: a container goes with its sandbox",
		events: []Event{
			{Kind: Member, Sandbox: "p"},
			service(of("p", call(OpRemoveSandbox, 1))), service(of("p", ok(OpRemoveSandbox, 1))),
			service(Event{Kind: Crashed}), service(Event{Kind: Recovered}), gone(false),
		},
	},
	{
		name: "I12: a service that does not start",
		events: []Event{
			service(Event{Kind: Crashed}), service(Event{Kind: Recovered, Err: "Unavailable"}),
			service(probe(Event{Kind: Recovered, Err: "Unknown: damaged record"})),
		},
		want: []string{"I12  at 2: the service does not recover: Unknown: damaged record, and nothing fails any more"},
	},
	{
		name:   "I13: the start is durable",
		events: lifecycle(call(OpStatus, 2), sees(2, exited(7, 6)), ok(OpStatus, 2)),
	},
	{
		name:   "I13: the start is not on disk",
		events: []Event{stored(created), call(OpStart, 1), starts(1), ok(OpStart, 1), stored(running)},
		want:   []string{"I13 c1 at 3: StartContainer#1 -> ok, on disk CREATED"},
	},
	{
		name:   "I13: a reader sees what is not on disk",
		events: []Event{stored(created), call(OpStart, 1), starts(1), call(OpStatus, 2), sees(2, running)},
		want:   []string{"I13 c1 at 4: #2 sees RUNNING, on disk CREATED"},
	},
	{
		name:   "I13: other facts on disk",
		events: lifecycle(settled(Status{CreatedAt: 1, StartedAt: 2, FinishedAt: 6, ExitCode: 7}, false)),
		want:   []string{"I13 c1 at 8: the facts of settled: EXITED 7, no process are not those on disk"},
	},
	{
		name:   "I14: removed is removed, for all",
		events: lifecycle(call(OpRemove, 2), ok(OpRemove, 2), call(OpRemove, 3), ok(OpRemove, 3), call(OpStop, 4), ok(OpStop, 4)),
	},
	{
		name:   "I14: removed, and not found",
		events: lifecycle(call(OpRemove, 2), ok(OpRemove, 2), call(OpStop, 3), fail(OpStop, 3, "NotFound")),
		want:   []string{"I14 c1 at 11: StopContainer#3 -> NotFound, called after RemoveContainer#2 -> ok"},
	},
	{
		name: "I15: asked once, then killed",
		events: []Event{
			starts(1), graceful(call(OpStop, 2)), signaled(1, 15), signaled(1, 9), exits(1, 137), ok(OpStop, 2),
		},
	},
	{
		name: "I15: asked by a service and by its successor",
		events: []Event{
			starts(1), call(OpStop, 2), signaled(1, 15), service(Event{Kind: Crashed}), fail(OpStop, 2, "Unavailable"),
			call(OpStop, 3), signaled(1, 15),
		},
	},
	{
		name: "I15: asked by a service whose signal arrives after its crash, and by its successor",
		events: []Event{
			starts(1), call(OpStop, 2), service(Event{Kind: Crashed}), signaled(1, 15), fail(OpStop, 2, "Unavailable"),
			call(OpStop, 3), signaled(1, 15),
		},
	},
	{
		name: "I15: asked twice by the successor of a service that asked",
		events: []Event{
			starts(1), call(OpStop, 2), signaled(1, 15), service(Event{Kind: Crashed}), fail(OpStop, 2, "Unavailable"),
			call(OpStop, 3), signaled(1, 15), signaled(1, 15),
		},
		want: []string{"I15 c1 at 7: process 1 gets signal 15 for the second time"},
	},
	{
		name: "I15: asked twice by the successor of a service that stopped nothing",
		events: []Event{
			starts(1), service(Event{Kind: Crashed}), call(OpStop, 3), signaled(1, 15), signaled(1, 15),
		},
		want: []string{"I15 c1 at 4: process 1 gets signal 15 for the second time"},
	},
	{
		name:   "I15: asked twice",
		events: []Event{starts(1), call(OpStop, 2), signaled(1, 15), fail(OpStop, 2, "Canceled"), call(OpStop, 3), signaled(1, 15)},
		want:   []string{"I15 c1 at 5: process 1 gets signal 15 for the second time"},
	},
	{
		name:   "I15: nobody knows whether it was asked",
		events: []Event{starts(1), {Kind: Unreliable, What: Signals}, signaled(1, 15), signaled(1, 15)},
	},
	{
		name: "I15: killed without having been asked",
		events: []Event{
			starts(1), settled(running, true), graceful(call(OpStop, 2)), signaled(1, 9), exits(1, 137), ok(OpStop, 2),
		},
		want: []string{"I15 c1 at 5: StopContainer#2 -> ok: process 1 was killed and never asked to end"},
	},
	{
		name: "I16: one end for each who saw the beginning",
		events: []Event{
			task(1), starts(1), notified(1, NoticeStarted),
			{Kind: Notified, Channel: "s2", Life: 1, Notice: NoticeStarted},
			exits(1, 0), notified(1, NoticeStopped), service(Event{Kind: Unsubscribed, Channel: "s2"}), settled(exited(0, 4), false),
		},
	},
	{
		name:   "I16: two ends",
		events: []Event{task(1), starts(1), exits(1, 0), notified(1, NoticeStopped), notified(1, NoticeStopped)},
		want:   []string{"I16 c1 at 4: s1 learns STOPPED of process 1 for the second time"},
	},
	{
		name:   "I16: no end",
		events: []Event{task(1), starts(1), notified(1, NoticeStarted), exits(1, 0), settled(exited(0, 3), false)},
		want:   []string{"I16 c1 at 4: s1 never learns the end of process 1"},
	},
	{
		name: "I16: the end of what never ran, on a runtime that loses exits",
		events: []Event{
			service(Event{Kind: Unreliable, What: Exits}), {Kind: TaskCreated, Life: 1}, notified(1, NoticeStarted), exits(1, 137), settled(created, false),
		},
	},
	{
		name:   "I16: the end of what never ran",
		events: []Event{{Kind: TaskCreated, Life: 1}, notified(1, NoticeStarted), exits(1, 137), settled(created, false)},
		want:   []string{"I16 c1 at 3: s1 never learns the end of process 1"},
	},
	{
		name: "I17: the process ends before its sandbox is stopped",
		events: []Event{
			{Kind: Member, Sandbox: "p"}, service(of("p", call(OpStopSandbox, 1))), starts(1), exits(1, 137), service(of("p", ok(OpStopSandbox, 1))),
		},
	},
	{
		name: "I17: a process in a stopped sandbox",
		events: []Event{
			{Kind: Member, Sandbox: "p"}, starts(1), service(of("p", call(OpStopSandbox, 1))), service(of("p", ok(OpStopSandbox, 1))),
		},
		want: []string{"I17 c1 at 3: StopPodSandbox#1 -> ok while process 1 is alive"},
	},
	{
		name: "I17: a start in a stopped sandbox",
		events: []Event{
			{Kind: Member, Sandbox: "p"}, service(of("p", call(OpStopSandbox, 1))), service(of("p", ok(OpStopSandbox, 1))), starts(1),
		},
		want: []string{"I17 c1 at 3: process 1 starts after StopPodSandbox#1 -> ok"},
	},
	{
		name: "I18: one hangs, the other one does not",
		events: []Event{
			at(1, Event{Kind: Hung}), at(2, elsewhere("c2", call(OpStop, 1))), at(3, elsewhere("c2", ok(OpStop, 1))), at(900, Event{Kind: Resumed}),
		},
	},
	{
		name: "I18: one hangs, and the other one with it",
		events: []Event{
			at(1, Event{Kind: Hung}), at(2, elsewhere("c2", call(OpStop, 1))), at(900, Event{Kind: Resumed}), at(901, elsewhere("c2", ok(OpStop, 1))),
		},
		want: []string{"I18 c2 at 2: StopContainer#1 is held up by c1"},
	},
	{
		name: "I18: a stop of the sandbox of one that hangs",
		events: []Event{
			{Kind: Member, Sandbox: "p"},
			at(1, Event{Kind: Hung}), at(2, service(of("p", call(OpStopSandbox, 1)))),
			at(900, Event{Kind: Resumed}), at(901, service(of("p", ok(OpStopSandbox, 1)))),
		},
	},
	{
		name: "I18: a stop of another sandbox",
		events: []Event{
			{Kind: Member, Sandbox: "p"},
			at(1, Event{Kind: Hung}), at(2, service(of("q", call(OpStopSandbox, 1)))),
			at(900, Event{Kind: Resumed}), at(901, service(of("q", ok(OpStopSandbox, 1)))),
		},
		want: []string{"I18  at 3: StopPodSandbox#1 is held up by c1"},
	},
	{
		name: "I19: an update that overlaps another",
		events: []Event{
			starts(1), update(1, "1 cpu"), update(2, "2 cpu"), {Kind: Applied, Resources: "1 cpu"}, ok(OpUpdate, 1), ok(OpUpdate, 2), settled(running, true),
		},
	},
	{
		name:   "I19: an update that is forgotten",
		events: []Event{update(1, "1 cpu"), ok(OpUpdate, 1), starts(1), settled(running, true)},
		want:   []string{"I19 c1 at 3: UpdateContainerResources#1 was accepted with 1 cpu, the process has what it was started with"},
	},
	{
		name: "I19: an update that failed is in force",
		events: []Event{
			starts(1), update(1, "1 cpu"), {Kind: Applied, Resources: "1 cpu"}, fail(OpUpdate, 1, "Unavailable"), recorded("1 cpu"),
		},
	},
	{
		name: "I19: an update that failed is in force, and not in the record",
		events: []Event{
			starts(1), update(1, "1 cpu"), {Kind: Applied, Resources: "1 cpu"}, fail(OpUpdate, 1, "Unavailable"), recorded("none"),
		},
		want: []string{"I19 c1 at 4: the record says none, the process has 1 cpu"},
	},
	{
		name: "I19: an update that failed is in the record only",
		events: []Event{
			starts(1), update(1, "1 cpu"), fail(OpUpdate, 1, "Unavailable"), recorded("1 cpu"),
		},
		want: []string{"I19 c1 at 3: the record says 1 cpu, the process has what it was started with"},
	},
	{
		name: "I20: out of memory, and said so",
		events: []Event{starts(1), {Kind: OOMKilled, Life: 1}, exits(1, 137), call(OpStatus, 1), sees(1, Status{
			CreatedAt: 1, StartedAt: 1, FinishedAt: 2, ExitCode: 137, Reason: OOMReason,
		})},
	},
	{
		name:   "I20: out of memory, and not said",
		events: []Event{starts(1), {Kind: OOMKilled, Life: 1}, exits(1, 137), call(OpStatus, 1), sees(1, exited(137, 2))},
		want:   []string{"I20 c1 at 4: #1 sees EXITED 137: not a word of the lack of memory that killed process 1"},
	},
	{
		name:   "I20: out of memory, and not the reason",
		events: []Event{starts(1), {Kind: OOMKilled, Life: 1}, exits(1, 7), call(OpStatus, 1), sees(1, exited(7, 2))},
	},
	{
		name: "I20: out of memory, and no answer about it",
		events: []Event{
			starts(1), {Kind: OOMKilled, Life: 1}, exits(1, 137), service(Event{Kind: Unreliable, What: Reasons}), call(OpStatus, 1), sees(1, exited(137, 2)),
		},
	},
	{
		name: "I20: out of memory before the start",
		events: []Event{{Kind: TaskCreated, Life: 1}, {Kind: OOMKilled, Life: 1}, exits(1, 137), call(OpStatus, 1), sees(1, Status{
			CreatedAt: 1, FinishedAt: 2, ExitCode: 137, Reason: StartErrorReason,
		})},
	},
	{
		name: "I21: the pid is that of the process",
		events: []Event{
			stored(created), {Kind: TaskCreated, Life: 1, Pid: 5}, stored(Status{CreatedAt: 1, StartedAt: 1, Pid: 5}), {Kind: Started, Life: 1, Pid: 5},
		},
	},
	{
		name:   "I21: the pid is that of somebody else",
		events: []Event{stored(created), {Kind: TaskCreated, Life: 1, Pid: 5}, stored(Status{CreatedAt: 1, StartedAt: 1, Pid: 6})},
		want:   []string{"I21 c1 at 2: stored RUNNING with pid 6, which no process of this container had"},
	},
	{
		name: "I21: the end of the process before",
		events: []Event{
			stored(created), task(1), exits(1, 137), task(2), starts(2), stored(running), exits(2, 0), stored(exited(137, 2)),
		},
		want: []string{"I21 c1 at 7: stored EXITED 137: that is the end of process 1, not of process 2"},
	},
	{
		name: "I4: what a dead shim leaves of an exit",
		events: []Event{
			stored(created),
			{Kind: Unreliable, What: Exits},
			call(OpStart, 1), task(1), starts(1), stored(running), ok(OpStart, 1),
			exits(1, 7), stored(exited(255, 9)), settled(exited(255, 9), false),
		},
	},
	{
		name: "I9: a dead shim is taken for a dead process",
		events: []Event{
			{Kind: Unreliable, What: Exits},
			call(OpStart, 1), task(1), starts(1), ok(OpStart, 1), call(OpStop, 2), ok(OpStop, 2), exits(1, 137),
			settled(exited(255, 6), false),
		},
	},
	{
		name: "I9: but not for ever",
		events: []Event{
			{Kind: Unreliable, What: Exits}, call(OpStart, 1), task(1), starts(1), ok(OpStart, 1), call(OpStop, 2), ok(OpStop, 2), settled(running, true),
		},
		want: []string{"I9 c1 at 7: process alive at rest after StopContainer#2 -> ok"},
	},
	{
		name: "I9: what lives is of a start beside the stop",
		events: []Event{
			{Kind: Unreliable, What: Exits},
			task(1), call(OpStop, 2), call(OpStart, 1), exits(1, 137), ok(OpStop, 2), task(2), starts(2), ok(OpStart, 1),
			settled(running, true),
		},
	},
}

// everywhere stands for no container, which history would replace.
const everywhere = "-"
