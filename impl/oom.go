package impl

import (
	"context"
	"fmt"
	"time"

	cgroup1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	cgroup2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"github.com/containerd/typeurl/v2"
)

const (
	// oomExitReason describes a container that was killed for want of memory.
	oomExitReason = "OOMKilled"
	// killedExitCode is the code of a process that SIGKILL ended.
	killedExitCode = 137
	// oomTimeout is how long the question for it may hold up an exit.
	oomTimeout = 2 * time.Second
)

// oomKilled reports whether the kernel killed processes of c for want of memory.
// It asks the counters of the cgroup, which are there until the task is deleted,
// and not the events, which come when they like: so the reason is part of the
// exit, in the record and for all who see it (containerd#12714). Without an
// answer nothing is known. Only services with pause processes ask.
func (s *Service) oomKilled(ctx context.Context, c *container, e exit) bool {
	if s.config.Pause == nil || c.SandboxID == "" || !e.known() || e.code != killedExitCode {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, oomTimeout)
	defer cancel()
	kills, err := s.oomKills(ctx, c.ID)
	if err != nil {
		log.G(ctx).WithError(err).Warnf("Failed to find out whether container %q ran out of memory", c.ID)
	}
	return kills > 0
}

// oomKills returns the number of processes that the kernel killed.
func (s *Service) oomKills(ctx context.Context, id string) (uint64, error) {
	r, err := s.client.TaskService().Metrics(ctx, &tasks.MetricsRequest{Filters: []string{"id==" + id}})
	if err != nil {
		return 0, errgrpc.ToNative(err)
	}
	if len(r.GetMetrics()) == 0 || r.GetMetrics()[0].GetData() == nil {
		return 0, fmt.Errorf("metrics of %q: %w", id, errdefs.ErrNotFound)
	}
	data, err := typeurl.UnmarshalAny(r.GetMetrics()[0].GetData())
	if err != nil {
		return 0, fmt.Errorf("failed to decode metrics: %w", err)
	}
	switch m := data.(type) {
	case *cgroup1.Metrics:
		return m.GetMemoryOomControl().GetOomKill(), nil
	case *cgroup2.Metrics:
		return m.GetMemoryEvents().GetOomKill(), nil
	}
	return 0, fmt.Errorf("metrics of type %T: %w", data, errdefs.ErrNotImplemented)
}
