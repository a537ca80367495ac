package variants_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// A Stop while Starting sees CREATED, does nothing and succeeds (W1,
// container_stop.go). The reference waits for the start, which gives up.
func TestStopWhileStarting(t *testing.T) {
	better(t, "I9", noFaults, func(w *world) {
		var stop func() (bool, error)
		w.at("tasks.Create/after-effect", func(context.Context) error {
			stop = w.meanwhile(func() error { return w.stop(0) })
			return nil
		})
		err := w.start()
		returned, stopErr := stop()
		assert.True(t, returned)
		assert.NoError(t, stopErr)
		assert.Equal(t, w.variant.Name == "v2_4_2", err == nil, err)
	})
}

// The same by StopPodSandbox (sandbox_stop.go): a container starts in a sandbox
// that is stopped.
func TestStopSandboxWhileStarting(t *testing.T) {
	better(t, "I17", noFaults, func(w *world) {
		var stop func() (bool, error)
		w.at("tasks.Create/after-effect", func(context.Context) error {
			stop = w.meanwhile(w.stopSandbox)
			return nil
		})
		_ = w.start()
		returned, err := stop()
		assert.True(t, returned)
		assert.NoError(t, err)
	})
}

// An update while Starting is written to the spec, from which the task was made
// already, and accepted (W2, container_update_resources.go). The reference waits
// for the start and then updates the task.
func TestUpdateWhileStarting(t *testing.T) {
	better(t, "I19", noFaults, func(w *world) {
		var update func() (bool, error)
		w.at("tasks.Create/after-effect", func(context.Context) error {
			update = w.meanwhile(func() error { return w.update(w.ctx, 7) })
			return nil
		})
		require.NoError(t, w.start())
		returned, err := update()
		assert.True(t, returned)
		assert.NoError(t, err)
		w.applied()
	})
}

// update accepts or refuses CPU shares.
func (w *world) update(ctx context.Context, shares int64) error {
	return w.do(model.Event{Op: model.OpUpdate, Resources: sharesText(shares)}, func(context.Context) error {
		return w.updateOf(ctx, w.id, shares)
	})
}

func (w *world) updateOf(ctx context.Context, id string, shares int64) error {
	_, err := w.service.(scenarios.Updater).UpdateContainerResources(ctx, &runtime.UpdateContainerResourcesRequest{
		ContainerId: id, Linux: &runtime.LinuxContainerResources{CpuShares: shares},
	})
	return err
}

// applied records what is in force.
func (w *world) applied() {
	resources, ok := w.Resources(w.id)
	require.True(w.t, ok)
	e := model.Event{Kind: model.Applied, Container: w.id}
	if resources.CPU != nil && resources.CPU.Shares != nil {
		e.Resources = sharesText(int64(*resources.CPU.Shares))
	}
	w.record(e)
}

func sharesText(shares int64) string { return fmt.Sprintf("shares=%d", shares) }

// RUNNING cannot be written, nor can the failure of the start, so that the
// container is CREATED again and its workload runs a second time (W3,
// container_start.go). The reference writes RUNNING first.
func TestDiskReopensStart(t *testing.T) {
	fault := func(f *fakes.Faults) {
		f.Fail("checkpoint.Write", 2, syscall.ENOSPC, false)
		f.Fail("checkpoint.Write", 3, syscall.ENOSPC, false)
	}
	better(t, "I1", fault, func(w *world) {
		require.Error(t, w.start())
		time.Sleep(time.Minute)
		_ = w.start()
	})
}

// A task is made although its creation fails. Nobody deletes it: the container is
// EXITED while a process waits to be started, and cannot be removed (W13,
// container_start.go, containerd#11037).
func TestCreateTaskFailsWithEffect(t *testing.T) {
	fault := func(f *fakes.Faults) { f.Fail("tasks.Create", 1, errdefs.ErrUnavailable, true) }
	better(t, "I3", fault, func(w *world) {
		require.ErrorIs(t, w.start(), errdefs.ErrUnavailable)
		time.Sleep(time.Minute)
		err := w.remove()
		assert.Equal(t, w.variant.Name == "v2_4_2", err != nil, err)
	})
}

