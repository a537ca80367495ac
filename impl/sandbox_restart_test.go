package impl_test

import (
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// What a sandbox is after a restart, by its record, that of its pause process
// and what the runtime has. READY is what all three agree on.
func TestRestartSandbox(t *testing.T) {
	const (
		ran        = `{"Version":"sandbox/v1","Stopped":false}`
		wasStopped = `{"Version":"sandbox/v1","Stopped":true}`
		ended      = `{"Version":"v1","CreatedAt":1,"StartedAt":2,"FinishedAt":3,"ExitCode":137}`
	)
	for _, tc := range []struct {
		record, pause string // on disk; "": none
		task          string // none, created, running, paused, stopped
		want          runtime.PodSandboxState
		live          bool
	}{
		{ran, recordRunning, "running", ready, true},
		{ran, recordRunning, "paused", ready, true},
		{ran, recordRunning, "stopped", notReady, false},
		{ran, recordRunning, "created", notReady, false},
		{ran, recordRunning, "none", notReady, false},
		{ran, recordCreated, "none", notReady, false},
		{ran, recordCreated, "created", notReady, false},
		{ran, ended, "none", notReady, false},
		{ran, ended, "stopped", notReady, false},
		{ran, "damaged", "running", ready, true},
		{ran, "damaged", "none", notReady, false},
		{wasStopped, recordRunning, "running", notReady, true},
		{wasStopped, recordRunning, "none", notReady, false},
		{`{"Version":"sandbox/v2"}`, recordRunning, "running", notReady, true},
		{`{"Version":`, recordRunning, "running", notReady, true},
		{"", recordRunning, "running", notReady, true},
		{"", "", "none", notReady, false},
	} {
		t.Run(fmt.Sprintf("%.40s/%.40s/%s", tc.record, tc.pause, tc.task), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, paused)
				other, id := w.sandbox("other"), w.sandbox("pod")
				c, err := w.create(id, "c")
				require.NoError(t, err)
				require.NoError(t, w.Service.Close())
				w.setTask(id, tc.task)
				w.setRecord(id, tc.pause)
				w.setRecord(id+".sandbox", tc.record)

				w.restart()
				synctest.Wait()
				assert.Equal(t, tc.want, w.sandboxState(id))
				assert.Equal(t, tc.live, w.Live(id))
				assert.Equal(t, ready, w.sandboxState(other), "one record is no matter of another")
				assert.Equal(t, created, w.state(c))
				_, err = w.runSandbox("pod")
				assert.True(t, errdefs.IsAlreadyExists(err), "the name is reserved: %v", err)
				assert.Equal(t, tc.want == ready, w.start(c) == nil)
				_, err = w.create(id, "d")
				assert.Equal(t, tc.want == ready, err == nil)

				require.NoError(t, w.stopSandbox(id))
				synctest.Wait() // for the task to be deleted
				assert.Equal(t, []string{other}, w.Tasks())
				require.NoError(t, w.removeSandbox(id))
				require.NoError(t, w.removeSandbox(other))
				w.assertEmpty()
			})
		})
	}
}

// setTask replaces the running task of a container behind the back of the service.
func (w *world) setTask(id, state string) {
	c, err := w.client.LoadContainer(w.ctx, id)
	require.NoError(w.t, err)
	task, err := c.Task(w.ctx, nil)
	require.NoError(w.t, err)
	switch state {
	case "running":
		return
	case "paused":
		require.NoError(w.t, task.Pause(w.ctx))
		return
	}
	require.True(w.t, w.Exit(id, 5))
	if state == "stopped" {
		return
	}
	_, err = task.Delete(w.ctx)
	require.NoError(w.t, err)
	if state == "created" {
		w.task(id, false)
	}
}

// setRecord replaces a record on disk, "" deletes it.
func (w *world) setRecord(id, text string) {
	if text == "" {
		require.NoError(w.t, w.disk.Remove(id))
		return
	}
	require.NoError(w.t, w.disk.Write(id, []byte(text)))
}

// A sandbox about which the disk or the runtime gives no answer is NOTREADY
// until there is one.
func TestRestartSandboxWithoutAnswer(t *testing.T) {
	for _, call := range []string{"tasks.Get", "checkpoint.Read"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, paused)
				id := w.sandbox("pod")
				for nth := 1; nth < 8; nth++ {
					w.faults.Fail(call, nth, syscall.EIO, false)
				}
				w.restart()
				assert.Equal(t, notReady, w.sandboxState(id))
				_, err := w.create(id, "early")
				assert.True(t, errdefs.IsFailedPrecondition(err), "%v", err)
				time.Sleep(time.Hour)
				assert.Equal(t, ready, w.sandboxState(id))
				_, err = w.create(id, "c")
				require.NoError(t, err)
				require.NoError(t, w.removeSandbox(id))
				w.assertEmpty()
			})
		})
	}
}

// A container whose sandbox has no pause process any more is in a sandbox that
// is NOTREADY; records on disk alone are what a removal left behind.
func TestRestartSandboxWithRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, paused)
		id := w.sandbox("pod")
		c, err := w.create(id, "c")
		require.NoError(t, err)
		require.NoError(t, w.start(c))
		require.NoError(t, w.Service.Close())
		w.setTask(id, "none")
		require.NoError(t, w.client.ContainerService().Delete(w.ctx, id))
		w.restart()
		ids, err := w.disk.List()
		require.NoError(t, err)
		assert.Equal(t, []string{c}, ids)
		assert.Equal(t, notReady, w.sandboxState(id))
		assert.Equal(t, running, w.state(c))
		require.NoError(t, w.removeSandbox(id))
		w.assertEmpty()
	})
}
