package model

// view is a history sorted by what it is about: one container.
type view struct {
	h      History
	name   string
	events []int // all events of the container, as all slices of int here indexes of h.Events

	ops     []operation // in the order of their calls
	lives   []life      // in the order they were first seen
	stored  []int
	settled []int

	// From the events about all containers.
	crashes []int
	// Where the runtime began to lose exits, shims, signals and reasons.
	exitsLost, shimsLost, signalsLost, reasonsLost int
}

// never stands for the index of an event that is not in the history.
const never = -1

type operation struct {
	op        Op
	id        int
	call, ret int
	err       string
	probe     bool
}

func (o operation) ok() bool { return o.ret != never && o.err == "" }

type life struct {
	number                   int
	pid                      uint32
	created, started, exited int
	code                     int32
	exitedAt                 int64
}

// aliveAt reports whether the process ran when event i was recorded.
func (l life) aliveAt(i int) bool {
	return l.started != never && l.started < i && (l.exited == never || l.exited > i)
}

// begunBefore reports whether the runtime had seen the life before event i.
func (l life) begunBefore(i int) bool {
	return l.created != never && l.created < i || l.started != never && l.started < i
}

// views splits h by container, in the order the containers first appear.
func views(h History) []*view {
	var all []*view
	byName := map[string]*view{}
	for i, e := range h.Events {
		v := byName[e.Container]
		if v == nil {
			v = &view{h: h, name: e.Container, exitsLost: never, shimsLost: never, signalsLost: never, reasonsLost: never}
			byName[e.Container] = v
			all = append(all, v)
		}
		v.add(i, e)
	}
	for i, e := range h.Events {
		for _, v := range all {
			if e.Container == "" || e.Container == v.name {
				v.addShared(i, e)
			}
		}
	}
	return all
}

// addShared adds what may be about all containers.
func (v *view) addShared(i int, e Event) {
	switch {
	case e.Kind == Crashed:
		v.crashes = append(v.crashes, i)
	case e.Kind == Unreliable && e.What == Exits && v.exitsLost == never:
		v.exitsLost = i
	case e.Kind == Unreliable && e.What == Shims && v.shimsLost == never:
		v.shimsLost = i
	case e.Kind == Unreliable && e.What == Signals && v.signalsLost == never:
		v.signalsLost = i
	case e.Kind == Unreliable && e.What == Reasons && v.reasonsLost == never:
		v.reasonsLost = i
	}
}

func (v *view) add(i int, e Event) {
	v.events = append(v.events, i)
	switch e.Kind {
	case Call:
		v.ops = append(v.ops, operation{op: e.Op, id: e.ID, call: i, ret: never, probe: e.Probe})
	case Return:
		for k := range v.ops {
			if v.ops[k].id == e.ID && v.ops[k].ret == never {
				v.ops[k].ret, v.ops[k].err = i, e.Err
			}
		}
	case TaskCreated:
		l := v.life(e.Life)
		l.created, l.pid = i, e.Pid
	case Started:
		l := v.life(e.Life)
		l.started, l.pid = i, e.Pid
	case Exited:
		l := v.life(e.Life)
		l.exited, l.code, l.exitedAt = i, e.Code, e.At
	case Stored:
		v.stored = append(v.stored, i)
	case Settled:
		v.settled = append(v.settled, i)
	}
}

func (v *view) life(number int) *life {
	for i := range v.lives {
		if v.lives[i].number == number {
			return &v.lives[i]
		}
	}
	v.lives = append(v.lives, life{number: number, created: never, started: never, exited: never})
	return &v.lives[len(v.lives)-1]
}

// succeeded returns the operations of one kind that returned without error.
func (v *view) succeeded(op Op) []operation {
	var ok []operation
	for _, o := range v.ops {
		if o.op == op && o.ok() {
			ok = append(ok, o)
		}
	}
	return ok
}

// ran reports whether any process of the container was started.
func (v *view) ran() bool {
	for _, l := range v.lives {
		if l.started != never {
			return true
		}
	}
	return false
}

// exact reports whether what was recorded before event i, and i itself, was in
// the order in which it happened, and the runtime told the truth.
func (v *view) exact(i int) bool { return v.simulated() && !v.lossy(i) }

// lossy reports whether the runtime may have lost exits before event i.
func (v *view) lossy(i int) bool { return v.exitsLost != never && v.exitsLost <= i }

// shimless reports whether event i may be the work of somebody who took a process
// for dead whose shim had died.
func (v *view) shimless(i int) bool {
	return v.shimsLost != never && v.shimsLost <= i || v.simulated() && v.lossy(i)
}

func (v *view) simulated() bool { return v.h.Source == Simulated }
