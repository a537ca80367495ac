package impl_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes/failpoint"
)

func (w *world) update(ctx context.Context, id string, memory int64) error {
	_, err := w.UpdateContainerResources(ctx, &runtime.UpdateContainerResourcesRequest{
		ContainerId: id, Linux: &runtime.LinuxContainerResources{MemoryLimitInBytes: memory},
	})
	return errgrpc.ToNative(err)
}

// memory returns the limit that the status tells, and the one in the task; 0 for
// none, -1 without a task.
func (w *world) memory(id string) (told, inForce int64) {
	status, err := w.status(id)
	require.NoError(w.t, err)
	r, ok := w.Resources(id)
	switch {
	case !ok:
		inForce = -1
	case r.Memory != nil && r.Memory.Limit != nil:
		inForce = *r.Memory.Limit
	}
	return status.GetResources().GetLinux().GetMemoryLimitInBytes(), inForce
}

func (w *world) assertMemory(id string, want, wantInForce int64) {
	w.t.Helper()
	told, inForce := w.memory(id)
	assert.Equal(w.t, want, told, "told")
	assert.Equal(w.t, wantInForce, inForce, "in force")
}

func TestUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := request(w.sandbox("pod"), "c")
		r.Config.Linux = &runtime.LinuxContainerConfig{Resources: &runtime.LinuxContainerResources{MemoryLimitInBytes: 1, CpuShares: 7, OomScoreAdj: 9}}
		c, err := w.CreateContainer(w.ctx, r)
		require.NoError(t, err)
		id := c.GetContainerId()
		w.assertMemory(id, 1, -1)

		require.NoError(t, w.update(w.ctx, id, 2))
		w.assertMemory(id, 2, -1)
		require.NoError(t, w.start(id))
		w.assertMemory(id, 2, 2)
		require.NoError(t, w.update(w.ctx, id, 3))
		w.assertMemory(id, 3, 3)

		w.restart()
		w.assertMemory(id, 3, 3)
		status, err := w.status(id)
		require.NoError(t, err)
		assert.EqualValues(t, 7, status.GetResources().GetLinux().GetCpuShares(), "untouched by the updates")
		assert.EqualValues(t, 9, status.GetResources().GetLinux().GetOomScoreAdj())

		require.True(t, w.Exit(id, 0))
		synctest.Wait()
		require.ErrorIs(t, w.update(w.ctx, id, 4), errdefs.ErrFailedPrecondition)
		w.assertMemory(id, 3, -1)
		require.NoError(t, w.remove(id))
		require.ErrorIs(t, w.update(w.ctx, id, 4), errdefs.ErrNotFound)
	})
}

func TestUpdateRefused(t *testing.T) {
	w := newWorld(t)
	id := w.started()
	_, err := w.UpdateContainerResources(w.ctx, &runtime.UpdateContainerResourcesRequest{ContainerId: id})
	require.ErrorIs(t, errgrpc.ToNative(err), errdefs.ErrInvalidArgument)
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	require.ErrorIs(t, w.update(ctx, id, 4), context.Canceled)
	w.assertMemory(id, 0, 0)
}

// An update while the container is Starting waits for the start, and is in force
// when it is told to have succeeded; upstream writes it to the record and forgets
// about the task (W2).
func TestUpdateWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		entered, release := w.gate.hold()
		started, updated := make(chan error, 1), make(chan error, 1)
		go func() { started <- w.start(id) }()
		<-entered // the task has been created from the old record
		go func() { updated <- w.update(w.ctx, id, 5) }()
		synctest.Wait()
		w.assertMemory(id, 0, 0)

		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		require.ErrorIs(t, w.update(ctx, id, 6), context.DeadlineExceeded)

		release()
		require.NoError(t, <-started)
		require.NoError(t, <-updated)
		w.assertMemory(id, 5, 5)
	})
}

// A start that fails refuses the update that waited for it.
func TestUpdateWhileStartFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		w.faults.Fail("tasks.Start", 1, errdefs.ErrUnavailable, false)
		entered, release := w.gate.hold()
		started, updated := make(chan error, 1), make(chan error, 1)
		go func() { started <- w.start(id) }()
		<-entered
		go func() { updated <- w.update(w.ctx, id, 5) }()
		synctest.Wait()
		release()
		require.Error(t, <-started)
		require.ErrorIs(t, <-updated, errdefs.ErrFailedPrecondition)
		w.assertMemory(id, 0, -1)
	})
}

