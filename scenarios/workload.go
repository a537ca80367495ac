package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// DefaultWorkload breaks every variant but the reference: two callers start
// one container while others stop and remove it, its process exits, and task
// events may be lost, as containerd 2.4.2 loses them.
const DefaultWorkload = "start|start|stop|remove|exit=7; loss"

// Workload is what happens to containers in one sandbox or several, and what
// may go wrong meanwhile. Its text is
//
//	workload  = operation { "|" operation } { ";" condition }
//	operation = [ sandbox ":" ] [ container "." ] (
//	            "create" | "start" | "stop" [ "=" duration ] | "remove" | "status" | "update" |
//	            "exec" [ "=" duration ] | "exit" [ "=" code ] | "oom" | "hang" )
//	          | [ sandbox ":" ] ( "stopsandbox" | "removesandbox" )
//	          | "list" | "watch" [ "=" duration ] | "stall" | "crash" | "restart" | "giveup"
//	condition = "faults=" budget [ ":" call { "," call } ] | "plan={" plan "}" | "loss" | "ignoreterm" | "running" | "pause" | "hooks"
//
// with spaces anywhere between. Sandboxes and containers are named by a lower-case
// letter and up to 15 more of them or digits; without a name it is the one that has
// none. A container was created beforehand, unless there is a create. The operations
// run in parallel, each once:
//
//	create      CreateContainer; the other operations on the container wait for it
//	start       StartContainer
//	stop=10s    StopContainer with that timeout in whole seconds, without 0s: SIGKILL at once
//	remove      RemoveContainer
//	status      ContainerStatus
//	update      UpdateContainerResources with a value that no other update has
//	exec=10s    ExecSync of a command that runs for that long in whole seconds, without 0s
//	exit=7      the process ends by itself with that code, 0 to 255, without 0
//	oom         the process ends for lack of memory
//	hang        the runtime no longer answers about the container, until the calls that can return have
//
//	stopsandbox, removesandbox  StopPodSandbox, RemovePodSandbox
//	list        ListContainers
//	watch=10s   GetContainerEvents by a subscriber that takes so long for each event, until the end
//	stall       the same by one that takes none until all calls have returned
//	crash       the service is killed, and a new one recovers what is on disk, or is killed by the next crash while it does
//	restart     containerd is killed and starts again; shims and processes live on
//	giveup      the callers of all calls that are under way give up
//
// The conditions are
//
//	faults=2            up to 2 calls fail, see FaultCalls, before or after their effect
//	faults=2:tasks.Get  of these calls only
//	plan={tasks.Start=1*error(unavailable)}  what else goes wrong, see package failpoint
//	loss                any task event may get lost
//	ignoreterm          the process ignores SIGTERM
//	running             the containers that were created beforehand were started as well
//	pause               sandboxes have a pause process, and survive a crash; so it is with oom too
//	hooks               the start and the end of a container are told to a plugin, which may block or fail
//
// Not every variant can do all of it; see Variant.Check.
type Workload struct {
	Ops        []Op
	Faults     int      // how many calls may fail
	FaultCalls []string // which calls may fail, as named in package fakes; nil: all of FaultCalls
	Plan       string   // what else goes wrong, in the grammar of package failpoint, as its String prints it
	Loss       bool     // task events may be lost
	IgnoreTerm bool     // the process ignores SIGTERM
	Running    bool     // the containers run from the beginning
	Pause      bool     // sandboxes have a pause process
	Hooks      bool     // a plugin is told of starts and ends, and may block or fail
}

// needs returns what a variant has to be able to do for w.
func (w Workload) needs() (all []Ability) {
	for _, op := range w.Ops {
		all = append(all, op.Kind.needs()...)
	}
	if w.Pause {
		all = append(all, Pauses)
	}
	if w.Hooks {
		all = append(all, CallsOut)
	}
	return all
}

