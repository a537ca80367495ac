package fakes

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/containerd/containerd/v2/pkg/identifiers"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"

	"github.com/startrace/startrace/sim"
)

// namespaceStore keeps the labels of namespaces. A namespace exists as soon as
// something is in it, and without labels. It follows containerd's
// core/metadata/namespaces.go.
type namespaceStore struct{ c *Containerd }

var _ namespaces.Store = namespaceStore{}

// Create adds a namespace.
func (s namespaceStore) Create(ctx context.Context, namespace string, labels map[string]string) error {
	_, err := native(ctx, s.c, "namespaces.Create", namespace, func() (struct{}, error) {
		if err := identifiers.Validate(namespace); err != nil {
			return struct{}{}, err
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		if slices.Contains(s.names(), namespace) {
			return struct{}{}, fmt.Errorf("namespace %q: %w", namespace, errdefs.ErrAlreadyExists)
		}
		s.c.labels(func() { s.c.namespaces[namespace] = cloneOrNew(labels) })
		return struct{}{}, nil
	})
	return err
}

// Labels returns the labels of a namespace, whether it exists or not.
func (s namespaceStore) Labels(ctx context.Context, namespace string) (map[string]string, error) {
	return native(ctx, s.c, "namespaces.Labels", namespace, func() (labels map[string]string, _ error) {
		s.c.labels(func() { labels = maps.Clone(s.c.namespaces[namespace]) })
		return labels, nil
	})
}

// SetLabel sets a label of a namespace, or removes it if the value is empty.
func (s namespaceStore) SetLabel(ctx context.Context, namespace, name, value string) error {
	_, err := native(ctx, s.c, "namespaces.SetLabel", namespace, func() (struct{}, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		s.c.labels(func() {
			labels := cloneOrNew(s.c.namespaces[namespace])
			if labels[name] = value; value == "" {
				delete(labels, name)
			}
			s.c.namespaces[namespace] = labels
		})
		return struct{}{}, nil
	})
	return err
}

// List returns all namespaces, sorted.
func (s namespaceStore) List(ctx context.Context) ([]string, error) {
	return native(ctx, s.c, "namespaces.List", "", func() ([]string, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		return s.names(), nil
	})
}

// Delete removes a namespace, unless containers are in it.
func (s namespaceStore) Delete(ctx context.Context, namespace string, _ ...namespaces.DeleteOpts) error {
	_, err := native(ctx, s.c, "namespaces.Delete", namespace, func() (struct{}, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		for k := range s.c.containers {
			if k.namespace == namespace {
				return struct{}{}, fmt.Errorf("namespace %q must be empty, but it still has containers: %w", namespace, errdefs.ErrFailedPrecondition)
			}
		}
		if !slices.Contains(s.names(), namespace) {
			return struct{}{}, fmt.Errorf("namespace %q: %w", namespace, errdefs.ErrNotFound)
		}
		s.c.labels(func() { delete(s.c.namespaces, namespace) })
		return struct{}{}, nil
	})
	return err
}

// names returns the namespaces that exist; the lock is held.
func (s namespaceStore) names() []string {
	all := map[string]bool{}
	s.c.labels(func() {
		for name := range s.c.namespaces {
			all[name] = true
		}
	})
	for k := range s.c.containers {
		all[k.namespace] = true
	}
	for k := range s.c.images {
		all[k.namespace] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// labels looks at the labels of namespaces. The client asks for them in the
// midst of other calls, so that is no scheduling point.
func (c *Containerd) labels(look func()) {
	sim.Quietly(func() {
		c.lifeMu.Lock()
		defer c.lifeMu.Unlock()
		look()
	})
}

func cloneOrNew(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}
