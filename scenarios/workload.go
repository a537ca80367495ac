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

// Workload is what happens to one container that was created beforehand, and
// what may go wrong meanwhile. Its text is
//
//	workload  = operation { "|" operation } { ";" condition }
//	operation = "start" | "stop" [ "=" duration ] | "remove" | "status" | "exit" [ "=" code ]
//	condition = "faults=" budget [ ":" call { "," call } ] | "loss" | "ignoreterm"
//
// with spaces anywhere between. The operations run in parallel, each once:
//
//	start       StartContainer
//	stop=10s    StopContainer with that timeout in whole seconds, without 0s: SIGKILL at once
//	remove      RemoveContainer
//	status      ContainerStatus
//	exit=7      the process ends by itself with that code, 0 to 255, without 0
//
// The conditions are
//
//	faults=2            up to 2 calls fail, see FaultCalls, before or after their effect
//	faults=2:tasks.Get  of these calls only
//	loss                any task event may get lost
//	ignoreterm          the process ignores SIGTERM
type Workload struct {
	Ops        []Op
	Faults     int      // how many calls may fail
	FaultCalls []string // which calls may fail, as named in package fakes; nil: all of FaultCalls
	Loss       bool     // task events may be lost
	IgnoreTerm bool     // the process ignores SIGTERM
}

// Op is one operation of a workload.
type Op struct {
	Kind    OpKind
	Timeout time.Duration // Stop: whole seconds
	Code    uint8         // Exit
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
)

// FaultCalls returns the calls that a workload may let fail, sorted. Those that
// only the set-up makes are not among them: it always succeeds.
func FaultCalls() []string {
	return []string{
		"checkpoint.Remove", "checkpoint.Write",
		"containers.Delete", "containers.Get",
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
	if w.Loss {
		b.WriteString("; loss")
	}
	if w.IgnoreTerm {
		b.WriteString("; ignoreterm")
	}
	return b.String()
}

// String returns the text of the operation.
func (o Op) String() string {
	switch {
	case o.Kind == Stop && o.Timeout != 0:
		return fmt.Sprintf("stop=%s", o.Timeout)
	case o.Kind == Exit && o.Code != 0:
		return fmt.Sprintf("exit=%d", o.Code)
	}
	return string(o.Kind)
}

// names returns the name of each operation, with a number if there are several
// of its kind: start1, start2, stop.
func (w Workload) names() []string {
	count := map[OpKind]int{}
	for _, op := range w.Ops {
		count[op.Kind]++
	}
	seen := map[OpKind]int{}
	names := make([]string, len(w.Ops))
	for i, op := range w.Ops {
		seen[op.Kind]++
		names[i] = string(op.Kind)
		if count[op.Kind] > 1 {
			names[i] += strconv.Itoa(seen[op.Kind])
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
