package script

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/sim"
)

// gates hold calls of the runtime and of the disk where the story wants them.
type gates struct {
	mu      sync.Mutex
	all     []*gate
	hanging map[string]chan struct{} // by container, closed when the runtime answers again
}

// gate is a named point at which the first one that comes is held.
type gate struct {
	site, object string // of no object: whatever it is about
	label        string // of the call of the service that is to be held, "" for anybody's
	skip         int    // how many pass before
	arrived      chan struct{}
	open         chan struct{}

	taken, opened bool // guarded by the lock of the gates
}

// labelKey is the key under which a context has the label of its call.
type labelKey struct{}

// with returns a hook that is called as well, before the own one.
func (g *gates) with(also fakes.Hook) fakes.Hook {
	if also == nil {
		return g.hook
	}
	return func(ctx context.Context, site, object string) error {
		return errors.Join(also(ctx, site, object), g.hook(ctx, site, object))
	}
}

// hook is a [fakes.Hook] for all points.
func (g *gates) hook(ctx context.Context, site, object string) error {
	if strings.HasPrefix(site, "tasks.") && strings.HasSuffix(site, "/before-effect") {
		if err := g.wait(ctx, object); err != nil {
			return err
		}
	}
	var held *gate
	sim.Quietly(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, e := range g.all {
			if e.holds(ctx, site, object) {
				held = e
				return
			}
		}
	})
	if held == nil {
		return nil
	}
	close(held.arrived)
	select {
	case <-held.open:
	case <-ctx.Done():
	}
	return nil
}

// wait waits while the runtime does not answer about a container.
func (g *gates) wait(ctx context.Context, id string) error {
	var until chan struct{}
	sim.Quietly(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		until = g.hanging[id]
	})
	if until == nil {
		return nil
	}
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hang makes calls about a container wait.
func (g *gates) hang(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hanging == nil {
		g.hanging = map[string]chan struct{}{}
	}
	if g.hanging[id] == nil {
		g.hanging[id] = make(chan struct{})
	}
}

// answer ends hang.
func (g *gates) answer(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := g.hanging[id]; until != nil {
		delete(g.hanging, id)
		close(until)
	}
}

// holds reports whether a call that comes to a point stays there. The lock is held.
func (e *gate) holds(ctx context.Context, site, object string) bool {
	if e.taken || e.opened || e.site != site || e.object != "" && e.object != object {
		return false
	}
	// What a service does in background, or on disk, has no label.
	if who, _ := ctx.Value(labelKey{}).(string); who != "" && e.label != "" && who != e.label {
		return false
	}
	if e.skip > 0 {
		e.skip--
		return false
	}
	e.taken = true
	return true
}

// add makes a gate.
func (g *gates) add(site, object, label string, skip int) *gate {
	e := &gate{
		site: site, object: object, label: label, skip: skip,
		arrived: make(chan struct{}), open: make(chan struct{}),
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, e)
	return e
}

// release opens the gates that are chosen, and reports how many held somebody.
func (g *gates) release(chosen func(*gate) bool) (held int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.all {
		if !e.opened && chosen(e) {
			e.opened = true
			close(e.open)
			if e.taken {
				held++
			}
		}
	}
	return held
}

// has reports whether somebody has come.
func (e *gate) has() bool {
	select {
	case <-e.arrived:
		return true
	default:
		return false
	}
}
