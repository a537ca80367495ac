package variants_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/scenarios"
)

// A restart finds a process that runs, and its Wait fails: 255, and it is killed
// (W8, restart.go).
func TestRestartInventsExit(t *testing.T) {
	better(t, "I4", noFaults, func(w *world) {
		require.NoError(t, w.start())
		w.crash()
		w.fail("tasks.Wait/before-effect", errdefs.ErrUnavailable)
		w.restart()
		time.Sleep(time.Minute)
	})
}

// The process ends while the service is down, and the runtime does not answer at
// once when it is back. The container is UNKNOWN, and nobody asks again
// (restart.go).
func TestExitInOutage(t *testing.T) {
	better(t, "I3", noFaults, func(w *world) {
		require.NoError(t, w.start())
		w.crash()
		require.True(t, w.Exit(w.id, 7))
		w.fail("tasks.Get/before-effect", errdefs.ErrUnavailable)
		w.restart()
		time.Sleep(time.Hour)
	})
}

// It ends while the service recovers. Until containerd#11579 (2025) its monitor
// may not find the container, and the exit is lost.
func TestExitInRecovery(t *testing.T) {
	for variant, want := range map[string]map[string]bool{
		"parallel2021": {"I3": true}, "v1_7": {"I3": true}, "v2_4_0": {}, "v2_4_2": {}, scenarios.Reference.Name: {},
	} {
		t.Run(variant, func(t *testing.T) {
			in(t, variant, noFaults, func(w *world) {
				require.NoError(t, w.start())
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
				assert.Equal(t, want, w.broken())
			})
		})
	}
}

// A failed start is on disk, its process runs on since deleting it failed, and
// ends while the service is down: the code on disk is replaced (W28, restart.go).
func TestRestartChangesExit(t *testing.T) {
	better(t, "I4", noFaults, func(w *world) {
		w.fail("tasks.Start/after-effect", errdefs.ErrUnavailable)
		w.fail("tasks.Kill/before-effect", errdefs.ErrUnavailable)
		require.ErrorIs(t, w.start(), errdefs.ErrUnavailable)
		w.crash()
		w.Exit(w.id, 7)
		w.restart()
	})
}

// The status cannot be written when the service recovers: the container is left
// out, its process runs, and its name is free (W17, restart.go, containerd#7247).
func TestFullDiskAtRestart(t *testing.T) {
	better(t, "I12", noFaults, func(w *world) {
		require.NoError(t, w.start())
		w.crash()
		w.fail("checkpoint.Write/before-effect", syscall.ENOSPC)
		w.restart()
		time.Sleep(time.Hour)
	})
}

// The process was started, and RUNNING not written, when the service died. That it
// started is found out later, at a time that is not that of the start (W22,
// restart.go). The reference had written both before.
func TestCrashAfterStart(t *testing.T) {
	better(t, "started a minute later", noFaults, func(w *world) {
		w.at("tasks.Start/after-effect", func(context.Context) error {
			w.crash()
			return nil
		})
		require.Error(t, w.start())
		started := time.Now()
		time.Sleep(time.Minute)
		w.restart()
		status := w.status()
		require.Equal(t, runtime.ContainerState_CONTAINER_RUNNING, status.State)
		w.wrong["started a minute later"] = status.StartedAt > started.UnixNano()
	})
}

// Each answer of the runtime to a restart, with each state on disk.
func TestRecoveryMatrix(t *testing.T) {
	const (
		created = runtime.ContainerState_CONTAINER_CREATED
		running = runtime.ContainerState_CONTAINER_RUNNING
		exited  = runtime.ContainerState_CONTAINER_EXITED
		unknown = runtime.ContainerState_CONTAINER_UNKNOWN
	)
	notStarted := func(*world) {}
	started := func(w *world) { require.NoError(w.t, w.start()) }
	onDisk := func(write func(*world)) func(*world) { // what is on disk, and a live task
		return func(w *world) {
			write(w)
			w.at("tasks.Start/after-effect", func(context.Context) error {
				w.crash()
				return nil
			})
			_ = w.start()
		}
	}
	failed := func(w *world) {
		w.fail("tasks.Start/after-effect", errdefs.ErrUnavailable)
		w.fail("tasks.Kill/before-effect", errdefs.ErrUnavailable)
		require.Error(w.t, w.start())
	}
	ended := func(w *world) {
		started(w)
		require.True(w.t, w.Exit(w.id, 7))
		w.idle()
	}
	exits := func(before func(*world)) func(*world) {
		return func(w *world) {
			before(w)
			w.crash()
			require.True(w.t, w.Exit(w.id, 7))
		}
	}
	damaged := func(before func(*world)) func(*world) {
		return func(w *world) {
			before(w)
			w.crash()
			require.NoError(w.t, w.checkpoints.Write(w.id, []byte("{")))
		}
	}
	for name, test := range map[string]struct {
		before func(*world)
		want   runtime.ContainerState
		code   int32
	}{
		"no task, CREATED":         {notStarted, created, 0},
		"no task, RUNNING":         {func(w *world) { started(w); w.crash(); require.True(t, w.KillShim(w.id)); time.Sleep(time.Second) }, exited, 255},
		"no task, EXITED":          {ended, exited, 7},
		"no task, unreadable":      {damaged(notStarted), unknown, 255},
		"running task, CREATED":    {onDisk(notStarted), running, 0},
		"running task, RUNNING":    {started, running, 0},
		"running task, EXITED":     {failed, unknown, 128},
		"running task, unreadable": {damaged(started), unknown, 255},
		"stopped task, CREATED":    {exits(onDisk(notStarted)), exited, 7},
		"stopped task, RUNNING":    {exits(started), exited, 7},
		"stopped task, EXITED":     {exits(failed), exited, 7},
		"stopped task, unreadable": {damaged(exits(started)), unknown, 7},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, "v2_4_2", noFaults, func(w *world) {
				w.t = t
				test.before(w)
				if w.caller.Alive() == nil {
					w.crash()
				}
				w.restart()
				assert.Equal(t, test.want, w.status().State)
				assert.Equal(t, test.code, w.status().ExitCode)
			})
		})
	}
}

// A recovered container that is UNKNOWN can be stopped, and removed after that.
func TestUnknownIsStopped(t *testing.T) {
	fault := func(*fakes.Faults) {}
	for _, variant := range []string{"cri1351", "parallel2021", "v1_7", "v2_4_0", "v2_4_2"} {
		t.Run(variant, func(t *testing.T) {
			in(t, variant, fault, func(w *world) {
				require.NoError(t, w.start())
				w.crash()
				w.fail("tasks.Get/before-effect", errdefs.ErrUnknown)
				w.restart()
				require.Equal(t, runtime.ContainerState_CONTAINER_UNKNOWN, w.status().State)
				require.NoError(t, w.stop(10))
				assert.Equal(t, runtime.ContainerState_CONTAINER_EXITED, w.status().State)
				require.NoError(t, w.remove())
				assert.Empty(t, w.broken())
			})
		})
	}
}
