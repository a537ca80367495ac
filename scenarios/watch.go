package scenarios

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// watchers are the subscribers to the events of a service, which outlive its
// crashes.
type watchers struct {
	x      *execution
	ctx    context.Context
	cancel context.CancelFunc
	all    sync.WaitGroup
}

func newWatchers(x *execution) *watchers {
	s := &watchers{x: x}
	s.ctx, s.cancel = context.WithCancel(x.ctx)
	return s
}

// end ends all of them.
func (s *watchers) end() {
	if s == nil {
		return
	}
	s.cancel()
	s.all.Wait()
}

// watch begins op. A subscriber that stalls takes nothing before returned ends.
func (s *watchers) watch(returned context.Context, name string, op Op) {
	s.all.Add(1)
	sim.Go(name, func() {
		defer s.all.Done()
		for n := 1; s.ctx.Err() == nil; n++ {
			c := &subscriber{ctx: s.ctx, channel: fmt.Sprintf("%s#%d", name, n), tell: s.x.tell, pace: op.Timeout}
			if op.Kind == Stall {
				c.after = returned.Done()
			}
			err := s.x.service.(Watcher).GetContainerEvents(&runtime.GetEventsRequest{}, c)
			s.x.tell(model.Event{Kind: model.Unsubscribed, Channel: c.channel})
			if s.ctx.Err() != nil {
				return
			}
			if s.x.process == nil {
				s.x.t.Errorf("the events of %s ended, and nobody ended them: %v", c.channel, err)
				return
			}
			time.Sleep(bootPause)
		}
	})
}

// subscriber is the caller's end of a stream of events.
type subscriber struct {
	grpc.ServerStream
	ctx     context.Context
	channel string
	tell    func(model.Event)
	pace    time.Duration   // between two events
	after   <-chan struct{} // nothing is taken before this is closed; nil: at once
}

func (c *subscriber) Context() context.Context     { return c.ctx }
func (c *subscriber) SendHeader(metadata.MD) error { return nil }

var notices = map[runtime.ContainerEventType]model.Notice{
	runtime.ContainerEventType_CONTAINER_CREATED_EVENT: model.NoticeCreated,
	runtime.ContainerEventType_CONTAINER_STARTED_EVENT: model.NoticeStarted,
	runtime.ContainerEventType_CONTAINER_STOPPED_EVENT: model.NoticeStopped,
	runtime.ContainerEventType_CONTAINER_DELETED_EVENT: model.NoticeDeleted,
}

// Send records an event, which is about the process that the container had or is
// to get; see recorder.history.
func (c *subscriber) Send(e *runtime.ContainerEventResponse) error { return c.send(c.ctx, e) }

func (c *subscriber) send(ctx context.Context, e *runtime.ContainerEventResponse) error {
	if c.after != nil {
		select {
		case <-c.after:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if c.pace > 0 {
		select {
		case <-time.After(c.pace):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.tell(model.Event{
		Kind: model.Notified, Container: e.GetContainerId(), Channel: c.channel, Notice: notices[e.GetContainerEventType()],
	})
	return nil
}
