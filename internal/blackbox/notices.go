package blackbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/model"
)

// channel is the name of the one subscriber in histories.
const channel = "subscriber"

// notices is a subscriber to the events of an endpoint.
type notices struct {
	cancel context.CancelFunc
	ended  chan struct{} // closed when nothing comes any more

	mu    sync.Mutex
	all   map[string][]model.Event // by id of container, at least one of each
	heard bool                     // something came
	lost  bool                     // the stream ended
}

// subscribe returns a subscriber. Where nobody serves events it hears nothing, and
// lost says so.
func subscribe(ctx context.Context, client runtime.RuntimeServiceClient) (*notices, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := client.GetContainerEvents(ctx, &runtime.GetEventsRequest{})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("blackbox: subscribe: %w", err)
	}
	n := &notices{cancel: cancel, ended: make(chan struct{}), all: map[string][]model.Event{}}
	go n.listen(stream)
	return n, nil
}

var kinds = map[runtime.ContainerEventType]model.Notice{
	runtime.ContainerEventType_CONTAINER_CREATED_EVENT: model.NoticeCreated,
	runtime.ContainerEventType_CONTAINER_STARTED_EVENT: model.NoticeStarted,
	runtime.ContainerEventType_CONTAINER_STOPPED_EVENT: model.NoticeStopped,
	runtime.ContainerEventType_CONTAINER_DELETED_EVENT: model.NoticeDeleted,
}

func (n *notices) listen(stream runtime.RuntimeService_GetContainerEventsClient) {
	defer close(n.ended)
	for {
		e, err := stream.Recv()
		n.mu.Lock()
		if err != nil {
			n.lost = true
			n.heard = n.heard && status.Code(err) != codes.Unimplemented
			n.mu.Unlock()
			return
		}
		n.heard = true
		id := e.GetContainerId()
		n.all[id] = append(n.all[id], model.Event{
			Kind: model.Notified, Container: id, At: time.Now().UnixNano(),
			Channel: channel, Life: 1, Notice: kinds[e.GetContainerEventType()],
		})
		n.mu.Unlock()
	}
}

// keep is how long what was heard of a container is kept that nobody takes: one of
// others, or what comes late.
const keep = 10 * time.Minute

// take returns what was heard of a container and forgets it.
func (n *notices) take(id string) []model.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	events := n.all[id]
	delete(n.all, id)
	old := time.Now().Add(-keep).UnixNano()
	maps.DeleteFunc(n.all, func(_ string, events []model.Event) bool { return events[len(events)-1].At < old })
	if n.lost && len(events) > 0 {
		events = append(events, model.Event{Kind: model.Unsubscribed, Channel: channel, At: time.Now().UnixNano()})
	}
	return events
}

// await waits until nothing more is to come about a container that is gone, or for
// limit.
func (n *notices) await(ctx context.Context, id string, limit time.Duration) {
	timeout := time.After(limit)
	for !n.complete(id) {
		select {
		case <-n.ended:
			return
		case <-ctx.Done():
			return
		case <-timeout:
			return
		case <-time.After(pollEvery):
		}
	}
}

// complete reports whether nothing more is to come about a container that is gone:
// what was told to start was told to end, in whatever order.
func (n *notices) complete(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	told := func(notice model.Notice) bool {
		return slices.ContainsFunc(n.all[id], func(e model.Event) bool { return e.Notice == notice })
	}
	return !n.heard || told(model.NoticeDeleted) && (told(model.NoticeStopped) || !told(model.NoticeStarted))
}

// served reports whether the endpoint told anything.
func (n *notices) served() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.heard
}

func (n *notices) close() {
	n.cancel()
	<-n.ended
}
