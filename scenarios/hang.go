package scenarios

import (
	"context"
	"sync"
	"time"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/sim"
)

// hangTime is how long the runtime does not answer about a container. It is more
// than model.ProgressTime and the longest timeout of a stop together, so that a
// call about another container which waits for it shows.
const hangTime = 5 * time.Minute

// hang keeps calls to the runtime about some containers from taking effect.
type hang struct {
	mu    sync.Mutex
	until map[string]chan struct{} // by container; closed when it answers again
}

func newHang() *hang { return &hang{until: map[string]chan struct{}{}} }

// hooks are for the fake.
func (h *hang) hooks() *fakes.Hooks {
	hooks := &fakes.Hooks{}
	hooks.Register("tasks.*/before-effect", h.wait)
	return hooks
}

func (h *hang) wait(ctx context.Context, _, id string) error {
	var until chan struct{}
	sim.Quietly(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		until = h.until[id]
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

// begin makes the runtime hang for container id, and returns what ends that; nil
// if it hangs already.
func (h *hang) begin(id string) (end func()) {
	sim.Quietly(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.until[id] != nil {
			return
		}
		until := make(chan struct{})
		h.until[id] = until
		end = func() {
			sim.Quietly(func() {
				h.mu.Lock()
				defer h.mu.Unlock()
				delete(h.until, id)
			})
			close(until)
		}
	})
	return end
}
