package peers

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
	"github.com/startrace/startrace/scenarios/variants/seed2019"
)

// CRIO is a service. Its methods may be called concurrently.
type CRIO struct {
	*seed2019.Service
	statusLocks bool

	mu  sync.Mutex
	ops map[string]chan struct{} // by container: held by one operation at a time
}

// NewCRIO2018 returns a service without containers.
func NewCRIO2018(ctx context.Context, env variants.Env) (*CRIO, error) {
	return newCRIO(ctx, env, true)
}

// NewCRIO2020 returns a service without containers.
func NewCRIO2020(ctx context.Context, env variants.Env) (*CRIO, error) {
	return newCRIO(ctx, env, false)
}

func newCRIO(ctx context.Context, env variants.Env, statusLocks bool) (*CRIO, error) {
	s, err := seed2019.New(ctx, env)
	if err != nil {
		return nil, err
	}
	return &CRIO{Service: s, statusLocks: statusLocks, ops: map[string]chan struct{}{}}, nil
}

// lock waits for the operations of a container, whatever its caller does.
func (s *CRIO) lock(id string) (unlock func()) {
	s.mu.Lock()
	ops := s.ops[id]
	if ops == nil {
		ops = make(chan struct{}, 1)
		s.ops[id] = ops
	}
	s.mu.Unlock()
	ops <- struct{}{}
	return func() { <-ops }
}

// StartContainer holds the lock.
func (s *CRIO) StartContainer(ctx context.Context, r *runtime.StartContainerRequest) (*runtime.StartContainerResponse, error) {
	defer s.lock(r.GetContainerId())()
	return s.Service.StartContainer(ctx, r)
}

// StopContainer holds the lock for as long as the process takes to end.
func (s *CRIO) StopContainer(ctx context.Context, r *runtime.StopContainerRequest) (*runtime.StopContainerResponse, error) {
	defer s.lock(r.GetContainerId())()
	return &runtime.StopContainerResponse{}, s.stop(ctx, r.GetContainerId(), time.Duration(r.GetTimeout())*time.Second)
}

func (s *CRIO) stop(ctx context.Context, id string, timeout time.Duration) error {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(id)
	if err != nil || c.Status.Get().State() != runtime.ContainerState_CONTAINER_RUNNING {
		return nil
	}
	task, err := c.Client.Task(ctx, nil)
	switch {
	case errdefs.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("load task of %q: %w", c.ID, err)
	}
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}
	if timeout == 0 {
		signals = signals[1:]
	}
	for _, signal := range signals {
		if err := task.Kill(ctx, signal); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("signal %q: %w", c.ID, err)
		}
		grace := time.NewTimer(timeout)
		defer grace.Stop()
		after := grace.C
		if signal == syscall.SIGKILL {
			after = nil
		}
		select {
		case <-c.Stopped():
			return nil
		case <-after:
		case <-ctx.Done():
			return nil // as if it had ended
		}
	}
	return nil
}

// RemoveContainer holds the lock, and stops a process that runs.
func (s *CRIO) RemoveContainer(ctx context.Context, r *runtime.RemoveContainerRequest) (*runtime.RemoveContainerResponse, error) {
	defer s.lock(r.GetContainerId())()
	if err := s.stop(ctx, r.GetContainerId(), 0); err != nil {
		return nil, err
	}
	return s.Service.RemoveContainer(ctx, r)
}

// StopPodSandbox stops the containers of the sandbox, each under its lock, then the
// sandbox.
func (s *CRIO) StopPodSandbox(ctx context.Context, r *runtime.StopPodSandboxRequest) (*runtime.StopPodSandboxResponse, error) {
	for _, c := range s.List(func(c *cri2019.Container) bool { return c.Sandbox == r.GetPodSandboxId() }) {
		if _, err := s.StopContainer(ctx, &runtime.StopContainerRequest{ContainerId: c.ID}); err != nil {
			return nil, err
		}
	}
	s.SandboxStopped(r.GetPodSandboxId())
	return &runtime.StopPodSandboxResponse{}, nil
}

// ContainerStatus waits for the lock until cri-o#3457.
func (s *CRIO) ContainerStatus(ctx context.Context, r *runtime.ContainerStatusRequest) (*runtime.ContainerStatusResponse, error) {
	if s.statusLocks {
		defer s.lock(r.GetContainerId())()
	}
	return s.Service.ContainerStatus(ctx, r)
}
