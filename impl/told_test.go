package impl_test

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// A container whose start failed is CREATED again after a crash, as long as the
// failure is not on disk. Until then nobody is told of it.
func TestFailedStartIsToldWhenItIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		w.faults.Fail("tasks.Create", 1, syscall.EIO, false)
		w.faults.Fail("checkpoint.Write", 2, syscall.EIO, false) // the first one was that of the creation
		started := make(chan error, 1)
		go func() { started <- w.start(id) }()
		synctest.Wait()
		w.expect(id, created, 0)
		require.Error(t, <-started)
		time.Sleep(time.Minute)
		w.expect(id, exited, 128)
	})
}

// A container whose exit was seen before a crash, and was not on disk, is never
// RUNNING again.
func TestExitOfAnOutageIsNotToldAsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		require.NoError(t, w.start(id))
		w.faults.Fail("checkpoint.Write", 3, syscall.EIO, false)
		w.Exit(id, 7)
		synctest.Wait()
		w.expect(id, exited, 7)

		w.faults.Fail("checkpoint.Write", 4, syscall.EIO, false)
		w.restart()
		synctest.Wait()
		w.expect(id, unknown, 7)
		time.Sleep(time.Minute)
		w.expect(id, exited, 7)
	})
}

// expect compares state and exit code.
func (w *world) expect(id string, state runtime.ContainerState, code int32) {
	w.t.Helper()
	status, err := w.status(id)
	require.NoError(w.t, err)
	assert.Equal(w.t, state, status.GetState())
	assert.Equal(w.t, code, status.GetExitCode())
}
