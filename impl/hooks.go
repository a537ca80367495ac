package impl

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Hooks is told of the start and the end of containers, and can prevent a start.
// It is the seat of NRI: what containerd's internal/cri/nri does with plugins is
// up to the implementation, locks among plugins included. Pause processes have
// no hooks.
//
// A method is called with no lock of the service held, so that it may block and
// call the service again; only its container is kept waiting. It has to return
// when ctx ends. The methods are called concurrently for different containers
// and one at a time for one container: StartContainer, and when that has
// returned, whatever it returned, and the container has come to its end,
// StopContainer once. A service that ends in between leaves StopContainer to the
// next one, which may then repeat it; it also tells of containers that ended
// meanwhile, and of those whose start was interrupted. Until it has, those that have
// no process are UNKNOWN.
type Hooks interface {
	// StartContainer is called when there is a task and before its process
	// runs. An error fails the start. ctx is that of the call StartContainer;
	// it also ends as soon as somebody wants to stop the container.
	StartContainer(ctx context.Context, c HookContainer) error
	// StopContainer is called after the exit of the container was recorded,
	// which StopContainer of the CRI waits for, and before its task is deleted,
	// which RemoveContainer waits for. ctx ends after 10 s. An error is logged.
	StopContainer(ctx context.Context, c HookContainer) error
}

// HookContainer is a container as Hooks see it. They must not change what it
// refers to.
type HookContainer struct {
	ID            string
	SandboxID     string
	Pid           uint32 // 0 once it has ended
	Config        *runtime.ContainerConfig
	SandboxConfig *runtime.PodSandboxConfig
}

func (c *container) hookContainer(pid uint32) HookContainer {
	return HookContainer{ID: c.ID, SandboxID: c.SandboxID, Pid: pid, Config: c.Config, SandboxConfig: c.SandboxConfig}
}

// startHook calls the hook of a start, when it is on disk that the hook of its end has
// to be called, which it sets in status. The caller is the owner of c.
func (s *Service) startHook(ctx context.Context, c *container, status *Status, pid uint32) error {
	if s.config.Hooks == nil || c.SandboxID == "" {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !c.interruptBy(cancel) {
		return errStopped
	}
	defer c.interruptBy(nil)
	status.Hooked = true
	if err := s.checkpoint(c.ID, *status); err != nil {
		return err
	}
	c.commit(*status)
	if err := s.config.Hooks.StartContainer(ctx, c.hookContainer(pid)); err != nil {
		if c.stopRequested() {
			return fmt.Errorf("%w: %w", errStopped, err)
		}
		return fmt.Errorf("start hook failed: %w", err)
	}
	return nil
}

var errStopped = fmt.Errorf("container was stopped while it was starting: %w", errdefs.ErrAborted)

// interruptBy makes a StopContainer that waits for the start of c call
// interrupt. If there is one already it does not, and returns false.
func (c *container) interruptBy(interrupt context.CancelFunc) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if interrupt != nil && c.stopping > 0 {
		return false
	}
	c.interrupt = interrupt
	return true
}

// stopHook calls the hook of the end of c. The caller is the owner of c, and records
// that it was called.
func (s *Service) stopHook(ctx context.Context, c *container) {
	err := once(ctx, func(ctx context.Context) error { return s.config.Hooks.StopContainer(ctx, c.hookContainer(0)) })
	if err != nil {
		log.G(ctx).WithError(err).Warnf("Stop hook of container %q failed", c.ID)
	}
}
