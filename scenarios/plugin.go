package scenarios

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// plugin is told of starts and ends by one service after the other. It fails or
// blocks when it likes. A nil one is none.
type plugin struct {
	x *execution

	mu      sync.Mutex
	calm    bool                       // it does neither
	stopped map[pluginLife]*pluginHook // who told of the end
}

// pluginLife is a task of a container, which does nothing while a hook is called.
type pluginLife struct {
	id     string
	number int
}

// newPlugin returns a calm one.
func newPlugin(x *execution) *plugin {
	return &plugin{x: x, calm: true, stopped: map[pluginLife]*pluginHook{}}
}

// release ends, and rest begins, that it is calm.
func (p *plugin) release() { p.setCalm(false) }
func (p *plugin) rest()    { p.setCalm(true) }

func (p *plugin) setCalm(calm bool) {
	if p == nil {
		return
	}
	sim.Quietly(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calm = calm
	})
}

// of returns what a service that dies with caller calls; nil for nothing.
func (p *plugin) of(caller *fakes.Caller) impl.Hooks {
	if p == nil {
		return nil
	}
	return &pluginHook{p, caller}
}

// pluginHook is the plugin as one service knows it.
type pluginHook struct {
	*plugin
	caller *fakes.Caller
}

// StartContainer may be called and not be followed by a StopContainer if the
// service crashes.
func (h *pluginHook) StartContainer(ctx context.Context, c impl.HookContainer) error {
	return h.called(ctx, c.ID, model.NoticeStarted)
}

// StopContainer records the end once for each task, as the next service may
// have to repeat it; that one service does so twice is recorded.
func (h *pluginHook) StopContainer(ctx context.Context, c impl.HookContainer) error {
	return h.called(ctx, c.ID, model.NoticeStopped)
}

// pluginBlocks is how long a hook that blocks does so, unless its context ends.
const pluginBlocks = 15 * time.Second

func (h *pluginHook) called(ctx context.Context, id string, notice model.Notice) error {
	dead, again, calm := false, false, false
	life := pluginLife{id, h.x.rec.life(id)}
	sim.Quietly(func() {
		dead = h.caller.Alive() != nil
		h.mu.Lock()
		defer h.mu.Unlock()
		calm = h.calm
		if dead || notice != model.NoticeStopped {
			return
		}
		by := h.stopped[life]
		again = by != nil && by != h
		if by == nil {
			h.stopped[life] = h
		}
	})
	if dead {
		return fmt.Errorf("the service that calls the hook is dead: %w", errdefs.ErrUnavailable)
	}
	if !again {
		h.x.tell(model.Event{Kind: model.Notified, Container: id, Life: life.number, Channel: "hooks", Notice: notice})
	}
	if calm {
		return nil
	}
	switch sim.Choose("hook of "+id, 3) {
	case 1:
		return fmt.Errorf("the plugin fails: %w", errdefs.ErrUnknown)
	case 2:
		select {
		case <-time.After(pluginBlocks):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
