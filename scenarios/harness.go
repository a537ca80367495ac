package scenarios

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// Body returns an execution of w against v on the fake containerd, for Search
// and its relatives of package sim. Violations of the invariants of package
// model fail it, with the ID of the first one; so do a history that is not
// linearizable, a call that never returns (deadlock), and a goroutine that outlives
// Close (leak).
//
// The set-up creates the containers and always succeeds. Each operation is a
// goroutine of its own. An exit happens once a process was started, or while it
// is only created, at any later point. When all have returned, faults end, now
// or 10 s later; the service gets an hour to come to rest, in virtual time; its
// view is compared with the truth; and then Stop and Remove have to succeed, and
// to leave nothing. An execution ends after the first of these phases that shows a
// violation. It fails at once if v cannot do what w needs.
func Body(v Variant, w Workload) func(*sim.T) { return body(v, w, judgeAll) }

// BodyOnly is Body for one invariant: its violations fail an execution, and nothing
// else but what ends it, such as a deadlock.
func BodyOnly(v Variant, w Workload, invariant string) func(*sim.T) {
	i := slices.IndexFunc(model.Invariants, func(i model.Invariant) bool { return i.ID == invariant })
	if i < 0 {
		return func(t *sim.T) { t.Fatalf("there is no invariant %q", invariant) }
	}
	return body(v, w, judge{check: model.Invariants[i].Check})
}

// judge says what fails an execution.
type judge struct {
	check        func(model.History) []model.Violation // after each phase
	linearizable bool                                  // and at the end that it is not
}

var judgeAll = judge{check: model.Check, linearizable: true}

func body(v Variant, w Workload, j judge) func(*sim.T) {
	if err := v.Check(w); err != nil {
		return func(t *sim.T) { t.Fatal(err) }
	}
	return func(t *sim.T) {
		var x *execution
		sim.Quietly(func() { x = newExecution(t, v, w, nil) }) // its interleavings are of no interest
		h, found := x.judge(j, x.run, x.heal, x.probe)
		report(t, h, found)
	}
}

// judge goes through the phases until one shows a violation, and closes the service.
func (x *execution) judge(j judge, phases ...func()) (h model.History, found []model.Violation) {
	for _, phase := range phases {
		phase()
		h = x.history()
		if found = j.check(h); len(found) > 0 {
			break
		}
	}
	x.converges()
	if len(found) == 0 && j.linearizable {
		sim.Quietly(func() { found = model.Linearizable(h) }) // it is not what is tested
	}
	x.watchers.end()
	if err := x.service.Close(); err != nil {
		x.t.Errorf("close the service: %v", err)
	}
	return h, found
}

// runTime is after how long the faults end whatever has not returned by then: a
// plan may have let it wait for ever.
const runTime = 10 * time.Minute

// run makes the operations happen and waits for them.
func (x *execution) run() {
	var calls, exits sync.WaitGroup
	ctx, allReturned := context.WithCancel(x.ctx)
	for i, name := range x.workload.names() {
		op := x.workload.Ops[i]
		switch op.Kind {
		case Exit, OOM:
			exits.Add(1)
			sim.Go(name, func() {
				defer exits.Done()
				x.exit(ctx, op)
			})
		case Watch, Stall:
			x.watchers.watch(ctx, name, op)
		default:
			calls.Add(1)
			sim.Go(name, func() {
				defer calls.Done()
				x.perform(i, op)
			})
		}
	}
	if x.workload.Plan != "" {
		defer time.AfterFunc(runTime, x.containerd.StopFaults).Stop()
	}
	calls.Wait()
	allReturned()
	exits.Wait()
}

// perform does operation i, which is no exit. An error is part of the history.
func (x *execution) perform(i int, op Op) {
	switch op.Kind {
	case StopSandbox, RemoveSandbox:
		_ = x.about(op.Sandbox).do(x.callers.context(), op, false)
	case List:
		x.list()
	case Crash:
		x.process.crash()
	case Restart:
		sim.Point("restart", nil)
		x.restart()
	case GiveUp:
		x.callers.giveUp()
	case Create:
		c := x.container(op)
		if err := c.make(x.callers.context(), x); err != nil {
			sim.Logf("create %s: %v", c.name, err)
		}
		close(c.ready)
	default:
		c := x.container(op)
		if c.ready != nil {
			<-c.ready
		}
		switch {
		case c.id == "":
		case op.Kind == Hang:
			x.hangs(c)
		case op.Kind == Update:
			_ = c.update(x.callers.context(), i)
		default:
			_ = c.do(x.callers.context(), op, false)
		}
	}
}

// container is the one that op is about.
func (x *execution) container(op Op) *container {
	return x.containers[slices.Index(x.workload.containers(), op.place())]
}

// about returns the driver of the sandbox of that name.
func (x *execution) about(sandbox string) *driver {
	d := *x.driver
	d.pod = x.podOf(sandbox)
	return &d
}

// hangs keeps the runtime from answering about c for a while. From then on time
// passes only while all wait, so that it is the hanging that others take long for,
// unless a plan delays them.
func (x *execution) hangs(c *container) {
	sim.Point("hang", c.id)
	end := x.hang.begin(c.id)
	if end == nil {
		return
	}
	sim.OnTime()
	alone := x.workload.Plan == "" && !x.workload.has(Restart)
	if alone {
		x.tell(model.Event{Kind: model.Hung, Container: c.id})
	}
	time.Sleep(hangTime)
	if alone {
		x.tell(model.Event{Kind: model.Resumed, Container: c.id})
	}
	end()
}

