package impl_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
)

type execResult struct {
	*runtime.ExecSyncResponse
	err error
}

func (w *world) exec(ctx context.Context, id string, seconds int64, command ...string) execResult {
	r, err := w.ExecSync(ctx, &runtime.ExecSyncRequest{ContainerId: id, Cmd: command, Timeout: seconds})
	return execResult{r, errgrpc.ToNative(err)}
}

// executing calls ExecSync and returns the id of the process when it runs.
func (w *world) executing(ctx context.Context, id string, seconds int64) (exec string, _ <-chan execResult) {
	w.mu.Lock()
	exec = fmt.Sprintf("id%d", w.ids+1)
	w.mu.Unlock()
	result := make(chan execResult, 1)
	go func() { result <- w.exec(ctx, id, seconds, "/sh") }()
	synctest.Wait()
	return exec, result
}

// assertNoExec looks for what an exec must not leave behind.
func (w *world) assertNoExec(id, exec string) {
	w.t.Helper()
	_, err := w.client.TaskService().Get(w.ctx, &tasks.GetRequest{ContainerID: id, ExecID: exec})
	assert.ErrorIs(w.t, errgrpc.ToNative(err), errdefs.ErrNotFound)
	synctest.Wait()
	assert.Zero(w.t, w.OpenStreams())
}

func TestExecSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started()
		exec, result := w.executing(w.ctx, id, 10)
		require.True(t, w.Print(id, exec, "hello\n"))
		require.True(t, w.Print(id, exec, "world"))
		time.Sleep(9 * time.Second)
		require.True(t, w.ExitExec(id, exec, 3))
		r := <-result
		require.NoError(t, r.err)
		assert.EqualValues(t, 3, r.GetExitCode())
		assert.Equal(t, "hello\nworld", string(r.GetStdout()))
		assert.Empty(t, r.GetStderr())
		w.assertNoExec(id, exec)
		assert.Equal(t, running, w.state(id))
	})
}

func TestExecSyncRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		require.ErrorIs(t, w.exec(w.ctx, "absent", 0, "/sh").err, errdefs.ErrNotFound)
		require.ErrorIs(t, w.exec(w.ctx, id, 0).err, errdefs.ErrInvalidArgument)
		require.ErrorIs(t, w.exec(w.ctx, id, 0, "/sh").err, errdefs.ErrFailedPrecondition)
		require.NoError(t, w.start(id))
		ctx, cancel := context.WithCancel(w.ctx)
		cancel()
		require.ErrorIs(t, w.exec(ctx, id, 0, "/sh").err, context.Canceled)
		require.ErrorContains(t, w.exec(w.ctx, id, 0, fakes.MissingBinary).err, "no such file or directory")
		assert.Zero(t, w.OpenStreams())
		require.True(t, w.Exit(id, 0))
		synctest.Wait()
		require.ErrorIs(t, w.exec(w.ctx, id, 0, "/sh").err, errdefs.ErrFailedPrecondition)
	})
}

// Whoever ends the wait, the deadline of the request, the caller or the service,
// the process is killed and gone. After Close it is left, as all containers are.
func TestExecSyncGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started()
		begin := time.Now()
		exec, result := w.executing(w.ctx, id, 5)
		require.ErrorIs(t, (<-result).err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(begin))
		w.assertNoExec(id, exec)

		ctx, cancel := context.WithCancel(w.ctx)
		exec, result = w.executing(ctx, id, 0)
		cancel()
		require.ErrorIs(t, (<-result).err, context.Canceled)
		w.assertNoExec(id, exec)

		_, result = w.executing(w.ctx, id, 0)
		require.NoError(t, w.Service.Close())
		require.ErrorIs(t, (<-result).err, errdefs.ErrUnavailable)
		assert.True(t, w.Live(id))
	})
}

// The container ends while the process runs, which ends with it.
func TestExecSyncBesideExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started()
		exec, result := w.executing(w.ctx, id, 0)
		require.True(t, w.Print(id, exec, "last words"))
		require.NoError(t, w.remove(id))
		if r := <-result; r.err == nil {
			assert.EqualValues(t, 137, r.GetExitCode())
			assert.Equal(t, "last words", string(r.GetStdout()))
		} else {
			require.ErrorIs(t, r.err, errdefs.ErrFailedPrecondition)
		}
		w.assertEmpty()
		w.assertNoExec(id, exec)
		left, err := os.ReadDir(w.pipes)
		require.NoError(t, err)
		assert.Empty(t, left)
	})
}

// What the command left in background keeps its streams open, but nobody up.
func TestExecSyncLeavesAProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started()
		w.HoldStreams(id)
		begin := time.Now()
		exec, result := w.executing(w.ctx, id, 0)
		require.True(t, w.Print(id, exec, "done"))
		require.True(t, w.ExitExec(id, exec, 0))
		r := <-result
		require.NoError(t, r.err)
		assert.Equal(t, "done", string(r.GetStdout()))
		assert.Equal(t, 2*time.Second, time.Since(begin))
		w.assertNoExec(id, exec)
	})
}

// Wherever a call fails and whether it took effect: an error, or the true code,
// and nothing left behind.
func TestExecSyncFails(t *testing.T) {
	for _, call := range []string{
		"containers.Get", "tasks.Get", "tasks.Exec", "tasks.Start", "tasks.Wait", "tasks.DeleteProcess", "tasks.Kill",
	} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(call, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					w.faults.Hold()
					id := w.started()
					w.faults.Release()
					w.faults.Fail(call, 1, errdefs.ErrUnavailable, after)
					exec, result := w.executing(w.ctx, id, 5)
					time.Sleep(time.Second)
					exited := w.ExitExec(id, exec, 3)
					r := <-result
					if exited {
						require.NoError(t, r.err)
						assert.EqualValues(t, 3, r.GetExitCode())
					} else {
						require.ErrorIs(t, r.err, errdefs.ErrUnavailable)
					}
					time.Sleep(time.Minute)
					w.assertNoExec(id, exec)
					assert.Equal(t, running, w.state(id))
				})
			})
		}
	}
}
