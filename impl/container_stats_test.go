package impl_test

import (
	"testing"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Only what runs has counters, and only what is asked for is told.
func TestContainerStats(t *testing.T) {
	w := newWorld(t)
	list := func(f *runtime.ContainerStatsFilter) (ids []string) {
		r, err := w.ListContainerStats(w.ctx, &runtime.ListContainerStatsRequest{Filter: f})
		require.NoError(t, err)
		for _, s := range r.GetStats() {
			ids = append(ids, s.GetAttributes().GetId())
			assert.Positive(t, s.GetCpu().GetTimestamp())
			assert.Positive(t, s.GetMemory().GetTimestamp())
			assert.LessOrEqual(t, s.GetMemory().GetWorkingSetBytes().GetValue(), s.GetMemory().GetUsageBytes().GetValue())
		}
		return ids
	}
	waiting := w.container()
	assert.Empty(t, list(nil))
	a, b := w.started(), w.started()
	assert.Equal(t, []string{a, b}, list(nil))
	assert.Equal(t, []string{b}, list(&runtime.ContainerStatsFilter{Id: b}))
	assert.Empty(t, list(&runtime.ContainerStatsFilter{PodSandboxId: "other"}))
	assert.Empty(t, list(&runtime.ContainerStatsFilter{LabelSelector: map[string]string{"name": "other"}}))
	assert.Len(t, list(&runtime.ContainerStatsFilter{LabelSelector: map[string]string{"name": "c"}}), 2)

	r, err := w.ContainerStats(w.ctx, &runtime.ContainerStatsRequest{ContainerId: a})
	require.NoError(t, err)
	assert.Equal(t, a, r.GetStats().GetAttributes().GetId())
	assert.Equal(t, "c", r.GetStats().GetAttributes().GetMetadata().GetName())
	for _, id := range []string{waiting, "none"} {
		_, err = w.ContainerStats(w.ctx, &runtime.ContainerStatsRequest{ContainerId: id})
		assert.True(t, errdefs.IsNotFound(errgrpc.ToNative(err)), err)
	}
}
