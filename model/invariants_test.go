package model

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Shorthands for histories of one container. An event without a time of its
// own gets its index as time, so that a stored exit names the event it records.

func call(op Op, id int) Event             { return Event{Kind: Call, Op: op, ID: id} }
func ok(op Op, id int) Event               { return Event{Kind: Return, Op: op, ID: id} }
func fail(op Op, id int, err string) Event { return Event{Kind: Return, Op: op, ID: id, Err: err} }
func task(life int) Event                  { return Event{Kind: TaskCreated, Life: life} }
func starts(life int) Event                { return Event{Kind: Started, Life: life} }
func exits(life int, code int32) Event     { return Event{Kind: Exited, Life: life, Code: code} }
func stored(s Status) Event                { return Event{Kind: Stored, Status: s} }
func sees(id int, s Status) Event          { return Event{Kind: Observed, ID: id, Status: s} }
func settled(s Status, alive bool) Event {
	return Event{Kind: Settled, Status: s, Present: true, Alive: alive}
}
func gone(alive bool) Event { return Event{Kind: Settled, Alive: alive} }
func probe(e Event) Event   { e.Probe = true; return e }
func exited(code int32, at int64) Status {
	return Status{CreatedAt: 1, StartedAt: 1, FinishedAt: at, ExitCode: code}
}

func startError(at int64) Status {
	return Status{CreatedAt: 1, FinishedAt: at, ExitCode: StartErrorCode, Reason: StartErrorReason}
}

var (
	created = Status{CreatedAt: 1}
	running = Status{CreatedAt: 1, StartedAt: 1}
)

func history(source Source, events ...Event) History {
	for i := range events {
		switch events[i].Container {
		case "":
			events[i].Container = "c1"
		case everywhere:
			events[i].Container = ""
		}
		if events[i].At == 0 {
			events[i].At = int64(i)
		}
	}
	return History{Source: source, Events: events}
}

// lifecycle is a whole ordinary life; its process exits with 7 at event 6.
func lifecycle(end ...Event) []Event {
	return append([]Event{
		stored(created),
		call(OpStart, 1), task(1), starts(1), stored(running), ok(OpStart, 1),
		exits(1, 7), stored(exited(7, 6)),
	}, end...)
}

