package cri2019

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// RunPodSandbox records a ready sandbox; it has no process of its own.
func (s *Service) RunPodSandbox(_ context.Context, r *runtime.RunPodSandboxRequest) (*runtime.RunPodSandboxResponse, error) {
	meta := r.GetConfig().GetMetadata()
	if meta == nil {
		return nil, fmt.Errorf("sandbox without metadata: %w", errdefs.ErrInvalidArgument)
	}
	name := fmt.Sprintf("%s_%s_%s_%d", meta.Name, meta.Namespace, meta.Uid, meta.Attempt)
	id, err := s.reserve(name, meta.Name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sandboxes[id] = &sandbox{id: id, name: name, ready: true}
	return &runtime.RunPodSandboxResponse{PodSandboxId: id}, nil
}

// StopPodSandbox stops the containers of the sandbox, then the sandbox.
func (s *Service) StopPodSandbox(ctx context.Context, r *runtime.StopPodSandboxRequest) (*runtime.StopPodSandboxResponse, error) {
	ctx = s.Namespaced(ctx)
	for _, c := range s.List(func(c *Container) bool { return c.Sandbox == r.GetPodSandboxId() }) {
		if err := s.stopContainer(ctx, c, 0); err != nil {
			return nil, fmt.Errorf("stop container %q: %w", c.ID, err)
		}
	}
	s.SandboxStopped(r.GetPodSandboxId())
	return &runtime.StopPodSandboxResponse{}, nil
}

// SandboxStopped makes a sandbox not ready.
func (s *Service) SandboxStopped(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pod := s.sandboxes[id]; pod != nil {
		pod.ready = false
	}
}

// RemovePodSandbox removes the containers of a stopped sandbox, then its record.
func (s *Service) RemovePodSandbox(ctx context.Context, r *runtime.RemovePodSandboxRequest) (*runtime.RemovePodSandboxResponse, error) {
	s.mu.Lock()
	pod := s.sandboxes[r.GetPodSandboxId()]
	ready := pod != nil && pod.ready
	s.mu.Unlock()
	switch {
	case pod == nil:
		return &runtime.RemovePodSandboxResponse{}, nil
	case ready:
		return nil, fmt.Errorf("sandbox %q is ready, to stop first: %w", pod.id, errdefs.ErrFailedPrecondition)
	}
	for _, c := range s.List(func(c *Container) bool { return c.Sandbox == pod.id }) {
		if _, err := s.RemoveContainer(ctx, &runtime.RemoveContainerRequest{ContainerId: c.ID}); err != nil {
			return nil, err
		}
	}
	s.ForgetSandbox(pod.id)
	return &runtime.RemovePodSandboxResponse{}, nil
}

// ForgetSandbox drops a sandbox and gives its name back.
func (s *Service) ForgetSandbox(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pod := s.sandboxes[id]; pod != nil {
		delete(s.sandboxes, id)
		delete(s.names, pod.name)
	}
}
