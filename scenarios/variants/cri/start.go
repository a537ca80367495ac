package cri

import (
	"context"
	"fmt"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// StartContainer holds Starting while it starts the container. It follows
// container_start.go.
func (s *Service) StartContainer(ctx context.Context, r *runtime.StartContainerRequest) (_ *runtime.StartContainerResponse, retErr error) {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	if s.changes.AsksForRecord {
		if _, err := s.Env.Client.LoadContainer(ctx, c.ID); err != nil {
			return nil, fmt.Errorf("get container info: %w", err)
		}
	}
	if err := c.SetStarting(); err != nil {
		return nil, fmt.Errorf("start container %q: %w", c.ID, err)
	}
	left := false // the task may still be there
	defer func() {
		if retErr != nil {
			_ = c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
				status = status.Failed(time.Now().UnixNano(), retErr)
				status.Unknown = left && s.changes.KeepsUnknown
				return status, nil
			})
		}
		c.ResetStarting()
	}()
	if err := s.SandboxReady(c); err != nil {
		return nil, err
	}

	task, err := c.Client.NewTask(ctx, cio.NullIO)
	if err != nil {
		return nil, fmt.Errorf("create task of %q: %w", c.ID, err)
	}
	defer func() {
		if retErr != nil {
			ctx, cancel := cri2019.Detached(ctx)
			defer cancel()
			_, err := task.Delete(ctx, containerd.WithProcessKill)
			left = err != nil && !errdefs.IsNotFound(err)
		}
	}()

	// Wait lasts as long as the process: it must not end with the request.
	exit, err := task.Wait(s.Context())
	if err != nil {
		return nil, fmt.Errorf("wait for %q: %w", c.ID, err)
	}
	defer func() {
		if retErr != nil {
			ctx, cancel := cri2019.Detached(ctx)
			defer cancel()
			s.plugins.stop(ctx, c)
		}
	}()
	if err := s.plugins.start(ctx, c, task.Pid()); err != nil {
		return nil, fmt.Errorf("start hook of %q: %w", c.ID, err)
	}
	if err := task.Start(ctx); err != nil {
		return nil, fmt.Errorf("start task of %q: %w", c.ID, err)
	}
	if err := c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
		status.Pid = task.Pid()
		status.StartedAt = time.Now().UnixNano()
		return status, nil
	}); err != nil {
		return nil, fmt.Errorf("write status of %q: %w", c.ID, err)
	}
	// Only now, so that no exit is recorded before the RUNNING it ends.
	s.monitor(s.Context(), c.ID, exit)
	s.tell(runtime.ContainerEventType_CONTAINER_STARTED_EVENT, c.ID, c.Sandbox)
	return &runtime.StartContainerResponse{}, nil
}
