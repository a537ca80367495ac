package cri

import (
	"context"
	"time"

	"github.com/containerd/containerd/v2/core/events"

	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// event is what may have to be handled again: an exit, or an OOM kill if that
// is nil.
type event struct {
	id   string
	exit *cri2019.Exit
}

// loop handles what comes, and again what is due, one after the other, until
// the service is closed. It follows events/events.go.
func (s *Service) loop(in <-chan *events.Envelope, errs <-chan error) {
	for {
		select {
		case exit := <-s.exits:
			s.accept(event{id: exit.ID, exit: &exit})
		case envelope := <-in:
			if id, ok := s.oomOf(envelope); ok {
				s.accept(event{id: id})
			}
		case <-s.backOff.due:
			s.retry()
		case err, open := <-errs:
			_, _ = err, open // the stream has ended, for whatever reason
			select {
			case <-time.After(time.Second):
				in, errs = s.subscribe()
			case <-s.Context().Done():
				return
			}
		case <-s.Context().Done():
			return
		}
	}
}

func (s *Service) accept(e event) {
	if s.backOff.waiting(e.id) || s.handleEvent(e) != nil {
		s.backOff.add(e)
	}
}

// retry handles the events that are due. Between take and putBack a monitor may
// add one for the same container, and the latter overwrites it.
func (s *Service) retry() {
	for _, id := range s.backOff.expired() {
		queue := s.backOff.take(id)
		for i, e := range queue.events {
			if s.handleEvent(e) != nil {
				s.backOff.putBack(id, queue.events[i:], queue.delay)
				break
			}
		}
	}
}

// handleEvent ignores events of containers that are not there.
func (s *Service) handleEvent(e event) error {
	ctx, cancel := context.WithTimeout(s.Context(), exitTimeout)
	defer cancel()
	c, err := s.Container(e.id)
	switch {
	case err != nil:
		return nil // none of ours, or removed
	case e.exit == nil:
		return s.killedForMemory(c)
	}
	return s.handle(ctx, c, *e.exit)
}
