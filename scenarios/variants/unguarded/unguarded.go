// Package unguarded is a mutant, a canary for the search: preseed without the
// transaction around the start. It looks at the status, starts the container
// and then writes RUNNING, with nothing to keep a second StartContainer from
// doing the same meanwhile.
//
// The runtime refuses a second task while there is one. So the container is
// started twice only if, between the look of the second start and its task, the
// first process has ended and its exit has been handled (I1).
package unguarded

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
	"github.com/startrace/startrace/scenarios/variants/preseed"
)

// Service is the mutant. Its methods may be called concurrently.
type Service struct{ *preseed.Service }

// New returns a service as preseed.New does.
func New(ctx context.Context, env variants.Env) (*Service, error) {
	s, err := preseed.New(ctx, env)
	if err != nil {
		return nil, err
	}
	return &Service{s}, nil
}

// StartContainer looks, starts, and writes the outcome.
func (s *Service) StartContainer(ctx context.Context, r *runtime.StartContainerRequest) (*runtime.StartContainerResponse, error) {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	if state := c.Status.Get().State(); state != runtime.ContainerState_CONTAINER_CREATED {
		return nil, fmt.Errorf("container is in state %s: %w", state, errdefs.ErrFailedPrecondition)
	}
	task, err := c.Client.NewTask(ctx, cio.NullIO)
	if err != nil {
		return nil, fmt.Errorf("create task of %q: %w", c.ID, err)
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
	return &runtime.StartContainerResponse{}, nil
}
