package impl

import (
	"context"
	"fmt"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// RemoveContainer removes a container, after killing it if it is running. It
// fails with FailedPrecondition while another call starts or removes it, or if
// its state is not known yet. A container that does not exist counts as
// removed. It waits, like for the end of the process, until an exit is recorded
// and the task deleted, which a failing disk can hold up until ctx ends. After an
// error it can be called again.
func (s *Service) RemoveContainer(ctx context.Context, r *runtime.RemoveContainerRequest) (_ *runtime.RemoveContainerResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	c, err := s.container(r.GetContainerId())
	if errdefs.IsNotFound(err) {
		return &runtime.RemoveContainerResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.removeContainer(ctx, c); err != nil {
		return nil, fmt.Errorf("failed to remove container %q: %w", c.ID, err)
	}
	return &runtime.RemoveContainerResponse{}, nil
}

func (s *Service) removeContainer(ctx context.Context, c *container) error {
	return s.erase(ctx, c, func() {
		delete(s.containers, c.ID)
		s.releaseLocked(c.Name, c.ID)
	})
}

// erase ends the process of c, deletes its task and its records, and calls
// forget, at last and with the lock of s held.
func (s *Service) erase(ctx context.Context, c *container, forget func()) (retErr error) {
	running, reaped, err := c.beginRemove()
	if err != nil {
		return err
	}
	// The flag is in memory only, so that giving it back needs no disk (cri#371).
	defer func() {
		if retErr != nil {
			c.abortRemove()
		}
	}()
	// The CRI wants a running container to be removed by force (cri#1525).
	if running {
		log.G(ctx).Infof("Container %q is running, will stop it to remove it", c.ID)
		if err := s.stopContainer(ctx, c, 0); err != nil {
			return fmt.Errorf("failed to stop container: %w", err)
		}
	}
	// Whoever recorded the exit still deletes the task.
	if err := s.wait(ctx, reaped); err != nil {
		return fmt.Errorf("task is not deleted yet: %w", err)
	}
	if err := s.purgeTask(ctx, c); err != nil {
		return fmt.Errorf("failed to delete task: %w", err)
	}
	if err := s.removeStreams(ctx, c); err != nil {
		return err
	}
	if err := s.deleteRecords(ctx, c.ID); err != nil {
		return err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	forget()
	s.disappeared(c)
	return nil
}

// purgeTask makes sure that the runtime has no task of a container which is
// not to have one. Only NotFound says so: an error may hide a process that
// nobody could reach any more without the container record.
func (s *Service) purgeTask(ctx context.Context, c *container) error {
	task, err := c.handle.Task(ctx, nil)
	if errdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := task.Delete(ctx, containerd.WithProcessKill); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	return nil
}

// deleteRecords deletes the records of a container without a task, and its
// snapshot. The one on disk goes last: without the one in containerd it means
// nothing after a restart but that the snapshot may be there. It asks the store and
// not the client's container, which takes every error for the answer that there is
// no task.
func (s *Service) deleteRecords(ctx context.Context, id string) error {
	if err := s.client.ContainerService().Delete(ctx, id); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("failed to delete containerd container: %w", err)
	}
	if err := s.deleteSnapshot(ctx, id); err != nil {
		return err
	}
	return s.disk.Remove(id)
}
