package cri

import (
	"context"

	cgroup1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	cgroup2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	eventsapi "github.com/containerd/containerd/api/events"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/typeurl/v2"

	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

const (
	oomReason  = "OOMKilled"
	killedCode = 128 + 9
)

func (s *Service) subscribe() (<-chan *events.Envelope, <-chan error) {
	return s.Env.Client.EventService().Subscribe(s.Context(), `topic=="/tasks/oom"`)
}

// oomOf returns the container that an OOM event is about.
func (s *Service) oomOf(envelope *events.Envelope) (id string, ok bool) {
	if envelope == nil || envelope.Namespace != s.Env.Namespace {
		return "", false
	}
	e, err := typeurl.UnmarshalAny(envelope.Event)
	if err != nil {
		return "", false
	}
	oom, ok := e.(*eventsapi.TaskOOM)
	if !ok {
		return "", false
	}
	return oom.ContainerID, true
}

// killedForMemory writes the reason, whatever the state.
func (s *Service) killedForMemory(c *cri2019.Container) error {
	if c.Status.Get().Reason == oomReason {
		return nil
	}
	return c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
		status.Reason = oomReason
		return status, nil
	})
}

// askForOOM asks the cgroup of a task that was killed whether it lacked memory.
// An error means that nothing is known.
func (s *Service) askForOOM(ctx context.Context, c *cri2019.Container, task containerd.Task) {
	if c.Status.Get().Reason == oomReason {
		return
	}
	metrics, err := task.Metrics(ctx)
	if err != nil || metrics.GetData() == nil {
		return
	}
	data, err := typeurl.UnmarshalAny(metrics.GetData())
	if err != nil {
		return
	}
	var kills uint64
	switch m := data.(type) {
	case *cgroup1.Metrics:
		kills = m.GetMemoryOomControl().GetOomKill()
	case *cgroup2.Metrics:
		kills = m.GetMemoryEvents().GetOomKill()
	}
	if kills > 0 {
		_ = s.killedForMemory(c)
	}
}
