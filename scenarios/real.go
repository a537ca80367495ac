package scenarios

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/log"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios/variants"
)

// RealEnv is a real containerd and what a service needs beside it.
type RealEnv struct {
	Client         *containerd.Client
	Namespace      string // of nobody else
	Runtime        string // for containerd.WithRuntime
	RuntimeOptions any
	CgroupParent   string
	Rootfs         string  // directory with initproc.Path
	StateDir       string  // for the records of the service; of nobody else
	Breaker        Breaker // nil if nobody breaks it
}

// Real runs workloads on a real containerd: the same services through the same
// client, judged by the same model. Its methods may be called concurrently;
// then several containers of one service are on their way at once.
//
// The truth comes from containerd's task events and, at rest, from its list of
// tasks. Events come late and may get lost, so that a history of it proves
// less than a simulated one; model.Undecidable says what. Beside what containerd
// loses by itself there are kills of it and of its shims, see RunBroken, and no other
// faults.
type Real struct {
	env     RealEnv
	service Service
	rec     *recorder
	runs    atomic.Int64

	cancel context.CancelFunc
	done   sync.WaitGroup
	lost   error // why there are no more events; to be read after done
}

// OpenReal makes a service of variant v in env.
func OpenReal(ctx context.Context, env RealEnv, v Variant) (*Real, error) {
	dir, err := impl.NewCheckpointDir(env.StateDir)
	if err != nil {
		return nil, err
	}
	r := &Real{env: env, rec: newRecorder(model.Real)}
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	ctx = namespaces.WithNamespace(log.WithLogger(ctx, newLogger()), env.Namespace)
	truth := newTruth(r.rec, env)
	truth.subscribe(ctx)
	r.done.Go(func() { r.lost = truth.listen(ctx) })
	r.service, err = v.open(ctx, variants.Env{
		Client:         env.Client,
		Checkpoints:    recordedCheckpoints{dir, r.rec},
		Namespace:      env.Namespace,
		Runtime:        env.Runtime,
		RuntimeOptions: env.RuntimeOptions,
		CgroupParent:   env.CgroupParent,
	})
	if err != nil {
		r.cancel()
		r.done.Wait()
		return nil, fmt.Errorf("make the service: %w", err)
	}
	return r, nil
}

// Close ends the service. Containers of runs that failed are still there. It
// returns an error if the history of any run is incomplete, since the
// connection to containerd broke.
func (r *Real) Close() error {
	err := r.service.Close()
	r.cancel()
	r.done.Wait()
	return errors.Join(err, r.lost)
}

// How the time of a run is spread. A start takes about 70 ms on an idle machine
// with two processors, most of it for the task.
const (
	startWithin = 40 * time.Millisecond  // StartContainer is called
	callWithin  = 300 * time.Millisecond // other calls are
	exitWithin  = 60 * time.Millisecond  // after its start the process ends, unless at once
)

// Run makes a container, runs w on it, removes it and returns its history. All
// calls happen at random times, and the process ends at once or a little later,
// if w has an exit; equal seeds make equal times. The history is to be judged
// by model.Check. An error says that there is none, and is no violation.
func (r *Real) Run(ctx context.Context, w Workload, seed uint64) (model.History, error) {
	if err := w.real(); err != nil {
		return model.History{}, err
	}
	ctx = namespaces.WithNamespace(log.WithLogger(ctx, newLogger()), r.env.Namespace)
	random := rand.New(rand.NewPCG(seed, 0))
	exit, after := w.drawExit(random, exitWithin)
	d := &driver{service: r.service, rec: r.rec}
	name := fmt.Sprintf("real-%d", r.runs.Add(1))
	if err := d.create(ctx, name, r.env.Rootfs, command(w, exit, after).Args(), w); err != nil {
		return model.History{}, err
	}
	d.created()
	delays := make([]time.Duration, len(w.Ops))
	for i, op := range w.Ops {
		limit := callWithin
		if op.Kind == Start {
			limit = startWithin
		}
		delays[i] = within(random, limit)
	}
	r.call(ctx, d, w, delays)
	err := r.settle(ctx, d, w, 1)
	defer r.rec.forget(d.id)
	return r.rec.history(d.id), errors.Join(err, ctx.Err())
}

