package scenarios

import (
	"fmt"
	"time"
)

// Op is one operation of a workload.
type Op struct {
	Sandbox   string // name, "" for the one without
	Container string // the same
	Kind      OpKind
	Timeout   time.Duration // Stop, Exec, Watch: whole seconds
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
	Update OpKind = "update"
	Exec   OpKind = "exec"
	OOM    OpKind = "oom"
	Hang   OpKind = "hang"

	StopSandbox   OpKind = "stopsandbox"
	RemoveSandbox OpKind = "removesandbox"

	List    OpKind = "list"
	Watch   OpKind = "watch"
	Stall   OpKind = "stall"
	Crash   OpKind = "crash"
	Restart OpKind = "restart"
	GiveUp  OpKind = "giveup"
)

// known reports whether there is such an operation.
func (k OpKind) known() bool {
	switch k {
	case Start, Stop, Remove, Status, Exit, Create, Update, Exec, OOM, Hang:
		return true
	}
	return k.onSandbox() || k.onAll()
}

// onContainer reports whether an operation of that kind is about a container.
func (k OpKind) onContainer() bool { return !k.onSandbox() && !k.onAll() }

// onSandbox reports whether one is about a sandbox.
func (k OpKind) onSandbox() bool { return k == StopSandbox || k == RemoveSandbox }

// onAll reports whether one is about neither.
func (k OpKind) onAll() bool {
	switch k {
	case List, Watch, Stall, Crash, Restart, GiveUp:
		return true
	}
	return false
}

// lasts reports whether an operation of that kind may have a duration.
func (k OpKind) lasts() bool { return k == Stop || k == Exec || k == Watch }

// needs returns the abilities without which an operation of that kind is none.
func (k OpKind) needs() []Ability {
	switch k {
	case Update, Exec, OOM, Watch, Crash:
		return []Ability{Ability(k)}
	case Stall:
		return []Ability{Watches}
	}
	return nil
}

// String returns the text of the operation.
func (o Op) String() string {
	switch {
	case o.Kind.lasts() && o.Timeout != 0:
		return o.name() + fmt.Sprintf("=%s", o.Timeout)
	case o.Kind == Exit && o.Code != 0:
		return o.name() + fmt.Sprintf("=%d", o.Code)
	}
	return o.name()
}

// name is the operation without its value.
func (o Op) name() string {
	name := string(o.Kind)
	if o.Container != "" {
		name = o.Container + "." + name
	}
	if o.Sandbox != "" {
		name = o.Sandbox + ":" + name
	}
	return name
}
