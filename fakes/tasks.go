package fakes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	eventsapi "github.com/containerd/containerd/api/events"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// taskService is the task service and the shims behind it. It follows
// containerd's plugins/services/tasks/local.go for the order of its checks, and
// cmd/containerd-shim-runc-v2/process/init_state.go for its texts.
type taskService struct{ c *Containerd }

var _ tasksapi.TasksClient = taskService{}

// lookup finds the task of a request; the lock is held. A task whose container
// record is gone exists but cannot be reached.
func (s taskService) lookup(k key) (*task, error) {
	if _, err := s.c.container(k); err != nil {
		return nil, err
	}
	t := s.c.tasks[k]
	if t == nil || t.shimDead {
		return nil, status.Errorf(codes.NotFound, "task %s not found", k.id)
	}
	if t.deletion == disconnected {
		return nil, failpoint.ErrClosed
	}
	return t, nil
}

// find finds the process of a request: the init process of a task, or one that
// is executed in it; the lock is held.
func (s taskService) find(k key, exec string) (*process, error) {
	t, err := s.lookup(k)
	if err != nil {
		return nil, err
	}
	if exec == "" {
		return &t.process, nil
	}
	if p := t.execed(exec); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("process does not exist %s: %w", exec, errdefs.ErrNotFound)
}

// onProcess serves a call about a process of an existing task; effect runs with
// the lock held.
func onProcess[T any](ctx context.Context, s taskService, call, id, exec string, effect func(*process) (T, error)) (T, error) {
	shim := s.connected(ctx, id)
	return serve(ctx, s.c, call, id, func() (none T, err error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		if shim.isClosed() {
			return none, failpoint.ErrClosed
		}
		p, err := s.find(in(ctx, id), exec)
		if err != nil {
			return none, err
		}
		return effect(p)
	})
}

// onTask serves a call about an existing task.
func onTask[T any](ctx context.Context, s taskService, call, id string, effect func(*task) (T, error)) (T, error) {
	return onProcess(ctx, s, call, id, "", func(p *process) (T, error) { return effect(p.task) })
}

// connected returns the connection that a call about container id uses. Only a
// plan closes one while the call is on its way, so that without one nobody
// looks.
func (s taskService) connected(ctx context.Context, id string) (shim *connection) {
	if !s.c.opts.Faults.planned() {
		return nil
	}
	sim.Quietly(func() {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		if t := s.c.tasks[in(ctx, id)]; t != nil {
			shim = t.connection
		}
	})
	return shim
}

// isClosed reports whether somebody closed the connection.
func (c *connection) isClosed() (closed bool) {
	if c == nil {
		return false
	}
	sim.Quietly(func() {
		select {
		case <-c.closed:
			closed = true
		default:
		}
	})
	return closed
}

// Create makes a task in state created, with the live but paused process that a
// runtime's init is.
func (s taskService) Create(ctx context.Context, r *tasksapi.CreateTaskRequest, _ ...grpc.CallOption) (*tasksapi.CreateTaskResponse, error) {
	if r.Checkpoint != nil {
		panic(unplanned("tasks.Create from a checkpoint", r.ContainerID))
	}
	return serve(ctx, s.c, "tasks.Create", r.ContainerID, func() (*tasksapi.CreateTaskResponse, error) {
		c := s.c
		c.mu.Lock()
		defer c.mu.Unlock()
		k := in(ctx, r.ContainerID)
		container, err := c.container(k)
		if err != nil {
			return nil, err
		}
		if c.tasks[k] != nil {
			return nil, fmt.Errorf("task %s: %w", k.id, errdefs.ErrAlreadyExists)
		}
		if c.opts.Profile.Steps {
			if err := c.reserve(k); err != nil {
				return nil, err
			}
			defer delete(c.bundles, k)
		}
		program := programOf(container)
		if program.missing {
			return nil, fmt.Errorf("failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: %q: stat %s: no such file or directory", MissingBinary, MissingBinary)
		}
		c.lives[k]++
		t := &task{
			key: k, life: c.lives[k], connection: newConnection(),
			process: process{
				pid: c.pids.next(), program: program, status: tasktypes.Status_CREATED, done: make(chan struct{}),
				stdin: r.Stdin, stdout: r.Stdout, stderr: r.Stderr, terminal: r.Terminal,
			},
		}
		t.task = t
		if container.Spec != nil {
			t.spec = container.Spec.GetValue()
		}
		c.tasks[k] = t
		c.notify()
		sim.Logf("task %s created", k.id)
		c.opts.record(c.truth(t, model.TaskCreated))
		c.publish(k.namespace, &eventsapi.TaskCreate{ContainerID: k.id, Pid: t.pid, IO: &eventsapi.TaskIO{
			Stdin: r.Stdin, Stdout: r.Stdout, Stderr: r.Stderr, Terminal: r.Terminal,
		}})
		return &tasksapi.CreateTaskResponse{ContainerID: k.id, Pid: t.pid}, nil
	})
}

