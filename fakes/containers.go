package fakes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	eventsapi "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/containerd/containerd/v2/pkg/identifiers"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"

	"github.com/startrace/startrace/sim"
)

// containerStore keeps container records in memory. It follows containerd's
// core/metadata/containers.go.
type containerStore struct{ c *Containerd }

var _ containers.Store = containerStore{}

// container returns the record of k; the lock is held.
func (c *Containerd) container(k key) (containers.Container, error) {
	r, ok := c.containers[k]
	if !ok {
		return r, fmt.Errorf("container %q in namespace %q: %w", k.id, k.namespace, errdefs.ErrNotFound)
	}
	return detach(r), nil
}

// serve is native with the lock held during the effect.
func (s containerStore) serve(ctx context.Context, call, id string, effect func(key) (containers.Container, error)) (containers.Container, error) {
	return native(ctx, s.c, call, id, func() (containers.Container, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		return effect(in(ctx, id))
	})
}

// Get returns the record of a container.
func (s containerStore) Get(ctx context.Context, id string) (containers.Container, error) {
	return native(ctx, s.c, "containers.Get", id, func() (containers.Container, error) {
		s.c.mu.RLock()
		defer s.c.mu.RUnlock()
		return s.c.container(in(ctx, id))
	})
}

// List returns the records that match any of the filters, sorted by id.
func (s containerStore) List(ctx context.Context, fs ...string) ([]containers.Container, error) {
	return native(ctx, s.c, "containers.List", "", func() ([]containers.Container, error) {
		filter, err := filters.ParseAll(fs...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", err.Error(), errdefs.ErrInvalidArgument)
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		var all []containers.Container
		for k, r := range s.c.containers {
			if k.namespace == in(ctx, "").namespace && filter.Match(containerFields(r)) {
				all = append(all, detach(r))
			}
		}
		slices.SortFunc(all, func(a, b containers.Container) int { return strings.Compare(a.ID, b.ID) })
		return all, nil
	})
}

// Create adds a record.
func (s containerStore) Create(ctx context.Context, r containers.Container) (containers.Container, error) {
	return s.serve(ctx, "containers.Create", r.ID, func(k key) (containers.Container, error) {
		if err := validate(r); err != nil {
			return r, fmt.Errorf("create container failed validation: %w", err)
		}
		if _, ok := s.c.containers[k]; ok {
			return r, fmt.Errorf("container %q: %w", k.id, errdefs.ErrAlreadyExists)
		}
		r := detach(r)
		r.CreatedAt = s.c.now().UTC()
		r.UpdatedAt = r.CreatedAt
		s.c.containers[k] = r
		sim.Logf("container %s created", k.id)
		s.c.announce(k, "/containers/create", &eventsapi.ContainerCreate{
			ID: k.id, Image: r.Image, Runtime: &eventsapi.ContainerCreate_Runtime{Name: r.Runtime.Name},
		})
		return detach(r), nil
	})
}

// Update changes the fields named by paths, or all that may change if none is.
func (s containerStore) Update(ctx context.Context, r containers.Container, paths ...string) (containers.Container, error) {
	return s.serve(ctx, "containers.Update", r.ID, func(k key) (containers.Container, error) {
		old, ok := s.c.containers[k]
		if !ok {
			return r, fmt.Errorf("container %q: %w", k.id, errdefs.ErrNotFound) // without the namespace
		}
		if len(paths) == 0 {
			if old.Snapshotter != r.Snapshotter || old.Runtime.Name != r.Runtime.Name {
				return r, fmt.Errorf("snapshotter and runtime of container %q are immutable: %w", k.id, errdefs.ErrInvalidArgument)
			}
			paths = []string{"labels", "spec", "extensions", "image", "snapshotkey"}
		}
		for _, path := range paths {
			if err := update(&old, r, path); err != nil {
				return r, err
			}
		}
		if err := validate(old); err != nil {
			return r, fmt.Errorf("update failed validation: %w", err)
		}
		old = detach(old)
		// A machine takes some time from one change to the next; a virtual clock may not.
		if now := s.c.now().UTC(); now.After(old.UpdatedAt) {
			old.UpdatedAt = now
		} else {
			old.UpdatedAt = old.UpdatedAt.Add(1)
		}
		s.c.containers[k] = old
		s.c.announce(k, "/containers/update", &eventsapi.ContainerUpdate{
			ID: k.id, Image: old.Image, Labels: maps.Clone(old.Labels), SnapshotKey: old.SnapshotKey,
		})
		return detach(old), nil
	})
}

// Delete removes a record. Like the real service it asks nobody: a live task is
// orphaned, it stays in the list and no task call reaches it any more.
func (s containerStore) Delete(ctx context.Context, id string) error {
	_, err := s.serve(ctx, "containers.Delete", id, func(k key) (containers.Container, error) {
		if _, ok := s.c.containers[k]; !ok {
			return containers.Container{}, fmt.Errorf("container %s: %w", id, errdefs.ErrNotFound)
		}
		delete(s.c.containers, k)
		sim.Logf("container %s deleted", id)
		s.c.announce(k, "/containers/delete", &eventsapi.ContainerDelete{ID: id})
		if s.c.tasks[k] != nil {
			sim.Logf("task %s orphaned", id)
		}
		return containers.Container{}, nil
	})
	return err
}

// update copies one field of src, named as in a field mask, to dst.
func update(dst *containers.Container, src containers.Container, path string) error {
	switch field, name, dotted := strings.Cut(path, "."); {
	case field == "labels" && dotted:
		if dst.Labels == nil {
			dst.Labels = map[string]string{}
		}
		dst.Labels[name] = src.Labels[name]
	case field == "extensions" && dotted:
		if dst.Extensions == nil {
			dst.Extensions = map[string]typeurl.Any{}
		}
		dst.Extensions[name] = src.Extensions[name]
	case path == "labels":
		dst.Labels = src.Labels
	case path == "spec":
		dst.Spec = src.Spec
	case path == "extensions":
		dst.Extensions = src.Extensions
	case path == "image":
		dst.Image = src.Image
	case path == "snapshotkey":
		dst.SnapshotKey = src.SnapshotKey
	default:
		return fmt.Errorf("cannot update %q field on %q: %w", path, dst.ID, errdefs.ErrInvalidArgument)
	}
	return nil
}

// validate refuses what the real store refuses of the fields a service sets.
func validate(r containers.Container) error {
	if err := identifiers.Validate(r.ID); err != nil {
		return fmt.Errorf("container.ID: %w", err)
	}
	switch {
	case r.Runtime.Name == "":
		return fmt.Errorf("container.Runtime.Name must be set: %w", errdefs.ErrInvalidArgument)
	case r.Spec == nil:
		return fmt.Errorf("container.Spec must be set: %w", errdefs.ErrInvalidArgument)
	case r.SnapshotKey != "" && r.Snapshotter == "":
		return fmt.Errorf("container.Snapshotter must be set if container.SnapshotKey is set: %w", errdefs.ErrInvalidArgument)
	}
	return nil
}

// detach returns r with maps of its own: records of different owners share no
// memory that is ever written.
func detach(r containers.Container) containers.Container {
	r.Labels = maps.Clone(r.Labels)
	r.Extensions = maps.Clone(r.Extensions)
	return r
}

// containerFields is what filters see of a record.
func containerFields(r containers.Container) filters.Adaptor {
	return filters.AdapterFunc(func(path []string) (string, bool) {
		switch strings.Join(path[:min(len(path), 2)], ".") {
		case "id":
			return r.ID, true
		case "image":
			return r.Image, r.Image != ""
		case "runtime.name":
			return r.Runtime.Name, true
		}
		if len(path) > 1 && path[0] == "labels" {
			v, ok := r.Labels[strings.Join(path[1:], ".")]
			return v, ok
		}
		return "", false
	})
}
