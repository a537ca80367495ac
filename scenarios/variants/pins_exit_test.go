package variants_test

import (
	"context"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/scenarios"
)

var exitPins = []interleaving{
	{
		name:  "retry overwrites an exit",
		story: "an OOM kill of a child is written again, in vain, while the exit is handled in vain for the first time: the former is put back in place of the latter",
		where: "W4, events/events.go", wrong: "I3", needs: []scenarios.Ability{scenarios.TellsOOM},
		prepare: plan("process/oom=alone"), run: retryOverwritesExit,
	},
	{
		name:  "crash between delete and write",
		story: "the task, which had the code, is deleted, and the exit is not on disk when the service dies",
		where: "events.go", wrong: "I4", needs: []scenarios.Ability{scenarios.Recovers}, run: crashBeforeWrite,
	},
	{
		name:  "wait fails",
		story: "that counts as an exit with 255, whose handling kills the process",
		where: "W8, events.go", wrong: "I4", run: waitFails,
	},
	{
		name:  "connection is closed",
		story: "a Wait under way fails, with the same end",
		where: "W8, events.go", wrong: "I4", run: connectionCloses,
	},
	{
		name:  "shim is unavailable for a moment",
		story: "a Wait has failed, and the task cannot be loaded: EXITED, and the process lives",
		where: "events.go, containerd#9112", wrong: "I3", run: shimUnavailable,
	},
	{
		name:  "OOM without its reason",
		story: "the event is lost, and the write of the reason, which is one of its own, fails: EXITED 137 and no reason",
		where: "events.go, containerd#12714", wrong: "I20", needs: []scenarios.Ability{scenarios.TellsOOM, scenarios.Recovers},
		prepare: plan("event/tasks/oom=drop"), run: oomWithoutReason,
	},
	{
		name:  "exit event is lost",
		story: "nobody looks for the exit whose event is lost, here since the stream is broken for a second",
		where: "containerd#3125, containerd#3177", prepare: func(f *fakes.Faults) {
			f.Fail("events.Subscribe", 1, errdefs.ErrUnavailable, false)
		}, run: exitEventLost,
	},
	{
		name:  "STARTED says EXITED",
		story: "the event has the status as of its sending, which another container holds up",
		where: "W5, container_start.go", wrong: "STARTED says EXITED", outside: true,
		needs: []scenarios.Ability{scenarios.Watches, scenarios.Updates}, run: startedSaysExited,
	},
}

func plan(text string) func(*fakes.Faults) {
	return func(f *fakes.Faults) { f.Plan = failpoint.MustParse(text) }
}

func retryOverwritesExit(w *world) {
	require.NoError(w.t, w.start())
	w.fail("checkpoint.Write/before-effect", syscall.EIO) // of the kill
	w.OOM(w.id)
	w.at("checkpoint.Write/before-effect", func(context.Context) error { // again, 1 s later
		w.fail("tasks.Delete/before-effect", errdefs.ErrUnknown)
		if w.Exit(w.id, 7) {
			w.idle()
		}
		return syscall.EIO
	})
	time.Sleep(10 * time.Second)
	w.Exit(w.id, 7) // to who writes nothing for the kill it happens now
	time.Sleep(time.Hour)
}

func crashBeforeWrite(w *world) {
	require.NoError(w.t, w.start())
	w.at("tasks.Delete/after-effect", func(context.Context) error {
		w.crash()
		return nil
	})
	require.True(w.t, w.Exit(w.id, 7))
	w.idle()
	w.restart()
}

func waitFails(w *world) {
	w.fail("tasks.Wait/before-effect", errdefs.ErrUnavailable)
	require.NoError(w.t, w.start())
	time.Sleep(time.Minute)
}

func connectionCloses(w *world) {
	require.NoError(w.t, w.start())
	w.idle()
	require.True(w.t, w.CloseConnection(w.id))
	time.Sleep(time.Minute)
}

func shimUnavailable(w *world) {
	w.fail("tasks.Wait/before-effect", errdefs.ErrUnavailable)
	w.fail("tasks.Get/before-effect", errdefs.ErrUnavailable)
	require.NoError(w.t, w.start())
	w.idle()
	w.unpin()
	time.Sleep(500 * time.Millisecond) // before anybody tries again
}

func oomWithoutReason(w *world) {
	w.pause = &impl.Pause{Rootfs: "/pause"} // without it the reference does not ask
	w.crash()
	w.restart()
	w.create("oom", nil)
	require.NoError(w.t, w.start())
	w.fail("checkpoint.Write/before-effect", syscall.EIO)
	require.True(w.t, w.OOM(w.id))
	time.Sleep(time.Minute)
	w.observe()
}

func exitEventLost(w *world) {
	require.NoError(w.t, w.start())
	require.True(w.t, w.Exit(w.id, 0))
	time.Sleep(time.Hour)
}

// That STOPPED may overtake STARTED is a matter of a search: TestStoppedFirst of
// package scenarios.
func startedSaysExited(w *world) {
	l := w.listen(nil)
	defer l.cancel()
	other := w.id
	var err error
	w.id, err = w.createIn(w.ctx, w.pod, "last", nil)
	require.NoError(w.t, err)
	reached, release := w.block("containers.Update/before-effect")
	defer release()
	update := w.meanwhile(func() error { return w.updateOf(w.ctx, other, 7) })
	reached()
	w.at("tasks.Start/after-effect", func(context.Context) error {
		require.True(w.t, w.Exit(w.id, 3))
		return nil
	})
	start := w.meanwhile(w.start)
	require.Eventually(w.t, func() bool { return w.status().State == runtime.ContainerState_CONTAINER_EXITED }, 10*time.Second, time.Millisecond)
	release()
	for _, call := range []func() (bool, error){start, update} {
		returned, err := call()
		require.True(w.t, returned)
		require.NoError(w.t, err)
	}
	var started *runtime.ContainerEventResponse
	require.Eventually(w.t, func() bool {
		for _, e := range l.received() {
			if e.GetContainerEventType() == runtime.ContainerEventType_CONTAINER_STARTED_EVENT {
				started = e
			}
		}
		return started != nil
	}, 10*time.Second, time.Millisecond)
	for _, c := range started.GetContainersStatuses() {
		if c.GetId() == w.id {
			w.wrong["STARTED says EXITED"] = c.GetState() == runtime.ContainerState_CONTAINER_EXITED
		}
	}
}
