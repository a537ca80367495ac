package scenarios

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/log"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios/variants"
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
// violation.
func Body(v Variant, w Workload) func(*sim.T) { return body(v, w, model.Check) }

func body(v Variant, w Workload, check func(model.History) []model.Violation) func(*sim.T) {
	return func(t *sim.T) {
		var x *execution
		sim.Quietly(func() { x = newExecution(t, v, w, nil) }) // its interleavings are of no interest
		h, found := x.judge(check, x.run, x.heal, x.probe)
		report(t, h, found)
	}
}

// judge goes through the phases until one shows a violation, and closes the service.
func (x *execution) judge(check func(model.History) []model.Violation, phases ...func()) (h model.History, found []model.Violation) {
	for _, phase := range phases {
		phase()
		h = x.history()
		if found = check(h); len(found) > 0 {
			break
		}
	}
	if len(found) == 0 {
		sim.Quietly(func() { found = model.Linearizable(h) }) // it is not what is tested
	}
	if err := x.service.Close(); err != nil {
		x.t.Errorf("close the service: %v", err)
	}
	return h, found
}

// history is what is known of all containers, and of what is about none of them.
func (x *execution) history() model.History {
	var ids []string
	for _, c := range x.containers {
		if c.id != "" {
			ids = append(ids, c.id)
		}
	}
	if x.workload.shared() {
		ids = append(ids, "")
	}
	return x.rec.history(ids...)
}

// execution is one run of a workload.
type execution struct {
	*driver     // of the first container
	containers  []*container
	t           *sim.T
	ctx         context.Context
	workload    Workload
	containerd  *fakes.Containerd
	checkpoints *fakes.Checkpoints
	process     *supervised // nil if the service does not crash
	faults      *fakes.Faults
}

// container is one of the containers of an execution.
type container struct {
	driver
	name  string
	ready chan struct{} // closed when a create has returned; nil if there is none
}

func newExecution(t *sim.T, v Variant, w Workload, hooks *fakes.Hooks) *execution {
	x := &execution{
		t: t, workload: w, ctx: log.WithLogger(context.Background(), newLogger()),
		driver: &driver{rec: newRecorder(model.Simulated)},
	}
	faults := newFaults(t, w)
	x.faults = faults
	opts := fakes.Options{Record: x.rec.add, Faults: faults, EventLoss: w.Loss, Hooks: hooks}
	x.containerd = fakes.New(opts)
	x.checkpoints = fakes.NewCheckpoints(opts)
	x.serve(v)
	x.create()
	if faults != nil {
		faults.Release()
	}
	if w.breaks() {
		x.tell(model.Event{Kind: model.Unreliable, What: model.Exits})
	}
	if w.breaks() || w.Plan != "" || w.Faults > 0 && slices.Contains(w.faultCalls(), "tasks.Kill") {
		x.tell(model.Event{Kind: model.Unreliable, What: model.Signals})
	}
	return x
}

// newFaults returns what goes wrong, nothing yet; nil unless anything does: their
// lock is one more thing to race for.
func newFaults(t *sim.T, w Workload) *fakes.Faults {
	if w.Faults == 0 && w.Plan == "" {
		return nil
	}
	plan, err := failpoint.Parse(w.Plan)
	if err != nil {
		t.Fatal(err)
	}
	faults := &fakes.Faults{Budget: w.Faults, Calls: w.faultCalls(), Plan: plan}
	faults.Hold()
	return faults
}

