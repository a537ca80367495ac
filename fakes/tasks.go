package fakes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// taskService is the task service and the shims behind it. It follows
// containerd's plugins/services/tasks/local.go for the order of its checks, and
// cmd/containerd-shim-runc-v2/process/init_state.go for its texts.
type taskService struct {
	unplannedTasks
	c *Containerd
}

var _ tasksapi.TasksClient = taskService{}

// lookup finds the task of a request; the lock is held. A task whose container
// record is gone exists but cannot be reached.
func (s taskService) lookup(k key) (*task, error) {
	if _, err := s.c.container(k); err != nil {
		return nil, err
	}
	t := s.c.tasks[k]
	if t == nil {
		return nil, status.Errorf(codes.NotFound, "task %s not found", k.id)
	}
	return t, nil
}

// onTask serves a call about the init process of an existing task; effect runs
// with the lock held.
func onTask[T any](ctx context.Context, s taskService, call, id, exec string, effect func(*task) (T, error)) (T, error) {
	refuseExec(call, id, exec)
	return serve(ctx, s.c.opts.Faults, call, id, func() (T, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		t, err := s.lookup(in(ctx, id))
		if err != nil {
			var none T
			return none, err
		}
		return effect(t)
	})
}

// Create makes a task in state created, with the live but paused process that a
// runtime's init is.
func (s taskService) Create(ctx context.Context, r *tasksapi.CreateTaskRequest, _ ...grpc.CallOption) (*tasksapi.CreateTaskResponse, error) {
	if r.Checkpoint != nil {
		panic(unplanned("tasks.Create from a checkpoint", r.ContainerID))
	}
	return serve(ctx, s.c.opts.Faults, "tasks.Create", r.ContainerID, func() (*tasksapi.CreateTaskResponse, error) {
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
		c.lives[k]++
		c.pids++
		t := &task{
			key: k, life: c.lives[k], pid: c.pids,
			status: tasktypes.Status_CREATED, ignoreTerm: ignoresTerm(container), done: make(chan struct{}),
			stdin: r.Stdin, stdout: r.Stdout, stderr: r.Stderr, terminal: r.Terminal,
		}
		c.tasks[k] = t
		c.notify()
		sim.Logf("task %s created", k.id)
		c.opts.record(t.truth(model.TaskCreated))
		c.publish(k.namespace, &eventsapi.TaskCreate{ContainerID: k.id, Pid: t.pid, IO: &eventsapi.TaskIO{
			Stdin: r.Stdin, Stdout: r.Stdout, Stderr: r.Stderr, Terminal: r.Terminal,
		}})
		return &tasksapi.CreateTaskResponse{ContainerID: k.id, Pid: t.pid}, nil
	})
}

// Start runs the process of a created task. It may exit before Start returns.
func (s taskService) Start(ctx context.Context, r *tasksapi.StartRequest, _ ...grpc.CallOption) (*tasksapi.StartResponse, error) {
	return onTask(ctx, s, "tasks.Start", r.ContainerID, r.ExecID, func(t *task) (*tasksapi.StartResponse, error) {
		if t.status != tasktypes.Status_CREATED {
			return nil, fmt.Errorf("cannot start a %s process", stateName(t))
		}
		t.status, t.started = tasktypes.Status_RUNNING, true
		s.c.notify()
		sim.Logf("process %s starts", t.id)
		s.c.opts.record(t.truth(model.Started))
		s.c.publish(t.namespace, &eventsapi.TaskStart{ContainerID: t.id, Pid: t.pid})
		return &tasksapi.StartResponse{Pid: t.pid}, nil
	})
}

// Delete forgets a stopped task. It kills a created one, which only the client
// library refuses, and refuses a running one.
func (s taskService) Delete(ctx context.Context, r *tasksapi.DeleteTaskRequest, _ ...grpc.CallOption) (*tasksapi.DeleteResponse, error) {
	return onTask(ctx, s, "tasks.Delete", r.ContainerID, "", func(t *task) (*tasksapi.DeleteResponse, error) {
		reply := &tasksapi.DeleteResponse{Pid: t.pid, ExitStatus: t.code, ExitedAt: timestamppb.New(t.exitedAt)}
		switch t.status {
		case tasktypes.Status_RUNNING:
			return nil, errors.New("failed to delete task: cannot delete a running process")
		case tasktypes.Status_CREATED:
			s.c.exit(t, 128+uint32(unix.SIGKILL))
		}
		s.c.remove(t)
		s.c.publish(t.namespace, &eventsapi.TaskDelete{
			ContainerID: t.id, Pid: t.pid, ExitStatus: reply.ExitStatus, ExitedAt: reply.ExitedAt,
		})
		return reply, nil
	})
}

// Get returns the state of a task.
func (s taskService) Get(ctx context.Context, r *tasksapi.GetRequest, _ ...grpc.CallOption) (*tasksapi.GetResponse, error) {
	refuseExec("tasks.Get", r.ContainerID, r.ExecID)
	return serve(ctx, s.c.opts.Faults, "tasks.Get", r.ContainerID, func() (*tasksapi.GetResponse, error) {
		s.c.mu.RLock()
		defer s.c.mu.RUnlock()
		t, err := s.lookup(in(ctx, r.ContainerID))
		if err != nil {
			return nil, err
		}
		return &tasksapi.GetResponse{Process: t.process()}, nil
	})
}

