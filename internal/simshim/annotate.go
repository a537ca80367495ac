package simshim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/typeurl/v2"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
)

// Annotate returns a store like store in which each container created gets the
// annotations that of returns for its id, beside its own. It is for clients of
// which the caller does not write the specs, see containerd.WithContainerStore;
// it is as safe for concurrent use as store and of are.
func Annotate(store containers.Store, of func(id string) map[string]string) containers.Store {
	return annotated{store, of}
}

type annotated struct {
	containers.Store
	of func(id string) map[string]string
}

func (a annotated) Create(ctx context.Context, c containers.Container) (containers.Container, error) {
	if add := a.of(c.ID); len(add) > 0 && c.Spec != nil {
		var spec runtimespec.Spec
		if err := json.Unmarshal(c.Spec.GetValue(), &spec); err != nil {
			return containers.Container{}, fmt.Errorf("spec of %s: %w", c.ID, err)
		}
		if spec.Annotations == nil {
			spec.Annotations = map[string]string{}
		}
		maps.Copy(spec.Annotations, add)
		changed, err := typeurl.MarshalAny(&spec)
		if err != nil {
			return containers.Container{}, fmt.Errorf("spec of %s: %w", c.ID, err)
		}
		c.Spec = changed
	}
	return a.Store.Create(ctx, c)
}
