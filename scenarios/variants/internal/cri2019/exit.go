package cri2019

import (
	"context"
	"fmt"
	"io"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
)

// Exit is the end of the process of a container.
type Exit struct {
	ID   string
	Code uint32
	At   time.Time
}

// exitTimeout bounds the handling of one exit.
const exitTimeout = 10 * time.Second

// Loop handles exits from in, one after the other, and retries those that
// could not be handled. It returns nil when the service is closed, else the
// first error from errs or io.EOF when errs is closed. An exit of a container whose earlier exit is waiting
// for its retry waits behind it. parse returns false for what is no exit of a
// container. It follows pkg/server/events.go.
//
// What is waiting for a retry stays with the service for the next call of
// Loop; only one may run at a time.
func Loop[T any](s *Service, in <-chan T, errs <-chan error, parse func(T) (Exit, bool)) error {
	for {
		var due <-chan time.Time
		timer := s.retries.timer()
		if timer != nil {
			due = timer.C
		}
		var err error
		select {
		case item := <-in:
			if exit, ok := parse(item); ok {
				s.accept(exit)
			}
		case <-due:
			s.retry()
		case streamErr, open := <-errs:
			if err = streamErr; !open {
				err = io.EOF
			}
		case <-s.ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
		if s.ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *Service) accept(exit Exit) {
	if !s.retries.waiting(exit.ID) && s.handle(exit) == nil {
		return
	}
	s.retries.add(exit)
}

func (s *Service) retry() {
	for _, queue := range s.retries.take() {
		for i, exit := range queue.exits {
			if s.handle(exit) != nil {
				s.retries.putBack(queue, queue.exits[i:])
				break
			}
		}
	}
}

// handle deletes the task, makes the container EXITED and wakes who waits for
// that. It follows handleContainerExit of pkg/server/events.go: the runtime's
// record of the exit is deleted before ours is on disk.
func (s *Service) handle(exit Exit) error {
	ctx, cancel := context.WithTimeout(s.ctx, exitTimeout)
	defer cancel()
	c, err := s.Container(exit.ID)
	if err != nil {
		return nil // none of ours, or removed
	}
	task, err := c.Client.Task(ctx, nil)
	if err == nil {
		_, err = task.Delete(ctx, containerd.WithProcessKill)
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("delete task of %q: %w", c.ID, err)
	}
	if err := c.Status.UpdateSync(func(status Status) (Status, error) {
		if status.FinishedAt != 0 {
			return status, nil // the start failed, or the exit came twice
		}
		status.Pid = 0
		status.FinishedAt = exit.At.UnixNano()
		status.ExitCode = int32(exit.Code)
		return status, nil
	}); err != nil {
		return fmt.Errorf("write exit of %q: %w", c.ID, err)
	}
	c.Stop()
	return nil
}