// Start runs the process of a created task, or an exec process. It may exit
// before Start returns.
func (s taskService) Start(ctx context.Context, r *tasksapi.StartRequest, _ ...grpc.CallOption) (*tasksapi.StartResponse, error) {
	returned := make(chan struct{})
	defer sim.Quietly(func() { close(returned) })
	return onProcess(ctx, s, "tasks.Start", r.ContainerID, r.ExecID, func(p *process) (*tasksapi.StartResponse, error) {
		if p.exec != "" {
			return s.startExec(p, returned)
		}
		t := p.task
		if t.deletion != undeleted {
			return nil, errors.New("cannot start a deleted process")
		}
		if t.status != tasktypes.Status_CREATED {
			return nil, fmt.Errorf("cannot start a %s process", stateName(p))
		}
		t.status, t.started = tasktypes.Status_RUNNING, true
		s.c.notify()
		sim.Logf("process %s starts", t.id)
		s.c.opts.record(s.c.truth(t, model.Started))
		s.c.publish(t.namespace, &eventsapi.TaskStart{ContainerID: t.id, Pid: t.pid})
		s.c.runs(p, returned)
		return &tasksapi.StartResponse{Pid: t.pid}, nil
	})
}

// List returns all tasks of the namespace, sorted by id, orphans included.
func (s taskService) List(ctx context.Context, _ *tasksapi.ListTasksRequest, _ ...grpc.CallOption) (*tasksapi.ListTasksResponse, error) {
	return serve(ctx, s.c, "tasks.List", "", func() (*tasksapi.ListTasksResponse, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		r := &tasksapi.ListTasksResponse{}
		for _, t := range s.sorted(in(ctx, "").namespace) {
			r.Tasks = append(r.Tasks, t.proto())
		}
		return r, nil
	})
}

// Kill delivers a signal. The process ends later, if at all.
func (s taskService) Kill(ctx context.Context, r *tasksapi.KillRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	shim := s.connected(ctx, r.ContainerID)
	return serve(ctx, s.c, "tasks.Kill", r.ContainerID, func() (*emptypb.Empty, error) {
		die, err := s.deliver(in(ctx, r.ContainerID), r.ExecID, unix.Signal(r.Signal), r.All)
		if shim.isClosed() {
			err = failpoint.ErrClosed
		}
		if err != nil {
			return nil, err
		}
		die()
		return &emptypb.Empty{}, nil
	})
}

func (s taskService) deliver(k key, exec string, sig unix.Signal, all bool) (die func(), err error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	p, err := s.find(k, exec)
	switch {
	case err != nil:
		return nil, err
	case p.task.deletion != undeleted:
		return nil, fmt.Errorf("cannot kill a deleted process: %w", errdefs.ErrNotFound)
	case p.exec != "" && p.pid == 0:
		return nil, fmt.Errorf("process not created: %w", errdefs.ErrFailedPrecondition)
	case p.live() && all:
		return s.deliverAll(p.task, sig), nil
	case p.live():
		return s.c.signal(p, sig), nil
	case all:
		return func() {}, nil
	}
	return nil, fmt.Errorf("process already finished: %w", errdefs.ErrNotFound)
}

