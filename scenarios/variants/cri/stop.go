package cri

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// StopContainer signals and waits for what the exit handler does. It follows
// container_stop.go.
func (s *Service) StopContainer(ctx context.Context, r *runtime.StopContainerRequest) (*runtime.StopContainerResponse, error) {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return &runtime.StopContainerResponse{}, nil
	}
	if err := s.stopRetrying(ctx, c, time.Duration(r.GetTimeout())*time.Second); err != nil {
		return nil, fmt.Errorf("stop container %q: %w", c.ID, err)
	}
	s.plugins.stop(ctx, c)
	if s.changes.AsksForRecord {
		// Upstream asks with the handle that all calls share, whose Info is a data race.
		if _, err := s.Env.Client.LoadContainer(ctx, c.ID); err != nil {
			return nil, fmt.Errorf("get container info: %w", err)
		}
	}
	return &runtime.StopContainerResponse{}, nil
}

// stopTries is how often a stop is tried whose connection to the shim is closed.
const stopTries = 3

func (s *Service) stopRetrying(ctx context.Context, c *cri2019.Container, timeout time.Duration) error {
	for try := 1; ; try++ {
		err := s.stop(ctx, c, timeout)
		if err == nil || !s.changes.RetriesStop || try == stopTries || !closed(err) {
			return err
		}
		time.Sleep(time.Duration(100*try*try) * time.Millisecond)
	}
}

// closed reports whether the connection to the shim was closed during a call.
func closed(err error) bool {
	return errdefs.IsUnknown(err) && strings.HasSuffix(err.Error(), "ttrpc: closed")
}

func (s *Service) stop(ctx context.Context, c *cri2019.Container, timeout time.Duration) error {
	state := c.Status.Get().State()
	unknown := state == runtime.ContainerState_CONTAINER_UNKNOWN
	if state != runtime.ContainerState_CONTAINER_RUNNING && !unknown {
		return nil
	}
	task, err := c.Client.Task(ctx, nil)
	switch {
	case errdefs.IsNotFound(err) && unknown:
		return s.handle(ctx, c, unknownExit(c.ID))
	case errdefs.IsNotFound(err):
		return nil // the exit is being handled
	case err != nil:
		return fmt.Errorf("load task: %w", err)
	}
	if unknown { // nobody waits for its end
		waiting, cancel := context.WithCancel(s.Context())
		defer cancel()
		exit, err := task.Wait(waiting)
		if err != nil {
			return fmt.Errorf("wait for the task: %w", err)
		}
		monitoring, stop := context.WithCancel(s.Context())
		ended := s.monitor(monitoring, c.ID, exit)
		defer func() {
			stop()
			<-ended // or the end of the wait is an exit
		}()
	}
	if timeout > 0 {
		if done, err := s.politely(ctx, c, task, timeout); done {
			return err
		}
	}
	if err := task.Kill(ctx, syscall.SIGKILL); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("send SIGKILL: %w", err)
	}
	return s.waitStopped(ctx, c)
}

// politely asks the process to end, unless somebody did so before, and waits. It
// returns false if it is to be killed.
func (s *Service) politely(ctx context.Context, c *cri2019.Container, task containerd.Task, timeout time.Duration) (done bool, _ error) {
	if !s.changes.SignalsOnce || s.latch(c.ID).CompareAndSwap(false, true) {
		if err := task.Kill(ctx, syscall.SIGTERM); err != nil && !errdefs.IsNotFound(err) {
			return true, fmt.Errorf("send SIGTERM: %w", err)
		}
	}
	grace, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.waitStopped(grace, c); err == nil || ctx.Err() != nil {
		return true, err // a caller who gave up did not ask for SIGKILL
	}
	return false, nil
}

func (s *Service) waitStopped(ctx context.Context, c *cri2019.Container) error {
	select {
	case <-c.Stopped():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the exit: %w", ctx.Err())
	}
}
