package impl

import (
	"context"
	"fmt"

	cgroup1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	cgroup2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// ContainerStats returns what the cgroup of a running container has counted. The
// error has class NotFound if the container does not run.
func (s *Service) ContainerStats(ctx context.Context, r *runtime.ContainerStatsRequest) (_ *runtime.ContainerStatsResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	c, err := s.container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	all, err := s.stats(ctx, []*container{c})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("metrics of container %q: %w", c.ID, errdefs.ErrNotFound)
	}
	return &runtime.ContainerStatsResponse{Stats: all[0]}, nil
}

// ListContainerStats returns those of the running containers that match the filter,
// sorted by id.
func (s *Service) ListContainerStats(ctx context.Context, r *runtime.ListContainerStatsRequest) (_ *runtime.ListContainerStatsResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	filter := r.GetFilter()
	var asked []*container
	for _, c := range s.sortedContainers() {
		switch {
		case filter.GetId() != "" && filter.GetId() != c.ID:
		case filter.GetPodSandboxId() != "" && filter.GetPodSandboxId() != c.SandboxID:
		case !matches(c.Config.GetLabels(), filter.GetLabelSelector()):
		default:
			asked = append(asked, c)
		}
	}
	all, err := s.stats(ctx, asked)
	if err != nil {
		return nil, err
	}
	return &runtime.ListContainerStatsResponse{Stats: all}, nil
}

// stats returns the counters of those containers that run.
func (s *Service) stats(ctx context.Context, asked []*container) ([]*runtime.ContainerStats, error) {
	var filters []string
	for _, c := range asked {
		if c.get().State() == runtime.ContainerState_CONTAINER_RUNNING {
			filters = append(filters, "id=="+c.ID)
		}
	}
	if len(filters) == 0 {
		return nil, nil // no filter would be all tasks
	}
	r, err := s.client.TaskService().Metrics(ctx, &tasks.MetricsRequest{Filters: filters})
	if err != nil {
		return nil, fmt.Errorf("failed to get metrics: %w", errgrpc.ToNative(err))
	}
	metrics := map[string]*types.Metric{}
	for _, m := range r.GetMetrics() {
		metrics[m.GetID()] = m
	}
	var all []*runtime.ContainerStats
	for _, c := range asked {
		m := metrics[c.ID]
		if m.GetData() == nil { // it has ended
			continue
		}
		counted, err := counters(m)
		if err != nil {
			return nil, fmt.Errorf("container %q: %w", c.ID, err)
		}
		counted.Attributes = &runtime.ContainerAttributes{
			Id: c.ID, Metadata: c.Config.GetMetadata(), Labels: c.Config.GetLabels(), Annotations: c.Config.GetAnnotations(),
		}
		all = append(all, counted)
	}
	return all, nil
}

// counters translates metrics. The working set is what cannot be given back at
// once, as cadvisor has it.
func counters(m *types.Metric) (*runtime.ContainerStats, error) {
	data, err := typeurl.UnmarshalAny(m.GetData())
	if err != nil {
		return nil, fmt.Errorf("failed to decode metrics: %w", err)
	}
	var nanoseconds, memory, inactive uint64
	switch m := data.(type) {
	case *cgroup1.Metrics:
		nanoseconds = m.GetCPU().GetUsage().GetTotal()
		memory, inactive = m.GetMemory().GetUsage().GetUsage(), m.GetMemory().GetTotalInactiveFile()
	case *cgroup2.Metrics:
		nanoseconds = m.GetCPU().GetUsageUsec() * 1000
		memory, inactive = m.GetMemory().GetUsage(), m.GetMemory().GetInactiveFile()
	default:
		return nil, fmt.Errorf("metrics of type %T: %w", data, errdefs.ErrNotImplemented)
	}
	at := m.GetTimestamp().AsTime().UnixNano()
	return &runtime.ContainerStats{
		Cpu: &runtime.CpuUsage{Timestamp: at, UsageCoreNanoSeconds: &runtime.UInt64Value{Value: nanoseconds}},
		Memory: &runtime.MemoryUsage{
			Timestamp:       at,
			UsageBytes:      &runtime.UInt64Value{Value: memory},
			WorkingSetBytes: &runtime.UInt64Value{Value: memory - min(inactive, memory)},
		},
	}, nil
}
