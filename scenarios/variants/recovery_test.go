package variants_test

import (
	"context"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Each answer of the runtime to a restart, with each state on disk, after
// containerd's restart.go.
func TestRecoveryMatrix(t *testing.T) {
	const (
		created = runtime.ContainerState_CONTAINER_CREATED
		running = runtime.ContainerState_CONTAINER_RUNNING
		exited  = runtime.ContainerState_CONTAINER_EXITED
		unknown = runtime.ContainerState_CONTAINER_UNKNOWN
	)
	for name, test := range map[string]struct {
		before func(*world)
		want   runtime.ContainerState
		code   int32
	}{
		"no task, CREATED":         {notStarted, created, 0},
		"no task, RUNNING":         {taskVanishes, exited, 255},
		"no task, EXITED":          {ended, exited, 7},
		"no task, unreadable":      {damaged(notStarted), unknown, 255},
		"created task, CREATED":    {crashBeforeStart, created, 0},
		"running task, CREATED":    {crashInStart, running, 0},
		"running task, RUNNING":    {started, running, 0},
		"running task, EXITED":     {startFailsAndRuns, unknown, 128},
		"running task, unreadable": {damaged(started), unknown, 255},
		"paused task, RUNNING":     {paused, unknown, 0},
		"stopped task, CREATED":    {exits(crashInStart), exited, 7},
		"stopped task, RUNNING":    {exits(started), exited, 7},
		"stopped task, EXITED":     {exits(startFailsAndRuns), exited, 7},
		"stopped task, unreadable": {damaged(exits(started)), unknown, 7},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, "v2_4_2", noFaults, func(w *world) {
				test.before(w)
				w.crash()
				w.restart()
				assert.Equal(t, test.want, w.status().State)
				assert.Equal(t, test.code, w.status().ExitCode)
			})
		})
	}
}

func notStarted(*world) {}

func started(w *world) { require.NoError(w.t, w.start()) }

func ended(w *world) {
	started(w)
	require.True(w.t, w.Exit(w.id, 7))
	w.idle()
}

func taskVanishes(w *world) {
	started(w)
	w.crash()
	require.True(w.t, w.KillShim(w.id))
	time.Sleep(time.Second)
}

func paused(w *world) {
	started(w)
	client, err := w.Client()
	require.NoError(w.t, err)
	c, err := client.LoadContainer(w.ctx, w.id)
	require.NoError(w.t, err)
	task, err := c.Task(w.ctx, nil)
	require.NoError(w.t, err)
	require.NoError(w.t, task.Pause(w.ctx))
}

func crashBeforeStart(w *world) { crashAt(w, "tasks.Start/before-effect") }

func crashInStart(w *world) { crashAt(w, "tasks.Start/after-effect") }

func crashAt(w *world, site string) {
	w.at(site, func(context.Context) error {
		w.crash()
		return nil
	})
	require.Error(w.t, w.start())
}

// exits lets the process end after a crash.
func exits(before func(*world)) func(*world) {
	return func(w *world) {
		before(w)
		w.crash()
		require.True(w.t, w.Exit(w.id, 7))
	}
}

// damaged leaves a record that nobody can read after a crash.
func damaged(before func(*world)) func(*world) {
	return func(w *world) {
		before(w)
		w.crash()
		require.NoError(w.t, w.checkpoints.Write(w.id, []byte("{")))
	}
}

// A recovered container that is UNKNOWN can be stopped, and removed after that.
func TestUnknownIsStopped(t *testing.T) {
	for _, variant := range []string{"cri1351", "parallel2021", "v1_7", "v2_4_0", "v2_4_2"} {
		t.Run(variant, func(t *testing.T) {
			in(t, variant, noFaults, func(w *world) {
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
