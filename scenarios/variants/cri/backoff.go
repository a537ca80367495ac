package cri

import (
	"slices"
	"sync"
	"time"
)

// The delay before the first retry, doubled for each further one up to the last.
const (
	firstDelay = time.Second
	lastDelay  = 5 * time.Minute
)

// backOff holds events that could not be handled, by container. It follows
// backOff of events/events.go.
type backOff struct {
	due chan struct{} // something may be due

	mu     *sync.Mutex
	queues map[string]backOffQueue
}

type backOffQueue struct {
	events []event // in the order they came
	delay  time.Duration
	due    time.Time
}

func newBackOff() backOff {
	return backOff{due: make(chan struct{}, 1), mu: &sync.Mutex{}, queues: map[string]backOffQueue{}}
}

func (b backOff) waiting(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.queues[id]
	return ok
}

func (b backOff) add(e event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if queue, ok := b.queues[e.id]; ok {
		queue.events = append(queue.events, e)
		b.queues[e.id] = queue
		return
	}
	b.put(e.id, []event{e}, firstDelay)
}

// expired returns the containers whose events are due, sorted.
func (b backOff) expired() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []string
	for id, queue := range b.queues {
		if !time.Now().Before(queue.due) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// take removes and returns the events of a container.
func (b backOff) take(id string) backOffQueue {
	b.mu.Lock()
	defer b.mu.Unlock()
	queue := b.queues[id]
	delete(b.queues, id)
	return queue
}

// putBack returns what is left of a taken queue, with a longer delay, in place
// of what there is.
func (b backOff) putBack(id string, left []event, delay time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(id, left, min(2*delay, lastDelay))
}

// put makes the queue of a container; the lock is held.
func (b backOff) put(id string, events []event, delay time.Duration) {
	b.queues[id] = backOffQueue{events: events, delay: delay, due: time.Now().Add(delay)}
	time.AfterFunc(delay, func() {
		select {
		case b.due <- struct{}{}:
		default:
		}
	})
}
