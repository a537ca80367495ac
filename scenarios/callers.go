package scenarios

import (
	"context"
	"sync"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// callers are those who make the calls of a workload. They may give up.
type callers struct {
	x *execution

	mu     sync.Mutex
	ctx    context.Context // of the calls that begin now
	cancel context.CancelFunc
}

func newCallers(x *execution) *callers {
	c := &callers{x: x, ctx: x.ctx}
	if x.workload.has(GiveUp) {
		c.ctx, c.cancel = context.WithCancel(x.ctx)
	}
	return c
}

// context returns that of a call that begins now.
func (c *callers) context() context.Context {
	var now [1]context.Context
	sim.Quietly(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		now[0] = c.ctx
	})
	return now[0]
}

// giveUp ends the contexts of all calls that are under way. From then on time
// passes only while all wait, so that it is the service that takes it.
func (c *callers) giveUp() {
	sim.Point("give up", nil)
	sim.OnTime()
	var cancel context.CancelFunc
	sim.Quietly(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		cancel = c.cancel
		c.ctx, c.cancel = context.WithCancel(c.x.ctx)
	})
	for _, call := range c.x.rec.underWay() {
		c.x.tell(model.Event{Kind: model.Canceled, Container: call.Container, ID: call.ID})
	}
	cancel()
}
