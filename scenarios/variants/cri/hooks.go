package cri

import (
	"context"
	"sync"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// plugins are told of starts and ends, one at a time for all containers. It
// follows internal/nri/nri.go.
type plugins struct {
	hooks impl.Hooks // nil: there are none

	mu   sync.Mutex      // held during each call
	live map[string]bool // created or started, and not told to have stopped
}

func newPlugins(hooks impl.Hooks) *plugins { return &plugins{hooks: hooks, live: map[string]bool{}} }

// created makes c known, so that its end is told.
func (p *plugins) created(id string) {
	if p.hooks == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live[id] = true
}

func (p *plugins) start(ctx context.Context, c *cri2019.Container, pid uint32) error {
	if p.hooks == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.hooks.StartContainer(ctx, hookContainer(c, pid))
	p.live[c.ID] = true
	return err
}

// stop tells the end of c, or that somebody asked for it, the first time. An error
// is dropped.
func (p *plugins) stop(ctx context.Context, c *cri2019.Container) {
	if p.hooks == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live[c.ID] {
		_ = p.hooks.StopContainer(ctx, hookContainer(c, 0))
		delete(p.live, c.ID)
	}
}

func hookContainer(c *cri2019.Container, pid uint32) impl.HookContainer {
	return impl.HookContainer{ID: c.ID, SandboxID: c.Sandbox, Pid: pid, Config: c.Config}
}
