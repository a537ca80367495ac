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

	mu  sync.Mutex
	now *patience
}

// patience is that of all calls that begin between two times when callers give up.
type patience struct {
	ctx context.Context
	end context.CancelFunc // nil if nobody gives up
}

func newCallers(x *execution) *callers {
	c := &callers{x: x, now: &patience{ctx: x.ctx}}
	if x.workload.has(GiveUp) {
		c.now.ctx, c.now.end = context.WithCancel(x.ctx)
	}
	return c
}

// context returns that of a call that begins now.
func (c *callers) context() context.Context {
	var now *patience
	sim.Quietly(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		now = c.now
	})
	return now.ctx
}

// giveUp ends the contexts of all calls that are under way. From then on time
// passes only while all wait, so that it is the service that takes it.
func (c *callers) giveUp() {
	sim.Point("give up", nil)
	sim.OnTime()
	var before *patience
	next := &patience{}
	next.ctx, next.end = context.WithCancel(c.x.ctx)
	sim.Quietly(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		before, c.now = c.now, next
	})
	for _, call := range c.x.rec.underWay() {
		c.x.tell(model.Event{Kind: model.Canceled, Container: call.Container, ID: call.ID})
	}
	before.end()
}
