package variants_test

import (
	"context"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

var stopPins = []interleaving{
	{
		name:  "stop signal fails",
		story: "it counts as sent, so that the next stop waits for a process that was never asked, and kills it",
		where: "W6, container_stop.go", wrong: "I15", prepare: func(f *fakes.Faults) {
			f.Fail("tasks.Kill", 1, errdefs.ErrUnavailable, false)
		}, run: signalFails,
	},
	{
		name:  "stop is repeated",
		story: "two stops with a grace period, and a process that ignores SIGTERM: it gets it twice",
		where: "containerd#5020, container_stop.go", run: stopTwice,
	},
	{
		name:  "stop while the exit is written",
		story: "the task is deleted and the disk full: StopContainer finds no task and succeeds, and the container is RUNNING for as long as the disk is",
		where: "W7, container_stop.go", wrong: "stopped, and RUNNING", prepare: func(f *fakes.Faults) {
			for n := 3; n < 10; n++ {
				f.Fail("checkpoint.Write", n, syscall.ENOSPC, false)
			}
		}, run: stopWhileWriting,
	},
	{
		name:  "stop is to be shorter",
		story: "a second stop has a shorter grace period, and waits for the first one",
		where: "cri-o#8030", run: stopShorter,
	},
	{
		name:  "caller of a stop gives up",
		story: "the stop succeeds, and the process runs",
		where: "cri-o#10352, cri#1099", run: stopGivenUp,
	},
	{
		name:  "caller of a stop gives up between two tries",
		story: "the connection to the shim was closed, and the stop sleeps before it tries again, for up to 0.4 s",
		where: "container_stop.go, containerd#12399", wrong: "it sleeps on", run: stopGivenUpInRetry,
	},
	{
		name:  "status during a stop",
		story: "it waits for as long as the grace period",
		where: "cri-o#3455", run: statusDuringStop,
	},
	{
		name:  "record is asked for after a stop",
		story: "the question fails, and with it a stop that succeeded",
		where: "container_stop.go", wrong: "an error, and EXITED", run: stopFailsAfterSuccess,
	},
	{
		name:  "remove gets no answer (deadline)",
		story: "any error of the question for a task counts as \"none\": the record goes, and a task of a failed start stays",
		where: "W9, client/container.go, containerd#12821", wrong: "I8", prepare: createFails,
		run: func(w *world) { removeWithoutAnswer(w, context.DeadlineExceeded) },
	},
	{
		name:  "remove gets no answer (unavailable)",
		story: "the same",
		where: "W9, client/container.go", wrong: "I8", prepare: createFails,
		run: func(w *world) { removeWithoutAnswer(w, errdefs.ErrUnavailable) },
	},
	{
		name:  "two stops of an unknown container",
		story: "each has an exit monitor of its own, so that the end is told twice",
		where: "container_stop.go", wrong: "I16",
		needs: []scenarios.Ability{scenarios.Watches, scenarios.Recovers}, run: twoStopsOfUnknown,
	},
}

func signalFails(w *world) {
	require.NoError(w.t, w.start())
	_ = w.stop(10)
	w.settle()
	require.NoError(w.t, w.doStop(model.Event{Op: model.OpStop, Timeout: int64(10 * time.Second), Probe: true}))
}

func stopTwice(w *world) {
	w.create("stubborn", []string{fakes.IgnoreTerm})
	require.NoError(w.t, w.start())
	first := w.meanwhile(func() error { return w.stop(10) })
	require.NoError(w.t, w.stop(10))
	returned, err := first()
	assert.True(w.t, returned)
	assert.NoError(w.t, err)
}

func stopShorter(w *world) {
	w.create("stubborn", []string{fakes.IgnoreTerm})
	require.NoError(w.t, w.start())
	first := w.meanwhile(func() error { return w.stop(3600) })
	second := w.meanwhile(func() error { return w.stop(0) })
	time.Sleep(time.Minute)
	returned, _ := second()
	w.wrong["a stop waits for another"] = !returned
	time.Sleep(2 * time.Hour)
	for _, stop := range []func() (bool, error){first, second} {
		returned, err := stop()
		assert.True(w.t, returned)
		assert.NoError(w.t, err)
	}
}

func stopGivenUp(w *world) {
	w.create("stubborn", []string{fakes.IgnoreTerm})
	require.NoError(w.t, w.start())
	ctx, cancel := context.WithCancel(w.ctx)
	stop := w.meanwhile(func() error {
		return w.do(model.Event{Op: model.OpStop, Timeout: int64(time.Hour)}, func(context.Context) error {
			_, err := w.service.StopContainer(ctx, &runtime.StopContainerRequest{ContainerId: w.id, Timeout: 3600})
			return err
		})
	})
	cancel()
	returned, _ := stop()
	assert.True(w.t, returned)
}

func stopGivenUpInRetry(w *world) {
	require.NoError(w.t, w.start())
	ctx, cancel := context.WithCancel(w.ctx)
	var gaveUp time.Time
	w.at("tasks.Kill/before-effect", func(context.Context) error {
		cancel()
		gaveUp = time.Now()
		return failpoint.ErrClosed
	})
	_, err := w.service.StopContainer(ctx, &runtime.StopContainerRequest{ContainerId: w.id})
	require.Error(w.t, err)
	w.wrong["it sleeps on"] = time.Since(gaveUp) > 0
}

func statusDuringStop(w *world) {
	w.create("stubborn", []string{fakes.IgnoreTerm})
	require.NoError(w.t, w.start())
	stop := w.meanwhile(func() error { return w.stop(3600) })
	status := w.meanwhile(func() error {
		_, err := w.service.ContainerStatus(w.ctx, &runtime.ContainerStatusRequest{ContainerId: w.id})
		return err
	})
	time.Sleep(time.Minute)
	returned, _ := status()
	w.wrong["status waits for a stop"] = !returned
	time.Sleep(2 * time.Hour)
	for _, call := range []func() (bool, error){stop, status} {
		returned, err := call()
		assert.True(w.t, returned)
		assert.NoError(w.t, err)
	}
}

func stopWhileWriting(w *world) {
	require.NoError(w.t, w.start())
	require.True(w.t, w.Exit(w.id, 7))
	w.idle()
	if w.stop(10) == nil {
		w.wrong["stopped, and RUNNING"] = w.status().State == runtime.ContainerState_CONTAINER_RUNNING
	}
	time.Sleep(time.Hour)
}

func stopFailsAfterSuccess(w *world) {
	require.NoError(w.t, w.start())
	w.at("tasks.Delete/after-effect", func(context.Context) error { // of the exit handler
		w.fail("containers.Get/before-effect", errdefs.ErrUnavailable)
		return nil
	})
	err := w.stop(0)
	w.wrong["an error, and EXITED"] = err != nil && w.status().State == runtime.ContainerState_CONTAINER_EXITED
}

func removeWithoutAnswer(w *world, answer error) {
	require.ErrorIs(w.t, w.start(), errdefs.ErrUnavailable)
	w.fail("tasks.Get/before-effect", answer)
	if err := w.remove(); err != nil {
		time.Sleep(time.Minute)
		require.NoError(w.t, w.remove())
	}
}

func twoStopsOfUnknown(w *world) {
	require.NoError(w.t, w.start())
	w.crash()
	w.fail("tasks.Get/before-effect", errdefs.ErrUnavailable)
	w.restart()
	l := w.listen(nil)
	defer l.cancel()
	w.record(model.Event{Kind: model.Notified, Container: w.id, Channel: "events", Life: 1, Notice: model.NoticeStarted})
	reached, release := w.block("tasks.Kill/before-effect")
	first := w.meanwhile(func() error { return w.stop(0) })
	reached()
	// The handler of one is held up until the other one has begun.
	w.at("tasks.Delete/before-effect", func(context.Context) error {
		time.Sleep(time.Second)
		return nil
	})
	second := w.meanwhile(func() error { return w.stop(0) })
	release()
	time.Sleep(time.Minute)
	for _, stop := range []func() (bool, error){first, second} {
		returned, err := stop()
		assert.True(w.t, returned)
		assert.NoError(w.t, err)
	}
	for _, e := range l.received() {
		if e.GetContainerEventType() == runtime.ContainerEventType_CONTAINER_STOPPED_EVENT {
			w.record(model.Event{Kind: model.Notified, Container: w.id, Channel: "events", Life: 1, Notice: model.NoticeStopped})
		}
	}
}
