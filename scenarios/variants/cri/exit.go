package cri

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// exitTimeout bounds the handling of one exit.
const exitTimeout = 10 * time.Second

// unknownExit is the exit of which nothing is known.
func unknownExit(id string) cri2019.Exit {
	return cri2019.Exit{ID: id, Code: containerd.UnknownExitStatus, At: time.Now()}
}

// monitor waits for the end of one process, or of ctx, and handles it, or passes
// it on to the loop. What cannot be handled now is left to the back-off. ended is
// closed when it is done.
func (s *Service) monitor(ctx context.Context, id string, exit <-chan containerd.ExitStatus) (ended <-chan struct{}) {
	done := make(chan struct{})
	if !s.Go(func() {
		defer close(done)
		select {
		case status := <-exit:
			if s.Context().Err() == nil { // Close is no exit
				s.ended(exitOf(id, status))
			}
		case <-ctx.Done():
		}
	}) {
		close(done)
	}
	return done
}

// exitOf takes a Wait that failed for an exit.
func exitOf(id string, status containerd.ExitStatus) cri2019.Exit {
	code, at, err := status.Result()
	if err != nil {
		return unknownExit(id)
	}
	return cri2019.Exit{ID: id, Code: code, At: at}
}

func (s *Service) ended(exit cri2019.Exit) {
	if !s.changes.Parallel {
		select {
		case s.exits <- exit:
		case <-s.Context().Done():
		}
		return
	}
	if s.handleEvent(event{id: exit.ID, exit: &exit}) != nil {
		s.backOff.add(event{id: exit.ID, exit: &exit})
	}
}

// handle deletes the task, makes the container EXITED and wakes who waits for
// that. It follows handleContainerExit of events.go: the runtime's record of the
// exit is deleted before ours is on disk.
func (s *Service) handle(ctx context.Context, c *cri2019.Container, exit cri2019.Exit) error {
	task, err := c.Client.Task(ctx, nil)
	switch {
	case err == nil:
		if s.changes.AsksForOOM && exit.Code == killedCode {
			s.askForOOM(ctx, c, task)
		}
		if s.plugins.hooks != nil { // once for each try, and before there is an end
			s.Go(func() { s.plugins.stop(s.Context(), c) })
		}
		if _, err = task.Delete(ctx, containerd.WithProcessKill); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("delete task of %q: %w", c.ID, err)
		}
	case errdefs.IsNotFound(err), errdefs.IsUnavailable(err) && s.changes.UnavailableIsDead:
	default:
		return fmt.Errorf("load task of %q: %w", c.ID, err)
	}
	if errdefs.IsNotFound(err) && s.changes.EndsShim {
		_, err := s.Env.Client.TaskService().Delete(ctx, &tasks.DeleteTaskRequest{ContainerID: c.ID})
		if err = errgrpc.ToNative(err); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("end the shim of %q: %w", c.ID, err)
		}
	}
	if err := c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
		switch {
		case status.FinishedAt == 0:
			status.Pid = 0
			status.FinishedAt = exit.At.UnixNano()
			status.ExitCode = int32(exit.Code)
		case !s.changes.ClearsUnknown:
			return status, nil
		}
		status.Unknown = false
		return status, nil
	}); err != nil {
		return fmt.Errorf("write exit of %q: %w", c.ID, err)
	}
	c.Stop()
	s.tell(runtime.ContainerEventType_CONTAINER_STOPPED_EVENT, c.ID, c.Sandbox)
	return nil
}
