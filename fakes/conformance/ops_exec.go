package conformance

import (
	"context"
	"fmt"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
)

// execOps are those on a process that is executed in a container, and on its
// task while there is one.
func execOps() []Op {
	all := execStates()
	return []Op{
		{Name: "Exec.Start", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			return "", s.process.Start(ctx)
		}},
		{Name: "Exec.Start twice", States: []State{ExecCreated}, do: func(ctx context.Context, s *subject) (string, error) {
			if err := s.process.Start(ctx); err != nil {
				return "", fmt.Errorf("the first: %w", err)
			}
			return "", s.process.Start(ctx)
		}},
		{Name: "Exec.Status", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			status, err := s.process.Status(ctx)
			return fmt.Sprint(status.Status, " ", status.ExitStatus), err
		}},
		{Name: "Exec.Wait", States: all, do: func(ctx context.Context, s *subject) (string, error) { return s.waited(ctx, s.process) }},
		{Name: "Exec.Kill KILL", States: all, ends: true, onExec: true, do: func(ctx context.Context, s *subject) (string, error) {
			return "", s.process.Kill(ctx, sigKill)
		}},
		{Name: "Exec.Kill TERM", States: all, ends: true, onExec: true, do: func(ctx context.Context, s *subject) (string, error) {
			return "", s.process.Kill(ctx, sigTerm)
		}},
		{Name: "Exec.CloseIO", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			return "", s.process.CloseIO(ctx, containerd.WithStdinCloser)
		}},
		{Name: "Exec.Delete", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			status, err := s.process.Delete(ctx)
			return code(status), err
		}},
		{Name: "tasks.DeleteProcess", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			r, err := s.tasks().DeleteProcess(ctx, &tasksapi.DeleteProcessRequest{ContainerID: s.id, ExecID: execID})
			return fmt.Sprint("code ", r.GetExitStatus()), err
		}},
		{Name: "Task.Exec of the same id", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			return "", addExec(ctx, s)
		}},
		{Name: "Task.LoadProcess", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			_, err := s.task.LoadProcess(ctx, execID, func(*cio.FIFOSet) (cio.IO, error) { return nil, nil })
			return "", err
		}},
		{Name: "Task.Pids with exec", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			pids, err := s.task.Pids(ctx)
			return fmt.Sprint(len(pids)), err
		}},
		{Name: "Task.Kill KILL with exec", States: all, ends: true, do: func(ctx context.Context, s *subject) (string, error) {
			return "", s.task.Kill(ctx, sigKill)
		}},
		{Name: "Task.Delete with exec", States: all, do: func(ctx context.Context, s *subject) (string, error) {
			status, err := s.task.Delete(ctx)
			return code(status), err
		}},
	}
}
