package simshim

import (
	"context"
	"sync"

	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/core/runtime"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/log"
)

// Publisher sends an event to containerd. It is called by one goroutine, and may
// go on trying after it has returned an error.
type Publisher interface {
	Publish(ctx context.Context, topic string, event events.Event) error
}

// queue sends events in the order in which they were put in, by one goroutine.
// It is not bounded: a daemon that is away must not stop the containers.
type queue struct {
	publisher Publisher
	ctx       context.Context //nolint:containedctx // of the goroutine, which lives as long as the queue

	mu    sync.Mutex
	items []item
	wake  *sync.Cond
	ended bool // nothing comes any more
	done  chan struct{}
}

// item is an event, what is called after it was sent, or both.
type item struct {
	event any
	after func()
}

func newQueue(namespace string, p Publisher) *queue {
	q := &queue{
		publisher: p,
		ctx:       namespaces.WithNamespace(context.Background(), namespace),
		done:      make(chan struct{}),
	}
	q.wake = sync.NewCond(&q.mu)
	go q.run()
	return q
}

func (q *queue) put(i item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items = append(q.items, i)
	q.wake.Signal()
}

// end returns when everything put in was sent.
func (q *queue) end() {
	q.mu.Lock()
	q.ended = true
	q.wake.Signal()
	q.mu.Unlock()
	<-q.done
}

func (q *queue) run() {
	defer close(q.done)
	for {
		q.mu.Lock()
		for len(q.items) == 0 && !q.ended {
			q.wake.Wait()
		}
		items := q.items
		q.items = nil
		q.mu.Unlock()
		if len(items) == 0 {
			return
		}
		for _, i := range items {
			q.send(i)
		}
	}
}

func (q *queue) send(i item) {
	if i.event != nil {
		topic := runtime.GetTopic(i.event)
		if err := q.publisher.Publish(q.ctx, topic, i.event); err != nil {
			log.L.WithError(err).Errorf("publish %s", topic)
		}
	}
	if i.after != nil {
		i.after()
	}
}
