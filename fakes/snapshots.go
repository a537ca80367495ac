package fakes

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/containerd/errdefs"
)

// snapshotter keeps the tree of snapshots of one name in memory, without files.
// It follows containerd's core/snapshots/storage.
type snapshotter struct {
	c    *Containerd
	name string
}

var _ snapshots.Snapshotter = snapshotter{}

// on serves a call with the lock held; the snapshots of the namespace are in tree.
func onSnapshots[T any](ctx context.Context, s snapshotter, call, name string, effect func(tree map[key]snapshots.Info) (T, error)) (T, error) {
	return native(ctx, s.c, "snapshots."+call, name, func() (T, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		tree := s.c.snapshots[s.name]
		if tree == nil {
			tree = map[key]snapshots.Info{}
			s.c.snapshots[s.name] = tree
		}
		return effect(tree)
	})
}

func snapshot(ctx context.Context, tree map[key]snapshots.Info, name string) (snapshots.Info, error) {
	i, ok := tree[in(ctx, name)]
	if !ok {
		return i, fmt.Errorf("snapshot %v does not exist: %w", name, errdefs.ErrNotFound)
	}
	i.Labels = maps.Clone(i.Labels)
	return i, nil
}

// Stat describes a snapshot.
func (s snapshotter) Stat(ctx context.Context, name string) (snapshots.Info, error) {
	return onSnapshots(ctx, s, "Stat", name, func(tree map[key]snapshots.Info) (snapshots.Info, error) {
		return snapshot(ctx, tree, name)
	})
}

// Update changes labels.
func (s snapshotter) Update(ctx context.Context, i snapshots.Info, paths ...string) (snapshots.Info, error) {
	return onSnapshots(ctx, s, "Update", i.Name, func(tree map[key]snapshots.Info) (snapshots.Info, error) {
		old, err := snapshot(ctx, tree, i.Name)
		if err != nil {
			return i, err
		}
		if old.Labels, err = updateLabels(old.Labels, i.Labels, paths, "snapshot", i.Name); err != nil {
			return i, err
		}
		old.Updated = s.c.now().UTC()
		tree[in(ctx, i.Name)] = old
		return snapshot(ctx, tree, i.Name)
	})
}

// Usage returns none: there are no files.
func (s snapshotter) Usage(ctx context.Context, name string) (snapshots.Usage, error) {
	return onSnapshots(ctx, s, "Usage", name, func(tree map[key]snapshots.Info) (snapshots.Usage, error) {
		_, err := snapshot(ctx, tree, name)
		return snapshots.Usage{}, err
	})
}

// Mounts returns those of an active snapshot or a view.
func (s snapshotter) Mounts(ctx context.Context, name string) ([]mount.Mount, error) {
	return onSnapshots(ctx, s, "Mounts", name, func(tree map[key]snapshots.Info) ([]mount.Mount, error) {
		i, err := snapshot(ctx, tree, name)
		switch {
		case err != nil:
			return nil, err
		case i.Kind == snapshots.KindCommitted:
			return nil, fmt.Errorf("requested snapshot %v not active or view: %w", name, errdefs.ErrFailedPrecondition)
		}
		return s.mounts(i), nil
	})
}

// noFiles is a directory that every Linux has and in which no image has a file.
// Options of the client look for /etc/passwd below the mounts of a snapshot.
const noFiles = "/proc"

// mounts are bind mounts of noFiles.
func (s snapshotter) mounts(i snapshots.Info) []mount.Mount {
	mode := "rw"
	if i.Kind == snapshots.KindView {
		mode = "ro"
	}
	return []mount.Mount{{Type: "bind", Source: noFiles, Options: []string{mode, "rbind"}}}
}

// Prepare makes an active snapshot on top of a committed one.
func (s snapshotter) Prepare(ctx context.Context, name, parent string, opts ...snapshots.Opt) ([]mount.Mount, error) {
	return s.add(ctx, "Prepare", snapshots.KindActive, name, parent, opts)
}

// View makes a snapshot to read on top of a committed one.
func (s snapshotter) View(ctx context.Context, name, parent string, opts ...snapshots.Opt) ([]mount.Mount, error) {
	return s.add(ctx, "View", snapshots.KindView, name, parent, opts)
}

