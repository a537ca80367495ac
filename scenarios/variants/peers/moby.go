package peers

import (
	"context"
	"fmt"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
	"github.com/startrace/startrace/scenarios/variants/preseed"
)

// Moby2016 is a service. Its methods may be called concurrently.
type Moby2016 struct{ *preseed.Service }

// NewMoby2016 returns a service without containers.
func NewMoby2016(ctx context.Context, env variants.Env) (*Moby2016, error) {
	s, err := preseed.New(ctx, env)
	if err != nil {
		return nil, err
	}
	return &Moby2016{s}, nil
}

// StartContainer looks, starts, and writes the outcome.
func (s *Moby2016) StartContainer(ctx context.Context, r *runtime.StartContainerRequest) (_ *runtime.StartContainerResponse, retErr error) {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	switch status := c.Status.Get(); {
	case status.State() != runtime.ContainerState_CONTAINER_CREATED:
		return nil, fmt.Errorf("container is in state %s: %w", status.State(), errdefs.ErrFailedPrecondition)
	case status.Removing:
		return nil, fmt.Errorf("container is in removing state: %w", errdefs.ErrFailedPrecondition)
	}
	var task containerd.Task
	defer func() {
		if retErr == nil {
			return
		}
		_ = c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
			return status.Failed(time.Now().UnixNano(), retErr), nil
		})
		if task != nil {
			deleteTask(ctx, task)
		}
	}()
	if err := s.SandboxReady(c); err != nil {
		return nil, err
	}
	if task, err = c.Client.NewTask(ctx, cio.NullIO); err != nil {
		return nil, fmt.Errorf("create task of %q: %w", c.ID, err)
	}
	if err := task.Start(ctx); err != nil {
		return nil, fmt.Errorf("start task of %q: %w", c.ID, err)
	}
	if err := started(c, task.Pid()); err != nil {
		return nil, err
	}
	return &runtime.StartContainerResponse{}, nil
}

// started writes RUNNING.
func started(c *cri2019.Container, pid uint32) error {
	if err := c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
		status.Pid = pid
		status.StartedAt = time.Now().UnixNano()
		return status, nil
	}); err != nil {
		return fmt.Errorf("write status of %q: %w", c.ID, err)
	}
	return nil
}

func deleteTask(ctx context.Context, task containerd.Task) {
	ctx, cancel := cri2019.Detached(ctx)
	defer cancel()
	_, _ = task.Delete(ctx, containerd.WithProcessKill)
}
