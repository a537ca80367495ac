package fakes

import (
	"context"
	"sync"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
)

// Hooks are functions that are called at phases of calls, as the plugins of
// NRI are: in the order of their registration, one at a time; with a lock for
// reading held from the first hook of a call to its last, and the same lock held
// for writing while one is registered. So a call that is under way keeps a
// registration waiting, and a waiting registration keeps all further calls
// waiting, those that a hook makes among them.
//
// A hook may return an error, which fails the call, before its effect or after
// it; it may block; and it may call the fake again. The zero value has none. Its
// methods are safe for concurrent use.
type Hooks struct {
	sync sync.RWMutex // held for reading by calls, for writing by Register

	mu  sync.Mutex
	all []hook
}

// Hook is called at site, a phase of a call about object. ctx is that of the call.
type Hook func(ctx context.Context, site, object string) error

type hook struct {
	pattern string
	fn      Hook
}

// Register adds a hook for the sites that pattern stands for, as in a Plan. It
// waits for the calls that are under way.
func (h *Hooks) Register(pattern string, fn Hook) {
	point("hooks.Register", pattern)
	h.sync.Lock()
	defer h.sync.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, hook{pattern, fn})
}

// run calls the hooks for site until one fails.
func (h *Hooks) run(ctx context.Context, site, object string) error {
	var found []hook
	sim.Quietly(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, hook := range h.all {
			if failpoint.Matches(hook.pattern, site) {
				found = append(found, hook)
			}
		}
	})
	for _, hook := range found {
		if err := hook.fn(ctx, site, object); err != nil {
			return err
		}
	}
	return nil
}

// enter begins a call and returns what ends it. A Wait is not under way in this
// sense: it would keep registrations waiting for as long as a process lives.
func (h *Hooks) enter(call string) (leave func()) {
	if h == nil || call == "tasks.Wait" {
		return func() {}
	}
	h.sync.RLock()
	return h.sync.RUnlock
}
