package conformance

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
)

const (
	sigTerm = syscall.SIGTERM
	sigKill = syscall.SIGKILL
)

// subject is the container that is operated on, with the handles that a caller
// got on the way to its state. They stay when what they stand for is gone.
type subject struct {
	w      World
	client *containerd.Client
	id     string
	// patience is how long a Wait is waited for, if more than blockLimit.
	patience time.Duration

	container containerd.Container
	task      containerd.Task    // nil if there never was one
	process   containerd.Process // an executed one, nil if there never was one
}

func (s *subject) tasks() tasksapi.TasksClient { return s.client.TaskService() }

// create makes the container.
func (s *subject) create(ctx context.Context, args ...string) error {
	return s.keep(newContainer(ctx, s.w, s.client, s.id, args...))
}

// keep remembers a new container.
func (s *subject) keep(container containerd.Container, err error) error {
	if err == nil {
		s.container = container
	}
	return err
}

// newTask makes the task, without streams.
func (s *subject) newTask(ctx context.Context) error {
	task, err := s.container.NewTask(ctx, cio.NullIO)
	if err == nil {
		s.task = task
	}
	return err
}

// start starts the task.
func (s *subject) start(ctx context.Context) error {
	if err := s.task.Start(ctx); err != nil {
		return err
	}
	return s.w.Ready(s.id, "", s.task.Pid())
}

// exec adds a process to the task.
func (s *subject) exec(ctx context.Context, args ...string) error {
	process, err := s.task.Exec(ctx, execID, &runtimespec.Process{Args: args, Cwd: "/"}, cio.NullIO)
	if err == nil {
		s.process = process
	}
	return err
}

// exit makes a process end by itself and waits until its status says so.
func (s *subject) exit(ctx context.Context, exec string) error {
	p, err := s.get(ctx, exec)
	if err != nil {
		return err
	}
	if err := s.w.Exit(s.id, exec, p.Pid); err != nil {
		return err
	}
	return s.await(ctx, exec, tasktypes.Status_STOPPED)
}

// get returns what the daemon says of the task or of a process in it.
func (s *subject) get(ctx context.Context, exec string) (*tasktypes.Process, error) {
	r, err := s.tasks().Get(ctx, &tasksapi.GetRequest{ContainerID: s.id, ExecID: exec})
	if err != nil {
		return nil, errgrpc.ToNative(err)
	}
	return r.Process, nil
}

// The limits of waiting for what has to come, and how often to look.
const (
	settleLimit = 5 * time.Second
	settlePoll  = 2 * time.Millisecond
)

// await waits until a process has a status.
func (s *subject) await(ctx context.Context, exec string, status tasktypes.Status) error {
	var last string
	ok := poll(ctx, settleLimit, func() bool {
		p, err := s.get(ctx, exec)
		last = fmt.Sprint(p, err)
		return err == nil && p.Status == status
	})
	if !ok {
		return fmt.Errorf("%s %s does not become %v: %s", s.id, exec, status, last)
	}
	return nil
}

// poll calls done until it returns true, for limit or until ctx ends.
func poll(ctx context.Context, limit time.Duration, done func() bool) bool {
	for end := time.Now().Add(limit); ; {
		if done() {
			return true
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return false
		}
		time.Sleep(settlePoll)
	}
}

// observe describes what there is of the subject: the record of the container,
// the task with its code, the executed process with its.
func (s *subject) observe(ctx context.Context) string {
	container := "no container"
	switch _, err := s.client.ContainerService().Get(ctx, s.id); {
	case err == nil:
		container = "container"
	case !errdefs.IsNotFound(err):
		container = "container: " + s.outcome("", err)
	}
	text := container + ", " + s.observeTask(ctx)
	if s.process != nil {
		p, err := s.get(ctx, execID)
		text += ", exec " + s.described(p, err)
	}
	return text
}

func (s *subject) observeTask(ctx context.Context) string {
	p, err := s.get(ctx, "")
	if err == nil || !errdefs.IsNotFound(err) {
		return "task " + s.described(p, err)
	}
	// One that no call reaches may be there nevertheless.
	r, err := s.tasks().List(ctx, &tasksapi.ListTasksRequest{})
	if err != nil {
		return "tasks: " + s.outcome("", errgrpc.ToNative(err))
	}
	i := slices.IndexFunc(r.Tasks, func(p *tasktypes.Process) bool { return p.ID == s.id })
	if i < 0 {
		return "no task"
	}
	return "unreachable task " + s.described(r.Tasks[i], nil)
}

func (s *subject) described(p *tasktypes.Process, err error) string {
	switch {
	case errdefs.IsNotFound(err):
		return "none"
	case err != nil:
		return s.outcome("", err)
	case p.Status == tasktypes.Status_STOPPED:
		return fmt.Sprintf("stopped %d", p.ExitStatus)
	default:
		return statusName(p.Status)
	}
}

// remove takes away all that is left of the subject and the process in it.
func (s *subject) remove(ctx context.Context) error {
	var err error
	// A shim that crashed is cleaned up a moment later, by the daemon.
	gone := poll(ctx, settleLimit, func() bool {
		err = s.removeTask(ctx)
		return err == nil
	})
	if !gone {
		return fmt.Errorf("remove the task of %s: %w", s.id, err)
	}
	if err := s.client.ContainerService().Delete(ctx, s.id); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove %s: %w", s.id, err)
	}
	return nil
}

func (s *subject) removeTask(ctx context.Context) error {
	if s.observeTask(ctx) == "no task" {
		return nil
	}
	_, err := s.client.ContainerService().Get(ctx, s.id)
	if errdefs.IsNotFound(err) {
		// A task without a record cannot be reached before it has one again.
		err = s.create(ctx, program(0).Args()...)
	}
	if err != nil {
		return err
	}
	_, err = s.tasks().Kill(ctx, &tasksapi.KillRequest{ContainerID: s.id, Signal: uint32(sigKill), All: true})
	if err == nil {
		_, _ = s.tasks().Resume(ctx, &tasksapi.ResumeTaskRequest{ContainerID: s.id}) // if it is paused
		poll(ctx, endLimit, func() bool {
			p, err := s.get(ctx, "")
			return err != nil || p.Status == tasktypes.Status_STOPPED
		})
	}
	_, err = s.tasks().Delete(ctx, &tasksapi.DeleteTaskRequest{ContainerID: s.id})
	if err = errgrpc.ToNative(err); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	return nil
}
