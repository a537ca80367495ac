package fakes

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/containerd/containerd/v2/core/sandbox"
	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/containerd/errdefs"
)

// sandboxStore keeps sandbox records in memory. It follows containerd's
// core/metadata/sandbox.go.
type sandboxStore struct{ c *Containerd }

var _ sandbox.Store = sandboxStore{}

// serve is native with the lock held during the effect.
func (s sandboxStore) serve(ctx context.Context, call, id string, effect func(key) (sandbox.Sandbox, error)) (sandbox.Sandbox, error) {
	return native(ctx, s.c, call, id, func() (sandbox.Sandbox, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		return effect(in(ctx, id))
	})
}

func (s sandboxStore) sandbox(k key) (sandbox.Sandbox, error) {
	r, ok := s.c.sandboxes[k]
	if !ok {
		return r, fmt.Errorf("bucket %q not found: %w", k.id, errdefs.ErrNotFound)
	}
	return detachSandbox(r), nil
}

// detachSandbox returns r with maps of its own.
func detachSandbox(r sandbox.Sandbox) sandbox.Sandbox {
	r.Labels, r.Extensions = maps.Clone(r.Labels), maps.Clone(r.Extensions)
	return r
}

// Create adds a record.
func (s sandboxStore) Create(ctx context.Context, r sandbox.Sandbox) (sandbox.Sandbox, error) {
	return s.serve(ctx, "sandboxes.Create", r.ID, func(k key) (sandbox.Sandbox, error) {
		if _, ok := s.c.sandboxes[k]; ok {
			return r, fmt.Errorf("sandbox bucket %q already exists: %w", k.id, errdefs.ErrAlreadyExists)
		}
		r := detachSandbox(r)
		r.CreatedAt = s.c.now().UTC()
		r.UpdatedAt = r.CreatedAt
		s.c.sandboxes[k] = r
		return s.sandbox(k)
	})
}

// Update changes the fields named by paths, or all that may change if none is.
func (s sandboxStore) Update(ctx context.Context, r sandbox.Sandbox, paths ...string) (sandbox.Sandbox, error) {
	return s.serve(ctx, "sandboxes.Update", r.ID, func(k key) (sandbox.Sandbox, error) {
		old, err := s.sandbox(k)
		if err != nil {
			return r, err
		}
		if len(paths) == 0 {
			paths = []string{"labels", "extensions", "spec", "runtime"}
			if old.Runtime.Name != r.Runtime.Name {
				return r, fmt.Errorf("sandbox.Runtime.Name field is immutable: %w", errdefs.ErrInvalidArgument)
			}
		}
		for _, path := range paths {
			switch path {
			case "extensions":
				old.Extensions = r.Extensions
			case "spec":
				old.Spec = r.Spec
			case "runtime":
				old.Runtime = r.Runtime
			default:
				if old.Labels, err = updateLabels(old.Labels, r.Labels, []string{path}, "sandbox", k.id); err != nil {
					return r, err
				}
			}
		}
		old = detachSandbox(old)
		old.UpdatedAt = s.c.now().UTC()
		s.c.sandboxes[k] = old
		return s.sandbox(k)
	})
}

// Get returns a record.
func (s sandboxStore) Get(ctx context.Context, id string) (sandbox.Sandbox, error) {
	return s.serve(ctx, "sandboxes.Get", id, s.sandbox)
}

// List returns the records that match any of the filters, sorted by id.
func (s sandboxStore) List(ctx context.Context, fs ...string) ([]sandbox.Sandbox, error) {
	return native(ctx, s.c, "sandboxes.List", "", func() ([]sandbox.Sandbox, error) {
		filter, err := filters.ParseAll(fs...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", err.Error(), errdefs.ErrInvalidArgument)
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		return list(ctx, s.c.sandboxes, func(r sandbox.Sandbox) (sandbox.Sandbox, bool) {
			return detachSandbox(r), filter.Match(sandboxFields(r))
		}), nil
	})
}

// sandboxFields is what filters see of a record.
func sandboxFields(r sandbox.Sandbox) filters.Adaptor {
	return filters.AdapterFunc(func(path []string) (string, bool) {
		switch {
		case len(path) == 1 && path[0] == "id":
			return r.ID, true
		case len(path) > 1 && path[0] == "labels":
			v, ok := r.Labels[strings.Join(path[1:], ".")]
			return v, ok
		}
		return "", false
	})
}

// Delete removes a record.
func (s sandboxStore) Delete(ctx context.Context, id string) error {
	_, err := s.serve(ctx, "sandboxes.Delete", id, func(k key) (sandbox.Sandbox, error) {
		r, err := s.sandbox(k)
		delete(s.c.sandboxes, k)
		return r, err
	})
	return err
}
