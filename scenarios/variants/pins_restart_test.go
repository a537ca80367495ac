package variants_test

import (
	"context"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios"
)

var recovers = []scenarios.Ability{scenarios.Recovers}

var restartPins = []interleaving{
	{
		name:  "wait fails in a restart",
		story: "255 for a process that runs, which is killed",
		where: "W8, restart.go", wrong: "I4", needs: recovers, run: waitFailsInRestart,
	},
	{
		name:  "no answer in a restart",
		story: "the process ended while the service was down, and the runtime does not answer at first: UNKNOWN for good",
		where: "restart.go, containerd#4655", wrong: "I3", needs: recovers, run: exitInOutage,
	},
	{
		name:  "exit in a restart",
		story: "the monitor looks for its container before that is known, and forgets the exit",
		where: "containerd#11579, restart.go", needs: recovers, run: exitInRestart,
	},
	{
		name:  "restart after a start that failed",
		story: "128 is on disk, the process ran on since it could not be deleted, and ends while the service is down: its code replaces the other",
		where: "restart.go", wrong: "I4", needs: recovers, run: exitAfterFailedStart,
	},
	{
		name:  "disk is full in a restart",
		story: "the container is left out, its process runs, its name is free",
		where: "restart.go, containerd#7247", wrong: "I12", needs: recovers, run: diskFullInRestart,
	},
	{
		name:  "crash between start and write",
		story: "that the process runs is found out later, and that is when it started",
		where: "restart.go", wrong: "started a minute later", needs: recovers, run: crashAfterStart,
	},
	{
		name:  "unknown after a failed start",
		story: "the start failed and the restart gave no answer: a stop ends the process, and the container stays UNKNOWN and cannot be removed",
		where: "containerd#4655, events.go", needs: recovers, run: unknownAfterFailedStart,
	},
}

func waitFailsInRestart(w *world) {
	require.NoError(w.t, w.start())
	w.crash()
	// When the service knows the container: 1.7 forgets an end before that.
	w.at("tasks.Wait/before-effect", func(context.Context) error {
		time.Sleep(time.Second)
		return errdefs.ErrUnavailable
	})
	w.restart()
	time.Sleep(time.Minute)
}

func exitInOutage(w *world) {
	require.NoError(w.t, w.start())
	w.crash()
	require.True(w.t, w.Exit(w.id, 7))
	w.fail("tasks.Get/before-effect", errdefs.ErrUnavailable)
	w.restart()
	time.Sleep(time.Hour)
}

func exitInRestart(w *world) {
	require.NoError(w.t, w.start())
	w.crash()
	// The monitor is on its way when the status is written.
	w.at("checkpoint.Write/before-effect", func(context.Context) error {
		if w.Exit(w.id, 7) {
			w.idle()
		}
		return nil
	})
	w.restart()
	w.Exit(w.id, 7) // who writes nothing has not met it
	time.Sleep(time.Hour)
}

// startFailsAndRuns is a start that fails, of a process that runs on.
func startFailsAndRuns(w *world) {
	w.fail("tasks.Start/after-effect", errdefs.ErrUnavailable)
	w.fail("tasks.Kill/before-effect", errdefs.ErrUnavailable)
	require.ErrorIs(w.t, w.start(), errdefs.ErrUnavailable)
}

func exitAfterFailedStart(w *world) {
	startFailsAndRuns(w)
	w.crash()
	w.Exit(w.id, 7)
	w.restart()
}

func diskFullInRestart(w *world) {
	require.NoError(w.t, w.start())
	w.crash()
	w.fail("checkpoint.Write/before-effect", syscall.ENOSPC)
	w.restart()
	time.Sleep(time.Hour)
}

func crashAfterStart(w *world) {
	w.at("tasks.Start/after-effect", func(context.Context) error {
		w.crash()
		return nil
	})
	require.Error(w.t, w.start())
	started := time.Now()
	time.Sleep(time.Minute)
	w.restart()
	w.wrong["started a minute later"] = w.status().StartedAt > started.UnixNano()
}

func unknownAfterFailedStart(w *world) {
	startFailsAndRuns(w)
	w.crash()
	w.restart()
	time.Sleep(time.Minute)
	require.NoError(w.t, w.stop(0))
	_ = w.doRemove(removeProbe)
}
