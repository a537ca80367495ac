package conformance

import (
	"context"
	"fmt"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
)

// Op is an operation of the table: a method of the client, or the bare call of
// a service, which has the service's name.
type Op struct {
	Name   string
	States []State // in which it is tried
	// do returns a detail of success.
	do func(context.Context, *subject) (string, error)
	// ends means that it may end processes: that of the task, or with onExec only
	// one that is executed in it. They are then waited for.
	ends, onExec bool
}

// Ops returns all operations.
func Ops() []Op {
	return append(append(containerOps(), taskOps()...), append(rpcOps(), execOps()...)...)
}

func containerOps() []Op {
	all := taskStates()
	return []Op{
		{Name: "NewContainer", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			_, err := newContainer(ctx, s.w, s.client, s.id, program(0).Args()...)
			return "", err
		}},
		{Name: "LoadContainer", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			_, err := s.client.LoadContainer(ctx, s.id)
			return "", err
		}},
		{Name: "Container.Info", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			_, err := s.container.Info(ctx)
			return "", err
		}},
		{Name: "Container.SetLabels", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			labels, err := s.container.SetLabels(ctx, map[string]string{"a": "b"})
			return labels["a"], err
		}},
		{Name: "Container.Task", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			_, err := s.container.Task(ctx, cio.Load)
			return "", err
		}},
		{Name: "Container.NewTask", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			return "", s.newTask(ctx)
		}},
		{Name: "Container.NewTask of a missing program", States: []State{NoTask}, do: func(ctx context.Context, s *subject) (string, error) {
			if err := s.container.Delete(ctx); err != nil {
				return "", err
			}
			if err := s.create(ctx, missing); err != nil {
				return "", err
			}
			return "", s.newTask(ctx)
		}},
		{Name: "Container.Delete", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			return "", s.container.Delete(ctx)
		}},
		{Name: "containers.Delete", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			return "", deleteRecord(ctx, s)
		}},
	}
}

func taskOps() []Op {
	all := handleStates()
	kill := func(name string, do func(context.Context, *subject) error) Op {
		return Op{Name: name, States: all, ends: true, do: func(ctx context.Context, s *subject) (string, error) {
			return "", do(ctx, s)
		}}
	}
	plain := func(name string, do step) Op {
		return Op{Name: name, States: all, do: func(ctx context.Context, s *subject) (string, error) { return "", do(ctx, s) }}
	}
	return []Op{
		plain("Task.Start", start),
		{Name: "Task.Status", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			status, err := s.task.Status(ctx)
			return fmt.Sprint(status.Status, " ", status.ExitStatus), err
		}},
		{Name: "Task.Wait", States: all, do: func(ctx context.Context, s *subject) (string, error) { return s.waited(ctx, s.task) }},
		{Name: "Task.Pids", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			pids, err := s.task.Pids(ctx)
			return fmt.Sprint(len(pids)), err
		}},
		{Name: "Task.Metrics", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			_, err := s.task.Metrics(ctx)
			return "", err
		}},
		plain("Task.CloseIO", func(ctx context.Context, s *subject) error { return s.task.CloseIO(ctx, containerd.WithStdinCloser) }),
		plain("Task.Update", func(ctx context.Context, s *subject) error {
			return s.task.Update(ctx, containerd.WithResources(&runtimespec.LinuxResources{}))
		}),
		plain("Task.Update without resources", func(ctx context.Context, s *subject) error { return s.task.Update(ctx) }),
		plain("Task.Pause", pause),
		plain("Task.Resume", func(ctx context.Context, s *subject) error { return s.task.Resume(ctx) }),
		plain("Task.Exec", addExec),
		kill("Task.Kill KILL", func(ctx context.Context, s *subject) error { return s.task.Kill(ctx, sigKill) }),
		kill("Task.Kill TERM", func(ctx context.Context, s *subject) error { return s.task.Kill(ctx, sigTerm) }),
		kill("Task.Kill KILL all", func(ctx context.Context, s *subject) error {
			return s.task.Kill(ctx, sigKill, containerd.WithKillAll)
		}),
		{Name: "Task.Delete", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			status, err := s.task.Delete(ctx)
			return code(status), err
		}},
		{Name: "Task.Delete with kill", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			status, err := s.task.Delete(ctx, containerd.WithProcessKill)
			return code(status), err
		}},
	}
}

