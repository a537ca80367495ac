package impl_test

import (
	"context"
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

func TestStartOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		const n = 8
		results := make(chan error, n)
		for range n {
			go func() { results <- w.start(id) }()
		}
		succeeded := 0
		for range n {
			if err := <-results; err == nil {
				succeeded++
			} else {
				assert.True(t, errdefs.IsFailedPrecondition(err), "%v", err)
			}
		}
		assert.Equal(t, 1, succeeded)
		assert.Equal(t, 1, w.count(id, "started"))

		assert.ErrorContains(t, w.start(id), "container is in CONTAINER_RUNNING state")
		w.Exit(id, 0)
		synctest.Wait()
		assert.ErrorContains(t, w.start(id), "container is in CONTAINER_EXITED state")
	})
}

// A start that fails leaves no process and no second chance, whichever step
// fails and whatever else fails during the cleanup.
func TestStartFails(t *testing.T) {
	for _, tc := range []struct {
		call    string
		after   bool
		code    int32
		started int // how often the process ran
	}{
		{"tasks.Create", false, 128, 0},
		{"tasks.Create", true, 128, 0},
		{"checkpoint.Write", false, 128, 0},
		{"checkpoint.Write", true, 128, 0},
		{"tasks.Start", false, 137, 0},
		{"tasks.Start", true, 137, 1},
	} {
		for _, second := range []string{"", "tasks.Get", "tasks.Kill", "tasks.Wait", "tasks.Delete", "checkpoint.Write"} {
			t.Run(fmt.Sprint(tc.call, tc.after, second), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					id := w.container()
					nth := map[bool]int{false: 1, true: 2}[tc.call == "checkpoint.Write"] // the first is CREATED
					w.faults.Fail(tc.call, nth, errdefs.ErrUnavailable, tc.after)
					if second != "" {
						for nth := range 3 {
							w.faults.Fail(second, nth+1+2*btoi(second == "checkpoint.Write"), errdefs.ErrUnavailable, nth == 1)
						}
					}
					err := w.start(id)
					require.Error(t, err)

					status, _ := w.status(id)
					assert.Equal(t, exited, status.GetState())
					assert.Equal(t, tc.code, status.GetExitCode())
					assert.Equal(t, "StartError", status.GetReason())
					assert.NotEmpty(t, status.GetMessage())
					assert.GreaterOrEqual(t, status.GetFinishedAt(), status.GetStartedAt())
					assert.Empty(t, w.Tasks())
					assert.Equal(t, tc.started, w.count(id, "started"))
					assert.True(t, errdefs.IsFailedPrecondition(w.start(id)))
					w.StopFaults()
					require.NoError(t, w.remove(id))
					w.assertEmpty()
				})
			})
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// The disk fails for good from the middle of the start on. The container must
// not look as if it could be started again.
func TestStartFailsWithFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		const healed = 20
		for nth := 3; nth < healed; nth++ {
			w.faults.Fail("checkpoint.Write", nth, syscall.ENOSPC, false)
		}
		w.faults.Fail("tasks.Start", 1, errdefs.ErrUnavailable, true)
		begin := time.Now()
		require.Error(t, w.start(id))
		assert.LessOrEqual(t, time.Since(begin), 10*time.Second, "the caller does not wait for the disk")
		assert.Equal(t, exited, w.state(id), "it has ended, whatever the disk says")
		assert.False(t, w.Live(id))
		assert.Equal(t, []string{id}, w.Tasks(), "its record is the only durable trace of the exit")
		assert.True(t, errdefs.IsFailedPrecondition(w.start(id)))
		assert.ErrorContains(t, w.remove(id), "container is in starting state, can't be removed")
		require.NoError(t, w.stop(w.ctx, id, 1))

		time.Sleep(time.Hour)
		assert.Empty(t, w.Tasks())
		assert.Equal(t, 1, w.count(id, "started"))
		require.NoError(t, w.remove(id))
		w.assertEmpty()
	})
}

// What fails before the runtime is asked for anything leaves a container that
// can be started.
func TestStartRefused(t *testing.T) {
	w := newWorld(t)
	id := w.container()
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	_, err := w.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: id})
	require.ErrorContains(t, err, "canceled")
	assert.Equal(t, created, w.state(id))
	require.NoError(t, w.start(id))
}

// A caller that gives up in the middle of a start gets no process.
func TestStartCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		entered, release := w.gate.hold()
		ctx, cancel := context.WithCancel(w.ctx)
		result := make(chan error, 1)
		go func() {
			_, err := w.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: id})
			result <- err
		}()
		<-entered
		cancel()
		release()
		require.ErrorContains(t, <-result, "canceled")
		assert.Equal(t, exited, w.state(id))
		assert.Empty(t, w.Tasks())
		assert.Zero(t, w.count(id, "started"))
	})
}

// The start knows of the exit before task.Start has returned: RUNNING is on
// disk nevertheless, and the code is the real one.
func TestExitBeforeStartReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		go func() {
			assert.NoError(t, w.WaitStarted(w.ctx, id))
			w.Exit(id, 3)
		}()
		require.NoError(t, w.start(id))
		synctest.Wait()
		status, _ := w.status(id)
		assert.Equal(t, exited, status.GetState())
		assert.EqualValues(t, 3, status.GetExitCode())
		assert.GreaterOrEqual(t, status.GetFinishedAt(), status.GetStartedAt())
		assert.Equal(t, 1, w.count(id, "RUNNING"))
	})
}
