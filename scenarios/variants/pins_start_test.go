package variants_test

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

var startPins = []interleaving{
	{
		name:  "stop while starting",
		story: "StopContainer sees CREATED, does nothing and succeeds; the container runs a moment later",
		where: "W1, container_stop.go", wrong: "I9", reads: true, run: stopWhileStarting,
	},
	{
		name:  "sandbox stop while starting",
		story: "StopPodSandbox does the same; a container starts in a stopped sandbox",
		where: "W1, sandbox_stop.go", wrong: "I17", reads: true, run: stopSandboxWhileStarting,
	},
	{
		name:  "update while starting",
		story: "UpdateContainerResources writes the spec, from which the task was made already, and succeeds",
		where: "W2, container_update_resources.go", wrong: "I19", needs: []scenarios.Ability{scenarios.Updates}, run: updateWhileStarting,
	},
	{
		name:  "start while starting",
		story: "a second start passes the same check; the runtime refuses its task, and its failure is what is recorded",
		where: "moby#18736, daemon/start.go", reads: true, run: startWhileStarting,
	},
	{
		name:  "disk reopens a start",
		story: "RUNNING cannot be written, nor the failure of the start: the container is CREATED again, and starts again",
		where: "W3, container_start.go", wrong: "I1", prepare: func(f *fakes.Faults) {
			f.Fail("checkpoint.Write", 2, syscall.ENOSPC, false)
			f.Fail("checkpoint.Write", 3, syscall.ENOSPC, false)
		}, run: diskReopensStart,
	},
	{
		name:  "create of a task fails with effect",
		story: "the task is there, and nobody deletes it: EXITED with a process that waits to be started",
		where: "container_start.go, containerd#11037", wrong: "I3", prepare: createFails, run: startFails,
	},
	{
		name:  "create of a record fails with effect",
		story: "CreateContainer fails, and the record in containerd stays",
		where: "container_create.go", wrong: "a record is left", prepare: func(f *fakes.Faults) {
			f.Fail("containers.Create", 2, errdefs.ErrUnavailable, true)
		}, run: createRecordFails,
	},
	{
		name:  "caller gives up during create",
		story: "the task that is being made is left",
		where: "container_start.go", wrong: "I3", run: givenUpDuringCreate,
	},
	{
		name:  "cleanup of a start fails",
		story: "the start fails after its effect, and so does the deletion of the task: the process runs, and nobody tries again",
		where: "W10, container_start.go", wrong: "I3", prepare: cleanupFails, run: startFails,
	},
	{
		name:  "cleanup of a start fails for ever",
		story: "the same, and then the container is to be removed, which refuses until 2.4.0",
		where: "W10, container_start.go", prepare: cleanupFails, run: removeAfterFailedCleanup,
	},
	{
		name:  "exit before its start is known",
		story: "the process that ends is none that the watcher was told to watch",
		where: "conmon#139", reads: true, run: exitBeforePid,
	},
	{
		name:  "exit before the start returns",
		story: "StartedAt is taken when Start has returned, after the exit",
		where: "container_start.go", wrong: "FinishedAt before StartedAt", reads: true, run: exitBeforeReturn,
	},
}

func createFails(f *fakes.Faults) { f.Fail("tasks.Create", 1, errdefs.ErrUnavailable, true) }

func cleanupFails(f *fakes.Faults) {
	f.Fail("tasks.Start", 1, errdefs.ErrUnavailable, true)
	f.Fail("tasks.Delete", 1, errdefs.ErrUnavailable, false)
	f.Fail("tasks.Kill", 1, errdefs.ErrUnavailable, false)
}

func stopWhileStarting(w *world) {
	var stop func() (bool, error)
	w.at("tasks.Create/after-effect", func(context.Context) error {
		stop = w.meanwhile(func() error { return w.stop(0) })
		return nil
	})
	_ = w.start()
	returned, err := stop()
	assert.True(w.t, returned)
	assert.NoError(w.t, err)
}

func stopSandboxWhileStarting(w *world) {
	var stop func() (bool, error)
	w.at("tasks.Create/after-effect", func(context.Context) error {
		stop = w.meanwhile(w.stopSandbox)
		return nil
	})
	_ = w.start()
	returned, err := stop()
	assert.True(w.t, returned)
	assert.NoError(w.t, err)
}

func updateWhileStarting(w *world) {
	var update func() (bool, error)
	w.at("tasks.Create/after-effect", func(context.Context) error {
		update = w.meanwhile(func() error { return w.update(w.ctx, 7) })
		return nil
	})
	require.NoError(w.t, w.start())
	returned, err := update()
	assert.True(w.t, returned)
	assert.NoError(w.t, err)
	w.applied()
}

// update changes CPU shares.
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

func startWhileStarting(w *world) {
	var second func() (bool, error)
	w.at("tasks.Create/after-effect", func(context.Context) error {
		second = w.meanwhile(w.start)
		return nil
	})
	require.NoError(w.t, w.start())
	returned, err := second()
	assert.True(w.t, returned)
	assert.Error(w.t, err)
}

func exitBeforePid(w *world) {
	w.at("tasks.Start/after-effect", func(context.Context) error {
		require.True(w.t, w.Exit(w.id, 3))
		w.idle()
		return nil
	})
	require.NoError(w.t, w.start())
	time.Sleep(time.Hour)
}

func diskReopensStart(w *world) {
	require.Error(w.t, w.start())
	time.Sleep(time.Minute)
	_ = w.start()
}

func startFails(w *world) {
	require.ErrorIs(w.t, w.start(), errdefs.ErrUnavailable)
	time.Sleep(time.Hour)
}

func createRecordFails(w *world) {
	_, err := w.createIn(w.ctx, w.pod, "other", nil)
	require.Error(w.t, err)
	time.Sleep(time.Minute)
	client, err := w.Client()
	require.NoError(w.t, err)
	records, err := client.ContainerService().List(w.ctx)
	require.NoError(w.t, err)
	w.wrong["a record is left"] = len(records) > 1
}

func givenUpDuringCreate(w *world) {
	ctx, cancel := context.WithCancel(w.ctx)
	w.at("tasks.Create/after-effect", func(context.Context) error {
		cancel()
		return nil
	})
	require.Error(w.t, w.startWith(ctx))
	time.Sleep(time.Minute)
}

func removeAfterFailedCleanup(w *world) {
	require.ErrorIs(w.t, w.start(), errdefs.ErrUnavailable)
	time.Sleep(time.Hour)
	_ = w.stop(0)
	_ = w.doRemove(removeProbe)
}

func exitBeforeReturn(w *world) {
	w.at("tasks.Start/after-effect", func(context.Context) error {
		require.True(w.t, w.Exit(w.id, 3))
		time.Sleep(time.Second)
		return nil
	})
	require.NoError(w.t, w.start())
	time.Sleep(time.Second)
	status := w.status()
	w.wrong["FinishedAt before StartedAt"] = status.FinishedAt != 0 && status.FinishedAt < status.StartedAt
}
