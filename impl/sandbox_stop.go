package impl

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// StopPodSandbox ends creating and starting containers in a sandbox at once and
// makes it NOTREADY, on disk first; then it ends its containers by force, those
// that are being started among them, and then its pause process. When it returns
// nil none of them has a process, and none gets one. A container that takes long delays no
// other; the pause process stays until all have ended. A sandbox that does not
// exist counts as stopped. After an error it can be called again.
func (s *Service) StopPodSandbox(ctx context.Context, r *runtime.StopPodSandboxRequest) (*runtime.StopPodSandboxResponse, error) {
	if err := s.stopPodSandbox(s.withNamespace(ctx), r.GetPodSandboxId()); err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &runtime.StopPodSandboxResponse{}, nil
}

func (s *Service) stopPodSandbox(ctx context.Context, id string) error {
	s.mu.Lock()
	p, ok := s.sandboxes[id]
	first := ok && !p.stopping
	if ok {
		p.stopping = true
		if p.pause == nil {
			p.stop()
		}
	}
	s.mu.Unlock()
	if !ok {
		return nil
	}
	if first && p.pause != nil {
		s.background(func(ctx context.Context) { s.recordStopped(ctx, p) })
	}
	if err := s.wait(ctx, p.told); err != nil {
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

// recordStopped makes durable that p is stopped, for a restart before its pause
// process has ended, and shows it. A disk that fails keeps no process alive: the
// first try is enough for the stop to go on. A disk that hangs does.
func (s *Service) recordStopped(ctx context.Context, p *sandbox) {
	retry(ctx, fmt.Sprintf("record that sandbox %q is stopped", p.id), func(ctx context.Context) error {
		if err := s.own(ctx, p); err != nil {
			return err
		}
		defer p.disown()
		if s.sandbox(p.id) != p {
			return nil // removed
		}
		err := s.recordSandbox(p.id, true)
		s.mu.Lock()
		defer s.mu.Unlock()
		p.stop()
		return err
	})
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
