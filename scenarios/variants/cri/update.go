package cri

import (
	"context"
	"fmt"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants/internal/cri2019"
)

// UpdateContainerResources changes the record and, if the container is RUNNING,
// the task, within one transaction of the status. A container that is being
// started is not RUNNING. It follows container_update_resources.go.
func (s *Service) UpdateContainerResources(ctx context.Context, r *runtime.UpdateContainerResourcesRequest) (*runtime.UpdateContainerResourcesResponse, error) {
	ctx = s.Namespaced(ctx)
	c, err := s.Container(r.GetContainerId())
	if err != nil {
		return nil, err
	}
	if err := c.Status.UpdateSync(func(status cri2019.Status) (cri2019.Status, error) {
		return status, s.update(ctx, c, status, r.GetLinux())
	}); err != nil {
		return nil, fmt.Errorf("update resources of %q: %w", c.ID, err)
	}
	return &runtime.UpdateContainerResourcesResponse{}, nil
}

func (s *Service) update(ctx context.Context, c *cri2019.Container, status cri2019.Status, r *runtime.LinuxContainerResources) (retErr error) {
	if status.Removing {
		return fmt.Errorf("in removing state: %w", errdefs.ErrFailedPrecondition)
	}
	spec, err := c.Client.Spec(ctx)
	if err != nil {
		return fmt.Errorf("get spec: %w", err)
	}
	old, err := typeurl.MarshalAny(spec)
	if err != nil {
		return fmt.Errorf("encode spec: %w", err)
	}
	setResources(spec, r)
	updated, err := typeurl.MarshalAny(spec)
	if err != nil {
		return fmt.Errorf("encode spec: %w", err)
	}
	if err := writeSpec(ctx, c, updated); err != nil {
		return err
	}
	defer func() {
		if retErr != nil {
			ctx, cancel := cri2019.Detached(ctx)
			defer cancel()
			_ = writeSpec(ctx, c, old)
		}
	}()
	if status.State() != runtime.ContainerState_CONTAINER_RUNNING {
		return nil // its task will be made from the record
	}
	task, err := c.Client.Task(ctx, nil)
	if err == nil {
		err = task.Update(ctx, containerd.WithResources(spec.Linux.Resources))
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("update task: %w", err)
	}
	return nil
}

func writeSpec(ctx context.Context, c *cri2019.Container, spec typeurl.Any) error {
	if err := c.Client.Update(ctx, func(_ context.Context, _ *containerd.Client, record *containers.Container) error {
		record.Spec = spec
		return nil
	}); err != nil {
		return fmt.Errorf("write spec: %w", err)
	}
	return nil
}

// setResources changes what r names.
func setResources(spec *runtimespec.Spec, r *runtime.LinuxContainerResources) {
	if spec.Linux == nil {
		spec.Linux = &runtimespec.Linux{}
	}
	if spec.Linux.Resources == nil {
		spec.Linux.Resources = &runtimespec.LinuxResources{}
	}
	to := spec.Linux.Resources
	if to.CPU == nil {
		to.CPU = &runtimespec.LinuxCPU{}
	}
	if to.Memory == nil {
		to.Memory = &runtimespec.LinuxMemory{}
	}
	set(&to.CPU.Period, uint64(r.GetCpuPeriod()))
	set(&to.CPU.Quota, r.GetCpuQuota())
	set(&to.CPU.Shares, uint64(r.GetCpuShares()))
	set(&to.Memory.Limit, r.GetMemoryLimitInBytes())
	if cpus := r.GetCpusetCpus(); cpus != "" {
		to.CPU.Cpus = cpus
	}
	if mems := r.GetCpusetMems(); mems != "" {
		to.CPU.Mems = mems
	}
}

func set[T uint64 | int64](field **T, value T) {
	if value != 0 {
		*field = &value
	}
}
