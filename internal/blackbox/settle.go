package blackbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// How a container comes to rest.
const (
	pollEvery   = 5 * time.Millisecond
	restLimit   = 20 * time.Second
	noticeLimit = 10 * time.Second // for the last notice, when the container is gone
	tries       = 4                // of a call at rest
	tryEvery    = 500 * time.Millisecond
)

// watch looks at the process again and again, until stop is called.
func (c *container) watch() (stop func()) {
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			_, _ = c.look() // settle looks too, and fails
			select {
			case <-done:
				return
			case <-time.After(pollEvery):
			}
		}
	})
	return func() {
		close(done)
		watching.Wait()
	}
}

// look looks whether the process lives.
func (c *container) look() (alive bool, err error) {
	before := time.Now().UnixNano()
	alive, err = initproc.Alive(c.facts)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
	case alive:
		c.held, c.gone = before, 0
	case c.gone == 0 && c.held != 0:
		c.gone = time.Now().UnixNano()
	}
	return alive, err
}

// settle brings the container to rest, records that view, and has it stopped and
// removed, which must succeed after a few tries.
func (c *container) settle(ctx context.Context, w scenarios.Workload) error {
	if err := c.rest(ctx, w); err != nil {
		return err
	}
	var err error
	for _, kind := range []scenarios.OpKind{scenarios.Stop, scenarios.Remove} {
		for try := 1; try <= tries; try++ {
			if err = c.do(ctx, scenarios.Op{Kind: kind}, 0, try == tries); err == nil || ctx.Err() != nil {
				break
			}
			time.Sleep(tryEvery)
		}
	}
	if err != nil {
		return ctx.Err() // that the container cannot be removed is in the history
	}
	if _, err := c.status(ctx); !errdefs.IsNotFound(err) {
		c.tell(model.Event{Kind: model.Leftover, What: "record"})
	}
	alive, err := c.look()
	if alive {
		c.tell(model.Event{Kind: model.Leftover, What: "process"})
	}
	return err
}

// rest waits until the endpoint agrees with the process about the container, and the
// process has ended if it does so by itself. After restLimit what there is counts.
func (c *container) rest(ctx context.Context, w scenarios.Workload) error {
	ends := slices.ContainsFunc(w.Ops, func(op scenarios.Op) bool { return op.Kind == scenarios.Exit })
	for begin := time.Now(); ; time.Sleep(pollEvery) {
		e := model.Event{Kind: model.Settled, Present: true}
		var err error
		if e.Status, err = c.status(ctx); errdefs.IsNotFound(err) {
			e.Present, err = false, nil
		}
		if err != nil {
			return fmt.Errorf("blackbox: status at rest: %w", err)
		}
		if e.Alive, err = c.look(); err != nil {
			return err
		}
		running := e.Present && e.Status.State() == model.StateRunning
		if e.Alive == running && (!running || !ends) || time.Since(begin) > restLimit {
			c.tell(e)
			return nil
		}
	}
}

// history is all that was seen of the container, by the times at which it happened.
func (c *container) history(ctx context.Context) (model.History, error) {
	c.t.notices.await(ctx, c.id, noticeLimit)
	facts, err := initproc.ReadFacts(c.facts)
	if err != nil {
		return model.History{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h := model.History{Source: model.Real, Events: append(c.lives(facts), c.events...)}
	h.Events = append(h.Events, c.t.notices.take(c.id)...)
	slices.SortStableFunc(h.Events, func(a, b model.Event) int { return cmp.Compare(a.At, b.At) })
	return h, nil
}

// lives are the events that the facts are; the lock is held.
func (c *container) lives(facts []initproc.Fact) (events []model.Event) {
	number := map[int64]int{} // by process
	exited := map[int]bool{}
	for _, f := range facts {
		e := model.Event{Container: c.id, At: f.At}
		switch f.Kind {
		case initproc.FactStarted:
			number[f.Process] = len(number) + 1
			e.Kind, e.Life = model.TaskCreated, number[f.Process]
			e.At = f.Value
			events = append(events, e)
			e.Kind, e.At = model.Started, f.At
		case initproc.FactSignal:
			e.Kind, e.Life, e.Signal = model.Signaled, number[f.Process], int(f.Value)
		case initproc.FactExit:
			e.Kind, e.Life, e.Code = model.Exited, number[f.Process], int32(f.Value)
			if c.gone != 0 && c.killed() {
				e.Code = model.KilledCode
			}
			exited[e.Life] = true
		}
		events = append(events, e)
	}
	if c.gone == 0 {
		return events
	}
	for _, life := range number {
		if !exited[life] { // only SIGKILL leaves no word
			events = append(events, model.Event{
				Container: c.id, Kind: model.Exited, Life: life, Code: model.KilledCode, At: c.gone,
			})
		}
	}
	return events
}

// killed reports whether the endpoint says that the process was killed, when somebody
// had asked it to: between the last word of a process and its end there is time for
// that. The lock is held.
func (c *container) killed() bool {
	asked := false
	for _, e := range c.events {
		asked = asked || e.Kind == model.Call && (e.Op == model.OpStop || e.Op == model.OpRemove) && e.At < c.gone
		if e.Kind == model.Settled && e.Present && e.Status.State() == model.StateExited && e.Status.ExitCode == model.KilledCode {
			return asked
		}
	}
	return false
}