// serve makes the service, or starts its first process if it is to crash.
func (x *execution) serve(v Variant) {
	client, err := x.containerd.Client()
	if err != nil {
		x.t.Fatal(err)
	}
	ids := 0
	env := variants.Env{
		Client:      client,
		Checkpoints: x.checkpoints,
		NewID: func() string {
			var id string
			sim.Quietly(func() {
				ids++
				id = fmt.Sprintf("c-%d", ids)
			})
			return id
		},
	}
	if !x.workload.has(Crash) {
		if x.service, err = v.New(x.ctx, env); err != nil {
			x.t.Fatalf("make the service: %v", err)
		}
		return
	}
	x.process = &supervised{
		ctx: x.ctx, tell: x.tell, heal: x.containerd.StopFaults,
		start: func(ctx context.Context, caller *fakes.Caller) (Service, error) {
			env := env
			env.Checkpoints = x.checkpoints.For(caller)
			return v.New(ctx, env)
		},
	}
	x.process.boot()
	x.rec.forget("") // that was no recovery
	x.service = x.process
}

// create makes the sandbox and the containers that no operation creates.
func (x *execution) create() {
	if err := x.createSandbox(x.ctx, "c"); err != nil {
		x.t.Fatal(err)
	}
	common := *x.driver
	for i, name := range x.workload.containers() {
		c := &container{name: name, driver: common}
		if name == "" {
			c.name = "c"
		}
		x.containers = append(x.containers, c)
		if x.workload.on(name, Create) {
			c.ready = make(chan struct{})
			continue
		}
		if err := c.make(x); err != nil {
			x.t.Fatal(err)
		}
		if x.workload.Running {
			if err := c.do(x.ctx, Op{Kind: Start}, false); err != nil {
				x.t.Fatalf("set up the process: %v", err)
			}
		}
		if i == 0 {
			x.driver = &c.driver
		}
	}
}

// make creates the container.
func (c *container) make(x *execution) error {
	if err := c.createContainer(x.ctx, c.name, "/rootfs", []string{initproc.Path}, x.workload); err != nil {
		return err
	}
	if c.ready != nil {
		c.created()
	}
	if x.workload.shared() {
		c.tell(model.Event{Kind: model.Member, Container: c.id, Sandbox: c.pod})
	}
	return nil
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
		if op.Kind == Exit {
			exits.Add(1)
			sim.Go(name, func() {
				defer exits.Done()
				x.exit(ctx, op)
			})
			continue
		}
		calls.Add(1)
		sim.Go(name, func() {
			defer calls.Done()
			x.perform(op)
		})
	}
	if x.workload.Plan != "" {
		defer time.AfterFunc(runTime, x.containerd.StopFaults).Stop()
	}
	calls.Wait()
	allReturned()
	exits.Wait()
}

// perform does what is not an exit. An error is part of the history.
func (x *execution) perform(op Op) {
	switch op.Kind {
	case StopSandbox, RemoveSandbox:
		_ = x.do(x.ctx, op, false)
	case Crash:
		x.process.crash()
	case Restart:
		sim.Point("restart", nil)
		x.restart()
	case Create:
		c := x.container(op)
		if err := c.make(x); err != nil {
			sim.Logf("create %s: %v", c.name, err)
		}
		close(c.ready)
	default:
		c := x.container(op)
		if c.ready != nil {
			<-c.ready
		}
		if c.id != "" {
			_ = c.do(x.ctx, op, false)
		}
	}
}

// container is the one that op is about.
func (x *execution) container(op Op) *container {
	return x.containers[slices.Index(x.workload.containers(), op.Container)]
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
	if c.id != "" && wait(ctx, c.id) == nil {
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
	if !x.containerd.Serving() { // a plan may crash it for good
		x.restart()
	}
	sim.OnTime()
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
		x.tell(e)
	}
}

// probeTries is how often a probe is made: the first ones may meet what is
// still being cleaned up.
const probeTries = 3

// probe stops and removes the containers, and looks for what is left of them.
func (x *execution) probe() {
	for _, c := range x.containers {
		if c.id == "" {
			continue
		}
		for _, op := range []Op{x.lastStop(c), {Kind: Remove}} {
			for try := range probeTries {
				if c.do(x.ctx, op, try == probeTries-1) == nil {
					break
				}
				time.Sleep(restTime)
			}
		}
	}
	sim.Quietly(x.census)
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
