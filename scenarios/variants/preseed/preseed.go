// Package preseed is the start of a container as it was until April 2019: one
// transaction of the container's status from the first check to RUNNING.
//
// Nothing can come between a start and the status it writes. An exit that is
// seen early waits for the end of the transaction, and so does everybody else:
// every reader of the status, for as long as the runtime takes.
//
// Exits come from containerd's event stream, which is best effort: an event
// that is lost leaves the container RUNNING for ever (I3), and StopContainer
// waits for it in vain (containerd/containerd#3125, #3177). A transaction whose
// write fails leaves the process running and the container CREATED.
//
// It follows containerd/cri pkg/server/container_start.go and events.go before
// containerd/cri#1133, in our own words.
package preseed

import (
	"context"
	"fmt"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// Service is the variant. Its methods may be called concurrently.
type Service struct{ *cri2019.Service }

// New returns a service that listens for exits. It has no containers: what an
// earlier service left is not recovered. Close ends it, ctx does not.
func New(ctx context.Context, env variants.Env) (*Service, error) {
	s := &Service{cri2019.New(ctx, env)}
	in, errs := s.subscribe()
	s.Go(func() { s.listen(in, errs) })
	return s, nil
}

// StartContainer starts the container inside one transaction of its status,
// which records the outcome whether it is a success or not.
func (s *Service) StartContainer(ctx context.Context, r *runtime.StartContainerRequest) (*runtime.StartContainerResponse, error) {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	var startErr error
	updateErr := c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
		startErr = s.start(ctx, c, &status)
		return status, nil
	})
	if startErr != nil {
		return nil, fmt.Errorf("start container %q: %w", c.ID, startErr)
	}
	if updateErr != nil {
		return nil, fmt.Errorf("write status of %q: %w", c.ID, updateErr)
	}
	return &runtime.StartContainerResponse{}, nil
}

func (s *Service) start(ctx context.Context, c *cri2019.Container, status *cri2019.Status) (retErr error) {
	if state := status.State(); state != runtime.ContainerState_CONTAINER_CREATED {
		return fmt.Errorf("container is in state %s: %w", state, errdefs.ErrFailedPrecondition)
	}
	if status.Removing {
		return fmt.Errorf("container is in removing state: %w", errdefs.ErrFailedPrecondition)
	}
	defer func() {
		if retErr != nil {
			*status = status.Failed(time.Now().UnixNano(), retErr)
		}
	}()
	if err := s.SandboxReady(c); err != nil {
		return err
	}
	task, err := c.Client.NewTask(ctx, cio.NullIO)
	if err != nil {
		return fmt.Errorf("create task: %w", err)
	}
	defer func() {
		if retErr != nil {
			ctx, cancel := cri2019.Detached(ctx)
			defer cancel()
			_, _ = task.Delete(ctx, containerd.WithProcessKill) // the exit handler may have deleted it
		}
	}()
	if err := task.Start(ctx); err != nil {
		return fmt.Errorf("start task: %w", err)
	}
	status.Pid = task.Pid()
	status.StartedAt = time.Now().UnixNano()
	return nil
}

func (s *Service) subscribe() (<-chan *events.Envelope, <-chan error) {
	return s.Env.Client.EventService().Subscribe(s.Context(), `topic=="/tasks/exit"`)
}

// listen handles exits until the service is closed. When the stream breaks it
// subscribes again a second later; what happened in between is not told.
func (s *Service) listen(in <-chan *events.Envelope, errs <-chan error) {
	for cri2019.Loop(s.Service, in, errs, s.parse) != nil {
		select {
		case <-time.After(time.Second):
			in, errs = s.subscribe()
		case <-s.Context().Done():
			return
		}
	}
}

// parse ignores the exits of other namespaces, and of processes that were
// executed in a container, which have an ID of their own.
func (s *Service) parse(envelope *events.Envelope) (cri2019.Exit, bool) {
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
	return cri2019.Exit{ID: exit.ID, Code: exit.ExitStatus, At: exit.ExitedAt.AsTime()}, true
}
