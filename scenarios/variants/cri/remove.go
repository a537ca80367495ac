package cri

import (
	"context"
	"fmt"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// RemoveContainer holds Removing while it deletes the containerd record, the
// checkpoint and the entry of the store. It follows container_remove.go.
func (s *Service) RemoveContainer(ctx context.Context, r *runtime.RemoveContainerRequest) (_ *runtime.RemoveContainerResponse, retErr error) {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return &runtime.RemoveContainerResponse{}, nil
	}
	if s.changes.AsksForRecord {
		switch _, err := s.Env.Client.LoadContainer(ctx, c.ID); {
		case errdefs.IsNotFound(err):
			s.Forget(c)
			return &runtime.RemoveContainerResponse{}, nil
		case err != nil:
			return nil, fmt.Errorf("get container info: %w", err)
		}
	}
	if s.changes.RemoveStops {
		switch c.Status.Get().State() {
		case runtime.ContainerState_CONTAINER_RUNNING, runtime.ContainerState_CONTAINER_UNKNOWN:
			if err := s.stopRetrying(ctx, c, 0); err != nil {
				return nil, fmt.Errorf("forcibly stop container %q: %w", c.ID, err)
			}
		}
	}
	if err := c.SetRemoving(); err != nil {
		return nil, fmt.Errorf("remove container %q: %w", c.ID, err)
	}
	defer func() {
		if retErr != nil {
			c.ResetRemoving()
		}
	}()
	if err := c.Client.Delete(ctx, containerd.WithSnapshotCleanup); err != nil && !errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("delete containerd container %q: %w", c.ID, err)
	}
	if err := c.Status.Delete(); err != nil {
		return nil, fmt.Errorf("delete status of %q: %w", c.ID, err)
	}
	s.Forget(c)
	s.tell(runtime.ContainerEventType_CONTAINER_DELETED_EVENT, c.ID, c.Sandbox)
	return &runtime.RemoveContainerResponse{}, nil
}
