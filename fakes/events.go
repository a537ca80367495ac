package fakes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/containerd/v2/core/events"
	coreruntime "github.com/containerd/containerd/v2/core/runtime"
	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	"google.golang.org/protobuf/proto"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
)

// subscriptionBuffer is how many events wait for a slow subscriber before later
// ones are lost.
const subscriptionBuffer = 128

// eventService is the event exchange: a broadcast without memory. It follows
// containerd's core/events/exchange and client/events.go.
type eventService struct{ c *Containerd }

type subscription struct {
	filter filters.Filter // nil: all events
	queue  chan *events.Envelope
}

// Publish sends an event of a client to all subscribers.
func (s eventService) Publish(ctx context.Context, topic string, event events.Event) error {
	_, err := native(ctx, s.c, "events.Publish", topic, func() (struct{}, error) {
		if len(topic) < 2 || topic[0] != '/' {
			return struct{}{}, fmt.Errorf("envelope topic %q: %w", topic, errdefs.ErrInvalidArgument)
		}
		encoded, err := typeurl.MarshalAny(event)
		if err != nil {
			return struct{}{}, err
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		s.c.broadcast(&events.Envelope{
			Timestamp: s.c.now().UTC(), Namespace: in(ctx, "").namespace, Topic: topic, Event: encoded,
		})
		return struct{}{}, nil
	})
	return err
}

// Forward sends an envelope to all subscribers as it is.
func (s eventService) Forward(ctx context.Context, envelope *events.Envelope) error {
	_, err := native(ctx, s.c, "events.Forward", envelope.Topic, func() (struct{}, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		s.c.broadcast(envelope)
		return struct{}{}, nil
	})
	return err
}

// Subscribe returns the events from now on that match any of the filters, until
// ctx ends. Then the error channel gets what a connection would report, a
// status, and is closed; the event channel is never closed.
func (s eventService) Subscribe(ctx context.Context, fs ...string) (<-chan *events.Envelope, <-chan error) {
	out, errs := make(chan *events.Envelope), make(chan error, 1)
	var sub *subscription
	run := s.c.run()
	_, err := serve(ctx, s.c, "events.Subscribe", "", func() (_ struct{}, err error) {
		sub, err = s.c.subscribe(fs)
		return
	})
	if err != nil {
		s.c.unsubscribe(sub)
		errs <- err
		close(errs)
		return out, errs
	}
	sim.Go("events", func() {
		defer close(errs)
		defer s.c.unsubscribe(sub)
		errs <- toStatus(sub.forward(ctx, run, s.c.opts.Faults, out))
	})
	return out, errs
}

// forward hands events to the subscriber until ctx ends or the daemon crashes,
// and returns which of them. A plan can make the subscriber stall.
func (s *subscription) forward(ctx context.Context, run *session, faults *Faults, out chan<- *events.Envelope) error {
	for {
		select {
		case envelope := <-s.queue:
			if err := s.stall(ctx, run, faults, envelope.Topic); err != nil {
				return err
			}
			select {
			case out <- envelope:
			case <-ctx.Done():
				return ctx.Err()
			case <-run.broken():
				return errBroken
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-run.broken():
			return errBroken
		}
	}
}

func (s *subscription) stall(ctx context.Context, run *session, faults *Faults, topic string) error {
	a := faults.evaluate(failpoint.Subscriber, topic)
	switch {
	case a == nil:
		return nil
	case a.Name == "block":
		return run.block(ctx, faults)
	}
	d := a.Duration()
	return run.sleep(ctx, d)
}

func (c *Containerd) subscribe(fs []string) (*subscription, error) {
	s := &subscription{queue: make(chan *events.Envelope, subscriptionBuffer)}
	if len(fs) > 0 {
		var err error
		if s.filter, err = filters.ParseAll(fs...); err != nil {
			return nil, fmt.Errorf("failed parsing subscription filters: %w", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = append(c.subs, s)
	return s, nil
}

func (c *Containerd) unsubscribe(s *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = slices.DeleteFunc(c.subs, func(other *subscription) bool { return other == s })
}

// taskEvent is an event about a task.
type taskEvent interface {
	proto.Message
	GetContainerID() string
}

// publish sends a task event, unless it gets lost; the lock is held, so the
// order of events is that of the effects, as far as no fault changes it.
func (c *Containerd) publish(namespace string, event taskEvent) {
	topic := coreruntime.GetTopic(event)
	if c.opts.EventLoss && !c.calm && c.opts.Faults.draw("lose event "+topic, 2) == 1 {
		sim.Logf("event %s %s lost", topic, event.GetContainerID())
		return
	}
	if c.unavailable() {
		sim.Logf("event %s %s lost: there is no daemon", topic, event.GetContainerID())
		return
	}
	encoded, err := typeurl.MarshalAny(event)
	if err != nil {
		panic(fmt.Errorf("fakes: event %s: %w", topic, err))
	}
	e := &events.Envelope{Timestamp: c.now().UTC(), Namespace: namespace, Topic: topic, Event: encoded}
	k := key{namespace, event.GetContainerID()}
	overtaken := c.overtaken[k]
	c.deliver(k, e)
	if len(overtaken) > 0 {
		c.overtaken[k] = c.overtaken[k][len(overtaken):]
		for _, late := range overtaken {
			c.broadcast(late)
		}
	}
}

// deliver broadcasts an event of a task as the plan has it.
func (c *Containerd) deliver(k key, e *events.Envelope) {
	a := c.opts.Faults.evaluate(failpoint.Event(e.Topic), k.id)
	if a == nil {
		c.broadcast(e)
		return
	}
	switch a.Name {
	case "dup":
		c.broadcast(e)
		c.broadcast(e)
	case "delay":
		d := a.Duration()
		sim.Go("event of "+k.id, func() {
			time.Sleep(d)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.broadcast(e)
		})
	case "swap":
		c.overtaken[k] = append(c.overtaken[k], e)
	}
}

// announce sends an event about a record; the lock is held. Marshalling takes
// locks of its own, which are no scheduling points here.
func (c *Containerd) announce(k key, topic string, event proto.Message) {
	if len(c.subs) == 0 || c.unavailable() {
		return
	}
	var encoded typeurl.Any
	var err error
	sim.Quietly(func() { encoded, err = typeurl.MarshalAny(event) })
	if err != nil {
		panic(fmt.Errorf("fakes: event %s: %w", topic, err))
	}
	c.broadcast(&events.Envelope{Timestamp: c.now().UTC(), Namespace: k.namespace, Topic: topic, Event: encoded})
}

// broadcast queues an envelope for all whose filter matches; the lock is held.
func (c *Containerd) broadcast(e *events.Envelope) {
	for _, s := range c.subs {
		if s.filter != nil && !s.filter.Match(e) {
			continue
		}
		select {
		case s.queue <- e:
		default:
			sim.Logf("event %s lost: its subscriber is too slow", e.Topic)
		}
	}
}
