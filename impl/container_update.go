package impl

import (
	"context"
	"fmt"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"github.com/containerd/typeurl/v2"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// UpdateContainerResources changes the resources of a container that is CREATED
// or RUNNING; fields of the request that are zero keep their value. When it
// returns nil the new ones are in the container's record and, if it is RUNNING,
// in force. A container that is being started is updated when the start is over,
// and a StartContainer meanwhile waits for the update. It fails with
// FailedPrecondition if the container has ended, is being removed, or ends
// before the resources are in force. After any error the old ones are restored,
// in background if that takes longer; what has no value to go back to, a set of
// processors that there was none of before, stays in the cgroup.
func (s *Service) UpdateContainerResources(ctx context.Context, r *runtime.UpdateContainerResourcesRequest) (_ *runtime.UpdateContainerResourcesResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	if err := s.updateResources(ctx, c, r.GetLinux()); err != nil {
		return nil, fmt.Errorf("failed to update resources of container %q: %w", c.ID, err)
	}
	return &runtime.UpdateContainerResourcesResponse{}, nil
}

func (s *Service) updateResources(ctx context.Context, c *container, r *runtime.LinuxContainerResources) (retErr error) {
	if r == nil {
		return fmt.Errorf("no resources: %w", errdefs.ErrInvalidArgument)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	running, err := s.beginUpdate(ctx, c)
	if err != nil {
		return err
	}
	old, err := c.handle.Spec(ctx)
	if err != nil {
		c.endUpdate(c.get().Resources)
		return fmt.Errorf("failed to get container spec: %w", err)
	}
	updated, err := updatedSpec(old, r)
	if err != nil {
		c.endUpdate(c.get().Resources)
		return err
	}

	// Both steps may fail after they took effect, so this comes before the first.
	applied := false
	defer func() {
		if retErr != nil {
			s.undoUpdate(ctx, c, old, updated, applied)
		}
	}()
	// The record goes first: it is what a restart applies again.
	if err := s.writeSpec(ctx, c, updated); err != nil {
		return err
	}
	if running {
		applied = true
		if err := s.applyResources(ctx, c, updated.Linux.Resources); err != nil {
			return err
		}
	}
	c.endUpdate(criResources(updated))
	return nil
}

// beginUpdate makes the caller the only one who changes the resources of c,
// which nobody starts until endUpdate, and reports whether c is RUNNING.
func (s *Service) beginUpdate(ctx context.Context, c *container) (running bool, _ error) {
	for {
		running, busy, err := c.beginUpdate()
		if busy == nil || err != nil {
			return running, err
		}
		if err := s.wait(ctx, busy); err != nil {
			return false, err
		}
	}
}

// beginUpdate returns what to wait for, nil if the caller may go on.
func (c *container) beginUpdate() (running bool, busy <-chan struct{}, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := c.status.State()
	switch {
	case c.status.Removing:
		return false, nil, fmt.Errorf("container is in removing state, can't be updated: %w", errdefs.ErrFailedPrecondition)
	case state == runtime.ContainerState_CONTAINER_EXITED:
		return false, nil, fmt.Errorf("container is in %s state, can't be updated: %w", state, errdefs.ErrFailedPrecondition)
	case c.settled != nil:
		return false, c.settled, nil
	case c.updating != nil:
		return false, c.updating, nil
	}
	c.updating = make(chan struct{})
	return state == runtime.ContainerState_CONTAINER_RUNNING, nil, nil
}

// endUpdate shows r to readers and lets others update or start the container.
func (c *container) endUpdate(r *runtime.LinuxContainerResources) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Resources = r
	close(c.updating)
	c.updating = nil
}

// undoUpdate restores the resources after an update that failed, in the task
// only if it was asked for the new ones, as often as it takes. It returns when
// that is done or has turned out to take longer than the caller should wait.
func (s *Service) undoUpdate(ctx context.Context, c *container, old, updated *runtimespec.Spec, applied bool) {
	shown := c.get().Resources
	done := make(chan struct{})
	s.background(func(ctx context.Context) {
		defer close(done)
		defer c.endUpdate(shown)
		retry(ctx, fmt.Sprintf("restore the resources of container %q", c.ID), func(ctx context.Context) error {
			// The record goes last: it is what a restart applies again, and the old one
			// may not name what the new one has changed.
			if applied && c.get().FinishedAt == 0 {
				err := s.applyResources(ctx, c, reverted(old, updated))
				if err != nil && !errdefs.IsFailedPrecondition(err) {
					return err
				}
			}
			// A removal, which may have overtaken this, leaves nothing to restore.
			if err := s.writeSpec(ctx, c, old); err != nil && !errdefs.IsNotFound(err) {
				return err
			}
			return nil
		})
	})
	ctx, cancel := detach(ctx)
	defer cancel()
	if err := s.wait(ctx, done); err != nil {
		log.G(ctx).WithError(err).Warnf("The resources of container %q are still being restored", c.ID)
	}
}

// reapplyResources puts the resources of the record in force in a container
// that was found running: an update may have been cut short between the two.
func (s *Service) reapplyResources(ctx context.Context, c *container) {
	if _, err := s.beginUpdate(ctx, c); err != nil {
		return // it has ended, or the service has
	}
	defer func() { c.endUpdate(c.get().Resources) }()
	retry(ctx, fmt.Sprintf("apply the resources of container %q again", c.ID), func(ctx context.Context) error {
		spec, err := c.handle.Spec(ctx)
		if err == nil && spec.Linux != nil && spec.Linux.Resources != nil {
			err = s.applyResources(ctx, c, spec.Linux.Resources)
		}
		if errdefs.IsNotFound(err) || errdefs.IsFailedPrecondition(err) || c.get().FinishedAt != 0 {
			return nil
		}
		return err
	})
}

// writeSpec makes spec durable as that of c.
func (s *Service) writeSpec(ctx context.Context, c *container, spec *runtimespec.Spec) error {
	encoded, err := typeurl.MarshalAny(spec)
	if err != nil {
		return fmt.Errorf("failed to encode container spec: %w", err)
	}
	record := containers.Container{ID: c.ID, Spec: encoded}
	err = s.inOrder(ctx, c, func(ctx context.Context) error {
		_, err := s.client.ContainerService().Update(ctx, record, "spec")
		return err
	})
	if err != nil {
		return fmt.Errorf("failed to update container spec: %w", err)
	}
	return nil
}

// inOrder makes a call that changes the resources of c. A caller that gives up
// leaves a call behind that goes on: only its answer says that it has no effect any
// more, so the next one waits for that. Else a slow one would undo what came after it.
func (s *Service) inOrder(ctx context.Context, c *container, call func(context.Context) error) error {
	select {
	case c.changing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if ctx.Done() == nil { // this caller can't
		defer func() { <-c.changing }()
		return call(ctx)
	}
	answer := make(chan error, 1)
	if !s.background(func(ctx context.Context) {
		err := call(ctx)
		<-c.changing
		answer <- err
	}) {
		<-c.changing
		return errClosed
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// applyResources puts r in force. It fails with FailedPrecondition if there is
// no process any more.
func (s *Service) applyResources(ctx context.Context, c *container, r *runtimespec.LinuxResources) error {
	return s.inOrder(ctx, c, func(ctx context.Context) error { return s.applyOnce(ctx, c, r) })
}

func (s *Service) applyOnce(ctx context.Context, c *container, r *runtimespec.LinuxResources) error {
	task, err := c.handle.Task(ctx, nil)
	if err == nil {
		err = task.Update(ctx, containerd.WithResources(r))
	}
	if err == nil {
		return nil
	}
	ended := errdefs.IsNotFound(err)
	if !ended && task != nil {
		// A runtime that refuses to update a process that has ended gives that no class.
		switch status, statusErr := task.Status(ctx); {
		case statusErr == nil:
			ended = status.Status == containerd.Stopped
		case errdefs.IsNotFound(statusErr):
			ended = true
		default:
			err = fmt.Errorf("%w: %w", err, statusErr)
		}
	}
	if ended {
		return fmt.Errorf("container has ended: %w: %w", err, errdefs.ErrFailedPrecondition)
	}
	return fmt.Errorf("failed to update task: %w", err)
}