// The same for containerd's record of a container that was not created (W13,
// container_create.go).
func TestCreateContainerFailsWithEffect(t *testing.T) {
	fault := func(f *fakes.Faults) { f.Fail("containers.Create", 2, errdefs.ErrUnavailable, true) }
	better(t, "a record is left", fault, func(w *world) {
		_, err := w.createIn(w.ctx, w.pod, "other", nil)
		require.Error(t, err)
		time.Sleep(time.Minute)
		client, err := w.Client()
		require.NoError(t, err)
		records, err := client.ContainerService().List(w.ctx)
		require.NoError(t, err)
		w.wrong["a record is left"] = len(records) > 1
	})
}

// The caller gives up while the task is being made: it is left, as above.
func TestCallerGivesUpDuringCreate(t *testing.T) {
	better(t, "I3", noFaults, func(w *world) {
		ctx, cancel := context.WithCancel(w.ctx)
		w.at("tasks.Create/after-effect", func(context.Context) error {
			cancel()
			return nil
		})
		require.Error(t, w.startWith(ctx))
		time.Sleep(time.Minute)
	})
}

// The start fails after its effect, and deleting the task fails too. The
// container is UNKNOWN (since 2.4.1), its process runs, and nobody tries again
// until somebody removes it (W10, container_start.go).
func TestCleanupOfStartFails(t *testing.T) {
	fault := func(f *fakes.Faults) {
		f.Fail("tasks.Start", 1, errdefs.ErrUnavailable, true)
		f.Fail("tasks.Delete", 1, errdefs.ErrUnavailable, false)
		f.Fail("tasks.Kill", 1, errdefs.ErrUnavailable, false)
	}
	better(t, "I3", fault, func(w *world) {
		require.ErrorIs(t, w.start(), errdefs.ErrUnavailable)
		time.Sleep(time.Hour)
		w.settle()
		assert.Equal(t, w.variant.Name == "v2_4_2", w.Live(w.id))
		assert.NoError(t, w.remove())
	})
}

// Until 2.4.0 it is EXITED: Stop does nothing and succeeds, and Remove refuses for
// ever. What was right in 2.4.1 is not wrong in the reference.
func TestCleanupOfStartFailsForEver(t *testing.T) {
	fault := func(f *fakes.Faults) {
		f.Fail("tasks.Start", 1, errdefs.ErrUnavailable, true)
		f.Fail("tasks.Delete", 1, errdefs.ErrUnavailable, false)
		f.Fail("tasks.Kill", 1, errdefs.ErrUnavailable, false)
	}
	for variant, want := range map[string]bool{"v2_4_0": false, "v2_4_2": true, scenarios.Reference.Name: true} {
		in(t, variant, fault, func(w *world) {
			require.ErrorIs(t, w.start(), errdefs.ErrUnavailable)
			time.Sleep(time.Hour)
			assert.NoError(t, w.stop(0))
			assert.Equal(t, want, w.remove() == nil, variant)
			assert.Equal(t, !want, w.Live(w.id), variant)
		})
	}
}

// The process has ended by the time that StartedAt is taken (container_start.go).
func TestFinishedBeforeStarted(t *testing.T) {
	better(t, "FinishedAt before StartedAt", noFaults, func(w *world) {
		w.at("tasks.Start/after-effect", func(context.Context) error {
			require.True(t, w.Exit(w.id, 3))
			time.Sleep(time.Second)
			return nil
		})
		require.NoError(t, w.start())
		time.Sleep(time.Second)
		status := w.status()
		require.Equal(t, runtime.ContainerState_CONTAINER_EXITED, status.State)
		w.wrong["FinishedAt before StartedAt"] = status.FinishedAt < status.StartedAt
	})
}
