package impl

import (
	"testing"

	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestResources(t *testing.T) {
	old := &runtimespec.Spec{}
	assert.Nil(t, criResources(old))
	all := &runtime.LinuxContainerResources{
		CpuPeriod: 1, CpuQuota: 2, CpuShares: 3, MemoryLimitInBytes: 4, MemorySwapLimitInBytes: 5,
		CpusetCpus: "6", CpusetMems: "7",
		HugepageLimits: []*runtime.HugepageLimit{{PageSize: "2MB", Limit: 8}},
		Unified:        map[string]string{"memory.low": "9"},
	}
	spec, err := updatedSpec(old, all)
	require.NoError(t, err)
	assert.Equal(t, &runtimespec.Spec{}, old, "it is a copy that changes")
	assert.Equal(t, all, criResources(spec), "all are kept")
	again, err := updatedSpec(spec, all)
	require.NoError(t, err)
	assert.Equal(t, spec, again, "none is added twice")

	more, err := updatedSpec(spec, &runtime.LinuxContainerResources{MemoryLimitInBytes: 40})
	require.NoError(t, err)
	want := criResources(spec)
	want.MemoryLimitInBytes = 40
	assert.Equal(t, want, criResources(more), "zero keeps the value")
}

// What takes a task back: the old values, and for what had none that of a cgroup
// without limits.
func TestReverted(t *testing.T) {
	limit, quota := int64(4), int64(2)
	old := &runtimespec.Spec{Linux: &runtimespec.Linux{Resources: &runtimespec.LinuxResources{
		Memory: &runtimespec.LinuxMemory{Limit: &limit},
		CPU:    &runtimespec.LinuxCPU{Quota: &quota},
	}}}
	updated, err := updatedSpec(old, &runtime.LinuxContainerResources{
		MemoryLimitInBytes: 40, MemorySwapLimitInBytes: 50, CpuShares: 3, CpuQuota: 20, CpuPeriod: 10,
	})
	require.NoError(t, err)
	r := reverted(old, updated)
	assert.EqualValues(t, 4, *r.Memory.Limit)
	assert.EqualValues(t, -1, *r.Memory.Swap)
	assert.EqualValues(t, 2, *r.CPU.Quota)
	assert.EqualValues(t, 1024, *r.CPU.Shares)
	assert.EqualValues(t, 100_000, *r.CPU.Period)
	assert.EqualValues(t, 4, *old.Linux.Resources.Memory.Limit)

	unchanged, err := updatedSpec(&runtimespec.Spec{}, &runtime.LinuxContainerResources{})
	require.NoError(t, err)
	assert.Nil(t, reverted(&runtimespec.Spec{}, unchanged).Memory.Limit, "nothing to take back")
}
