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
	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/model"
)

// An OOM kill of a child is being written again, in vain, when the process exits,
// and its exit cannot be handled at first either. What is put back for the kill
// overwrites the exit (W4, events/events.go).
func TestRetryOverwritesExit(t *testing.T) {
	plan := failpoint.MustParse("process/oom=alone")
	better(t, "I3", func(f *fakes.Faults) { f.Plan = plan }, func(w *world) {
		require.NoError(t, w.start())
		w.fail("checkpoint.Write/before-effect", syscall.EIO) // of the kill
		w.OOM(w.id)
		w.at("checkpoint.Write/before-effect", func(context.Context) error { // again, 1 s later
			w.fail("tasks.Delete/before-effect", errdefs.ErrUnknown)
			if w.Exit(w.id, 7) {
				w.idle()
			}
			return syscall.EIO
		})
		time.Sleep(10 * time.Second)
		w.Exit(w.id, 7) // to who writes nothing for the kill it happens now
		time.Sleep(time.Hour)
	})
}

// The service dies between the deletion of the task and the write of the exit,
// whose code was the task's (W22, events.go). The reference writes first.
func TestCodeLostWithTask(t *testing.T) {
	better(t, "I4", noFaults, func(w *world) {
		require.NoError(t, w.start())
		w.at("tasks.Delete/after-effect", func(context.Context) error {
			w.crash()
			return nil
		})
		require.True(t, w.Exit(w.id, 7))
		w.idle()
		w.restart()
	})
}

// Wait fails, at once or since its connection was closed: for containerd that is
// an exit with 255, whose handling kills the process (W8, events.go).
func TestWaitFails(t *testing.T) {
	for name, lose := range map[string]func(*world){
		"before the start": func(w *world) {
			w.fail("tasks.Wait/before-effect", errdefs.ErrUnavailable)
			require.NoError(w.t, w.start())
		},
		"while the process runs": func(w *world) {
			require.NoError(w.t, w.start())
			w.idle()
			require.True(w.t, w.CloseConnection(w.id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			better(t, "I4", noFaults, func(w *world) {
				lose(w)
				time.Sleep(time.Minute)
				assert.Equal(t, w.variant.Name != "v2_4_2", w.Live(w.id))
			})
		})
	}
}

// The shim is gone for a moment when the task is loaded to handle a failed Wait:
// the container is EXITED, and its process lives (W14, events.go,
// containerd#9112).
func TestUnavailableIsNoExit(t *testing.T) {
	better(t, "I3", noFaults, func(w *world) {
		w.fail("tasks.Wait/before-effect", errdefs.ErrUnavailable)
		w.fail("tasks.Get/before-effect", errdefs.ErrUnavailable)
		require.NoError(t, w.start())
		time.Sleep(time.Minute)
	})
}

// Who sees that the process was killed does not see why: the reason is a write of
// its own, which fails (events.go, containerd#12714). The event is lost, as 2.4.2
// loses some.
func TestOOMWithoutReason(t *testing.T) {
	plan := failpoint.MustParse("event/tasks/oom=drop")
	better(t, "I20", func(f *fakes.Faults) { f.Plan = plan }, func(w *world) {
		w.pause = &impl.Pause{Rootfs: "/pause"} // without it the reference does not ask
		w.crash()
		w.restart()
		w.create("oom", nil)
		require.NoError(t, w.start())
		w.fail("checkpoint.Write/before-effect", syscall.EIO)
		w.record(model.Event{Kind: model.OOMKilled, Container: w.id, Life: 1})
		require.True(t, w.OOM(w.id))
		time.Sleep(time.Minute)
		w.observe()
	})
}

// STARTED tells of a container that has exited already, and says so: the event has
// the status as of its sending (W5, container_start.go). That STOPPED may overtake
// it is TestStoppedBeforeStarted of package scenarios.
func TestStartedSaysExited(t *testing.T) {
	betterOutside(t, "STARTED says EXITED", func(w *world) {
		l := w.listen(nil)
		defer l.cancel()
		// The start is held up in its event by the status of another container, whose
		// update of resources hangs.
		other := w.id
		var err error
		w.id, err = w.createIn(w.ctx, w.pod, "last", nil)
		require.NoError(t, err)
		release := w.block("containers.Update/before-effect")
		defer release()
		update := w.meanwhile(func() error { return w.updateOf(w.ctx, other, 7) })
		w.at("tasks.Start/after-effect", func(context.Context) error {
			require.True(t, w.Exit(w.id, 3))
			return nil
		})
		start := w.meanwhile(w.start)
		require.Eventually(t, func() bool { return w.status().State == runtime.ContainerState_CONTAINER_EXITED }, 10*time.Second, time.Millisecond)
		release()
		for _, call := range []func() (bool, error){start, update} {
			returned, err := call()
			require.True(t, returned)
			require.NoError(t, err)
		}
		require.NotEmpty(t, l.received())
		for _, e := range l.received() {
			if e.GetContainerEventType() == runtime.ContainerEventType_CONTAINER_STARTED_EVENT {
				for _, c := range e.GetContainersStatuses() {
					if c.GetId() == w.id && c.GetState() == runtime.ContainerState_CONTAINER_EXITED {
						w.wrong["STARTED says EXITED"] = true
					}
				}
			}
		}
	})
}
