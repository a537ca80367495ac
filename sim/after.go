package sim

import (
	"slices"

	"github.com/startrace/startrace/sim/internal/ctl"
	"github.com/startrace/startrace/sim/report"
)

// dependencies computes report.Step.After from the log of an execution. The
// relation is that of Mazurkiewicz (Trace Theory, 1987), as partial-order
// reduction has it: operations of one object depend on each other unless their
// order makes no difference, and further a goroutine on the step that started
// it, and a wait on the step that ended it. It contains the happens-before of
// Go's memory model. What the clock does depends on nothing.
//
// An operation takes effect when its goroutine goes on after its point, and
// that is the order in which they are looked at here, so that there are no
// circles.
type dependencies struct {
	log    []ctl.Event
	stepOf []int // by index in the log, -1 for none
	steps  []report.Step
	lanes  []laneState // by number of the goroutine
	uses   map[uint32]*objectUse
}

// laneState is where a goroutine is.
type laneState struct {
	last   int   // its last step, -1 before the first one
	parked bool  // last is where it blocks
	next   []int // what the next step depends on
	open   use   // comes into effect when the goroutine goes on
	lock   use   // its last operation, if that was on a lock
}

// use is an operation of a step on an object, 0 for none.
type use struct {
	object uint32
	kind   uint8
	step   int
}

// objectUse is the last steps that used an object, of one class, and those before.
type objectUse struct {
	class        class
	last, before []int
}

// class says which operations can change places.
type class uint8

const (
	exclusive class = iota // never
	reading                // RLock and RUnlock, loads
	adding                 // WaitGroup.Add and Done
	waiting                // WaitGroup.Wait
)

func classOf(kind uint8) class {
	switch kind {
	case ctl.KRLock, ctl.KRUnlock, ctl.KLoad:
		return reading
	case ctl.KAdd, ctl.KDone:
		return adding
	case ctl.KWait, ctl.KJoin:
		return waiting
	}
	return exclusive
}

// depend sets After of the steps, which marks assigns to events of the log.
func depend(log []ctl.Event, goroutines int, marks []stepMark, steps []report.Step) {
	d := dependencies{
		log: log, steps: steps, stepOf: make([]int, len(log)),
		lanes: make([]laneState, goroutines+1), uses: map[uint32]*objectUse{},
	}
	for i := range d.stepOf {
		d.stepOf[i] = -1
	}
	for step, m := range marks {
		d.stepOf[m.event] = step
	}
	for i := range d.lanes {
		d.lanes[i].last = -1
	}
	for i, e := range log {
		if int(e.From) < len(d.lanes) && int(e.To) < len(d.lanes) {
			d.event(i, e)
		}
	}
	for i := range steps {
		slices.Sort(steps[i].After)
		steps[i].After = slices.Compact(steps[i].After)
	}
}

func (d *dependencies) event(i int, e ctl.Event) {
	from, to := &d.lanes[e.From], &d.lanes[e.To]
	d.proceed(from)
	switch {
	case e.Kind == ctl.KSpawn:
		if start := d.starter(i, e); e.From != 0 && start >= 0 {
			to.next = append(to.next, start)
		}
		return
	case e.Kind == ctl.KWake:
		d.wake(from, to)
		return
	case e.Flags&ctl.EventAside != 0:
		d.aside(from, e)
		return
	}
	if step := d.stepOf[i]; step >= 0 && e.From != 0 {
		d.step(from, step, e)
	}
	d.proceed(to)
}

// step is a new step of a goroutine.
func (d *dependencies) step(l *laneState, step int, e ctl.Event) {
	d.after(step, l.next...)
	l.next, l.last = nil, step
	l.parked = e.Kind >= ctl.KPark && e.Kind < ctl.KSpawn
	l.open = use{e.Obj, e.Kind, step}
	if l.parked && l.lock.object != 0 {
		l.open = use{l.lock.object, l.lock.kind, step} // it tries again when it is woken
	}
	l.lock = use{}
	if e.Kind == ctl.KLock || e.Kind == ctl.KRLock || l.parked {
		l.lock = l.open
	}
}

// proceed is called when a goroutine goes on: what it was about to do happens.
func (d *dependencies) proceed(l *laneState) {
	if l.open.object != 0 {
		d.use(l.open)
	}
	l.open, l.parked = use{}, false
}

// use makes a step depend on those that used the object before.
func (d *dependencies) use(u use) {
	o := d.object(u.object)
	if c := classOf(u.kind); c == exclusive || c != o.class {
		o.class, o.before, o.last = c, o.last, nil
	}
	d.after(u.step, o.before...)
	o.last = append(o.last, u.step)
}

func (d *dependencies) object(number uint32) *objectUse {
	o := d.uses[number]
	if o == nil {
		o = &objectUse{}
		d.uses[number] = o
	}
	return o
}

// aside is what a goroutine does after its last step and without a new one.
func (d *dependencies) aside(l *laneState, e ctl.Event) {
	switch {
	case l.last < 0 || e.Obj == 0:
	case e.Kind == ctl.KCase:
		d.use(use{e.Obj, e.Kind, l.last})
	default:
		// Letting go depends on nothing but the goroutine's own lock.
		o := d.object(e.Obj)
		if c := classOf(e.Kind); c == exclusive || c != o.class {
			o.class, o.before, o.last = c, nil, nil
		}
		o.last = append(o.last, l.last)
	}
}

// wake makes the wait of a goroutine depend on what ended it. If the wait is no
// step, what comes next does.
func (d *dependencies) wake(by, woken *laneState) {
	switch {
	case by.last < 0 || by == &d.lanes[0]:
	case woken.parked:
		d.after(woken.last, by.last)
	default:
		woken.next = append(woken.next, by.last)
	}
}

// starter is the step that started a goroutine: the go statement, whose point
// follows in the log, or the last one before.
func (d *dependencies) starter(i int, e ctl.Event) int {
	if i+1 < len(d.log) && d.log[i+1].Kind == ctl.KGo && d.log[i+1].From == e.From && d.stepOf[i+1] >= 0 {
		return d.stepOf[i+1]
	}
	return d.lanes[e.From].last
}

// after adds to what a step depends on, but for its own goroutine.
func (d *dependencies) after(step int, on ...int) {
	for _, s := range on {
		if d.steps[s].Lane != d.steps[step].Lane {
			d.steps[step].After = append(d.steps[step].After, s)
		}
	}
}
