package conformance

import (
	"slices"
	"strings"
)

// Explanation is why outcomes of one operation differ and may.
type Explanation struct {
	Op     string
	States []State // none: all
	// Fake means that the fake does not do what a real daemon does. Otherwise
	// only releases differ, and the fake that behaves like one does as it does.
	Fake   bool
	Why    string
	Source string
}

// Explanations returns all, in the order of the notes of docs/conformance.md.
func Explanations() []Explanation {
	return []Explanation{
		{
			Op: "Container.NewTask of a missing program", Fake: true,
			Why:    "The text comes from runc, of which there are two releases; nobody matches on it.",
			Source: "runc 1.1.5 beside 1.6.20, the pinned one beside 2.4.2; libcontainer's \"error during container init\" is newer",
		},
		{
			Op: "Exec.Start", States: []State{ExecLate, ExecKilled},
			Why:    "Once the init process has ended, 2.4.2 refuses executed ones itself, with another class; before, runc or the state of the process did.",
			Source: "containerd#10651, which 1.6 and 1.7 got too after 1.6.20; Profile.RefusesLateExec",
		},
		{
			Op: failedStart, Fake: true,
			Why: "The shim crashes when the process ends. Whether the call that ends it, and those of the next moment, still get an answer or \"ttrpc: closed\" is a race; " +
				"in the fake the call does, and the next ones find no task. In random sequences only.",
			Source: "start and setExited in cmd/containerd-shim-runc-v2/process/exec.go both close waitBlock",
		},
		{
			Op: doubleStart, Fake: true,
			Why: "2.4.2 refuses the second Start of an executed process that runs, but counts it: when the init process ends later, the shim crashes, and the task is gone. " +
				"The fake goes on. In random sequences only.",
			Source: "Start and preStart in cmd/containerd-shim-runc-v2/task/service.go of 2.4.2: after an error handleStarted enters the process in running once more",
		},
		{
			Op: pendingTerm, Fake: true,
			Why: "runc thaws what it kills. A process with a SIGTERM from the time when it was paused may run for a moment then, and end by that. " +
				"In the fake it ends by SIGKILL. In random sequences only, about one in a thousand.",
			Source: "Signal in libcontainer/container_linux.go of runc",
		},
	}
}

// Operations of sequences that have no cell.
const (
	doubleStart = "Exec.Start twice, then the end of the task"
	failedStart = "Exec.Start that fails, then one that succeeds, then the end"
	pendingTerm = "Kill TERM of what is paused, then Task.Kill KILL"
)

// ExplainSequence tells why the last step of a sequence on a real daemon may be
// another one than on the fake, or returns "".
func ExplainSequence(release string, done []Step) string {
	last := done[len(done)-1]
	for _, step := range done[:len(done)-1] {
		if step.Op == "Exec.Start" && strings.HasPrefix(step.Outcome, "Unknown: OCI runtime exec failed") && strings.Contains(last.Outcome, "ttrpc: closed") {
			return failedStart
		}
		if strings.HasSuffix(step.Op, "Kill TERM") && strings.Contains(step.After, "paused") &&
			strings.HasPrefix(last.Op, "Task.Kill KILL") && strings.Contains(last.After, "stopped 143") {
			return pendingTerm
		}
	}
	if release != Pinned || !strings.Contains(last.Outcome, "ttrpc: closed") && !strings.Contains(last.After, "no task") {
		return ""
	}
	for _, step := range done[:len(done)-1] {
		if step.Op == "Exec.Start" && step.Outcome == "Unknown: cannot start a running process" {
			return doubleStart
		}
	}
	return ""
}

// PairExplanation is why two operations at once do on a real daemon what they
// cannot do on the fake.
type PairExplanation struct {
	Name        string
	Why, Source string
	covers      func(p Pair, a, b, after string) bool
}

// PairExplanations returns all, in the order of docs/conformance.md.
func PairExplanations() []PairExplanation {
	return []PairExplanation{
		{
			Name: "Task.Pause or Task.Resume beside Task.Kill",
			Why: "A SIGKILL that reaches a process just before the freezer of cgroup v1 stops it takes effect when it is thawed. " +
				"runc thaws for SIGKILL what it finds frozen. In the fake such a process dies.",
			Source: "Signal in libcontainer/container_linux.go of runc; Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst of the kernel",
			covers: func(p Pair, _, b, after string) bool {
				return (p.A == "Task.Pause" || p.A == "Task.Resume") && p.B == "Task.Kill KILL" && b == "ok" && after == "container, task paused"
			},
		},
	}
}

// ExplainPair returns the name of the explanation of an outcome, or "".
func ExplainPair(p Pair, outcome string) string {
	did, after, _ := strings.Cut(outcome, " -> ")
	a, b, _ := strings.Cut(did, " | ")
	for _, e := range PairExplanations() {
		if e.covers(p, a, b, after) {
			return e.Name
		}
	}
	return ""
}

// explain returns the number of the explanation for a cell, from 1, or 0.
func explain(c Cell, fake bool) int {
	for i, e := range Explanations() {
		if e.Op == c.Op && (len(e.States) == 0 || slices.Contains(e.States, c.State)) && (e.Fake || !fake) {
			return i + 1
		}
	}
	return 0
}

// Difference is a cell in which two tables differ without an explanation.
type Difference struct {
	Cell
	Got, Want string
}

// Unexplained compares the table of a fake with that of the release that it
// behaves like, and returns the cells that differ without an explanation.
func Unexplained(got, want Table) []Difference { return differences(got, want, true) }

// UnexplainedBetween does the same for two releases.
func UnexplainedBetween(got, want Table) []Difference { return differences(got, want, false) }

func differences(got, want Table, fake bool) []Difference {
	var found []Difference
	all, _ := cells()
	for _, c := range all {
		if got[c] != want[c] && explain(c, fake) == 0 {
			found = append(found, Difference{c, got[c], want[c]})
		}
	}
	return found
}