// real returns an error if w is not for a real containerd.
func (w Workload) real() error {
	if w.Faults > 0 || w.Plan != "" || w.Running || len(w.containers()) > 1 || slices.ContainsFunc(w.Ops, func(o Op) bool {
		return !slices.Contains([]OpKind{Start, Stop, Remove, Status, Exit}, o.Kind)
	}) || w.Pause || w.Hooks {
		return fmt.Errorf("workload %q: for a real containerd it is start, stop, remove, status and exit of one container, without faults", w)
	}
	return nil
}

// drawExit returns one of the exits of w and after which time it is, at once or
// within limit.
func (w Workload) drawExit(random *rand.Rand, limit time.Duration) (exit Op, after time.Duration) {
	var exits []Op
	for _, op := range w.Ops {
		if op.Kind == Exit {
			exits = append(exits, op)
		}
	}
	if len(exits) > 0 {
		exit = exits[random.IntN(len(exits))]
		if random.IntN(2) == 0 {
			after = within(random, limit)
		}
	}
	return exit, after
}

// call makes the calls of w after their delays and waits for them.
func (r *Real) call(ctx context.Context, d *driver, w Workload, delays []time.Duration) {
	var calls sync.WaitGroup
	for i, op := range w.Ops {
		if op.Kind == Exit {
			continue
		}
		calls.Go(func() {
			time.Sleep(delays[i])
			_ = d.do(ctx, op, false) // an error is part of the history
		})
	}
	calls.Wait()
}

// settle brings the container to rest, records that view, and removes it, for which
// it tries a few times a second apart.
func (r *Real) settle(ctx context.Context, d *driver, w Workload, tries int) error {
	if err := r.rest(ctx, d, w); err != nil {
		return err
	}
	for _, kind := range []OpKind{Stop, Remove} {
		for try := 1; try <= tries; try++ {
			if d.do(ctx, Op{Kind: kind}, try == tries) == nil { // a failure is part of the history
				break
			}
			if try < tries {
				time.Sleep(time.Second)
			}
		}
	}
	return r.removeSandbox(ctx, d.pod)
}

func within(random *rand.Rand, limit time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(limit)))
}

// How long a container may take to come to rest.
const (
	restPoll  = 20 * time.Millisecond
	restLimit = 15 * time.Second
	exitDelay = 300 * time.Millisecond // of an event, after the process has ended
)

// rest waits until the service agrees with containerd about the container, and
// the process has ended if it does so by itself, and records that view. After
// restLimit it records what there is.
func (r *Real) rest(ctx context.Context, d *driver, w Workload) error {
	var e model.Event
	var restless error
	for start := time.Now(); ; {
		var err error
		if e, err = d.settled(ctx); err != nil {
			return err
		}
		if e.Alive, err = r.alive(ctx, d.id); err != nil {
			return err
		}
		running := e.Present && e.Status.State() == model.StateRunning
		agreed := e.Alive == running && (!e.Alive || !w.has(Exit))
		if agreed && (e.Alive || r.rec.ended(d.id) || time.Since(start) > exitDelay) || time.Since(start) > restLimit {
			break
		}
		select {
		case <-time.After(restPoll):
		case <-ctx.Done():
			restless = ctx.Err()
		}
		if restless != nil {
			return restless
		}
	}
	d.tell(e)
	return nil
}

// alive reports whether containerd has a process of container id, one whose
// record is gone included.
func (r *Real) alive(ctx context.Context, id string) (bool, error) {
	list, err := r.env.Client.TaskService().List(ctx, &tasks.ListTasksRequest{})
	if err != nil {
		return false, fmt.Errorf("list tasks: %w", err)
	}
	return slices.ContainsFunc(list.Tasks, func(p *tasktypes.Process) bool {
		return p.ID == id && p.Status != tasktypes.Status_STOPPED
	}), nil
}

func (r *Real) removeSandbox(ctx context.Context, pod string) error {
	if _, err := r.service.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: pod}); err != nil {
		return fmt.Errorf("stop the sandbox: %w", err)
	}
	if _, err := r.service.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: pod}); err != nil {
		return fmt.Errorf("remove the sandbox: %w", err)
	}
	return nil
}