// FaultCalls returns the calls that a workload may let fail, sorted. Those of the
// set-up always succeed.
func FaultCalls() []string {
	return []string{
		"checkpoint.List", "checkpoint.Read", "checkpoint.Remove", "checkpoint.Write",
		"containers.Create", "containers.Delete", "containers.Get", "containers.List", "containers.Update",
		"tasks.Create", "tasks.Delete", "tasks.DeleteProcess", "tasks.Exec", "tasks.Get", "tasks.Kill", "tasks.Start",
		"tasks.Update", "tasks.Wait",
	}
}

// String returns the text of w in its shortest form, which ParseWorkload
// reads back.
func (w Workload) String() string {
	var b strings.Builder
	for i, op := range w.Ops {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(op.String())
	}
	if w.Faults > 0 {
		fmt.Fprintf(&b, "; faults=%d", w.Faults)
		if len(w.FaultCalls) > 0 {
			b.WriteString(":" + strings.Join(w.FaultCalls, ","))
		}
	}
	if w.Plan != "" {
		b.WriteString("; plan={" + w.Plan + "}")
	}
	if w.Loss {
		b.WriteString("; loss")
	}
	if w.IgnoreTerm {
		b.WriteString("; ignoreterm")
	}
	if w.Running {
		b.WriteString("; running")
	}
	if w.Pause {
		b.WriteString("; pause")
	}
	if w.Hooks {
		b.WriteString("; hooks")
	}
	return b.String()
}

// names returns the name of each operation, with a number if there are several
// of its kind on its container: start1, start2, c2.stop.
func (w Workload) names() []string {
	count := map[string]int{}
	for _, op := range w.Ops {
		count[op.name()]++
	}
	seen := map[string]int{}
	names := make([]string, len(w.Ops))
	for i, op := range w.Ops {
		names[i] = op.name()
		seen[op.name()]++
		if count[op.name()] > 1 {
			names[i] += strconv.Itoa(seen[op.name()])
		}
	}
	return names
}

// faultCalls are the calls that may fail.
func (w Workload) faultCalls() []string {
	if len(w.FaultCalls) > 0 {
		return w.FaultCalls
	}
	return FaultCalls()
}

// has reports whether an operation of that kind is part of w.
func (w Workload) has(kind OpKind) bool {
	return slices.ContainsFunc(w.Ops, func(o Op) bool { return o.Kind == kind })
}

// place names a container in its sandbox.
type place struct{ sandbox, container string }

func (o Op) place() place { return place{o.Sandbox, o.Container} }

// containers are the places of all containers, in the order of their first
// operations; there is at least one.
func (w Workload) containers() []place {
	var all []place
	for _, op := range w.Ops {
		if op.Kind.onContainer() && !slices.Contains(all, op.place()) {
			all = append(all, op.place())
		}
	}
	if len(all) > 0 {
		return all
	}
	for _, op := range w.Ops {
		if op.Kind.onSandbox() {
			return []place{op.place()}
		}
	}
	return []place{{}}
}

// sandboxes are the names of all sandboxes, those of containers first.
func (w Workload) sandboxes() []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, c := range w.containers() {
		add(c.sandbox)
	}
	for _, op := range w.Ops {
		if op.Kind.onSandbox() {
			add(op.Sandbox)
		}
	}
	return names
}

// on reports whether an operation of that kind on that container is part of w.
func (w Workload) on(c place, kind OpKind) bool {
	return slices.ContainsFunc(w.Ops, func(o Op) bool { return o.Kind == kind && o.place() == c })
}

// breaks reports whether daemon or shim may go down.
func (w Workload) breaks() bool {
	return w.has(Restart) || strings.Contains(w.Plan, "kill") || strings.Contains(w.Plan, "crash")
}

// shared reports whether a history of w has more than what is about one container.
func (w Workload) shared() bool {
	return len(w.containers()) > 1 || w.has(StopSandbox) || w.has(RemoveSandbox) ||
		w.has(Crash) || w.breaks() || w.Plan != "" || w.Faults > 0 || w.pauses() || w.watched()
}

// pauses reports whether sandboxes have a pause process. Who has one is asked for
// lack of memory as well.
func (w Workload) pauses() bool { return w.Pause || w.has(OOM) }

// watched reports whether somebody subscribes to events.
func (w Workload) watched() bool { return w.has(Watch) || w.has(Stall) }
