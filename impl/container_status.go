package impl

import (
	"context"

	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// ContainerStatus returns the last committed status. It waits for nothing.
func (s *Service) ContainerStatus(_ context.Context, r *runtime.ContainerStatusRequest) (*runtime.ContainerStatusResponse, error) {
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &runtime.ContainerStatusResponse{Status: c.describe(c.get())}, nil
}

// describe returns a status of c as the CRI has it.
func (c *container) describe(status Status) *runtime.ContainerStatus {
	var resources *runtime.ContainerResources
	if status.Resources != nil {
		resources = &runtime.ContainerResources{Linux: status.Resources}
	}
	return &runtime.ContainerStatus{
		Id:          c.ID,
		Metadata:    c.Config.GetMetadata(),
		State:       status.State(),
		CreatedAt:   status.CreatedAt,
		StartedAt:   status.StartedAt,
		FinishedAt:  status.FinishedAt,
		ExitCode:    status.ExitCode,
		Image:       c.Config.GetImage(),
		ImageRef:    c.imageRef(),
		ImageId:     c.imageRef(),
		Reason:      reason(status),
		Message:     status.Message,
		Labels:      c.Config.GetLabels(),
		Annotations: c.Config.GetAnnotations(),
		StopSignal:  c.Config.GetStopSignal(),
		Mounts:      c.Config.GetMounts(),
		Resources:   resources,
		LogPath:     c.logPath(),
	}
}

// imageRef is the id of the image of a container, or its root file system directory.
func (m *metadata) imageRef() string {
	if m.ImageID != "" {
		return m.ImageID
	}
	return m.Config.GetImage().GetImage()
}

// reason says why a container is in its state, from the exit code if nothing
// else is known.
func reason(status Status) string {
	switch {
	case status.Reason != "" || status.State() != runtime.ContainerState_CONTAINER_EXITED:
		return status.Reason
	case status.ExitCode == 0:
		return completeExitReason
	}
	return errorExitReason
}
