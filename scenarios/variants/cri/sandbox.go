package cri

import (
	"context"
	"fmt"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// StopPodSandbox stops the containers that the sandbox has now, one after the
// other, then the sandbox. It follows sandbox_stop.go.
func (s *Service) StopPodSandbox(ctx context.Context, r *runtime.StopPodSandboxRequest) (*runtime.StopPodSandboxResponse, error) {
	if err := s.stopSandbox(s.Namespaced(ctx), r.GetPodSandboxId()); err != nil {
		return nil, err
	}
	return &runtime.StopPodSandboxResponse{}, nil
}

func (s *Service) stopSandbox(ctx context.Context, id string) error {
	for _, c := range s.inSandbox(id) {
		if err := s.stopRetrying(ctx, c, 0); err != nil {
			return fmt.Errorf("stop container %q: %w", c.ID, err)
		}
	}
	s.SandboxStopped(id)
	return nil
}

// RemovePodSandbox stops the sandbox, removes its containers, then its record.
// It follows sandbox_remove.go.
func (s *Service) RemovePodSandbox(ctx context.Context, r *runtime.RemovePodSandboxRequest) (*runtime.RemovePodSandboxResponse, error) {
	id := r.GetPodSandboxId()
	if err := s.stopSandbox(s.Namespaced(ctx), id); err != nil {
		return nil, fmt.Errorf("forcibly stop sandbox %q: %w", id, err)
	}
	for _, c := range s.inSandbox(id) {
		if _, err := s.RemoveContainer(ctx, &runtime.RemoveContainerRequest{ContainerId: c.ID}); err != nil {
			return nil, err
		}
	}
	s.ForgetSandbox(id)
	return &runtime.RemovePodSandboxResponse{}, nil
}

func (s *Service) inSandbox(id string) []*cri2019.Container {
	return s.List(func(c *cri2019.Container) bool { return c.Sandbox == id })
}
