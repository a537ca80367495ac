package impl_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
)

const (
	ready    = runtime.PodSandboxState_SANDBOX_READY
	notReady = runtime.PodSandboxState_SANDBOX_NOTREADY
)

// paused gives each sandbox a pause process.
func paused(cfg *impl.Config) { cfg.Pause = &impl.Pause{Rootfs: "/pause"} }

func (w *world) runSandbox(name string) (string, error) {
	r, err := w.RunPodSandbox(w.ctx, &runtime.RunPodSandboxRequest{Config: &runtime.PodSandboxConfig{
		Metadata: &runtime.PodSandboxMetadata{Name: name, Namespace: "ns", Uid: "uid"},
		Labels:   map[string]string{"name": name},
	}})
	return r.GetPodSandboxId(), errgrpc.ToNative(err)
}

func (w *world) stopSandbox(id string) error {
	_, err := w.StopPodSandbox(w.ctx, &runtime.StopPodSandboxRequest{PodSandboxId: id})
	return errgrpc.ToNative(err)
}

func (w *world) removeSandbox(id string) error {
	_, err := w.RemovePodSandbox(w.ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: id})
	return errgrpc.ToNative(err)
}

func (w *world) sandboxState(id string) runtime.PodSandboxState {
	r, err := w.PodSandboxStatus(w.ctx, &runtime.PodSandboxStatusRequest{PodSandboxId: id})
	require.NoError(w.t, err)
	return r.GetStatus().GetState()
}

func (w *world) create(sandbox, name string) (string, error) {
	r, err := w.CreateContainer(w.ctx, request(sandbox, name))
	return r.GetContainerId(), errgrpc.ToNative(err)
}

func TestSandbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, paused)
		id := w.sandbox("pod")
		assert.Equal(t, ready, w.sandboxState(id))
		assert.True(t, w.Live(id))
		_, err := w.runSandbox("pod")
		assert.True(t, errdefs.IsAlreadyExists(err), "%v", err)
		other, err := w.runSandbox("other")
		require.NoError(t, err)

		list, err := w.ListPodSandbox(w.ctx, &runtime.ListPodSandboxRequest{Filter: &runtime.PodSandboxFilter{
			State: &runtime.PodSandboxStateValue{State: ready}, LabelSelector: map[string]string{"name": "other"},
		}})
		require.NoError(t, err)
		require.Len(t, list.GetItems(), 1)
		assert.Equal(t, other, list.GetItems()[0].GetId())
		_, err = w.status(id)
		assert.True(t, errdefs.IsNotFound(err), "the pause process is no container")

		c, err := w.create(id, "c")
		require.NoError(t, err)
		require.NoError(t, w.start(c))
		for range 2 {
			require.NoError(t, w.stopSandbox(id))
			synctest.Wait() // for the task to be deleted
			assert.Equal(t, notReady, w.sandboxState(id))
			assert.Equal(t, exited, w.state(c))
			assert.Equal(t, []string{other}, w.Tasks())
		}
		assert.Equal(t, ready, w.sandboxState(other))
		for range 2 {
			require.NoError(t, w.removeSandbox(id))
		}
		_, err = w.PodSandboxStatus(w.ctx, &runtime.PodSandboxStatusRequest{PodSandboxId: id})
		assert.True(t, errdefs.IsNotFound(errgrpc.ToNative(err)), "%v", err)
		w.sandbox("pod") // its name is free
		require.NoError(t, w.removeSandbox(other))
		require.NoError(t, w.stopSandbox("absent"))
	})
}

// A sandbox whose run failed is removed, whichever step fails, before or after
// its effect, and whatever fails while it is removed.
func TestRunSandboxFails(t *testing.T) {
	for _, tc := range []struct {
		call string
		nth  int
	}{
		{"containers.Create", 1},
		{"checkpoint.Write", 1}, // CREATED
		{"checkpoint.Write", 2}, // the sandbox
		{"tasks.Create", 1},
		{"checkpoint.Write", 3}, // RUNNING
		{"tasks.Start", 1},
	} {
		for _, after := range []bool{false, true} {
			for _, second := range []string{"", "tasks.Kill", "tasks.Delete", "containers.Delete", "checkpoint.Remove"} {
				t.Run(fmt.Sprint(tc.call, tc.nth, after, second), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, paused)
						w.faults.Fail(tc.call, tc.nth, errdefs.ErrUnavailable, after)
						if second != "" {
							w.faults.Fail(second, 1, errdefs.ErrUnavailable, false)
							w.faults.Fail(second, 2, errdefs.ErrUnavailable, true)
						}
						_, err := w.runSandbox("pod")
						require.Error(t, err)
						time.Sleep(time.Hour)
						assert.Empty(t, w.Tasks())
						w.assertEmpty()
						w.StopFaults()
						id := w.sandbox("pod") // its name is free
						require.NoError(t, w.removeSandbox(id))
						w.assertEmpty()
					})
				})
			}
		}
	}
}

func TestRunSandboxWithoutRootfs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(cfg *impl.Config) { cfg.Pause = &impl.Pause{Rootfs: "pause"} })
		for range 2 {
			_, err := w.runSandbox("pod")
			assert.True(t, errdefs.IsInvalidArgument(err), "%v", err)
		}
		w.assertEmpty()
	})
}

// A pause process that ends by itself makes its sandbox NOTREADY for good; the
// containers go on until somebody stops them.
func TestPauseExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, paused)
		id := w.sandbox("pod")
		a, err := w.create(id, "a")
		require.NoError(t, err)
		b, err := w.create(id, "b")
		require.NoError(t, err)
		require.NoError(t, w.start(a))
		require.True(t, w.Exit(id, 1))
		synctest.Wait()
		assert.Equal(t, notReady, w.sandboxState(id))
		assert.Equal(t, []string{a}, w.Tasks())
		assert.True(t, errdefs.IsFailedPrecondition(w.start(b)))
		_, err = w.create(id, "c")
		assert.True(t, errdefs.IsFailedPrecondition(err))
		w.restart()
		assert.Equal(t, notReady, w.sandboxState(id))
		assert.Equal(t, running, w.state(a))
		require.NoError(t, w.removeSandbox(id))
		w.assertEmpty()
	})
}

// A disk that hangs keeps StopPodSandbox no longer than its context, and errors
// of the runtime are no reason to give up.
func TestStopSandboxIsHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, paused)
		id := w.sandbox("pod")
		ids := make([]string, 2)
		for i := range ids {
			c, err := w.create(id, fmt.Sprint("c", i))
			require.NoError(t, err)
			require.NoError(t, w.start(c))
			ids[i] = c
		}
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		entered, release := w.gate.hold()
		_, err := w.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: id})
		<-entered
		require.ErrorContains(t, err, context.DeadlineExceeded.Error())
		assert.Equal(t, ready, w.sandboxState(id), "what is not on disk could be undone by a restart")
		assert.True(t, errdefs.IsFailedPrecondition(errOf(w.create(id, "late"))))
		release()
		synctest.Wait()
		assert.Equal(t, notReady, w.sandboxState(id))

		for nth := 1; nth <= 4; nth++ {
			w.faults.Fail("tasks.Kill", nth, syscall.EIO, false) // of both, at first
		}
		require.NoError(t, w.stopSandbox(id))
		synctest.Wait() // for the task to be deleted
		assert.Empty(t, w.Tasks())
		require.NoError(t, w.removeSandbox(id))
		w.assertEmpty()
	})
}

func errOf(_ string, err error) error { return err }
