package fakes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
)

// leaseManager keeps leases in memory, in the order of their creation. Nothing
// is collected here, so they protect nothing. The random ids of the client never
// reach a point or a report. Two leases may have the same id: refusing what is
// an accident of three random bytes would make runs irreproducible.
type leaseManager struct{ c *Containerd }

var _ leases.Manager = leaseManager{}

// Create adds a lease.
func (m leaseManager) Create(ctx context.Context, opts ...leases.Opt) (leases.Lease, error) {
	return native(ctx, m.c, "leases.Create", "", func() (leases.Lease, error) {
		var l leases.Lease
		for _, o := range opts {
			if err := o(&l); err != nil {
				return l, err
			}
		}
		if l.ID == "" {
			return l, errors.New("lease id must be provided")
		}
		l.CreatedAt = m.c.now().UTC()
		m.c.mu.Lock()
		defer m.c.mu.Unlock()
		namespace := in(ctx, "").namespace
		m.c.leases[namespace] = append(m.c.leases[namespace], l)
		return l, nil
	})
}

// Delete removes a lease.
func (m leaseManager) Delete(ctx context.Context, l leases.Lease, _ ...leases.DeleteOpt) error {
	_, err := native(ctx, m.c, "leases.Delete", "", func() (struct{}, error) {
		m.c.mu.Lock()
		defer m.c.mu.Unlock()
		namespace := in(ctx, "").namespace
		all := m.c.leases[namespace]
		i := slices.IndexFunc(all, func(other leases.Lease) bool { return other.ID == l.ID })
		if i < 0 {
			return struct{}{}, fmt.Errorf("lease %q: %w", l.ID, errdefs.ErrNotFound)
		}
		m.c.leases[namespace] = slices.Delete(all, i, i+1)
		return struct{}{}, nil
	})
	return err
}

// List returns the leases whose id matches any of the filters, oldest first.
func (m leaseManager) List(ctx context.Context, fs ...string) ([]leases.Lease, error) {
	return native(ctx, m.c, "leases.List", "", func() ([]leases.Lease, error) {
		filter, err := filters.ParseAll(fs...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", err.Error(), errdefs.ErrInvalidArgument)
		}
		m.c.mu.Lock()
		defer m.c.mu.Unlock()
		var matching []leases.Lease
		for _, l := range m.c.leases[in(ctx, "").namespace] {
			if filter.Match(filters.AdapterFunc(func(path []string) (string, bool) {
				return l.ID, len(path) == 1 && path[0] == "id"
			})) {
				matching = append(matching, l)
			}
		}
		return matching, nil
	})
}

func (leaseManager) AddResource(_ context.Context, l leases.Lease, _ leases.Resource) error {
	panic(unplanned("leases.AddResource", l.ID))
}

func (leaseManager) DeleteResource(_ context.Context, l leases.Lease, _ leases.Resource) error {
	panic(unplanned("leases.DeleteResource", l.ID))
}

func (leaseManager) ListResources(_ context.Context, l leases.Lease) ([]leases.Resource, error) {
	panic(unplanned("leases.ListResources", l.ID))
}

// namespaceStore answers the one question of the client, which runtime is the
// default: no label says so.
type namespaceStore struct {
	unplannedNamespaces
	c *Containerd
}

var _ namespaces.Store = namespaceStore{}

// Labels returns none: every namespace exists and is bare.
func (s namespaceStore) Labels(ctx context.Context, namespace string) (map[string]string, error) {
	return native(ctx, s.c, "namespaces.Labels", namespace, func() (map[string]string, error) {
		return nil, nil
	})
}
