package cri

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// queue hands events to subscribers, each waiting for the one before it. It
// follows internal/eventq.
type queue struct {
	watched   *atomic.Bool // somebody has subscribed
	begin     *sync.Once
	events    chan *runtime.ContainerEventResponse
	subscribe chan subscription
}

// subscription is a subscriber, until gone ends.
type subscription struct {
	events chan *runtime.ContainerEventResponse
	gone   context.Context
}

// subscriptionBuffer is how many events may wait for a subscriber before all do.
const subscriptionBuffer = 100

func newQueue() queue {
	return queue{
		watched: &atomic.Bool{}, begin: &sync.Once{},
		events: make(chan *runtime.ContainerEventResponse), subscribe: make(chan subscription),
	}
}

// run hands on events until ctx ends.
func (q queue) run(ctx context.Context) {
	var subs []subscription
	for {
		select {
		case sub := <-q.subscribe:
			subs = append(subs, sub)
		case e := <-q.events:
			active := subs[:0]
			for _, sub := range subs {
				select {
				case sub.events <- e:
					active = append(active, sub)
				case <-sub.gone.Done():
				case <-ctx.Done():
					return
				}
			}
			subs = active
		case <-ctx.Done():
			return
		}
	}
}

// GetContainerEvents follows container_events.go.
func (s *Service) GetContainerEvents(_ *runtime.GetEventsRequest, stream grpc.ServerStreamingServer[runtime.ContainerEventResponse]) error {
	s.queue.begin.Do(func() { s.Go(func() { s.queue.run(s.Context()) }) })
	ctx := stream.Context()
	sub := subscription{events: make(chan *runtime.ContainerEventResponse, subscriptionBuffer), gone: ctx}
	select {
	case s.queue.subscribe <- sub:
	case <-s.Context().Done():
		return s.Context().Err()
	}
	s.queue.watched.Store(true)
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	for {
		select {
		case e := <-sub.events:
			if err := stream.Send(e); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-s.Context().Done():
			return s.Context().Err()
		}
	}
}

// tell sends an event, with the statuses that the containers of its sandbox have
// by now, and waits until the queue takes it.
func (s *Service) tell(kind runtime.ContainerEventType, id, sandbox string) {
	if !s.queue.watched.Load() {
		return
	}
	e := &runtime.ContainerEventResponse{ContainerId: id, ContainerEventType: kind, CreatedAt: time.Now().UnixNano()}
	for _, c := range s.inSandbox(sandbox) {
		if r, err := s.ContainerStatus(s.Context(), &runtime.ContainerStatusRequest{ContainerId: c.ID}); err == nil {
			e.ContainersStatuses = append(e.ContainersStatuses, r.GetStatus())
		}
	}
	select {
	case s.queue.events <- e:
	case <-s.Context().Done():
	}
}
