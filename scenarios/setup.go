package scenarios

import (
	"context"
	"fmt"
	"slices"
	"sync"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/log"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/sim"
)

// execution is one run of a workload.
type execution struct {
	*driver     // about no container
	containers  []*container
	pods        []string // ids of the sandboxes, as Workload.sandboxes names them
	strays      []string // ids of what was left of containers that nobody knows
	t           *sim.T
	ctx         context.Context
	workload    Workload
	containerd  *fakes.Containerd
	client      *containerd.Client
	checkpoints *fakes.Checkpoints
	faults      *fakes.Faults
	process     *supervised // nil if the service does not crash
	watchers    *watchers   // nil if nobody subscribes to events
	plugin      *plugin     // nil if there are no hooks
	hang        *hang       // nil if the runtime always answers
	calm        int         // after how many points nothing failed any more; 0 until then
	callers     *callers
}

// container is one of the containers of an execution.
type container struct {
	driver
	name  string
	ready chan struct{} // closed when a create has returned; nil if there is none
}

// newExecution makes the world of w. hooks, if any, are called at each phase of each
// call.
func newExecution(t *sim.T, v Variant, w Workload, hooks *fakes.Hooks) *execution {
	x := &execution{
		t: t, workload: w, ctx: log.WithLogger(context.Background(), newLogger()),
		driver: &driver{rec: newRecorder(model.Simulated)},
	}
	faults := newFaults(t, w)
	x.faults = faults
	opts := fakes.Options{Record: x.rec.add, Faults: faults, EventLoss: w.Loss, Hooks: hooks}
	if w.has(Hang) {
		x.hang = newHang()
		opts.Hooks = x.hang.hooks()
	}
	x.containerd = fakes.New(opts)
	x.checkpoints = fakes.NewCheckpoints(fakes.Options{Record: x.rec.add, Faults: faults, Hooks: hooks})
	if w.watched() {
		x.watchers = newWatchers(x)
	}
	if w.Hooks {
		x.plugin = newPlugin(x)
	}
	x.callers = newCallers(x)
	x.serve(v)
	x.create()
	if faults != nil {
		faults.Release()
	}
	x.plugin.release()
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
	var err error
	if x.client, err = x.containerd.Client(); err != nil {
		x.t.Fatal(err)
	}
	var (
		mu  sync.Mutex
		ids int
	)
	env := variants.Env{
		Client:      x.client,
		Checkpoints: x.checkpoints,
		NewID: func() string {
			var id string
			sim.Quietly(func() {
				mu.Lock()
				defer mu.Unlock()
				ids++
				id = fmt.Sprintf("c-%d", ids)
			})
			return id
		},
	}
	if x.workload.pauses() && slices.Contains(v.Has, Pauses) {
		env.Pause = &impl.Pause{Rootfs: "/pause"}
	}
	if !x.workload.has(Crash) {
		env.Hooks = x.plugin.of(&fakes.Caller{})
		if x.service, err = v.open(x.ctx, env); err != nil {
			x.t.Fatalf("make the service: %v", err)
		}
		return
	}
	x.process = &supervised{
		ctx: x.ctx, tell: x.tell, heal: x.containerd.StopFaults,
		start: func(ctx context.Context, caller *fakes.Caller) (Service, error) {
			env := env
			env.Checkpoints = x.checkpoints.For(caller)
			env.Hooks = x.plugin.of(caller)
			return v.open(ctx, env)
		},
	}
	x.process.boot()
	x.rec.forget("") // that was no recovery
	x.service = x.process
}

// create makes the sandboxes, and the containers that no operation creates.
func (x *execution) create() {
	for _, name := range x.workload.sandboxes() {
		if err := x.createSandbox(x.ctx, orDefault(name)); err != nil {
			x.t.Fatal(err)
		}
		x.pods = append(x.pods, x.pod)
		if x.workload.pauses() {
			x.tell(model.Event{Kind: model.Member, Container: x.pod, Sandbox: x.pod})
		}
	}
	for _, p := range x.workload.containers() {
		c := &container{name: orDefault(p.container), driver: *x.driver}
		c.pod = x.podOf(p.sandbox)
		x.containers = append(x.containers, c)
		if x.workload.on(p, Create) {
			c.ready = make(chan struct{})
			continue
		}
		if err := c.make(x.ctx, x); err != nil {
			x.t.Fatal(err)
		}
		if x.workload.Running {
			if err := c.do(x.ctx, Op{Kind: Start}, false); err != nil {
				x.t.Fatalf("set up the process: %v", err)
			}
		}
	}
}

// orDefault is the name in the CRI of what has none in a workload.
func orDefault(name string) string {
	if name == "" {
		return "c"
	}
	return name
}

// podOf returns the id of the sandbox of that name.
func (x *execution) podOf(name string) string {
	return x.pods[slices.Index(x.workload.sandboxes(), name)]
}

// make creates the container.
func (c *container) make(ctx context.Context, x *execution) error {
	if err := c.createContainer(ctx, c.name, "/rootfs", []string{initproc.Path}, x.workload); err != nil {
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

// history is what is known of all containers, and of what is about none of them.
func (x *execution) history() model.History {
	var ids []string
	for _, c := range x.containers {
		if c.id != "" {
			ids = append(ids, c.id)
		}
	}
	if x.workload.pauses() {
		ids = append(ids, x.pods...)
	}
	ids = append(ids, x.strays...)
	if x.workload.shared() {
		ids = append(ids, "")
	}
	return x.rec.history(ids...)
}
