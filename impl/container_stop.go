package impl

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"github.com/moby/sys/signal"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// StopContainer ends the process of a container: with its stop signal, then
// after the timeout of the request (seconds) with SIGKILL. When it returns nil
// there is no process, and none comes unless StartContainer is called later. A
// container that is being started is stopped when the start is over, and a
// start that has not come to its process yet fails. Nothing is done about a
// container that is not running or does not exist.
//
// It returns the error of ctx if that ends first; the container may then go on
// or end.
func (s *Service) StopContainer(ctx context.Context, r *runtime.StopContainerRequest) (_ *runtime.StopContainerResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	c, err := s.container(r.GetContainerId())
	if errdefs.IsNotFound(err) {
		// The CRI wants it idempotent (containerd#10521).
		return &runtime.StopContainerResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.stopContainer(ctx, c, time.Duration(r.GetTimeout())*time.Second); err != nil {
		return nil, fmt.Errorf("failed to stop container %q: %w", c.ID, err)
	}
	return &runtime.StopContainerResponse{}, nil
}

func (s *Service) stopContainer(ctx context.Context, c *container, grace time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	running, err := s.awaitStart(ctx, c)
	if err != nil || !running {
		return err
	}
	if grace > 0 {
		graceCtx, cancel := context.WithTimeout(ctx, grace)
		defer cancel()
		err := s.signalStop(graceCtx, c)
		if err == nil {
			err = s.wait(graceCtx, c.exited)
		}
		if err == nil {
			return nil
		}
		// A caller that gave up wants no SIGKILL (cri#1099).
		if err := ctx.Err(); err != nil {
			return err
		}
		if graceCtx.Err() == nil {
			return err
		}
		log.G(ctx).WithError(err).Warnf("Container %q did not end in %v, will kill it", c.ID, grace)
	}
	return s.killContainer(ctx, c)
}

// awaitStart waits until nobody is starting the container or finding out its
// state, and reports whether it is RUNNING then. While it waits it keeps a
// start from going on.
func (s *Service) awaitStart(ctx context.Context, c *container) (running bool, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.settled != nil && c.status.FinishedAt == 0 {
		settled := c.settled
		c.stopping++
		if c.interrupt != nil {
			c.interrupt()
		}
		c.mu.Unlock()
		var err error
		select {
		case <-settled:
		case <-c.exited:
		case <-ctx.Done():
			err = ctx.Err()
		case <-s.ctx.Done():
			err = errClosed
		}
		c.mu.Lock()
		c.stopping--
		if err != nil {
			return false, err
		}
	}
	return c.status.State() == runtime.ContainerState_CONTAINER_RUNNING, nil
}

// signalStop sends the stop signal, unless a StopContainer has done so before
// (containerd#5020). It counts as done only once it was delivered, and it is
// tried until then.
func (s *Service) signalStop(ctx context.Context, c *container) error {
	sig, err := c.stopSignal()
	if err != nil {
		return err
	}
	for b := (backoff{}); ; {
		switch err := s.signalOnce(ctx, c, sig); {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errdefs.IsNotFound(err):
			return nil // it is ending; the exit monitor will tell
		default:
			log.G(ctx).WithError(err).Warnf("Failed to send %v to container %q, will retry", sig, c.ID)
			if err := b.pause(ctx, c.exited); err != nil {
				return err
			}
			if c.get().FinishedAt != 0 {
				return nil
			}
		}
	}
}

// signalOnce sends the stop signal if it has not been delivered yet. A caller that
// gives up leaves a call behind that goes on: only its answer says whether the
// signal was delivered, and the next StopContainer waits for that, so that a
// process is not asked twice. That is why the call has no time limit of its own.
func (s *Service) signalOnce(ctx context.Context, c *container, sig syscall.Signal) error {
	select {
	case c.signaling <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.signaled {
		<-c.signaling
		return nil
	}
	sent := make(chan error, 1)
	if !s.background(func(ctx context.Context) {
		task, err := s.loadTask(ctx, c)
		if err == nil {
			err = task.Kill(ctx, sig)
		}
		c.signaled = err == nil
		<-c.signaling
		sent <- err
	}) {
		<-c.signaling
		return errClosed
	}
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// killContainer kills the process of a running container and waits for the
// exit monitor to record that. SIGKILL is sent again only if it may not have
// arrived; NotFound means that it came too late, about which the exit monitor
// has the last word.
func (s *Service) killContainer(ctx context.Context, c *container) error {
	for b := (backoff{}); ; {
		if s.ctx.Err() != nil {
			return errClosed
		}
		err := s.signal(ctx, c, syscall.SIGKILL)
		if err == nil {
			return s.wait(ctx, c.exited)
		}
		if !errdefs.IsNotFound(err) {
			log.G(ctx).WithError(err).Warnf("Failed to kill container %q, will retry", c.ID)
		}
		if err := b.pause(ctx, c.exited); err != nil {
			return err
		}
		if c.get().FinishedAt != 0 {
			return nil
		}
	}
}

// signal sends sig to the process of c; NotFound if there is none.
func (s *Service) signal(ctx context.Context, c *container, sig syscall.Signal) error {
	task, err := s.loadTask(ctx, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return task.Kill(ctx, sig)
}

// stopSignal returns the signal that asks the process to end: that of the config, or
// else that of the image, or else SIGTERM.
func (m *metadata) stopSignal() (syscall.Signal, error) {
	s := m.Config.GetStopSignal()
	if s != runtime.Signal_SIGNAL_RUNTIME_DEFAULT || m.StopSignal == "" {
		return stopSignal(s)
	}
	sig, err := signal.ParseSignal(m.StopSignal)
	if err != nil {
		return 0, fmt.Errorf("stop signal %q of the image: %w: %w", m.StopSignal, err, errdefs.ErrInvalidArgument)
	}
	return sig, nil
}

// stopSignal returns the signal that the CRI calls SIGNAL_SIGRTMINPLUS1 and the
// like, SIGTERM if it is left to the runtime.
func stopSignal(s runtime.Signal) (syscall.Signal, error) {
	if s == runtime.Signal_SIGNAL_RUNTIME_DEFAULT {
		return syscall.SIGTERM, nil
	}
	name, ok := runtime.Signal_name[int32(s)]
	if !ok {
		return 0, fmt.Errorf("stop signal %d: %w", s, errdefs.ErrInvalidArgument)
	}
	name = strings.NewReplacer("SIGNAL_", "", "PLUS", "+", "MINUS", "-").Replace(name)
	sig, err := signal.ParseSignal(name)
	if err != nil {
		return 0, fmt.Errorf("stop signal %v: %w: %w", s, err, errdefs.ErrInvalidArgument)
	}
	return sig, nil
}
