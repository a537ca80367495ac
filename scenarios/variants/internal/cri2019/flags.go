package cri2019

import (
	"fmt"

	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// SetStarting keeps others from starting or removing c until ResetStarting.
func (c *Container) SetStarting() error {
	return c.Status.Update(func(status Status) (Status, error) {
		switch state := status.State(); {
		case state != runtime.ContainerState_CONTAINER_CREATED:
			return status, fmt.Errorf("container is in state %s: %w", state, errdefs.ErrFailedPrecondition)
		case status.Removing:
			return status, fmt.Errorf("container is in removing state: %w", errdefs.ErrFailedPrecondition)
		case status.Starting:
			return status, fmt.Errorf("container is already in starting state: %w", errdefs.ErrFailedPrecondition)
		}
		status.Starting = true
		return status, nil
	})
}

// ResetStarting ends SetStarting.
func (c *Container) ResetStarting() {
	_ = c.Status.Update(func(status Status) (Status, error) {
		status.Starting = false
		return status, nil
	})
}

// SetRemoving keeps others from starting or removing c until ResetRemoving.
func (c *Container) SetRemoving() error {
	return c.Status.Update(func(status Status) (Status, error) {
		switch {
		case status.State() == runtime.ContainerState_CONTAINER_RUNNING:
			return status, fmt.Errorf("still running, to stop first: %w", errdefs.ErrFailedPrecondition)
		case status.State() == runtime.ContainerState_CONTAINER_UNKNOWN:
			return status, fmt.Errorf("in an unknown state, to stop first: %w", errdefs.ErrFailedPrecondition)
		case status.Starting:
			return status, fmt.Errorf("in starting state: %w", errdefs.ErrFailedPrecondition)
		case status.Removing:
			return status, fmt.Errorf("already in removing state: %w", errdefs.ErrFailedPrecondition)
		}
		status.Removing = true
		return status, nil
	})
}

// ResetRemoving ends SetRemoving.
func (c *Container) ResetRemoving() {
	_ = c.Status.Update(func(status Status) (Status, error) {
		status.Removing = false
		return status, nil
	})
}