// An update that fails changes nothing, wherever it fails and whether that took
// effect; the next one succeeds.
func TestUpdateFails(t *testing.T) {
	for _, call := range []string{"containers.Get", "containers.Update", "tasks.Get", "tasks.Update"} {
		for _, after := range []bool{false, true} {
			for _, undo := range []string{"", "containers.Update", "tasks.Update"} {
				t.Run(fmt.Sprint(call, after, undo), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t)
						w.faults.Hold()
						id := w.started()
						require.NoError(t, w.update(w.ctx, id, 1))
						w.faults.Release()
						w.faults.Fail(call, 1, errdefs.ErrUnavailable, after)
						if undo != "" {
							for n := range 3 {
								w.faults.Fail(undo, n+2, errdefs.ErrUnavailable, n == 1)
							}
						}
						require.ErrorIs(t, w.update(w.ctx, id, 2), errdefs.ErrUnavailable)
						w.assertMemory(id, 1, 1)
						w.StopFaults()
						require.NoError(t, w.update(w.ctx, id, 3))
						w.assertMemory(id, 3, 3)
					})
				})
			}
		}
	}
}

// A failure whose undoing takes long keeps nobody waiting for ever, and a start
// waits for the record to be right again.
func TestUpdateIsUndoneLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		for n := range 10 {
			w.faults.Fail("containers.Update", n+1, errdefs.ErrUnavailable, n == 0)
		}
		begin := time.Now()
		require.ErrorIs(t, w.update(w.ctx, id, 2), errdefs.ErrUnavailable)
		assert.LessOrEqual(t, time.Since(begin), 10*time.Second)
		assert.Empty(t, w.Tasks())
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		_, err := w.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: id})
		require.ErrorIs(t, errgrpc.ToNative(err), context.DeadlineExceeded)
		assert.Equal(t, created, w.state(id))
		require.NoError(t, w.start(id))
		w.assertMemory(id, 0, 0)
	})
}

// The service ends while an update that came through is undone, which the task
// resists: the record and the task still have the same after the restart.
func TestUpdateUndoIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started()
		for n := range 20 {
			w.faults.Fail("tasks.Update", n+1, errdefs.ErrUnavailable, n == 0)
		}
		require.ErrorIs(t, w.update(w.ctx, id, 2), errdefs.ErrUnavailable)
		require.NoError(t, w.Service.Close())
		w.StopFaults()
		w.restart()
		synctest.Wait()
		w.assertMemory(id, 2, 2)
	})
}

// The process ends before the runtime hears of the update: that is no success,
// and neither the container nor its record comes back.
func TestUpdateBesideExit(t *testing.T) {
	for _, removed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.faults.Plan = failpoint.MustParse("tasks.Update=delay(1s)")
			id := w.started()
			updated := make(chan error, 1)
			go func() { updated <- w.update(w.ctx, id, 2) }()
			time.Sleep(time.Second / 2)
			require.True(t, w.Exit(id, 7))
			if removed {
				synctest.Wait()
				require.NoError(t, w.remove(id))
			}
			require.ErrorIs(t, <-updated, errdefs.ErrFailedPrecondition)
			if removed {
				w.assertEmpty()
				return
			}
			status, err := w.status(id)
			require.NoError(t, err)
			assert.EqualValues(t, 7, status.GetExitCode())
			w.assertMemory(id, 0, -1)
			require.NoError(t, w.remove(id))
			w.assertEmpty()
		})
	}
}

// The service ends between the record and the task: the next one puts in force
// what the record says.
func TestUpdateCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.faults.Plan = failpoint.MustParse("tasks.Update=1*block")
		id := w.started()
		time.Sleep(time.Second)
		ctx, cancel := context.WithCancel(w.ctx)
		updated := make(chan error, 1)
		go func() { updated <- w.update(ctx, id, 2) }()
		synctest.Wait()
		require.NoError(t, w.Service.Close())
		cancel()
		require.Error(t, <-updated)
		w.restart()
		synctest.Wait()
		w.assertMemory(id, 2, 2)
		require.NoError(t, w.update(w.ctx, id, 3))
		w.assertMemory(id, 3, 3)
	})
}

// A call that takes effect after its caller gave up does not undo what came after
// it.
func TestSlowUpdate(t *testing.T) {
	for _, call := range []string{"tasks.Update", "containers.Update"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id := w.started()
				w.faults.Plan = failpoint.MustParse(call + "/before-effect=2*slow(12s)")
				ctx, cancel := context.WithTimeout(w.ctx, time.Second)
				defer cancel()
				require.Error(t, w.update(ctx, id, 5))
				require.NoError(t, w.update(w.ctx, id, 6))
				time.Sleep(time.Minute)
				w.assertMemory(id, 6, 6)
				record, err := w.client.LoadContainer(w.ctx, id)
				require.NoError(t, err)
				spec, err := record.Spec(w.ctx)
				require.NoError(t, err)
				require.NotNil(t, spec.Linux.Resources.Memory, "in the record")
				require.NotNil(t, spec.Linux.Resources.Memory.Limit, "in the record")
				assert.EqualValues(t, 6, *spec.Linux.Resources.Memory.Limit, "in the record")
			})
		})
	}
}
