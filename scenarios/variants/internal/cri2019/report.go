package cri2019

import (
	"context"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// ContainerStatus returns the status in memory. It waits for a transaction
// under way.
func (s *Service) ContainerStatus(_ context.Context, r *runtime.ContainerStatusRequest) (*runtime.ContainerStatusResponse, error) {
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	status := c.Status.Get()
	return &runtime.ContainerStatusResponse{Status: &runtime.ContainerStatus{
		Id:         c.ID,
		Metadata:   c.Config.GetMetadata(),
		State:      status.State(),
		CreatedAt:  status.CreatedAt,
		StartedAt:  status.StartedAt,
		FinishedAt: status.FinishedAt,
		ExitCode:   status.ExitCode,
		Image:      c.Config.GetImage(),
		ImageRef:   c.Config.GetImage().GetImage(),
		Reason:     status.Reason,
		Message:    status.Message,
		Labels:     c.Config.GetLabels(),
	}}, nil
}

// ListContainers returns all containers by id, filtered by id, state and
// sandbox.
func (s *Service) ListContainers(_ context.Context, r *runtime.ListContainersRequest) (*runtime.ListContainersResponse, error) {
	filter := r.GetFilter()
	resp := &runtime.ListContainersResponse{}
	for _, c := range s.List(func(c *Container) bool {
		return (filter.GetId() == "" || filter.GetId() == c.ID) &&
			(filter.GetPodSandboxId() == "" || filter.GetPodSandboxId() == c.Sandbox)
	}) {
		status := c.Status.Get()
		if filter.GetState() != nil && filter.GetState().State != status.State() {
			continue
		}
		resp.Containers = append(resp.Containers, &runtime.Container{
			Id:           c.ID,
			PodSandboxId: c.Sandbox,
			Metadata:     c.Config.GetMetadata(),
			Image:        c.Config.GetImage(),
			ImageRef:     c.Config.GetImage().GetImage(),
			State:        status.State(),
			CreatedAt:    status.CreatedAt,
			Labels:       c.Config.GetLabels(),
		})
	}
	return resp, nil
}
