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
	_, err := native(ctx, s.c.opts.Faults, "events.Publish", topic, func() (struct{}, error) {
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
			Timestamp: time.Now().UTC(), Namespace: in(ctx, "").namespace, Topic: topic, Event: encoded,
		})
		return struct{}{}, nil
	})
	return err
}

// Forward sends an envelope to all subscribers as it is.
func (s eventService) Forward(ctx context.Context, envelope *events.Envelope) error {
	_, err := native(ctx, s.c.opts.Faults, "events.Forward", envelope.Topic, func() (struct{}, error) {
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
	_, err := serve(ctx, s.c.opts.Faults, "events.Subscribe", "", func() (_ struct{}, err error) {
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
		sub.forward(ctx, out)
		errs <- toStatus(ctx.Err())
	})
	return out, errs
}

// forward hands events to the subscriber until ctx ends.
func (s *subscription) forward(ctx context.Context, out chan<- *events.Envelope) {
	for {
		select {
		case envelope := <-s.queue:
			select {
			case out <- envelope:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
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

// publish sends a task event, or loses it; the lock is held, so the order of
// events is that of the effects.
func (c *Containerd) publish(namespace string, event interface {
	proto.Message
	GetContainerID() string
},
) {
	topic := coreruntime.GetTopic(event)
	if c.opts.EventLoss && !c.calm && choose("lose event "+topic, 2) == 1 {
		sim.Logf("event %s %s lost", topic, event.GetContainerID())
		return
	}
	encoded, err := typeurl.MarshalAny(event)
	if err != nil {
		panic(fmt.Errorf("fakes: event %s: %w", topic, err))
	}
	c.broadcast(&events.Envelope{Timestamp: time.Now().UTC(), Namespace: namespace, Topic: topic, Event: encoded})
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
