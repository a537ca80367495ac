package impl

import (
	"context"
	"errors"
	"fmt"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
)

// representSandboxes makes every sandbox known that found has the pause process
// of, each NOTREADY until its state is found out, and returns the others. What
// is wrong with one is logged and holds up no other.
func (s *Service) representSandboxes(ctx context.Context, found []containerd.Container) (others []containerd.Container) {
	for _, handle := range found {
		info, err := handle.Info(ctx, containerd.WithoutRefreshedMetadata)
		if err != nil || info.Labels[kindLabel] != kindSandbox {
			others = append(others, handle)
			continue
		}
		meta, err := decodeMetadata(info)
		err = errors.Join(err, s.representSandbox(meta, handle, info.CreatedAt.UnixNano(), err != nil))
		if err != nil {
			log.G(ctx).WithError(err).Errorf("Damaged record of sandbox %q", info.ID)
		}
	}
	return others
}

// representSandbox makes a sandbox known and reserves its name.
func (s *Service) representSandbox(meta metadata, pause containerd.Container, createdAt int64, damaged bool) error {
	p := newSandbox(meta.ID, meta.Name, meta.SandboxConfig, createdAt)
	p.pause = newContainer(meta, pause, Status{CreatedAt: createdAt, Unknown: true})
	s.mu.Lock()
	defer s.mu.Unlock()
	if damaged {
		p.stop()
	}
	s.sandboxes[p.id] = p
	if owner, ok := s.names[p.name]; ok {
		return fmt.Errorf("name %q is reserved for %q: %w", p.name, owner, errdefs.ErrAlreadyExists)
	}
	s.names[p.name] = p.id
	return nil
}

// pausedSandboxes returns the sandboxes that have a pause process, sorted by id.
func (s *Service) pausedSandboxes() []*sandbox {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []*sandbox
	for _, p := range s.sortedSandboxes() {
		if p.pause != nil {
			found = append(found, p)
		}
	}
	return found
}

// reconcileSandbox derives the state of a sandbox: READY if its record does not
// say that it was stopped and its pause process runs. A record that is missing
// or cannot be understood leaves it NOTREADY, so that it can only be stopped and
// removed. An error means that there may be an answer later.
func (s *Service) reconcileSandbox(ctx context.Context, p *sandbox) error {
	data, err := s.disk.Read(p.id + sandboxSuffix)
	if err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	var record sandboxRecord
	if err == nil {
		record, err = decodeSandbox(data)
	}
	if err != nil {
		log.G(ctx).WithError(err).Errorf("No record of sandbox %q on disk, it may have been stopped", p.id)
	}
	if err != nil || record.Stopped {
		s.mu.Lock()
		p.stop()
		s.mu.Unlock()
	}
	return s.reconcile(ctx, p.pause)
}

// known reports whether there is a container or a pause process of that id.
func (s *Service) known(id string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, isContainer := s.containers[id]
	p, isSandbox := s.sandboxes[id]
	return isContainer || isSandbox && p.pause != nil
}
