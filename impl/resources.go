package impl

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/typeurl/v2"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// setResources changes the resources in spec to those of r that are not zero. It
// follows WithResources of containerd's internal/cri/opts/spec_linux_opts.go.
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
	set(&to.Memory.Swap, r.GetMemorySwapLimitInBytes())
	if cpus := r.GetCpusetCpus(); cpus != "" {
		to.CPU.Cpus = cpus
	}
	if mems := r.GetCpusetMems(); mems != "" {
		to.CPU.Mems = mems
	}
	if len(r.GetHugepageLimits()) > 0 {
		to.HugepageLimits = nil
		for _, l := range r.GetHugepageLimits() {
			to.HugepageLimits = append(to.HugepageLimits, runtimespec.LinuxHugepageLimit{Pagesize: l.GetPageSize(), Limit: l.GetLimit()})
		}
	}
	if len(r.GetUnified()) > 0 {
		if to.Unified == nil {
			to.Unified = map[string]string{}
		}
		maps.Copy(to.Unified, r.GetUnified())
	}
}

// withResources is setResources for a container that is created, of which the
// kernel's preference to kill it is settled too.
func withResources(r *runtime.LinuxContainerResources) oci.SpecOpts {
	return func(_ context.Context, _ oci.Client, _ *containers.Container, spec *oci.Spec) error {
		setResources(spec, r)
		if adj := int(r.GetOomScoreAdj()); adj != 0 {
			spec.Process.OOMScoreAdj = &adj
		}
		return nil
	}
}

func set[T uint64 | int64](field **T, value T) {
	if value != 0 {
		*field = &value
	}
}

// updatedSpec returns a copy of spec with the resources r.
func updatedSpec(spec *runtimespec.Spec, r *runtime.LinuxContainerResources) (*runtimespec.Spec, error) {
	data, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("failed to copy container spec: %w", err)
	}
	var updated runtimespec.Spec
	if err := json.Unmarshal(data, &updated); err != nil {
		return nil, fmt.Errorf("failed to copy container spec: %w", err)
	}
	setResources(&updated, r)
	return &updated, nil
}

// What a cgroup has that nobody gave a limit.
const (
	unlimited     = int64(-1)
	defaultShares = uint64(1024)
	defaultPeriod = uint64(100_000)
)

// reverted returns the resources that take a task from updated back to old. A
// runtime leaves alone what is not named, so that what old does not limit is
// named as unlimited.
func reverted(old, updated *runtimespec.Spec) *runtimespec.LinuxResources {
	r := runtimespec.LinuxResources{CPU: &runtimespec.LinuxCPU{}, Memory: &runtimespec.LinuxMemory{}}
	if old.Linux != nil && old.Linux.Resources != nil {
		was := old.Linux.Resources
		r.HugepageLimits, r.Unified = was.HugepageLimits, was.Unified
		if was.CPU != nil {
			*r.CPU = *was.CPU
		}
		if was.Memory != nil {
			*r.Memory = *was.Memory
		}
	}
	is := updated.Linux.Resources
	revert(&r.CPU.Period, is.CPU.Period, defaultPeriod)
	revert(&r.CPU.Quota, is.CPU.Quota, unlimited)
	revert(&r.CPU.Shares, is.CPU.Shares, defaultShares)
	revert(&r.Memory.Limit, is.Memory.Limit, unlimited)
	revert(&r.Memory.Swap, is.Memory.Swap, unlimited)
	return &r
}

func revert[T any](old **T, updated *T, unset T) {
	if *old == nil && updated != nil {
		*old = &unset
	}
}

// criResources returns the resources in spec as the CRI tells of them, nil if
// there are none.
func criResources(spec *runtimespec.Spec) *runtime.LinuxContainerResources {
	if spec.Linux == nil || spec.Linux.Resources == nil {
		return nil
	}
	from := spec.Linux.Resources
	r := &runtime.LinuxContainerResources{Unified: maps.Clone(from.Unified)}
	if spec.Process != nil {
		r.OomScoreAdj = int64(value(spec.Process.OOMScoreAdj))
	}
	if cpu := from.CPU; cpu != nil {
		r.CpuPeriod, r.CpuQuota, r.CpuShares = int64(value(cpu.Period)), value(cpu.Quota), int64(value(cpu.Shares))
		r.CpusetCpus, r.CpusetMems = cpu.Cpus, cpu.Mems
	}
	if memory := from.Memory; memory != nil {
		r.MemoryLimitInBytes, r.MemorySwapLimitInBytes = value(memory.Limit), value(memory.Swap)
	}
	for _, l := range from.HugepageLimits {
		r.HugepageLimits = append(r.HugepageLimits, &runtime.HugepageLimit{PageSize: l.Pagesize, Limit: l.Limit})
	}
	if from.CPU == nil && from.Memory == nil && len(r.Unified)+len(r.HugepageLimits) == 0 {
		return nil
	}
	return r
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// recordedResources returns the resources in the spec of a record; nil if there
// are none, or none that can be read.
func recordedResources(record containers.Container) *runtime.LinuxContainerResources {
	var spec runtimespec.Spec
	if record.Spec == nil || typeurl.UnmarshalTo(record.Spec, &spec) != nil {
		return nil
	}
	return criResources(&spec)
}
