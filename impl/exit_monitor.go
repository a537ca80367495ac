package impl

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
)

// monitorExit follows the process of a started container to its end. task and
// exitCh may be nil: they are looked up then.
func (s *Service) monitorExit(ctx context.Context, c *container, task containerd.Task, exitCh <-chan containerd.ExitStatus) {
	if e, ok := s.awaitExit(ctx, c, task, exitCh); ok {
		status := c.get().exited(e)
		if s.oomKilled(ctx, c, e) {
			status.Reason = oomExitReason
		}
		s.finish(ctx, c, status)
	}
}

// finish records the exit of c, tells Hooks, makes the runtime forget the task and
// gives up the ownership of c. The steps are retried until they succeed or ctx ends.
// The order matters: while the exit is not on disk, the task is the only place
// that a restart can learn it from.
func (s *Service) finish(ctx context.Context, c *container, status Status) {
	recorded := retry(ctx, fmt.Sprintf("record the exit of container %q", c.ID), func(context.Context) error {
		err := s.checkpoint(c.ID, status)
		// The process has ended, whatever the disk says: StopContainer must
		// not wait for it, and nobody may take the container for running. One that
		// was not started is CREATED again after a crash, so a failed start is
		// told only when it is on disk.
		if err == nil || status.StartedAt != 0 {
			c.commit(status)
		}
		return err
	})
	if !recorded {
		return
	}
	if s.config.Hooks != nil && status.Hooked {
		s.stopHook(ctx, c)
		status.Hooked = false
		if !retry(ctx, fmt.Sprintf("record that hooks know of the exit of container %q", c.ID), func(context.Context) error {
			return s.checkpoint(c.ID, status)
		}) {
			return
		}
		c.commit(status)
	}
	if retry(ctx, fmt.Sprintf("delete the task of container %q", c.ID), func(ctx context.Context) error {
		return s.deleteTask(ctx, c)
	}) {
		c.taskGone()
	}
}

// deleteTask deletes a task whose process has ended. It asks the service and
// not the client's task, which would give up on NotFound: the daemon takes a
// second request as a reason to end a shim that has outlived its task
// (containerd#7496).
func (s *Service) deleteTask(ctx context.Context, c *container) error {
	_, err := s.client.TaskService().Delete(ctx, &tasks.DeleteTaskRequest{ContainerID: c.ID})
	if err = errgrpc.ToNative(err); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	return nil
}

// awaitExit waits for the process of c to end. See follow.
func (s *Service) awaitExit(ctx context.Context, c *container, task containerd.Task, exitCh <-chan containerd.ExitStatus) (exit, bool) {
	return s.follow(ctx, c, task, exitCh, waitOnce)
}

// killTask makes the process of c end. See follow.
func (s *Service) killTask(ctx context.Context, c *container, task containerd.Task, exitCh <-chan containerd.ExitStatus) (exit, bool) {
	return s.follow(ctx, c, task, exitCh, killOnce)
}

// follow returns how the process of c ended, which try finds out: unknown if
// the runtime has no task of c. It reports false if ctx ended first.
//
// An error of try says nothing about the process: a broken connection or a
// restarted daemon ends the waiting and not the process (containerd#9112). Only
// the runtime can tell, so it is asked for the task until it knows.
func (s *Service) follow(
	ctx context.Context, c *container, task containerd.Task, exitCh <-chan containerd.ExitStatus,
	try func(context.Context, containerd.Task, <-chan containerd.ExitStatus) (exit, error),
) (exit, bool) {
	for b := (backoff{}); ; {
		var err error
		if task == nil {
			task, err = s.loadTask(ctx, c)
			if errdefs.IsNotFound(err) {
				return exit{}, true
			}
		}
		if err == nil && exitCh == nil {
			exitCh, err = task.Wait(ctx)
		}
		if err == nil {
			var e exit
			if e, err = try(ctx, task, exitCh); err == nil {
				return e, true
			}
		}
		task, exitCh = nil, nil
		if ctx.Err() == nil {
			log.G(ctx).WithError(err).Warnf("Failed to follow container %q to its end, will retry", c.ID)
		}
		if b.pause(ctx, nil) != nil {
			return exit{}, false
		}
	}
}

// waitOnce waits until the process of task has ended.
func waitOnce(_ context.Context, _ containerd.Task, exitCh <-chan containerd.ExitStatus) (exit, error) {
	return exitOf(<-exitCh)
}

// killOnce kills the process of task. It does not rely on the channel alone,
// because that may stay silent after a failed start.
func killOnce(ctx context.Context, task containerd.Task, exitCh <-chan containerd.ExitStatus) (exit, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	// NotFound: it has ended already.
	if err := task.Kill(ctx, syscall.SIGKILL); err != nil && !errdefs.IsNotFound(err) {
		return exit{}, err
	}
	timer := time.NewTimer(killTimeout)
	defer timer.Stop()
	select {
	case es := <-exitCh:
		if e, err := exitOf(es); err == nil {
			return e, nil
		}
	case <-timer.C:
	case <-ctx.Done():
		return exit{}, ctx.Err()
	}
	status, err := task.Status(ctx)
	if err != nil {
		return exit{}, err
	}
	if status.Status != containerd.Stopped {
		return exit{}, fmt.Errorf("task is %s after SIGKILL: %w", status.Status, errdefs.ErrUnavailable)
	}
	return exit{status.ExitStatus, exitTime(status.ExitTime)}, nil
}

// exitOf returns the exit in es; its error is that of waiting.
func exitOf(es containerd.ExitStatus) (exit, error) {
	code, at, err := es.Result()
	if err != nil {
		return exit{}, errgrpc.ToNative(err)
	}
	return exit{code, exitTime(at)}, nil
}

// killTimeout is how long a killed process may take to end before it is asked
// what holds it up.
const killTimeout = 2 * time.Second

// loadTask returns the task of c, an error of class NotFound if there is none.
func (s *Service) loadTask(ctx context.Context, c *container) (containerd.Task, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.handle.Task(ctx, nil)
}

// exitTime is the time of an exit that has a code: now if the runtime did not
// record it.
func exitTime(at time.Time) time.Time {
	if at.UnixNano() <= 0 {
		return time.Now()
	}
	return at
}
