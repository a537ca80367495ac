package impl_test

import (
	"context"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes/failpoint"
)

func TestStop(t *testing.T) {
	for name, tc := range map[string]struct {
		env     []string
		timeout int64
		code    int32
		took    time.Duration
		signals []string
	}{
		"polite":  {nil, 10, 143, 0, []string{"signal 15"}},
		"ignored": {[]string{"IGNORE_TERM"}, 10, 137, 10 * time.Second, []string{"signal 15", "signal 9"}},
		"kill":    {nil, 0, 137, 0, []string{"signal 9"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id := w.started(tc.env...)
				begin := time.Now()
				require.NoError(t, w.stop(w.ctx, id, tc.timeout))
				assert.Equal(t, tc.took, time.Since(begin))
				assert.False(t, w.Live(id))
				status, _ := w.status(id)
				assert.Equal(t, exited, status.GetState())
				assert.Equal(t, tc.code, status.GetExitCode())
				for _, s := range tc.signals {
					assert.Equal(t, 1, w.count(id, s), s)
				}
				assert.Equal(t, len(tc.signals), w.count(id, "signal 15")+w.count(id, "signal 9"))
				require.NoError(t, w.stop(w.ctx, id, tc.timeout), "again")
			})
		})
	}
}

// The stop signal is sent again if and only if it did not get through.
func TestStopSignalOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started("IGNORE_TERM")
		w.faults.Fail("tasks.Kill", 1, errdefs.ErrUnavailable, false)
		w.faults.Fail("tasks.Get", 2, errdefs.ErrUnavailable, false)
		results := make(chan error)
		for range 3 {
			go func() { results <- w.stop(w.ctx, id, 10) }()
		}
		for range 3 {
			require.NoError(t, <-results)
		}
		assert.Equal(t, 1, w.count(id, "signal 15"))
		assert.False(t, w.Live(id))
	})
}

// A stop whose time is over before it learns that its signal was delivered leaves
// that to the next one, which does not send it again.
func TestStopSignalOnceInSpiteOfASlowAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started("IGNORE_TERM")
		var err error
		w.faults.Plan, err = failpoint.Parse("tasks.Kill/reply=1*delay(30s)")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
		defer cancel()
		require.ErrorIs(t, w.stop(ctx, id, 3600), context.DeadlineExceeded)
		require.Equal(t, 1, w.count(id, "signal 15"))

		require.NoError(t, w.stop(w.ctx, id, 60))
		assert.Equal(t, 1, w.count(id, "signal 15"))
		assert.False(t, w.Live(id))
	})
}

// SIGKILL is sent until it gets through, on whichever side the call fails.
func TestKillFails(t *testing.T) {
	for _, after := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			id := w.started()
			for nth := 1; nth <= 3; nth++ {
				w.faults.Fail("tasks.Kill", nth, errdefs.ErrUnknown, after)
			}
			require.NoError(t, w.stop(w.ctx, id, 0))
			assert.False(t, w.Live(id))
			assert.Equal(t, exited, w.state(id))

			id = w.started("IGNORE_TERM")
			ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
			defer cancel()
			for nth := 1; nth < 100; nth++ {
				w.faults.Fail("tasks.Get", nth, errdefs.ErrUnavailable, false)
			}
			assert.ErrorIs(t, w.stop(ctx, id, 0), context.DeadlineExceeded)
			assert.True(t, w.Live(id))
			w.StopFaults()
			require.NoError(t, w.stop(w.ctx, id, 0))
		})
	}
}

// The process ends by itself while the stop signal cannot be sent, and the disk
// fails. The exit is seen all the same.
func TestStopWhileExiting(t *testing.T) {
	for _, timeout := range []int64{0, 3600} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			id := w.started()
			for nth := 1; nth < 20; nth++ {
				w.faults.Fail("tasks.Kill", nth, errdefs.ErrUnavailable, false)
				w.faults.Fail("checkpoint.Write", 2+nth, syscall.EIO, false)
			}
			go func() {
				time.Sleep(10 * time.Second)
				w.Exit(id, 6)
			}()
			begin := time.Now()
			require.NoError(t, w.stop(w.ctx, id, timeout))
			assert.Equal(t, 10*time.Second, time.Since(begin))
			status, _ := w.status(id)
			assert.EqualValues(t, 6, status.GetExitCode())

			w.StopFaults()
			require.NoError(t, w.remove(id))
			w.assertEmpty()
		})
	}
}

