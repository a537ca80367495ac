package cri2019

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// killTimeout bounds the wait for the exit after SIGKILL.
const killTimeout = 2 * time.Minute

// StopContainer signals and waits; the exit itself is handled by Loop. It
// follows pkg/server/container_stop.go.
//
// What is not RUNNING counts as stopped, CREATED included. Before the change
// of 2019 Get waited for a start under way, and Stop saw what came of it; since
// then it sees CREATED and does nothing.
func (s *Service) StopContainer(ctx context.Context, r *runtime.StopContainerRequest) (*runtime.StopContainerResponse, error) {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return &runtime.StopContainerResponse{}, nil
	}
	if err := s.stopContainer(ctx, c, time.Duration(r.GetTimeout())*time.Second); err != nil {
		return nil, fmt.Errorf("stop container %q: %w", c.ID, err)
	}
	return &runtime.StopContainerResponse{}, nil
}

func (s *Service) stopContainer(ctx context.Context, c *Container, timeout time.Duration) error {
	if c.Status.Get().State() != runtime.ContainerState_CONTAINER_RUNNING {
		return nil
	}
	task, err := c.Client.Task(ctx, nil)
	if errdefs.IsNotFound(err) {
		return nil // the exit is being handled
	} else if err != nil {
		return fmt.Errorf("load task: %w", err)
	}
	if timeout > 0 {
		if err := task.Kill(ctx, syscall.SIGTERM); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("send SIGTERM: %w", err)
		}
		if err := c.waitStopped(ctx, timeout); err == nil || ctx.Err() != nil {
			return err // a caller who gave up did not ask for SIGKILL
		}
	}
	if err := task.Kill(ctx, syscall.SIGKILL); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("send SIGKILL: %w", err)
	}
	return c.waitStopped(ctx, killTimeout)
}

func (c *Container) waitStopped(ctx context.Context, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-c.stopped:
		return nil
	case <-timer.C:
		return fmt.Errorf("no exit after %s: %w", timeout, context.DeadlineExceeded)
	case <-ctx.Done():
		return fmt.Errorf("wait for the exit: %w", ctx.Err())
	}
}
