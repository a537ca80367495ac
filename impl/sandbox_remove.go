package impl

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// RemovePodSandbox stops a sandbox and removes it with its containers. A
// sandbox that does not exist counts as removed, also one that another call
// removes meanwhile. After an error it can be called again; until it succeeds
// the sandbox is there, NOTREADY, and keeps its name.
func (s *Service) RemovePodSandbox(ctx context.Context, r *runtime.RemovePodSandboxRequest) (*runtime.RemovePodSandboxResponse, error) {
	if err := s.removePodSandbox(s.withNamespace(ctx), r.GetPodSandboxId()); err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &runtime.RemovePodSandboxResponse{}, nil
}

func (s *Service) removePodSandbox(ctx context.Context, id string) error {
	p := s.sandbox(id)
	if p == nil {
		return nil
	}
	if err := s.stopPodSandbox(ctx, id); err != nil {
		return err
	}
	if err := s.own(ctx, p); err != nil {
		return fmt.Errorf("failed to remove sandbox %q: %w", id, err)
	}
	defer p.disown()
	if s.sandbox(id) == nil {
		return nil // somebody else was faster
	}
	for _, c := range s.containersOf(id) {
		if err := s.removeSettled(ctx, c, s.removeContainer); err != nil {
			return fmt.Errorf("failed to remove container %q: %w", c.ID, err)
		}
	}
	forget := func() {
		delete(s.sandboxes, id)
		s.releaseLocked(p.name, id)
	}
	if p.pause == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		forget()
		return nil
	}
	// Without its record a sandbox is NOTREADY after a restart, and can still
	// be removed.
	if err := s.disk.Remove(id + sandboxSuffix); err != nil {
		return fmt.Errorf("failed to remove record of sandbox %q: %w", id, err)
	}
	err := s.removeSettled(ctx, p.pause, func(ctx context.Context, c *container) error { return s.erase(ctx, c, forget) })
	if err != nil {
		return fmt.Errorf("failed to remove pause process of sandbox %q: %w", id, err)
	}
	return nil
}

// removeSettled calls remove for c when what is left of a failed start has been
// cleaned up: in a sandbox that is stopped there is no other start.
func (s *Service) removeSettled(ctx context.Context, c *container, remove func(context.Context, *container) error) error {
	if err := s.wait(ctx, c.whenSettled()); err != nil {
		return err
	}
	return remove(ctx, c)
}
