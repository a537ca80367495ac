package impl

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// ReopenContainerLog makes a running container log to a new file of the same
// path, after the old one was moved away. No line is lost or torn: each is in
// the old file or in the new one. It fails with FailedPrecondition if the
// container is not RUNNING or has no log; if the new file cannot be opened, the
// old one stays in use.
func (s *Service) ReopenContainerLog(ctx context.Context, r *runtime.ReopenContainerLogRequest) (_ *runtime.ReopenContainerLogResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	if err := s.reopenLog(ctx, c); err != nil {
		return nil, fmt.Errorf("failed to reopen log of container %q: %w", c.ID, err)
	}
	return &runtime.ReopenContainerLogResponse{}, nil
}

func (s *Service) reopenLog(ctx context.Context, c *container) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if state := c.get().State(); state != runtime.ContainerState_CONTAINER_RUNNING {
		return fmt.Errorf("container is in %s state: %w", state, errdefs.ErrFailedPrecondition)
	}
	out := c.getOutput()
	if out == nil {
		return fmt.Errorf("container has no log: %w", errdefs.ErrFailedPrecondition)
	}
	return out.log.reopen()
}
