package fakes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/pkg/filters"
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
		delete(m.c.leased, key{namespace, l.ID})
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

// AddResource makes a lease hold a resource, once.
func (m leaseManager) AddResource(ctx context.Context, l leases.Lease, r leases.Resource) error {
	return m.resources(ctx, "leases.AddResource", l, func(held []leases.Resource) []leases.Resource {
		if slices.Contains(held, r) {
			return held
		}
		return append(held, r)
	})
}

// DeleteResource makes a lease hold a resource no more.
func (m leaseManager) DeleteResource(ctx context.Context, l leases.Lease, r leases.Resource) error {
	return m.resources(ctx, "leases.DeleteResource", l, func(held []leases.Resource) []leases.Resource {
		return slices.DeleteFunc(held, func(other leases.Resource) bool { return other == r })
	})
}

// ListResources returns what a lease holds, in the order in which it was added.
func (m leaseManager) ListResources(ctx context.Context, l leases.Lease) (all []leases.Resource, err error) {
	err = m.resources(ctx, "leases.ListResources", l, func(held []leases.Resource) []leases.Resource {
		all = slices.Clone(held)
		return held
	})
	return all, err
}

func (m leaseManager) resources(ctx context.Context, call string, l leases.Lease, change func([]leases.Resource) []leases.Resource) error {
	_, err := native(ctx, m.c, call, "", func() (struct{}, error) {
		m.c.mu.Lock()
		defer m.c.mu.Unlock()
		k := in(ctx, l.ID)
		if !slices.ContainsFunc(m.c.leases[k.namespace], func(other leases.Lease) bool { return other.ID == l.ID }) {
			return struct{}{}, fmt.Errorf("lease %q: %w", l.ID, errdefs.ErrNotFound)
		}
		m.c.leased[k] = change(m.c.leased[k])
		return struct{}{}, nil
	})
	return err
}