// deliverAll signals all processes of t, those that are executed in it first.
func (s taskService) deliverAll(t *task, sig unix.Signal) (die func()) {
	var deaths []func()
	for _, p := range t.execs {
		if p.started && p.live() {
			deaths = append(deaths, s.c.signal(p, sig))
		}
	}
	deaths = append(deaths, s.c.signal(&t.process, sig))
	return func() {
		for _, die := range deaths {
			die()
		}
	}
}

// ListPids returns the processes that live.
func (s taskService) ListPids(ctx context.Context, r *tasksapi.ListPidsRequest, _ ...grpc.CallOption) (*tasksapi.ListPidsResponse, error) {
	return onTask(ctx, s, "tasks.ListPids", r.ContainerID, func(t *task) (*tasksapi.ListPidsResponse, error) {
		r := &tasksapi.ListPidsResponse{}
		if t.live() {
			r.Processes = []*tasktypes.ProcessInfo{{Pid: t.pid}}
		}
		for _, p := range t.execs {
			if p.started && p.live() {
				r.Processes = append(r.Processes, &tasktypes.ProcessInfo{Pid: p.pid})
			}
		}
		return r, nil
	})
}

// Metrics returns an entry for each task that matches a filter on id or
// namespace. It has data only if there were OOM kills. Who gets no answer can't
// know of them, which is part of the ground truth.
func (s taskService) Metrics(ctx context.Context, r *tasksapi.MetricsRequest, _ ...grpc.CallOption) (*tasksapi.MetricsResponse, error) {
	reply, err := serve(ctx, s.c, "tasks.Metrics", "", func() (*tasksapi.MetricsResponse, error) {
		filter, err := filters.ParseAll(r.Filters...)
		if err != nil {
			return nil, err
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		reply := &tasksapi.MetricsResponse{}
		for _, t := range s.sorted(in(ctx, "").namespace) {
			if filter.Match(filters.AdapterFunc(t.field)) {
				reply.Metrics = append(reply.Metrics, &types.Metric{ID: t.id, Timestamp: timestamppb.New(s.c.now()), Data: t.metrics()})
			}
		}
		return reply, nil
	})
	if err != nil {
		s.c.loseReasons()
	}
	return reply, err
}

// Wait blocks until the process has ended. A call that found the task gets the
// exit even if the task is deleted meanwhile, but not if the daemon or the shim
// dies, nor if somebody closes the connection.
func (s taskService) Wait(ctx context.Context, r *tasksapi.WaitRequest, _ ...grpc.CallOption) (*tasksapi.WaitResponse, error) {
	return serve(ctx, s.c, "tasks.Wait", r.ContainerID, func() (*tasksapi.WaitResponse, error) {
		run := s.c.run()
		s.c.mu.RLock()
		p, err := s.find(in(ctx, r.ContainerID), r.ExecID)
		var closed <-chan struct{}
		if err == nil {
			closed = p.task.connection.closed
		}
		s.c.mu.RUnlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-run.broken():
			return nil, errBroken
		case <-closed:
			return nil, failpoint.ErrClosed
		}
		// The exit does not change any more.
		return &tasksapi.WaitResponse{ExitStatus: p.code, ExitedAt: timestamppb.New(p.exitedAt)}, nil
	})
}

// sorted returns the tasks of a namespace that the daemon knows, by id; the
// lock is held.
func (s taskService) sorted(namespace string) []*task {
	return slices.DeleteFunc(s.c.allTasks(), func(t *task) bool { return t.namespace != namespace || t.hidden || t.shimDead })
}

// allTasks returns all tasks, by namespace and id; the lock is held.
func (c *Containerd) allTasks() []*task {
	all := make([]*task, 0, len(c.tasks))
	for _, t := range c.tasks {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *task) int {
		if d := strings.Compare(a.namespace, b.namespace); d != 0 {
			return d
		}
		return strings.Compare(a.id, b.id)
	})
	return all
}

// field is what filters of Metrics see of a task.
func (t *task) field(path []string) (string, bool) {
	if len(path) == 1 {
		switch path[0] {
		case "id":
			return t.id, true
		case "namespace":
			return t.namespace, true
		}
	}
	return "", false
}
