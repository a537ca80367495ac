package impl_test

import (
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	recordCreated = `{"Version":"v1","CreatedAt":1}`
	recordRunning = `{"Version":"v1","Pid":1001,"CreatedAt":1,"StartedAt":2}`
	recordFuture  = `{"Version":"v2","CreatedAt":1}`
	recordExited  = `{"Version":"v1","CreatedAt":1,"StartedAt":2,"FinishedAt":3,"ExitCode":128,"Reason":"StartError"}`
)

// Every state of the task with every record, as the comment at reconcile has it.
func TestRestart(t *testing.T) {
	const noTask, taskCreated, taskRunning, taskStopped = "none", "created", "running", "stopped"
	type outcome struct {
		state runtime.ContainerState
		code  int32
	}
	for _, tc := range []struct {
		record, task string
		want         outcome
		startable    bool
	}{
		{recordCreated, noTask, outcome{created, 0}, true},
		{recordCreated, taskCreated, outcome{created, 0}, true},
		{recordCreated, taskRunning, outcome{running, 0}, false},
		{recordCreated, taskStopped, outcome{exited, 5}, false},

		{recordRunning, noTask, outcome{exited, 255}, false},
		{recordRunning, taskCreated, outcome{exited, 137}, false},
		{recordRunning, taskRunning, outcome{running, 0}, false},
		{recordRunning, taskStopped, outcome{exited, 5}, false},

		{recordExited, noTask, outcome{exited, 128}, false},
		{recordExited, taskCreated, outcome{exited, 128}, false},
		{recordExited, taskRunning, outcome{exited, 128}, false},
		{recordExited, taskStopped, outcome{exited, 128}, false},

		{"damaged", noTask, outcome{exited, 255}, false},
		{"damaged", taskCreated, outcome{exited, 137}, false},
		{"damaged", taskRunning, outcome{running, 0}, false},
		{"damaged", taskStopped, outcome{exited, 5}, false},

		// A version of the future, whose fields may mean something else.
		{recordFuture, noTask, outcome{exited, 255}, false},
		{recordFuture, taskCreated, outcome{exited, 137}, false},
		{recordFuture, taskRunning, outcome{running, 0}, false},
		{recordFuture, taskStopped, outcome{exited, 5}, false},

		{"", noTask, outcome{exited, 255}, false},
		{"", taskRunning, outcome{running, 0}, false},
	} {
		t.Run(fmt.Sprintf("%.40s/%s", tc.record, tc.task), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id := w.container()
				require.NoError(t, w.Service.Close())
				if tc.task != noTask {
					w.task(id, tc.task == taskRunning || tc.task == taskStopped)
				}
				if tc.task == taskStopped {
					require.True(t, w.Exit(id, 5))
				}
				if tc.record == "" {
					require.NoError(t, w.disk.Remove(id))
				} else {
					require.NoError(t, w.disk.Write(id, []byte(tc.record)))
				}

				w.restart()
				synctest.Wait()
				status, err := w.status(id)
				require.NoError(t, err)
				assert.Equal(t, tc.want, outcome{status.GetState(), status.GetExitCode()})
				assert.Equal(t, tc.want.state == running, w.Live(id))
				if status.GetState() == exited {
					assert.GreaterOrEqual(t, status.GetFinishedAt(), status.GetStartedAt())
					assert.Empty(t, w.Tasks())
				}
				_, err = w.CreateContainer(w.ctx, request("id1", "c"))
				assert.Error(t, err, "the name is reserved")

				if tc.startable {
					require.NoError(t, w.start(id))
				} else {
					assert.True(t, errdefs.IsFailedPrecondition(w.start(id)))
				}
				require.NoError(t, w.stop(w.ctx, id, 1))
				assert.False(t, w.Live(id))
				require.NoError(t, w.remove(id))
				w.assertEmpty()
			})
		})
	}
}

// task makes a task behind the back of the service.
func (w *world) task(id string, start bool) {
	c, err := w.client.LoadContainer(w.ctx, id)
	require.NoError(w.t, err)
	task, err := c.NewTask(w.ctx, cio.NullIO)
	require.NoError(w.t, err)
	if start {
		require.NoError(w.t, task.Start(w.ctx))
	}
}

// A container about which the runtime or the disk gives no answer is UNKNOWN,
// holds up nobody, and is found out about later.
func TestRestartWithoutAnswer(t *testing.T) {
	for _, call := range []string{"tasks.Get", "checkpoint.Read", "checkpoint.Write"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id, other := w.started(), w.container()
				require.NoError(t, w.Service.Close())
				w.Exit(id, 5)
				_, err := w.client.TaskService().Delete(w.ctx, &tasks.DeleteTaskRequest{ContainerID: id})
				require.NoError(t, err)
				first := map[string]int{"checkpoint.Write": 4}[call] // after two CREATED and a RUNNING
				for nth := first; nth < 10; nth++ {
					w.faults.Fail(call, nth, syscall.EIO, false)
				}
				w.restart()
				assert.Equal(t, unknown, w.state(id))
				assert.True(t, errdefs.IsFailedPrecondition(w.start(id)))
				assert.True(t, errdefs.IsFailedPrecondition(w.remove(id)))

				require.NoError(t, w.stop(w.ctx, id, 1), "it waits for the answer")
				status, _ := w.status(id)
				assert.Equal(t, exited, status.GetState())
				assert.EqualValues(t, 255, status.GetExitCode())
				time.Sleep(time.Hour)
				assert.Equal(t, created, w.state(other))
			})
		})
	}
}

// A container record without metadata is managed under its id; a record on
// disk without a container is what a removal left behind.
func TestRestartWithRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started()
		require.NoError(t, w.Service.Close())
		c, err := w.client.LoadContainer(w.ctx, id)
		require.NoError(t, err)
		record, err := c.Info(w.ctx)
		require.NoError(t, err)
		record.Extensions = nil
		_, err = w.client.ContainerService().Update(w.ctx, record, "extensions")
		require.NoError(t, err)
		require.NoError(t, w.disk.Write("gone", []byte(recordExited)))
		w.faults.Fail("checkpoint.Remove", 1, syscall.EIO, false)

		w.restart()
		time.Sleep(time.Minute)
		ids, err := w.disk.List()
		require.NoError(t, err)
		assert.Equal(t, []string{id}, ids)
		assert.Equal(t, running, w.state(id))
		require.NoError(t, w.stop(w.ctx, id, 1))
		require.NoError(t, w.remove(id))
		w.assertEmpty()
	})
}
