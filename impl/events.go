package impl

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// eventBuffer is how many events wait for a slow subscriber of GetContainerEvents.
const eventBuffer = 1000

// GetContainerEvents sends the events of all containers and pause processes
// from now on, until the context of the stream ends or the service is closed. It
// sends the header of the stream once the subscription has begun.
//
// All subscribers see the same events in the same order, the order of the
// transitions: their CreatedAt, nanoseconds since the Unix epoch, is strictly
// increasing. Of a container the order is CREATED, STARTED, STOPPED, DELETED;
// STARTED says that its process was asked for, so that a start that fails before
// that has none and no STOPPED either. Each event has the status of its
// container at the transition; those of the other containers and of the sandbox
// are as of the sending, and not older. A sandbox that is gone by then has none.
//
// A subscriber that leaves more than 1000 events waiting loses those after them,
// and nobody else does: when it has received the 1000, the call fails with
// ResourceExhausted.
func (s *Service) GetContainerEvents(_ *runtime.GetEventsRequest, stream grpc.ServerStreamingServer[runtime.ContainerEventResponse]) error {
	sub := s.subscribe()
	defer s.events.unsubscribe(sub)
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	ctx := stream.Context()
	for {
		select {
		case e, ok := <-sub.queue:
			if !ok {
				return errgrpc.ToGRPC(fmt.Errorf("subscriber is too slow, events were lost: %w", errdefs.ErrResourceExhausted))
			}
			if err := stream.Send(s.describe(e)); err != nil {
				return err
			}
		case <-ctx.Done():
			return errgrpc.ToGRPC(ctx.Err())
		case <-s.ctx.Done():
			return errgrpc.ToGRPC(errClosed)
		}
	}
}

// event is a transition of a container.
type event struct {
	kind      runtime.ContainerEventType
	at        int64
	container *container
	status    Status // as of the transition
}

// events distributes events. Its methods are safe for concurrent use and never
// wait for a subscriber.
type events struct {
	mu   sync.Mutex // the last one to take: whoever makes a transition holds the lock of its container
	last int64      // when the last event was
	subs []*subscription
}

// subscription is a subscriber: queue is closed after the first event that found
// no place in it.
type subscription struct{ queue chan event }

// emit gives an event its place in the order.
func (b *events) emit(kind runtime.ContainerEventType, c *container, status Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = max(b.last+1, time.Now().UnixNano())
	e := event{kind: kind, at: b.last, container: c, status: status}
	b.subs = slices.DeleteFunc(b.subs, func(sub *subscription) bool {
		select {
		case sub.queue <- e:
			return false
		default:
			close(sub.queue)
			return true
		}
	})
}

func (b *events) unsubscribe(sub *subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subs = slices.DeleteFunc(b.subs, func(other *subscription) bool { return other == sub })
}

// subscribe returns a subscription to all events from now on. The first one
// makes containers tell of their transitions, which they do for ever after.
func (s *Service) subscribe() *subscription {
	sub := &subscription{queue: make(chan event, eventBuffer)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events.mu.Lock()
	s.events.subs = append(s.events.subs, sub)
	s.events.mu.Unlock()
	if s.watched {
		return sub
	}
	s.watched = true
	for _, c := range s.everyContainer() {
		c.watch(&s.events)
	}
	return sub
}

// watch makes c tell of its transitions.
func (c *container) watch(b *events) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = b
}

// everyContainer returns the containers and the pause processes, sorted by id
// each. Service.mu is held.
func (s *Service) everyContainer() []*container {
	all := sortedByID(s.containers)
	for _, p := range s.sortedSandboxes() {
		if p.pause != nil {
			all = append(all, p.pause)
		}
	}
	return all
}

// appeared tells that c has been made known, before anybody can start it.
// Service.mu is held.
func (s *Service) appeared(c *container) {
	if s.watched {
		c.watch(&s.events)
		s.events.emit(runtime.ContainerEventType_CONTAINER_CREATED_EVENT, c, c.get())
	}
}

// disappeared tells that c has been forgotten. Service.mu is held.
func (s *Service) disappeared(c *container) {
	if s.watched {
		s.events.emit(runtime.ContainerEventType_CONTAINER_DELETED_EVENT, c, c.get())
	}
}

// tell tells what led from the status before to that of now; c.mu is held.
func (c *container) tell(before Status) {
	if c.events == nil || c.status.StartedAt == 0 {
		return
	}
	if before.StartedAt == 0 {
		started := c.status
		if c.status.FinishedAt != 0 { // it ended before anybody could see it run
			started = before
			started.Pid, started.StartedAt = c.status.Pid, c.status.StartedAt
		}
		c.events.emit(runtime.ContainerEventType_CONTAINER_STARTED_EVENT, c, started)
	}
	if before.FinishedAt == 0 && c.status.FinishedAt != 0 {
		c.events.emit(runtime.ContainerEventType_CONTAINER_STOPPED_EVENT, c, c.status)
	}
}

// describe returns e as the CRI has it.
func (s *Service) describe(e event) *runtime.ContainerEventResponse {
	r := &runtime.ContainerEventResponse{
		ContainerId: e.container.ID, ContainerEventType: e.kind, CreatedAt: e.at,
	}
	pod := e.container.SandboxID
	if pod == "" {
		pod = e.container.ID
	} else if e.kind != runtime.ContainerEventType_CONTAINER_DELETED_EVENT {
		r.ContainersStatuses = append(r.ContainersStatuses, e.container.describe(e.status))
	}
	s.mu.RLock()
	if p, ok := s.sandboxes[pod]; ok {
		r.PodSandboxStatus = p.status()
	}
	s.mu.RUnlock()
	for _, c := range s.containersOf(pod) {
		if c != e.container {
			r.ContainersStatuses = append(r.ContainersStatuses, c.describe(c.get()))
		}
	}
	return r
}
