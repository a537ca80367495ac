package impl

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// StopPodSandbox makes a sandbox NOTREADY, which ends creating and starting
// containers in it, then ends its containers by force, those that are being
// started among them, and then its pause process. When it returns nil none of
// them has a process, and none gets one. A container that takes long delays no
// other; the pause process stays until all have ended. A sandbox that does not
// exist counts as stopped. After an error it can be called again; the sandbox
// stays NOTREADY.
func (s *Service) StopPodSandbox(ctx context.Context, r *runtime.StopPodSandboxRequest) (*runtime.StopPodSandboxResponse, error) {
	if err := s.stopPodSandbox(s.withNamespace(ctx), r.GetPodSandboxId()); err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &runtime.StopPodSandboxResponse{}, nil
}

func (s *Service) stopPodSandbox(ctx context.Context, id string) error {
	s.mu.Lock()
	p, ok := s.sandboxes[id]
	if ok {
		p.stopped = true
	}
	s.mu.Unlock()
	if !ok {
		return nil
	}
	if err := s.recordStopped(ctx, p); err != nil {
		return fmt.Errorf("failed to stop sandbox %q: %w", id, err)
	}
	// No container is added after this list was made. One that is being
	// started is in it and has not seen NOTREADY, or will fail.
	var (
		stops sync.WaitGroup
		all   = s.containersOf(id)
		errs  = make([]error, len(all))
	)
	for i, c := range all {
		stops.Go(func() {
			if err := s.stopContainer(ctx, c, 0); err != nil {
				errs[i] = fmt.Errorf("failed to stop container %q: %w", c.ID, err)
			}
		})
	}
	stops.Wait()
	if err := errors.Join(errs...); err != nil || p.pause == nil {
		return err
	}
	if err := s.stopContainer(ctx, p.pause, 0); err != nil {
		return fmt.Errorf("failed to stop pause process of sandbox %q: %w", id, err)
	}
	return nil
}

// recordStopped makes durable that p is stopped, for a restart in the middle of
// the stop. A disk that fails does not keep processes alive: the end of the
// pause process, once it is recorded, says the same. A disk that hangs keeps the
// caller until ctx ends.
func (s *Service) recordStopped(ctx context.Context, p *sandbox) error {
	if p.pause == nil {
		return nil
	}
	if err := s.own(ctx, p); err != nil {
		return err
	}
	if p.recorded {
		p.disown()
		return nil
	}
	done := make(chan struct{})
	if !s.background(func(ctx context.Context) {
		defer close(done)
		defer p.disown()
		if err := s.recordSandbox(p.id, true); err != nil {
			log.G(ctx).WithError(err).Warnf("Failed to record that sandbox %q is stopped", p.id)
			return
		}
		p.recorded = true
	}) {
		p.disown()
		return errClosed
	}
	return s.wait(ctx, done)
}

// own makes the caller the only one who may touch the record of p, until disown.
func (s *Service) own(ctx context.Context, p *sandbox) error {
	select {
	case p.owner <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return errClosed
	}
}

func (p *sandbox) disown() { <-p.owner }