func TestInvariants(t *testing.T) {
	tests := []invariantCase{
		{
			name:   "an ordinary life",
			events: lifecycle(settled(exited(7, 6), false), probe(call(OpRemove, 2)), probe(ok(OpRemove, 2)), gone(false)),
		},
		{
			name:   "I0: a return without its call",
			events: []Event{ok(OpStart, 1)},
			want:   []string{"I0 c1 at 0: StartContainer#1 -> ok: no such call is under way"},
		},
		{
			name:   "I0: a process that ends twice",
			events: []Event{starts(1), exits(1, 0), exits(1, 0)},
			want:   []string{"I0 c1 at 2: process 1 exits with 0: for the second time"},
		},
		{
			name: "I1: of two starters one is refused",
			events: []Event{
				call(OpStart, 1), call(OpStart, 2), fail(OpStart, 2, "FailedPrecondition"),
				task(1), starts(1), ok(OpStart, 1), settled(running, true),
			},
		},
		{
			name: "I1: both starters succeed",
			events: []Event{
				call(OpStart, 1), call(OpStart, 2),
				starts(1), starts(2), ok(OpStart, 1), ok(OpStart, 2),
			},
			want: []string{
				"I1 c1 at 3: process 2 starts while another process of the container is alive",
				"I1 c1 at 5: StartContainer#2 -> ok: the second success",
			},
		},
		{
			name: "I1: a failed start whose process ran is repeated",
			events: []Event{
				call(OpStart, 1), starts(1), exits(1, 137), fail(OpStart, 1, "Unavailable"),
				call(OpStart, 2), starts(2), ok(OpStart, 2),
			},
			want: []string{"I1 c1 at 5: process 2 starts: the container had run before"},
		},
		{
			name: "I2: a remove that overlaps a start comes before it",
			events: []Event{
				call(OpStart, 1), call(OpRemove, 2), ok(OpRemove, 2), fail(OpStart, 1, "NotFound"), gone(false),
			},
		},
		{
			name: "I2: a remove that overlaps a start comes after it",
			events: []Event{
				call(OpStart, 1), call(OpRemove, 2), starts(1), exits(1, 0), ok(OpRemove, 2), ok(OpStart, 1), gone(false),
			},
		},
		{
			name:   "I2: removed while the process is alive",
			events: []Event{call(OpRemove, 2), call(OpStart, 1), starts(1), ok(OpRemove, 2), exits(1, 0), ok(OpStart, 1)},
			want:   []string{"I2 c1 at 3: RemoveContainer#2 -> ok while process 1 is alive"},
		},
		{
			name:   "I2: a start proceeds after the remove",
			events: []Event{call(OpStart, 1), call(OpRemove, 2), ok(OpRemove, 2), starts(1), exits(1, 137), fail(OpStart, 1, "NotFound")},
			want:   []string{"I2 c1 at 3: process 1 starts after RemoveContainer#2 -> ok"},
		},
		{
			name:   "I2: a later start succeeds",
			source: Real,
			events: []Event{call(OpRemove, 1), ok(OpRemove, 1), call(OpStart, 2), ok(OpStart, 2)},
			want:   []string{"I2 c1 at 3: StartContainer#2 -> ok, called after RemoveContainer#1 -> ok"},
		},
		{
			name:   "I2: on a real runtime an exit may be seen late",
			source: Real,
			events: []Event{starts(1), call(OpRemove, 2), ok(OpRemove, 2), exits(1, 0), gone(false)},
		},
		{
			name:   "I2: on a real runtime alive at rest is proof",
			source: Real,
			events: []Event{starts(1), call(OpRemove, 2), ok(OpRemove, 2), gone(true)},
			want:   []string{"I2 c1 at 3: process alive at rest after RemoveContainer#2 -> ok"},
		},
		{
			name:   "I3: the exit was lost",
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), exits(1, 0), settled(running, false)},
			want:   []string{"I3 c1 at 4: no process alive, status RUNNING"},
		},
		{
			name:   "I3: RUNNING for ever, and never started",
			events: []Event{stored(created), task(1), stored(running), settled(running, true)},
			want:   []string{"I3 c1 at 3: status RUNNING, and nobody started the process"},
		},
		{
			name:   "I3: the process outlives its record",
			events: []Event{call(OpStart, 1), starts(1), fail(OpStart, 1, "Unknown"), settled(startError(3), true)},
			want:   []string{"I3 c1 at 3: process alive, status EXITED"},
		},
		{
			name:   "I3: the record forgot that it ran",
			events: []Event{call(OpStart, 1), starts(1), exits(1, 137), fail(OpStart, 1, "Unknown"), settled(created, false)},
			want:   []string{"I3 c1 at 4: the process exited, status CREATED"},
		},
		{
			name:   "I3: success without a process",
			events: []Event{call(OpStart, 1), ok(OpStart, 1), settled(created, false)},
			want:   []string{"I3 c1 at 2: StartContainer succeeded, status CREATED"},
		},
		{
			name:   "I3: success without a process, and exited",
			events: []Event{call(OpStart, 1), ok(OpStart, 1), settled(exited(255, 1), false)},
			want:   []string{"I3 c1 at 2: StartContainer succeeded, no process ever ran"},
		},
		{
			name:   "I3: the exit is not on disk",
			events: []Event{stored(created), call(OpStart, 1), starts(1), stored(running), ok(OpStart, 1), exits(1, 7), settled(exited(7, 5), false)},
			want:   []string{"I3 c1 at 6: status EXITED, on disk RUNNING"},
		},
		{
			name: "I4: a start that failed with effect may keep the real code",
			events: []Event{
				stored(created), call(OpStart, 1), starts(1), exits(1, 137), stored(exited(137, 3)), fail(OpStart, 1, "Unavailable"),
				settled(exited(137, 3), false),
			},
		},
		{
			name: "I4: or say that it failed before that has ended",
			events: []Event{
				stored(created), call(OpStart, 1), starts(1), stored(startError(3)), exits(1, 137), fail(OpStart, 1, "Unavailable"),
				settled(startError(3), false),
			},
		},
		{
			name: "I4: but not after",
			events: []Event{
				stored(created), call(OpStart, 1), starts(1), exits(1, 137), stored(startError(5)), fail(OpStart, 1, "Unavailable"),
				settled(startError(5), false),
			},
			want: []string{"I4 c1 at 4: stored EXITED 128 StartError: code 128 at 5, the process exited with 137 at 3"},
		},
		{
			name:   "I4: a made-up code for a process that has a real one",
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), exits(1, 7), settled(exited(255, 3), false)},
			want:   []string{"I4 c1 at 4: settled: EXITED 255, no process: code 255 at 3, the process exited with 7 at 3"},
		},
		{
			name:   "I4: the time of handling instead of the exit",
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), exits(1, 7), settled(exited(7, 4), false)},
			want:   []string{"I4 c1 at 4: settled: EXITED 7, no process: code 7 at 4, the process exited with 7 at 3"},
		},
		{
			name:   "I4: on a real runtime the time is undecided",
			source: Real,
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), exits(1, 7), settled(exited(7, 4), false)},
		},
		{
			name:   "I4: a real runtime that nobody broke gives no reason to make up a code",
			source: Real,
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), exits(1, 7), settled(exited(255, 3), false)},
			want:   []string{"I4 c1 at 4: settled: EXITED 255, no process: code 255 at 3, the process exited with 7 at 3"},
		},
		{
			name:   "I4: one that lost the exit does",
			source: Real,
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), {Kind: Unreliable, What: Exits}, exits(1, 7), settled(exited(255, 5), false)},
		},
		{
			name:   "I4: but none for one that lived on",
			source: Real,
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), {Kind: Unreliable, What: Exits}, exits(1, 137), settled(exited(255, 3), false)},
			want:   []string{"I4 c1 at 5: settled: EXITED 255, no process: ended at 3, the process lived until 4"},
		},
		{
			name:   "I4: unless its shim is dead",
			source: Real,
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), {Kind: Unreliable, What: Exits}, {Kind: Unreliable, What: Shims}, exits(1, 137), settled(exited(255, 3), false)},
		},
		{
			name:   "I4: and it may tell of a code that it made up",
			source: Real,
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), {Kind: Unreliable, What: Exits}, exits(1, 137), settled(exited(7, 3), false)},
		},
		{
			name:   "I4: but of no other",
			source: Real,
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), {Kind: Unreliable, What: Exits}, exits(1, 7), settled(exited(3, 3), false)},
			want:   []string{"I4 c1 at 5: settled: EXITED 3, no process: code 3 at 3, the process exited with 7 at 4"},
		},
		{
			name:   "I4: the exit is recorded before it happens",
			events: []Event{stored(running), starts(1), stored(exited(0, 3)), exits(1, 0)},
			want: []string{
				"I5 c1 at 0: stored RUNNING after UNKNOWN",
				"I4 c1 at 2: stored EXITED 0: the process has not exited",
			},
		},
		{
			name:   "I4: a code out of nowhere",
			events: []Event{call(OpStart, 1), fail(OpStart, 1, "Unknown"), settled(exited(0, 1), false)},
			want:   []string{"I4 c1 at 2: settled: EXITED 0, no process: no process ever ran"},
		},
		{
			name:   "I4: overwritten",
			events: lifecycle(stored(exited(137, 6))),
			want:   []string{"I4 c1 at 8: stored EXITED 137: changed, was code 7 at 6, is code 137 at 6"},
		},
		{
			name:   "I5: the reason may change",
			events: lifecycle(stored(Status{CreatedAt: 1, StartedAt: 1, FinishedAt: 6, ExitCode: 7, Reason: "OOMKilled"})),
		},
		{
			name:   "I5: backward",
			events: lifecycle(stored(running)),
			want:   []string{"I5 c1 at 8: stored RUNNING after EXITED"},
		},
		{
			name: "I5: the exit overtakes the running status",
			events: []Event{
				stored(created), call(OpStart, 1), starts(1), exits(1, 0), stored(exited(0, 3)), ok(OpStart, 1),
			},
			want: []string{"I5 c1 at 4: stored EXITED 0: the exit of a started container without the RUNNING it ends"},
		},
		{
			name:   "I5: zeros over a good record",
			events: []Event{stored(created), stored(Status{CreatedAt: 2, StartedAt: 2})},
			want:   []string{"I5 c1 at 1: stored RUNNING: creation time changed from 1 to 2"},
		},
		{
			name: "I5: a later reader sees an older status",
			events: []Event{
				call(OpStatus, 1), sees(1, running), ok(OpStatus, 1),
				call(OpStatus, 2), sees(2, created), ok(OpStatus, 2),
			},
			want: []string{"I5 c1 at 4: #2 sees CREATED after #1 saw RUNNING"},
		},
		{
			name: "I5: readers that overlap see either",
			events: []Event{
				call(OpStatus, 1), call(OpStatus, 2), sees(1, running), ok(OpStatus, 1), sees(2, created), ok(OpStatus, 2),
			},
		},
		{
			name:   "I9: a stop that nothing preceded does not bind a later start",
			events: []Event{call(OpStop, 1), ok(OpStop, 1), call(OpStart, 2), task(1), starts(1), ok(OpStart, 2)},
		},
		{
			name:   "I9: a start that overlaps the stop may follow it",
			events: []Event{call(OpStart, 2), call(OpStop, 1), task(1), ok(OpStop, 1), starts(1), ok(OpStart, 2)},
		},
		{
			name:   "I9: the stop is lost on a start under way",
			events: []Event{call(OpStart, 2), task(1), call(OpStop, 1), ok(OpStop, 1), starts(1), ok(OpStart, 2)},
			want:   []string{"I9 c1 at 4: process 1, created before StopContainer#1 was called, starts after its success"},
		},
		{
			name:   "I9: stopped and alive",
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), call(OpStop, 2), ok(OpStop, 2), exits(1, 137)},
			want:   []string{"I9 c1 at 4: StopContainer#2 -> ok while process 1 is alive"},
		},
		{
			name:   "I9: on a real runtime the exit may be seen late",
			source: Real,
			events: []Event{call(OpStart, 1), starts(1), ok(OpStart, 1), call(OpStop, 2), ok(OpStop, 2), exits(1, 137)},
		},
		{
			name:   "I9: on a real runtime alive at rest is proof",
			source: Real,
			events: []Event{call(OpStart, 1), ok(OpStart, 1), call(OpStop, 2), ok(OpStop, 2), settled(running, true)},
			want:   []string{"I9 c1 at 4: process alive at rest after StopContainer#2 -> ok"},
		},
		{
			name:   "I9: on a real runtime a later start may be what lives",
			source: Real,
			events: []Event{task(1), call(OpStop, 2), ok(OpStop, 2), call(OpStart, 3), ok(OpStart, 3), settled(running, true)},
		},
		{
			name:   "I11: a flag is left",
			events: []Event{settled(Status{CreatedAt: 1, Starting: true}, false)},
			want:   []string{"I11 c1 at 0: settled: CREATED +starting, no process"},
		},
		{
			name:   "I11: a probe is refused",
			events: []Event{probe(call(OpRemove, 1)), probe(fail(OpRemove, 1, "FailedPrecondition: already removing"))},
			want: []string{
				"I11 c1 at 1: probe RemoveContainer#1 -> FailedPrecondition: already removing",
				"I14 c1 at 1: probe RemoveContainer#1 -> FailedPrecondition: already removing: it does not converge",
			},
		},
	}
	broken := map[string]bool{}
	for _, test := range append(tests, invariantCases...) {
		t.Run(test.name, func(t *testing.T) {
			h := history(test.source, test.events...)
			var got []string
			for _, v := range Check(h) {
				got = append(got, v.String())
				broken[v.Invariant] = true
			}
			assert.Equal(t, test.want, got, "%s", h)
		})
	}
	for _, inv := range Invariants {
		assert.True(t, broken[inv.ID], "no history here breaks %s", inv.ID)
	}
}

// Containers are judged apart: what is one too many for one may be shared by two.
func TestCheckJudgesContainersApart(t *testing.T) {
	h := History{Events: []Event{
		{Kind: Started, Container: "a", Life: 1},
		{Kind: Started, Container: "b", Life: 1},
		{Kind: Started, Container: "a", Life: 2},
	}}
	require.Len(t, Check(h), 1)
	assert.Equal(t, Violation{
		Invariant: "I1", Container: "a", Event: 2,
		Message: "process 2 starts while another process of the container is alive",
	}, Check(h)[0])
}

func TestUndecidable(t *testing.T) {
	assert.Empty(t, Undecidable("I4", Simulated))
	assert.Contains(t, Undecidable("I4", Real), "exact time")
	assert.Empty(t, Undecidable("I11", Real))
	assert.Panics(t, func() { Undecidable("I99", Real) })
}
