package impl

import (
	"context"
	"maps"
	"slices"
	"strings"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// ListContainers returns the containers that match the filter, sorted by id. It
// waits for nothing.
func (s *Service) ListContainers(_ context.Context, r *runtime.ListContainersRequest) (*runtime.ListContainersResponse, error) {
	filter := r.GetFilter()
	response := &runtime.ListContainersResponse{}
	for _, c := range s.sortedContainers() {
		state := c.get().State()
		switch {
		case filter.GetId() != "" && filter.GetId() != c.ID:
		case filter.GetState() != nil && filter.GetState().GetState() != state:
		case filter.GetPodSandboxId() != "" && filter.GetPodSandboxId() != c.SandboxID:
		case !matches(c.Config.GetLabels(), filter.GetLabelSelector()):
		default:
			response.Containers = append(response.Containers, &runtime.Container{
				Id:           c.ID,
				PodSandboxId: c.SandboxID,
				Metadata:     c.Config.GetMetadata(),
				Image:        c.Config.GetImage(),
				ImageRef:     c.imageRef(),
				ImageId:      c.imageRef(),
				State:        state,
				CreatedAt:    c.get().CreatedAt,
				Labels:       c.Config.GetLabels(),
				Annotations:  c.Config.GetAnnotations(),
			})
		}
	}
	return response, nil
}

func (s *Service) sortedContainers() []*container {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sortedByID(s.containers)
}

func sortedByID(containers map[string]*container) []*container {
	return slices.SortedFunc(maps.Values(containers), func(a, b *container) int { return strings.Compare(a.ID, b.ID) })
}

// matches reports whether labels has all that selector asks for.
func matches(labels, selector map[string]string) bool {
	for k, v := range selector {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}
