package impl

import (
	"context"
	"fmt"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// StartContainer starts a container that is CREATED. If it fails after it asked
// containerd for a task, the container ends EXITED and no process is left;
// before that it stays CREATED. It fails with FailedPrecondition if the
// container is not CREATED or another call is starting or removing it, and with
// Aborted if StopContainer is called before the process is started.
func (s *Service) StartContainer(ctx context.Context, r *runtime.StartContainerRequest) (_ *runtime.StartContainerResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	if err := s.startContainer(ctx, c); err != nil {
		return nil, fmt.Errorf("failed to start container %q: %w", c.ID, err)
	}
	return &runtime.StartContainerResponse{}, nil
}

func (s *Service) startContainer(ctx context.Context, c *container) (retErr error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	// From here on nobody else starts or removes the container, and a
	// StopContainer waits.
	if err := s.beginStart(ctx, c); err != nil {
		return err
	}
	// StopPodSandbox first marks the sandbox and then looks for starting
	// containers; this is the other order, so one of both sees the other.
	status := c.get()
	if err := s.admit(c); err != nil {
		c.settle(status)
		return err
	}

	creator, err := s.openOutput(c)
	if err != nil {
		c.settle(status)
		return err
	}

	var (
		exitCh    <-chan containerd.ExitStatus
		startedAt int64 // 0 until task.Start is called
	)
	// The task may exist although its creation failed (containerd#11037), and
	// its process may run although its start failed (runc#2183). So this comes
	// before the first of both and undoes whatever the runtime says there is.
	created := ask(s, func(ctx context.Context) (containerd.Task, error) { return c.handle.NewTask(ctx, creator) })
	defer func() {
		if retErr != nil {
			s.abandonStart(ctx, c, created, exitCh, startedAt, retErr)
			c.closeOutput()
		}
	}()
	task, err := created.wait(ctx)
	if err != nil {
		return fmt.Errorf("failed to create containerd task: %w", err)
	}

	// Wait is called before Start, and not with the context of this call: the
	// exit is of interest long after it.
	exitCh, err = task.Wait(s.ctx)
	if err != nil {
		return fmt.Errorf("failed to wait for containerd task: %w", err)
	}

	if err := s.startHook(ctx, c, &status, task.Pid()); err != nil {
		return err
	}

	// RUNNING is on disk before the process can run, so that neither a crash
	// nor a failing disk makes the container look as if it could be started
	// again. Nothing that can fail comes after task.Start.
	status.Pid, status.StartedAt = task.Pid(), time.Now().UnixNano()
	if err := s.checkpoint(c.ID, status); err != nil {
		return err
	}
	// A stop before this line prevents the start; one after it finds the
	// container RUNNING when the start is over (containerd#6477).
	if c.stopRequested() {
		return errStopped
	}
	startedAt = status.StartedAt
	if err := task.Start(ctx); err != nil {
		return fmt.Errorf("failed to start containerd task: %w", err)
	}

	// The process may have ended already, but nobody records that before
	// RUNNING was committed (the order that cri#1133 introduced).
	c.running(status)
	s.background(func(ctx context.Context) { s.monitorExit(ctx, c, task, exitCh) })
	return nil
}

// beginStart makes the caller the owner of c, when nobody changes its resources.
func (s *Service) beginStart(ctx context.Context, c *container) error {
	for {
		updating, err := c.beginStart()
		if updating == nil {
			return err
		}
		if err := s.wait(ctx, updating); err != nil {
			return err
		}
	}
}

// abandonStart takes the container to EXITED after a failed start: it kills
// what there is of a process, records the exit and deletes the task, as often
// as it takes. Starting stays set for that long, which keeps the container from
// being started again or removed. It returns when that is done or has turned
// out to take longer than the caller should wait.
func (s *Service) abandonStart(ctx context.Context, c *container, created *answer[containerd.Task], exitCh <-chan containerd.ExitStatus, startedAt int64, cause error) {
	done := c.whenSettled()
	s.background(func(ctx context.Context) {
		task, _ := created.wait(ctx) // nil if there is none, and if the answer was an error
		if e, ok := s.killTask(ctx, c, task, exitCh); ok {
			s.finish(ctx, c, c.get().startFailed(cause, startedAt, e))
		}
	})
	ctx, cancel := detach(ctx)
	defer cancel()
	if err := s.wait(ctx, done); err != nil {
		log.G(ctx).WithError(err).Warnf("Container %q is still being cleaned up after a failed start", c.ID)
	}
}