// List returns all tasks of the namespace, sorted by id, orphans included.
func (s taskService) List(ctx context.Context, _ *tasksapi.ListTasksRequest, _ ...grpc.CallOption) (*tasksapi.ListTasksResponse, error) {
	return serve(ctx, s.c.opts.Faults, "tasks.List", "", func() (*tasksapi.ListTasksResponse, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		r := &tasksapi.ListTasksResponse{}
		for _, t := range s.sorted(in(ctx, "").namespace) {
			r.Tasks = append(r.Tasks, t.process())
		}
		return r, nil
	})
}

// Kill delivers a signal. The process ends later, if at all.
func (s taskService) Kill(ctx context.Context, r *tasksapi.KillRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	refuseExec("tasks.Kill", r.ContainerID, r.ExecID)
	return serve(ctx, s.c.opts.Faults, "tasks.Kill", r.ContainerID, func() (*emptypb.Empty, error) {
		die, err := s.deliver(in(ctx, r.ContainerID), unix.Signal(r.Signal), r.All)
		if err != nil {
			return nil, err
		}
		die()
		return &emptypb.Empty{}, nil
	})
}

func (s taskService) deliver(k key, sig unix.Signal, all bool) (die func(), err error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	t, err := s.lookup(k)
	switch {
	case err != nil:
		return nil, err
	case t.live():
		return s.c.signal(t, sig), nil
	case all:
		return func() {}, nil
	}
	return nil, fmt.Errorf("process already finished: %w", errdefs.ErrNotFound)
}

// ListPids returns the init process while it lives.
func (s taskService) ListPids(ctx context.Context, r *tasksapi.ListPidsRequest, _ ...grpc.CallOption) (*tasksapi.ListPidsResponse, error) {
	return onTask(ctx, s, "tasks.ListPids", r.ContainerID, "", func(t *task) (*tasksapi.ListPidsResponse, error) {
		r := &tasksapi.ListPidsResponse{}
		if t.live() {
			r.Processes = []*tasktypes.ProcessInfo{{Pid: t.pid}}
		}
		return r, nil
	})
}

// CloseIO accepts: a fake process has no input.
func (s taskService) CloseIO(ctx context.Context, r *tasksapi.CloseIORequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	return onTask(ctx, s, "tasks.CloseIO", r.ContainerID, r.ExecID, func(*task) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, nil
	})
}

// Update accepts new resources, which a fake process does not have, unless the
// task is stopped.
func (s taskService) Update(ctx context.Context, r *tasksapi.UpdateTaskRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	return onTask(ctx, s, "tasks.Update", r.ContainerID, "", func(t *task) (*emptypb.Empty, error) {
		if !t.live() {
			return nil, errors.New("cannot update a stopped container")
		}
		return &emptypb.Empty{}, nil
	})
}

// Metrics returns an entry without data for each task that matches a filter on
// id or namespace.
func (s taskService) Metrics(ctx context.Context, r *tasksapi.MetricsRequest, _ ...grpc.CallOption) (*tasksapi.MetricsResponse, error) {
	return serve(ctx, s.c.opts.Faults, "tasks.Metrics", "", func() (*tasksapi.MetricsResponse, error) {
		filter, err := filters.ParseAll(r.Filters...)
		if err != nil {
			return nil, err
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		reply := &tasksapi.MetricsResponse{}
		for _, t := range s.sorted(in(ctx, "").namespace) {
			if filter.Match(filters.AdapterFunc(t.field)) {
				reply.Metrics = append(reply.Metrics, &types.Metric{ID: t.id, Timestamp: timestamppb.New(time.Now())})
			}
		}
		return reply, nil
	})
}

// Wait blocks until the process has ended. A call that found the task gets the
// exit even if the task is deleted meanwhile.
func (s taskService) Wait(ctx context.Context, r *tasksapi.WaitRequest, _ ...grpc.CallOption) (*tasksapi.WaitResponse, error) {
	refuseExec("tasks.Wait", r.ContainerID, r.ExecID)
	return serve(ctx, s.c.opts.Faults, "tasks.Wait", r.ContainerID, func() (*tasksapi.WaitResponse, error) {
		s.c.mu.RLock()
		t, err := s.lookup(in(ctx, r.ContainerID))
		s.c.mu.RUnlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-t.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// The exit does not change any more.
		return &tasksapi.WaitResponse{ExitStatus: t.code, ExitedAt: timestamppb.New(t.exitedAt)}, nil
	})
}

// sorted returns the tasks of a namespace by id; the lock is held.
func (s taskService) sorted(namespace string) []*task {
	var all []*task
	for k, t := range s.c.tasks {
		if k.namespace == namespace {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b *task) int { return strings.Compare(a.id, b.id) })
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

// refuseExec panics if a call is about an exec process.
func refuseExec(call, id, exec string) {
	if exec != "" {
		panic(unplanned(call+" of an exec process", id))
	}
}

// stateName is the state as shims print it.
func stateName(t *task) string { return strings.ToLower(t.status.String()) }