// The stop comes when the process has ended and nobody knows it yet: the exit
// monitor lost its connection.
func TestStopAfterUnseenExit(t *testing.T) {
	for _, timeout := range []int64{0, 3600} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			id := w.container()
			w.faults.Fail("tasks.Wait", 1, errdefs.ErrUnavailable, true)
			require.NoError(t, w.start(id))
			w.Exit(id, 6)
			synctest.Wait()
			require.Equal(t, running, w.state(id))
			require.NoError(t, w.stop(w.ctx, id, timeout))
			status, _ := w.status(id)
			assert.Equal(t, exited, status.GetState())
			assert.EqualValues(t, 6, status.GetExitCode())
			assert.Zero(t, w.count(id, "signal 15")+w.count(id, "signal 9"))
		})
	}
}

// A caller that gives up gets an error, and the process its grace period.
func TestStopCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started("IGNORE_TERM")
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		err := w.stop(ctx, id, 10)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, w.count(id, "signal 9"))
		assert.Equal(t, running, w.state(id))

		ctx, cancel = context.WithCancel(w.ctx)
		cancel()
		assert.ErrorIs(t, w.stop(ctx, id, 0), context.Canceled)
		assert.True(t, w.Live(id))
		require.NoError(t, w.stop(w.ctx, id, 0))
	})
}

func TestStopCreated(t *testing.T) {
	w := newWorld(t)
	id := w.container()
	require.NoError(t, w.stop(w.ctx, id, 1))
	assert.Equal(t, created, w.state(id))
	require.NoError(t, w.start(id), "the CRI lets it be started later")
}

// A stop in the middle of a start prevents it.
func TestStopWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		entered, release := w.gate.hold()
		start, stop := make(chan error, 1), make(chan error, 1)
		go func() { start <- w.start(id) }()
		<-entered
		go func() { stop <- w.stop(w.ctx, id, 1) }()
		synctest.Wait()
		assert.Empty(t, stop, "it waits for the start to end")
		assert.ErrorContains(t, w.remove(id), "container is in starting state, can't be removed")
		assert.ErrorContains(t, w.start(id), "container is already in starting state")

		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		assert.ErrorIs(t, w.stop(ctx, id, 1), context.DeadlineExceeded, "not longer than its caller does")

		release()
		assert.True(t, errdefs.IsAborted(<-start))
		require.NoError(t, <-stop)
		assert.Equal(t, exited, w.state(id))
		assert.Zero(t, w.count(id, "started"))
		assert.Empty(t, w.Tasks())
	})
}

// A stop that was given up in the middle of a start does not prevent it.
func TestStopWhileStartingGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		entered, release := w.gate.hold()
		start := make(chan error, 1)
		go func() { start <- w.start(id) }()
		<-entered
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		require.ErrorIs(t, w.stop(ctx, id, 1), context.DeadlineExceeded)
		release()
		require.NoError(t, <-start)
		assert.Equal(t, running, w.state(id))
	})
}

func TestStopSandboxWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		sandbox := w.sandbox("pod")
		var ids []string
		for _, name := range []string{"a", "b", "c"} {
			c, err := w.CreateContainer(w.ctx, request(sandbox, name))
			require.NoError(t, err)
			ids = append(ids, c.GetContainerId())
		}
		require.NoError(t, w.start(ids[0]))
		entered, release := w.gate.hold()
		start := make(chan error, 1)
		go func() { start <- w.start(ids[1]) }()
		<-entered
		stop := make(chan error, 1)
		go func() {
			_, err := w.StopPodSandbox(w.ctx, &runtime.StopPodSandboxRequest{PodSandboxId: sandbox})
			stop <- err
		}()
		synctest.Wait()
		release()
		require.Error(t, <-start)
		require.NoError(t, <-stop)
		assert.True(t, errdefs.IsFailedPrecondition(w.start(ids[2])), "its sandbox is stopped")
		_, err := w.CreateContainer(w.ctx, request(sandbox, "d"))
		assert.ErrorContains(t, err, "is not ready")
		assert.Empty(t, w.Tasks())
		for i, state := range []runtime.ContainerState{exited, exited, created} {
			assert.Equal(t, state, w.state(ids[i]), "%d", i)
		}

		p, err := w.PodSandboxStatus(w.ctx, &runtime.PodSandboxStatusRequest{PodSandboxId: sandbox})
		require.NoError(t, err)
		assert.Equal(t, runtime.PodSandboxState_SANDBOX_NOTREADY, p.GetStatus().GetState())
		for range 2 {
			_, err = w.RemovePodSandbox(w.ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: sandbox})
			require.NoError(t, err)
		}
		w.assertEmpty()
		list, err := w.ListPodSandbox(w.ctx, &runtime.ListPodSandboxRequest{})
		require.NoError(t, err)
		assert.Empty(t, list.GetItems())
		assert.Len(t, ids, 3)
		w.sandbox("pod") // its name is free
	})
}