// restart restarts the daemon, as often as it takes.
func (x *execution) restart() {
	for x.containerd.Restart() != nil {
		time.Sleep(bootPause)
	}
}

// exit ends the process, if there is one before all calls have returned.
func (x *execution) exit(ctx context.Context, op Op) {
	wait := x.containerd.WaitStarted
	if sim.Choose("exit before the start", 2) == 1 {
		wait = x.containerd.WaitLive
	}
	c := x.container(op)
	if c.ready != nil {
		select {
		case <-c.ready:
		case <-ctx.Done():
			return
		}
	}
	switch {
	case c.id == "" || wait(ctx, c.id) != nil:
	case op.Kind == OOM:
		x.containerd.OOM(c.id)
	default:
		x.containerd.Exit(c.id, uint32(op.Code))
	}
}

// restTime is what the service gets to come to rest.
const restTime = time.Hour

// heal ends all faults, a slow machine among them, and records the view at rest.
func (x *execution) heal() {
	faulty := x.workload.Faults > 0 || x.workload.Plan != ""
	if faulty && sim.Choose("faults go on", 2) == 1 {
		time.Sleep(10 * time.Second)
	}
	if faulty || x.workload.Loss {
		x.containerd.StopFaults()
	}
	x.plugin.rest()
	if !x.containerd.Serving() { // a plan may crash it for good
		x.restart()
	}
	sim.OnTime()
	x.calm = sim.Points()
	time.Sleep(restTime)
	for _, c := range x.containers {
		if c.id == "" {
			continue
		}
		e, err := c.settled(x.ctx)
		if err != nil {
			x.t.Error(err)
			return
		}
		e.Alive = x.containerd.Live(c.id)
		if x.workload.has(Update) {
			x.tellResources(c.id)
			if e.Alive {
				if e.Resources, err = x.recordedShares(c.id); err != nil {
					x.t.Errorf("look for the resources of %s: %v", c.name, err)
				}
			}
		}
		x.tell(e)
		if x.workload.has(Exec) && !x.workload.has(Crash) { // the next service does not know of it
			for _, exec := range x.containerd.Execs(c.id) {
				x.tell(model.Event{Kind: model.Leftover, Container: c.id, Exec: exec, What: "an executed process"})
			}
		}
	}
}

// ConvergePoints bounds how many points an execution passes for each container and
// sandbox when nothing fails any more: until all is at rest, and has been stopped and
// removed. Whoever asks again and again, or tries in vain, passes more of them in
// the hour of rest.
const ConvergePoints = 1000

// LivenessID is the ID of the failure to converge within ConvergePoints.
const LivenessID = "liveness"

// converges fails the execution if it passed more.
func (x *execution) converges() {
	if x.calm == 0 {
		return
	}
	passed, limit := sim.Points()-x.calm, ConvergePoints*(len(x.containers)+len(x.pods))
	if passed > limit {
		x.t.Violatef(LivenessID, "%d points without a fault did not bring all to rest and to an end: up to %d may", passed, limit)
	}
}

// probeTries is how often a probe is made: the first ones may meet what is
// still being cleaned up.
const probeTries = 3

// probe stops and removes the containers, and sandboxes that have a process, and
// looks for what is left of them.
func (x *execution) probe() {
	for _, c := range x.containers {
		if c.id != "" {
			x.converge(&c.driver, x.lastStop(c), Op{Kind: Remove})
		}
	}
	if x.workload.pauses() {
		for _, name := range x.workload.sandboxes() {
			pod := x.about(name)
			x.converge(pod, Op{Kind: StopSandbox}, Op{Kind: RemoveSandbox})
			time.Sleep(restTime)
			x.tell(model.Event{Kind: model.Settled, Container: pod.pod, Alive: x.containerd.Live(pod.pod)})
		}
	}
	sim.Quietly(x.census)
}

// converge makes calls that have to succeed in the end.
func (x *execution) converge(d *driver, ops ...Op) {
	for _, op := range ops {
		for try := range probeTries {
			if d.do(x.ctx, op, try == probeTries-1) == nil {
				break
			}
			time.Sleep(restTime)
		}
	}
}

// lastStop asks a process to end if others did so before.
func (x *execution) lastStop(c *container) Op {
	for _, op := range x.workload.Ops {
		if op.Kind == Stop && op.Timeout > 0 && x.container(op) == c {
			return Op{Kind: Stop, Timeout: op.Timeout}
		}
	}
	return Op{Kind: Stop}
}

// report fails t with what was found in h.
func report(t *sim.T, h model.History, found []model.Violation) {
	for i, v := range found {
		text := Describe(v)
		if i == 0 {
			text += "\n" + strings.TrimRight(h.String(), "\n")
		}
		t.Violatef(v.Invariant, "%s", text)
	}
}

// Describe says in two lines what a violation is, and which sentence it breaks.
func Describe(v model.Violation) string {
	for _, inv := range model.Invariants {
		if inv.ID == v.Invariant {
			return fmt.Sprintf("%s (%s) at %d: %s\n%s", inv.ID, inv.Name, v.Event, v.Message, inv.Sentence)
		}
	}
	if v.Invariant == model.LinearizableID {
		return fmt.Sprintf("%s (linearizable) at %d: %s\n%s", v.Invariant, v.Event, v.Message, model.LinearizableSentence)
	}
	return v.String()
}
