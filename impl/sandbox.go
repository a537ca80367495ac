package impl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// sandbox is a pod sandbox: a record that containers belong to.
type sandbox struct {
	id        string
	name      string
	config    *runtime.PodSandboxConfig
	createdAt int64
	ready     bool // guarded by Service.mu; never true again once it is false
}

func (p *sandbox) state() runtime.PodSandboxState {
	if p.ready {
		return runtime.PodSandboxState_SANDBOX_READY
	}
	return runtime.PodSandboxState_SANDBOX_NOTREADY
}

// RunPodSandbox makes a sandbox, READY at once. It fails with AlreadyExists if
// there is one of that name, namespace, uid and attempt.
func (s *Service) RunPodSandbox(_ context.Context, r *runtime.RunPodSandboxRequest) (*runtime.RunPodSandboxResponse, error) {
	p := &sandbox{
		id:        s.config.NewID(),
		name:      sandboxName(r.GetConfig().GetMetadata()),
		config:    r.GetConfig(),
		createdAt: time.Now().UnixNano(),
		ready:     true,
	}
	if err := s.reserve(p.name, p.id); err != nil {
		return nil, errgrpc.ToGRPC(fmt.Errorf("failed to run sandbox: %w", err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sandboxes[p.id] = p
	return &runtime.RunPodSandboxResponse{PodSandboxId: p.id}, nil
}

// StopPodSandbox makes a sandbox NOTREADY, which ends creating and starting
// containers in it, and stops its containers by force. A sandbox that does not
// exist counts as stopped.
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
		p.ready = false
	}
	s.mu.Unlock()
	if !ok {
		return nil
	}
	// No container is added after this list was made. One that is being
	// started is in it and has not seen NOTREADY, or will fail.
	var errs []error
	for _, c := range s.containersOf(id) {
		if err := s.stopContainer(ctx, c, 0); err != nil {
			errs = append(errs, fmt.Errorf("failed to stop container %q: %w", c.ID, err))
		}
	}
	return errors.Join(errs...)
}

// RemovePodSandbox stops a sandbox and removes it with its containers. A
// sandbox that does not exist counts as removed.
func (s *Service) RemovePodSandbox(ctx context.Context, r *runtime.RemovePodSandboxRequest) (_ *runtime.RemovePodSandboxResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	id := r.GetPodSandboxId()
	if err := s.stopPodSandbox(ctx, id); err != nil {
		return nil, err
	}
	for _, c := range s.containersOf(id) {
		if err := s.removeContainer(ctx, c); err != nil {
			return nil, fmt.Errorf("failed to remove container %q: %w", c.ID, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.sandboxes[id]; ok {
		delete(s.sandboxes, id)
		s.releaseLocked(p.name, id)
	}
	return &runtime.RemovePodSandboxResponse{}, nil
}

// PodSandboxStatus returns the state of a sandbox.
func (s *Service) PodSandboxStatus(_ context.Context, r *runtime.PodSandboxStatusRequest) (*runtime.PodSandboxStatusResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.sandboxes[r.GetPodSandboxId()]
	if !ok {
		return nil, errgrpc.ToGRPC(fmt.Errorf("sandbox %q: %w", r.GetPodSandboxId(), errdefs.ErrNotFound))
	}
	return &runtime.PodSandboxStatusResponse{Status: &runtime.PodSandboxStatus{
		Id:          p.id,
		Metadata:    p.config.GetMetadata(),
		State:       p.state(),
		CreatedAt:   p.createdAt,
		Labels:      p.config.GetLabels(),
		Annotations: p.config.GetAnnotations(),
	}}, nil
}

// ListPodSandbox returns the sandboxes that match the filter, sorted by id.
func (s *Service) ListPodSandbox(_ context.Context, r *runtime.ListPodSandboxRequest) (*runtime.ListPodSandboxResponse, error) {
	filter := r.GetFilter()
	response := &runtime.ListPodSandboxResponse{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.sandboxes {
		switch {
		case filter.GetId() != "" && filter.GetId() != p.id:
		case filter.GetState() != nil && filter.GetState().GetState() != p.state():
		case !matches(p.config.GetLabels(), filter.GetLabelSelector()):
		default:
			response.Items = append(response.Items, &runtime.PodSandbox{
				Id:          p.id,
				Metadata:    p.config.GetMetadata(),
				State:       p.state(),
				CreatedAt:   p.createdAt,
				Labels:      p.config.GetLabels(),
				Annotations: p.config.GetAnnotations(),
			})
		}
	}
	slices.SortFunc(response.Items, func(a, b *runtime.PodSandbox) int { return strings.Compare(a.GetId(), b.GetId()) })
	return response, nil
}

// readySandbox returns a sandbox, an error unless it is READY.
func (s *Service) readySandbox(id string) (*sandbox, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.readySandboxLocked(id)
}

func (s *Service) readySandboxLocked(id string) (*sandbox, error) {
	p, ok := s.sandboxes[id]
	if !ok {
		return nil, fmt.Errorf("sandbox %q: %w", id, errdefs.ErrNotFound)
	}
	if !p.ready {
		return nil, fmt.Errorf("sandbox %q is not ready: %w", id, errdefs.ErrFailedPrecondition)
	}
	return p, nil
}

// containersOf returns the containers of a sandbox, sorted by id.
func (s *Service) containersOf(id string) []*container {
	return slices.DeleteFunc(s.sortedContainers(), func(c *container) bool { return c.SandboxID != id })
}

func sandboxName(m *runtime.PodSandboxMetadata) string {
	return strings.Join([]string{m.GetName(), m.GetNamespace(), m.GetUid(), fmt.Sprint(m.GetAttempt())}, "_")
}
