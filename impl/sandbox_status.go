package impl

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// PodSandboxStatus returns the state of a sandbox. It waits for nothing.
func (s *Service) PodSandboxStatus(_ context.Context, r *runtime.PodSandboxStatusRequest) (*runtime.PodSandboxStatusResponse, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.sandboxes[r.GetPodSandboxId()]
	if !ok {
		return nil, errgrpc.ToGRPC(fmt.Errorf("sandbox %q: %w", r.GetPodSandboxId(), errdefs.ErrNotFound))
	}
	return &runtime.PodSandboxStatusResponse{Status: p.status()}, nil
}

// status describes the sandbox. Service.mu is held.
func (p *sandbox) status() *runtime.PodSandboxStatus {
	return &runtime.PodSandboxStatus{
		Id:        p.id,
		Metadata:  p.config.GetMetadata(),
		State:     p.state(),
		CreatedAt: p.created(),
		Network:   &runtime.PodSandboxNetworkStatus{}, // that of the machine has no address of its own
		Linux: &runtime.LinuxPodSandboxStatus{Namespaces: &runtime.Namespace{Options: &runtime.NamespaceOption{
			Network: runtime.NamespaceMode_NODE,
			Pid:     runtime.NamespaceMode_CONTAINER,
			Ipc:     runtime.NamespaceMode_CONTAINER,
		}}},
		Labels:      p.config.GetLabels(),
		Annotations: p.config.GetAnnotations(),
	}
}

// ListPodSandbox returns the sandboxes that match the filter, sorted by id. It
// waits for nothing.
func (s *Service) ListPodSandbox(_ context.Context, r *runtime.ListPodSandboxRequest) (*runtime.ListPodSandboxResponse, error) {
	filter := r.GetFilter()
	response := &runtime.ListPodSandboxResponse{}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, p := range s.sortedSandboxes() {
		state := p.state()
		switch {
		case filter.GetId() != "" && filter.GetId() != p.id:
		case filter.GetState() != nil && filter.GetState().GetState() != state:
		case !matches(p.config.GetLabels(), filter.GetLabelSelector()):
		default:
			response.Items = append(response.Items, &runtime.PodSandbox{
				Id:          p.id,
				Metadata:    p.config.GetMetadata(),
				State:       state,
				CreatedAt:   p.created(),
				Labels:      p.config.GetLabels(),
				Annotations: p.config.GetAnnotations(),
			})
		}
	}
	return response, nil
}

// sortedSandboxes returns all sandboxes, sorted by id. Service.mu is held.
func (s *Service) sortedSandboxes() []*sandbox {
	return slices.SortedFunc(maps.Values(s.sandboxes), func(a, b *sandbox) int { return strings.Compare(a.id, b.id) })
}
