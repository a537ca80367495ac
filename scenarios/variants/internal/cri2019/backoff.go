package cri2019

import (
	"cmp"
	"slices"
	"time"
)

// The delay before the first retry, doubled for each further one up to the last.
const (
	firstDelay = time.Second
	lastDelay  = 5 * time.Minute
)

// backOff holds exits that could not be handled, by container. It belongs to
// one goroutine.
type backOff map[string]*backOffQueue

type backOffQueue struct {
	id    string
	exits []Exit // in the order they came
	delay time.Duration
	due   time.Time
}

func (b backOff) waiting(id string) bool { return b[id] != nil }

func (b backOff) add(exit Exit) {
	if b[exit.ID] == nil {
		b[exit.ID] = &backOffQueue{id: exit.ID, delay: firstDelay, due: time.Now().Add(firstDelay)}
	}
	b[exit.ID].exits = append(b[exit.ID].exits, exit)
}

// take removes and returns the queues that are due, by container.
func (b backOff) take() []*backOffQueue {
	now := time.Now()
	var due []*backOffQueue
	for id, queue := range b {
		if !queue.due.After(now) {
			due = append(due, queue)
			delete(b, id)
		}
	}
	slices.SortFunc(due, func(x, y *backOffQueue) int { return cmp.Compare(x.id, y.id) })
	return due
}

// putBack returns what is left of a taken queue, with a longer delay.
func (b backOff) putBack(queue *backOffQueue, left []Exit) {
	queue.exits = left
	queue.delay = min(2*queue.delay, lastDelay)
	queue.due = time.Now().Add(queue.delay)
	b[queue.id] = queue
}

// timer fires when the next queue is due; nil if nothing waits.
func (b backOff) timer() *time.Timer {
	var next *backOffQueue
	for _, queue := range b {
		if next == nil || queue.due.Before(next.due) {
			next = queue
		}
	}
	if next == nil {
		return nil
	}
	return time.NewTimer(time.Until(next.due))
}
