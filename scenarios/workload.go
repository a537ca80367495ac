package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultWorkload breaks every variant but the reference: two callers start
// one container while others stop and remove it, its process exits, and task
// events may be lost, as containerd 2.4.2 loses them.
const DefaultWorkload = "start|start|stop|remove|exit=7; loss"

// Workload is what happens to one container or several in one sandbox, and what
// may go wrong meanwhile. Its text is
//
//	workload  = operation { "|" operation } { ";" condition }
//	operation = [ container "." ] ( "create" | "start" | "stop" [ "=" duration ] | "remove" | "status" | "exit" [ "=" code ] )
//	          | "stopsandbox" | "removesandbox" | "crash" | "restart"
//	condition = "faults=" budget [ ":" call { "," call } ] | "plan={" plan "}" | "loss" | "ignoreterm" | "running"
//
// with spaces anywhere between. A container is named by a lower-case letter and up
// to 15 more of them or digits; without a name it is the one that has none. It was
// created beforehand, unless there is a create. The operations run in parallel, each
// once:
//
//	create      CreateContainer; the other operations on the container wait for it
//	start       StartContainer
//	stop=10s    StopContainer with that timeout in whole seconds, without 0s: SIGKILL at once
//	remove      RemoveContainer
//	status      ContainerStatus
//	exit=7      the process ends by itself with that code, 0 to 255, without 0
//
//	stopsandbox, removesandbox  StopPodSandbox, RemovePodSandbox
//	crash       the service is killed, and a new one recovers what is on disk, or is killed by the next crash while it does
//	restart     containerd is killed and starts again; shims and processes live on
//
// The conditions are
//
//	faults=2            up to 2 calls fail, see FaultCalls, before or after their effect
//	faults=2:tasks.Get  of these calls only
//	plan={tasks.Start=1*error(unavailable)}  what else goes wrong, see package failpoint
//	loss                any task event may get lost
//	ignoreterm          the process ignores SIGTERM
//	running             the containers that were created beforehand were started as well
type Workload struct {
	Ops        []Op
	Faults     int      // how many calls may fail
	FaultCalls []string // which calls may fail, as named in package fakes; nil: all of FaultCalls
	Plan       string   // what else goes wrong, in the grammar of package failpoint, as its String prints it
	Loss       bool     // task events may be lost
	IgnoreTerm bool     // the process ignores SIGTERM
	Running    bool     // the containers run from the beginning
}

// Op is one operation of a workload.
type Op struct {
	Container string // name, "" for the one without
	Kind      OpKind
	Timeout   time.Duration // Stop: whole seconds
	Code      uint8         // Exit
}

// OpKind says what an operation does; its value is its text.
type OpKind string

// The kinds of operations.
const (
	Start  OpKind = "start"
	Stop   OpKind = "stop"
	Remove OpKind = "remove"
	Status OpKind = "status"
	Exit   OpKind = "exit"
	Create OpKind = "create"

	StopSandbox   OpKind = "stopsandbox"
	RemoveSandbox OpKind = "removesandbox"
	Crash         OpKind = "crash"
	Restart       OpKind = "restart"
)

// onContainer reports whether an operation of that kind is about a container.
func (k OpKind) onContainer() bool {
	switch k {
	case StopSandbox, RemoveSandbox, Crash, Restart:
		return false
	}
	return true
}

// FaultCalls returns the calls that a workload may let fail, sorted. Those of the
// set-up always succeed.
func FaultCalls() []string {
	return []string{
		"checkpoint.List", "checkpoint.Read", "checkpoint.Remove", "checkpoint.Write",
		"containers.Create", "containers.Delete", "containers.Get", "containers.List",
		"tasks.Create", "tasks.Delete", "tasks.Get", "tasks.Kill", "tasks.Start", "tasks.Wait",
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
	return b.String()
}

// String returns the text of the operation.
func (o Op) String() string {
	switch {
	case o.Kind == Stop && o.Timeout != 0:
		return o.name() + fmt.Sprintf("=%s", o.Timeout)
	case o.Kind == Exit && o.Code != 0:
		return o.name() + fmt.Sprintf("=%d", o.Code)
	}
	return o.name()
}

// name is the operation without its value.
func (o Op) name() string {
	if o.Container != "" {
		return o.Container + "." + string(o.Kind)
	}
	return string(o.Kind)
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

// containers are the names of all containers, in the order of their first
// operations; there is at least one.
func (w Workload) containers() []string {
	var names []string
	for _, op := range w.Ops {
		if op.Kind.onContainer() && !slices.Contains(names, op.Container) {
			names = append(names, op.Container)
		}
	}
	if len(names) == 0 {
		names = []string{""}
	}
	return names
}

// on reports whether an operation of that kind on that container is part of w.
func (w Workload) on(container string, kind OpKind) bool {
	return slices.ContainsFunc(w.Ops, func(o Op) bool { return o.Kind == kind && o.Container == container })
}

// breaks reports whether daemon or shim may go down.
func (w Workload) breaks() bool {
	return w.has(Restart) || strings.Contains(w.Plan, "kill") || strings.Contains(w.Plan, "crash")
}

// shared reports whether a history of w has more than what is about one container.
func (w Workload) shared() bool {
	return len(w.containers()) > 1 || w.has(StopSandbox) || w.has(RemoveSandbox) ||
		w.has(Crash) || w.breaks() || w.Plan != "" || w.Faults > 0
}
