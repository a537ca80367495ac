package peers

import (
	"context"
	"fmt"
	"sync"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/typeurl/v2"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// Conmon2020 is a service. Its methods may be called concurrently.
type Conmon2020 struct {
	*cri2019.Service

	mu      sync.Mutex
	watched map[uint32]string // containers, by their processes
}

// NewConmon2020 returns a service without containers.
func NewConmon2020(ctx context.Context, env variants.Env) (*Conmon2020, error) {
	s := &Conmon2020{Service: cri2019.New(ctx, env), watched: map[uint32]string{}}
	in, errs := s.Env.Client.EventService().Subscribe(s.Context(), `topic=="/tasks/exit"`)
	s.Go(func() { _ = cri2019.Loop(s.Service, in, errs, s.parse) })
	return s, nil
}

// StartContainer holds Starting while it starts the container, and has its process
// watched then.
func (s *Conmon2020) StartContainer(ctx context.Context, r *runtime.StartContainerRequest) (_ *runtime.StartContainerResponse, retErr error) {
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
			deleteTask(ctx, task)
		}
	}()
	if err := task.Start(ctx); err != nil {
		return nil, fmt.Errorf("start task of %q: %w", c.ID, err)
	}
	if err := started(c, task.Pid()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watched[task.Pid()] = c.ID
	return &runtime.StartContainerResponse{}, nil
}

// parse drops the exits of processes that nobody has told it to watch.
func (s *Conmon2020) parse(envelope *events.Envelope) (cri2019.Exit, bool) {
	if envelope == nil || envelope.Namespace != s.Env.Namespace {
		return cri2019.Exit{}, false
	}
	event, err := typeurl.UnmarshalAny(envelope.Event)
	if err != nil {
		return cri2019.Exit{}, false
	}
	exit, ok := event.(*eventsapi.TaskExit)
	if !ok {
		return cri2019.Exit{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.watched[exit.Pid]
	delete(s.watched, exit.Pid)
	return cri2019.Exit{ID: id, Code: exit.ExitStatus, At: exit.ExitedAt.AsTime()}, ok
}
