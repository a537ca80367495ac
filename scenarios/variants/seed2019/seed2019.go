// Package seed2019 is the start of a container since April 2019
// (containerd/cri#1133, "Use wait instead of TaskExit"): a Starting flag
// instead of the long transaction, and the exit from a Wait of the service's
// own instead of the event stream.
//
// Wait is registered before the process starts and its result is looked at only
// after RUNNING is on disk, so no exit is lost and none comes too early. But
// what the lock of the transaction had kept out now gets in:
//   - StopContainer while starting sees CREATED, does nothing and succeeds; the
//     container runs a moment later (I9).
//   - The failure of a start is written on its own. If that write fails too the
//     container is CREATED again, with the flag given back, and a second
//     StartContainer runs the workload again (I1).
//   - A failed Wait counts as the exit of a process that lives (I4).
//
// It follows containerd/cri pkg/server/container_start.go and events.go after
// that change, in our own words.
package seed2019

import (
	"context"
	"fmt"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// exitBuffer is how many exits may wait for the loop before their monitors do.
const exitBuffer = 1024

// Service is the variant. Its methods may be called concurrently.
type Service struct {
	*cri2019.Service
	exits chan cri2019.Exit // from the exit monitors to the loop
}

// New returns a service without containers: what an earlier service left is
// not recovered. Close ends it, ctx does not.
func New(ctx context.Context, env variants.Env) (*Service, error) {
	s := &Service{Service: cri2019.New(ctx, env), exits: make(chan cri2019.Exit, exitBuffer)}
	s.Go(func() {
		_ = cri2019.Loop(s.Service, s.exits, nil, func(e cri2019.Exit) (cri2019.Exit, bool) { return e, true })
	})
	return s, nil
}

// StartContainer holds Starting while it starts the container.
func (s *Service) StartContainer(ctx context.Context, r *runtime.StartContainerRequest) (_ *runtime.StartContainerResponse, retErr error) {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	if err := c.SetStarting(); err != nil {
		return nil, fmt.Errorf("start container %q: %w", c.ID, err)
	}
	defer func() {
		if retErr != nil {
			_ = c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
				return status.Failed(time.Now().UnixNano(), retErr), nil
			})
		}
		c.ResetStarting()
	}()
	if err := s.SandboxReady(c); err != nil {
		return nil, err
	}

	task, err := c.Client.NewTask(ctx, cio.NullIO)
	if err != nil {
		return nil, fmt.Errorf("create task of %q: %w", c.ID, err)
	}
	defer func() {
		if retErr != nil {
			ctx, cancel := cri2019.Detached(ctx)
			defer cancel()
			_, _ = task.Delete(ctx, containerd.WithProcessKill)
		}
	}()

	// Wait lasts as long as the process: it must not end with the request.
	waiting, cancel := context.WithCancel(s.Context())
	exit, err := task.Wait(waiting)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("wait for %q: %w", c.ID, err)
	}
	defer func() {
		if retErr != nil {
			cancel()
			<-exit
		}
	}()

	if err := task.Start(ctx); err != nil {
		return nil, fmt.Errorf("start task of %q: %w", c.ID, err)
	}
	if err := c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
		status.Pid = task.Pid()
		status.StartedAt = time.Now().UnixNano()
		return status, nil
	}); err != nil {
		return nil, fmt.Errorf("write status of %q: %w", c.ID, err)
	}
	// Only now, so that no exit is recorded before the RUNNING it ends.
	s.Go(func() {
		defer cancel()
		s.monitor(c.ID, exit)
	})
	return &runtime.StartContainerResponse{}, nil
}

// monitor passes the end of one process on to the loop. Close ends the wait
// with an error that is no exit.
func (s *Service) monitor(id string, exit <-chan containerd.ExitStatus) {
	code, at, err := (<-exit).Result()
	if s.Context().Err() != nil {
		return
	}
	if err != nil {
		code, at = containerd.UnknownExitStatus, time.Now()
	}
	select {
	case s.exits <- cri2019.Exit{ID: id, Code: code, At: at}:
	case <-s.Context().Done():
	}
}