// rpcOps are the calls of the task service as such.
func rpcOps() []Op {
	rpc := func(name string, do func(context.Context, tasksapi.TasksClient, string) error) Op {
		return Op{Name: "tasks." + name, States: taskStates(), do: func(ctx context.Context, s *subject) (string, error) {
			return "", do(ctx, s.tasks(), s.id)
		}}
	}
	kill := rpc("Kill", func(ctx context.Context, c tasksapi.TasksClient, id string) error {
		_, err := c.Kill(ctx, &tasksapi.KillRequest{ContainerID: id, Signal: uint32(sigKill)})
		return err
	})
	kill.ends = true
	return []Op{
		rpc("Start", func(ctx context.Context, c tasksapi.TasksClient, id string) error {
			_, err := c.Start(ctx, &tasksapi.StartRequest{ContainerID: id})
			return err
		}),
		rpc("Get", func(ctx context.Context, c tasksapi.TasksClient, id string) error {
			_, err := c.Get(ctx, &tasksapi.GetRequest{ContainerID: id})
			return err
		}),
		rpc("Pause", func(ctx context.Context, c tasksapi.TasksClient, id string) error {
			_, err := c.Pause(ctx, &tasksapi.PauseTaskRequest{ContainerID: id})
			return err
		}),
		rpc("Resume", func(ctx context.Context, c tasksapi.TasksClient, id string) error {
			_, err := c.Resume(ctx, &tasksapi.ResumeTaskRequest{ContainerID: id})
			return err
		}),
		rpc("Checkpoint", func(ctx context.Context, c tasksapi.TasksClient, id string) error {
			_, err := c.Checkpoint(ctx, &tasksapi.CheckpointTaskRequest{ContainerID: id})
			return err
		}),
		rpc("ResizePty", func(ctx context.Context, c tasksapi.TasksClient, id string) error {
			_, err := c.ResizePty(ctx, &tasksapi.ResizePtyRequest{ContainerID: id, Width: 80, Height: 25})
			return err
		}),
		kill,
		{Name: "tasks.Delete", States: taskStates(), do: func(ctx context.Context, s *subject) (string, error) {
			r, err := s.tasks().Delete(ctx, &tasksapi.DeleteTaskRequest{ContainerID: s.id})
			return fmt.Sprint("code ", r.GetExitStatus()), err
		}},
	}
}

// code describes the status that a Delete returned.
func code(status *containerd.ExitStatus) string {
	if status == nil {
		return "without a status"
	}
	if err := status.Error(); err != nil {
		return fmt.Sprintf("code %d, %s", status.ExitCode(), class(err))
	}
	return fmt.Sprint("code ", status.ExitCode())
}

// blockLimit is how long a Wait may take that answers at once.
const blockLimit = 300 * time.Millisecond

// waited describes what Wait delivers.
func (s *subject) waited(ctx context.Context, p containerd.Process) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := p.Wait(ctx)
	if err != nil {
		return "", err
	}
	timer := time.NewTimer(max(blockLimit, s.patience))
	defer timer.Stop()
	select {
	case status := <-c:
		if err := status.Error(); err != nil {
			return fmt.Sprintf("code %d, %s: %s", status.ExitCode(), class(err), s.normalize(errgrpc.ToNative(err).Error())), nil
		}
		return fmt.Sprint("code ", status.ExitCode()), nil
	case <-timer.C:
		return "blocks", nil
	}
}
