package scenarios

import (
	"context"
	"fmt"
	"slices"

	"github.com/containerd/containerd/api/services/tasks/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// World is a service on a fake containerd, one sandbox and its containers, that
// somebody moves step by step, where [Body] moves them all at once. What happens is
// recorded and judged alike. It belongs to one execution of package sim.
type World struct {
	x     *execution
	names []string

	updates int
}

// WorldOptions say what a world has to be ready for.
type WorldOptions struct {
	Containers []string   // their names; they are created beforehand
	Later      []string   // names of those that Create will make
	IgnoreTerm bool       // their processes ignore SIGTERM
	Faults     bool       // Faults will be extended
	Kinds      []OpKind   // what will happen
	Hook       fakes.Hook // is called at each phase of each call; nil: none
}

// workload is one that needs the same of the world.
func (o WorldOptions) workload() Workload {
	w := Workload{IgnoreTerm: o.IgnoreTerm}
	for _, name := range o.Containers {
		w.Ops = append(w.Ops, Op{Container: name, Kind: Status})
	}
	for _, name := range o.Later {
		w.Ops = append(w.Ops, Op{Container: name, Kind: Create})
	}
	if o.Faults {
		w.Plan = "disk.write=off"
	}
	for _, k := range o.Kinds {
		op := Op{Kind: k}
		if k.onContainer() {
			op.Container = slices.Concat(o.Containers, o.Later)[0]
		}
		w.Ops = append(w.Ops, op)
	}
	return w
}

// Fits returns an error if a variant cannot do what o needs.
func (o WorldOptions) Fits(v Variant) error { return v.Check(o.workload()) }

// NewWorld makes a service of variant v, which has to fit, and the containers.
func NewWorld(t *sim.T, v Variant, o WorldOptions) *World {
	var hooks *fakes.Hooks
	if o.Hook != nil {
		hooks = &fakes.Hooks{}
		hooks.Register("*", o.Hook)
	}
	w := o.workload()
	// Only with a process of its own does a sandbox have a record.
	w.Pause = (w.has(StopSandbox) || w.has(RemoveSandbox)) && slices.Contains(v.Has, Pauses)
	return &World{x: newExecution(t, v, w, hooks), names: slices.Concat(o.Containers, o.Later)}
}

// Context is that of all calls.
func (w *World) Context() context.Context { return w.x.ctx }

// Containerd is the daemon with its shims and processes.
func (w *World) Containerd() *fakes.Containerd { return w.x.containerd }

// Checkpoints is the state directory of the service.
func (w *World) Checkpoints() *fakes.Checkpoints { return w.x.checkpoints }

// Faults is what goes wrong; nil without [WorldOptions.Faults].
func (w *World) Faults() *fakes.Faults { return w.x.faults }

// container returns the one of that name, "" being the first. It panics if there is
// none.
func (w *World) container(name string) *container {
	if name == "" {
		return w.x.containers[0]
	}
	return w.x.containers[slices.Index(w.names, name)]
}

// ID is the id of the container of that name.
func (w *World) ID(name string) string { return w.container(name).id }

// Call makes the service do op and returns its answer. Exits, crashes and restarts
// are no calls.
func (w *World) Call(ctx context.Context, op Op) error {
	if op.Kind == StopSandbox || op.Kind == RemoveSandbox {
		return w.x.about("").do(ctx, op, false)
	}
	return w.container(op.Container).do(ctx, op, false)
}

// Update asks for resources that no other call of the world has asked for.
func (w *World) Update(ctx context.Context, name string) error {
	w.updates++
	return w.container(name).update(ctx, w.updates)
}

// Watch subscribes to the events of the service, until the end. A subscriber that
// stalls takes none before then.
func (w *World) Watch(name string, stalls bool) {
	op, until := Op{Kind: Watch}, w.x.ctx
	if stalls {
		op.Kind, until = Stall, w.x.watchers.ctx
	}
	w.x.watchers.watch(until, name, op)
}

// Forget deletes containerd's record of a container, whatever its task does.
func (w *World) Forget(id string) error {
	client, err := w.x.containerd.Client()
	if err != nil {
		return err
	}
	return client.ContainerService().Delete(w.x.ctx, id)
}

// Pause pauses the process of a container behind the back of the service, or resumes
// it.
func (w *World) Pause(id string, pause bool) error {
	client, err := w.x.containerd.Client()
	if err != nil {
		return err
	}
	if pause {
		_, err = client.TaskService().Pause(w.x.ctx, &tasks.PauseTaskRequest{ContainerID: id})
	} else {
		_, err = client.TaskService().Resume(w.x.ctx, &tasks.ResumeTaskRequest{ContainerID: id})
	}
	return err
}

// Hangs records that the runtime does not answer about a container, or that it does
// again.
func (w *World) Hangs(name string, hangs bool) {
	kind := model.Hung
	if !hangs {
		kind = model.Resumed
	}
	w.x.tell(model.Event{Kind: kind, Container: w.ID(name)})
}

// Status asks the service for the status of a container; nothing is recorded.
func (w *World) Status(ctx context.Context, name string) (model.Status, error) {
	return w.container(name).status(ctx)
}

// Create makes the service create the container of that name.
func (w *World) Create(_ context.Context, name string) error {
	c := w.container(name)
	err := c.make(w.x.ctx, w.x)
	close(c.ready)
	return err
}

// Kill kills the service. Its calls end when they next look.
func (w *World) Kill() { w.x.process.killed() }

// Recover starts the next service after Kill. It returns when that serves, or is
// killed as well.
func (w *World) Recover() { w.x.process.next() }

// RestartDaemon restarts containerd, as often as it takes.
func (w *World) RestartDaemon() { w.x.restart() }

// Judge ends all faults, gives the service an hour of its time to come to rest, stops
// and removes the containers, and judges what happened, after each of these steps. What it found fails the execution.
// Nothing may be under way. The world is of no use afterwards.
func (w *World) Judge() (model.History, []model.Violation) {
	h, found := w.x.judge(judgeAll, func() {}, w.x.heal, w.x.probe)
	report(w.x.t, h, found)
	return h, found
}

// ErrorText is the class and the text of an error of a service; "" for nil.
func ErrorText(err error) string { return errorText(err) }

// ErrorClass is the class of an error of a service, as package errdefs names it; ""
// for nil.
func ErrorClass(err error) string { return errorClass(err) }

// Summary names the invariant that a violation breaks, in one line.
func Summary(v model.Violation) string {
	for _, inv := range model.Invariants {
		if inv.ID == v.Invariant {
			return fmt.Sprintf("%s (%s): %s", inv.ID, inv.Name, v.Message)
		}
	}
	return fmt.Sprintf("%s (linearizable): %s", v.Invariant, v.Message)
}
