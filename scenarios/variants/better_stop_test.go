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
	"github.com/startrace/startrace/model"
)

// The stop signal counts as sent before it is sent: when that fails, the next Stop
// waits for a process that was never asked, and kills it (W6, container_stop.go).
func TestSignalIsNeverSent(t *testing.T) {
	fault := func(f *fakes.Faults) { f.Fail("tasks.Kill", 1, errdefs.ErrUnavailable, false) }
	better(t, "I15", fault, func(w *world) {
		require.NoError(t, w.start())
		_ = w.stop(10)
		w.settle()
		require.NoError(t, w.stopProbing(model.Event{Op: model.OpStop, Timeout: int64(10 * time.Second), Probe: true}))
		assert.EqualValues(t, map[bool]int32{true: 137, false: 143}[w.variant.Name == "v2_4_2"], w.status().ExitCode)
	})
}

// Between the deletion of the task and the write of the exit a Stop finds no task
// and succeeds. The container is RUNNING for as long as the disk is full (W7,
// container_stop.go, events.go).
func TestStopSucceedsTooEarly(t *testing.T) {
	fault := func(f *fakes.Faults) {
		for n := 3; n < 10; n++ {
			f.Fail("checkpoint.Write", n, syscall.ENOSPC, false)
		}
	}
	better(t, "stopped, and RUNNING", fault, func(w *world) {
		require.NoError(t, w.start())
		require.True(t, w.Exit(w.id, 7))
		w.idle()
		require.NoError(t, w.stop(10))
		w.wrong["stopped, and RUNNING"] = w.status().State == runtime.ContainerState_CONTAINER_RUNNING
		time.Sleep(time.Hour)
	})
}

// After the success of a stop its record is asked for, which may fail (W30,
// container_stop.go).
func TestStopFailsAfterSuccess(t *testing.T) {
	better(t, "an error, and EXITED", noFaults, func(w *world) {
		require.NoError(t, w.start())
		w.at("tasks.Delete/after-effect", func(context.Context) error { // of the exit handler
			w.fail("containers.Get/before-effect", errdefs.ErrUnavailable)
			return nil
		})
		err := w.stop(0)
		w.wrong["an error, and EXITED"] = err != nil && w.status().State == runtime.ContainerState_CONTAINER_EXITED
	})
}

// RemoveContainer takes an error of the question for a task for "there is none"
// and deletes the record of a container whose task is there, left by a start that
// failed. It is out of reach (W9, client/container.go, containerd#12821).
func TestRemoveOfLiveTask(t *testing.T) {
	fault := func(f *fakes.Faults) { f.Fail("tasks.Create", 1, errdefs.ErrUnavailable, true) }
	for name, answer := range map[string]error{
		"deadline": context.DeadlineExceeded, "unavailable": errdefs.ErrUnavailable, "unknown": errdefs.ErrUnknown,
	} {
		t.Run(name, func(t *testing.T) {
			better(t, "I8", fault, func(w *world) {
				require.ErrorIs(t, w.start(), errdefs.ErrUnavailable)
				w.fail("tasks.Get/before-effect", answer)
				if err := w.remove(); err != nil {
					time.Sleep(time.Minute)
					require.NoError(t, w.remove())
				}
			})
		})
	}
}

// Two Stops of a container that is UNKNOWN have an exit monitor each: its end is
// told twice (W15, container_stop.go). To the reference it is not unknown.
func TestTwoStopsOfUnknown(t *testing.T) {
	better(t, "I16", noFaults, func(w *world) {
		require.NoError(t, w.start())
		w.crash()
		w.fail("tasks.Get/before-effect", errdefs.ErrUnavailable)
		w.restart()
		l := w.listen(nil)
		defer l.cancel()
		w.record(model.Event{Kind: model.Notified, Container: w.id, Channel: "events", Life: 1, Notice: model.NoticeStarted})
		release := w.block("tasks.Kill/before-effect")
		first := w.meanwhile(func() error { return w.stop(0) })
		second := w.meanwhile(func() error { return w.stop(0) })
		release()
		time.Sleep(time.Minute)
		for _, stop := range []func() (bool, error){first, second} {
			returned, err := stop()
			assert.True(t, returned)
			assert.NoError(t, err)
		}
		for _, e := range l.received() {
			if e.GetContainerEventType() == runtime.ContainerEventType_CONTAINER_STOPPED_EVENT {
				w.record(model.Event{Kind: model.Notified, Container: w.id, Channel: "events", Life: 1, Notice: model.NoticeStopped})
			}
		}
	})
}
