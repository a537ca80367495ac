package impl_test

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An error of Wait, or of the questions after it, is not an exit.
func TestWaitFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		for nth := 1; nth <= 5; nth++ {
			w.faults.Fail("tasks.Wait", nth, errdefs.ErrUnavailable, false)
			w.faults.Fail("tasks.Get", nth, errdefs.ErrUnknown, false)
		}
		require.NoError(t, w.start(id))
		time.Sleep(time.Hour)
		assert.Equal(t, running, w.state(id))
		assert.True(t, w.Live(id))
		w.Exit(id, 9)
		synctest.Wait()
		status, _ := w.status(id)
		assert.Equal(t, exited, status.GetState())
		assert.EqualValues(t, 9, status.GetExitCode())
	})
}

// The code is on disk before the runtime forgets it, however long that takes.
func TestExitIsRecordedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started()
		for nth := 3; nth < 8; nth++ {
			w.faults.Fail("checkpoint.Write", nth, syscall.ENOSPC, nth == 5)
		}
		w.faults.Fail("tasks.Delete", 1, errdefs.ErrUnknown, false)
		w.faults.Fail("tasks.Delete", 2, errdefs.ErrUnknown, true)
		at := time.Now().UnixNano()
		w.Exit(id, 4)
		synctest.Wait()
		assert.Equal(t, exited, w.state(id))
		assert.Equal(t, []string{id}, w.Tasks())
		require.NoError(t, w.stop(w.ctx, id, 10), "it has ended")
		require.NoError(t, w.remove(id), "once the exit is recorded and the task deleted")

		assert.Equal(t, []string{
			"CREATED", "created", "RUNNING", "started", "exited", "EXITED", "EXITED", "deleted",
		}, w.happened(id))
		for _, e := range w.events {
			if e.Status.FinishedAt != 0 {
				assert.EqualValues(t, 4, e.Status.ExitCode)
				assert.Equal(t, at, e.Status.FinishedAt)
			}
		}
		w.assertEmpty()
	})
}

// A task that somebody else deleted has ended, nobody knows how.
func TestTaskLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		w.faults.Fail("tasks.Wait", 1, errdefs.ErrUnavailable, false)
		require.NoError(t, w.start(id))
		w.Exit(id, 5)
		_, err := w.client.TaskService().Delete(w.ctx, &tasks.DeleteTaskRequest{ContainerID: id})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		status, _ := w.status(id)
		assert.Equal(t, exited, status.GetState())
		assert.EqualValues(t, 255, status.GetExitCode())
		assert.Equal(t, "Unknown", status.GetReason())
	})
}