func (s snapshotter) add(ctx context.Context, call string, kind snapshots.Kind, name, parent string, opts []snapshots.Opt) ([]mount.Mount, error) {
	return onSnapshots(ctx, s, call, name, func(tree map[key]snapshots.Info) ([]mount.Mount, error) {
		if parent != "" {
			p, err := snapshot(ctx, tree, parent)
			switch {
			case err != nil:
				return nil, fmt.Errorf("missing parent %q bucket: %w", parent, errdefs.ErrNotFound)
			case p.Kind != snapshots.KindCommitted:
				return nil, fmt.Errorf("parent %q is not committed snapshot: %w", parent, errdefs.ErrInvalidArgument)
			}
		}
		if _, ok := tree[in(ctx, name)]; ok {
			return nil, fmt.Errorf("snapshot %v: %w", name, errdefs.ErrAlreadyExists)
		}
		i, err := s.make(kind, name, parent, opts)
		if err != nil {
			return nil, err
		}
		tree[in(ctx, name)] = i
		return s.mounts(i), nil
	})
}

func (s snapshotter) make(kind snapshots.Kind, name, parent string, opts []snapshots.Opt) (snapshots.Info, error) {
	now := s.c.now().UTC()
	i := snapshots.Info{Kind: kind, Name: name, Parent: parent, Created: now, Updated: now}
	for _, opt := range opts {
		if err := opt(&i); err != nil {
			return i, err
		}
	}
	return i, nil
}

// Commit makes a committed snapshot of an active one, under another name.
func (s snapshotter) Commit(ctx context.Context, name, active string, opts ...snapshots.Opt) error {
	_, err := onSnapshots(ctx, s, "Commit", name, func(tree map[key]snapshots.Info) (struct{}, error) {
		if _, ok := tree[in(ctx, name)]; ok {
			return struct{}{}, fmt.Errorf("snapshot %v: %w", name, errdefs.ErrAlreadyExists)
		}
		old, err := snapshot(ctx, tree, active)
		switch {
		case err != nil:
			return struct{}{}, fmt.Errorf("failed to get active snapshot %q: %w", active, errdefs.ErrNotFound)
		case old.Kind != snapshots.KindActive:
			return struct{}{}, fmt.Errorf("snapshot %q is not active: %w", active, errdefs.ErrFailedPrecondition)
		}
		i, err := s.make(snapshots.KindCommitted, name, old.Parent, opts)
		if err != nil {
			return struct{}{}, err
		}
		delete(tree, in(ctx, active))
		tree[in(ctx, name)] = i
		return struct{}{}, nil
	})
	return err
}

// Remove forgets a snapshot that is nobody's parent.
func (s snapshotter) Remove(ctx context.Context, name string) error {
	_, err := onSnapshots(ctx, s, "Remove", name, func(tree map[key]snapshots.Info) (struct{}, error) {
		if _, err := snapshot(ctx, tree, name); err != nil {
			return struct{}{}, err
		}
		for k, i := range tree {
			if k.namespace == in(ctx, "").namespace && i.Parent == name {
				return struct{}{}, fmt.Errorf("cannot remove snapshot with child: %w", errdefs.ErrFailedPrecondition)
			}
		}
		delete(tree, in(ctx, name))
		return struct{}{}, nil
	})
	return err
}

// Walk calls fn for each snapshot that matches, in the order of names.
func (s snapshotter) Walk(ctx context.Context, fn snapshots.WalkFunc, fs ...string) error {
	all, err := onSnapshots(ctx, s, "Walk", "", func(tree map[key]snapshots.Info) ([]snapshots.Info, error) {
		filter, err := filters.ParseAll(fs...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", err.Error(), errdefs.ErrInvalidArgument)
		}
		return list(ctx, tree, func(i snapshots.Info) (snapshots.Info, bool) {
			i.Labels = maps.Clone(i.Labels)
			return i, filter.Match(snapshotFields(i))
		}), nil
	})
	if err != nil {
		return err
	}
	for _, i := range all {
		if err := fn(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// snapshotFields is what filters see of a snapshot.
func snapshotFields(i snapshots.Info) filters.Adaptor {
	return filters.AdapterFunc(func(path []string) (string, bool) {
		switch {
		case len(path) == 1 && path[0] == "kind":
			return strings.ToLower(i.Kind.String()), true
		case len(path) == 1 && path[0] == "name":
			return i.Name, true
		case len(path) == 1 && path[0] == "parent":
			return i.Parent, i.Parent != ""
		case len(path) > 1 && path[0] == "labels":
			v, ok := i.Labels[strings.Join(path[1:], ".")]
			return v, ok
		}
		return "", false
	})
}

// Close does nothing.
func (s snapshotter) Close() error { return nil }
