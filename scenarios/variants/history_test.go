package variants_test

import (
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

// The races of history, each pinned by hand. Every variant breaks the invariant
// that it broke, and the other one does not where the change was about it.

// containerd/containerd#3125, #3177: nobody else looks for an exit whose event
// is lost, here because the stream is broken for a second.
func TestLostExitEvent(t *testing.T) {
	fault := func(f *fakes.Faults) { f.Fail("events.Subscribe", 1, errdefs.ErrUnavailable, false) }
	for variant, want := range map[string]map[string]bool{
		"preseed":  {"I3": true},
		"seed2019": {},
	} {
		t.Run(variant, func(t *testing.T) {
			in(t, variant, fault, func(w *world) {
				require.NoError(t, w.start())
				require.True(t, w.Exit(w.id, 0))
				time.Sleep(time.Hour)
				assert.Equal(t, want, w.broken())
			})
		})
	}
}

// A broken stream is subscribed again, so that later exits are seen.
func TestPreseedSubscribesAgain(t *testing.T) {
	fault := func(f *fakes.Faults) { f.Fail("events.Subscribe", 1, errdefs.ErrUnavailable, false) }
	in(t, "preseed", fault, func(w *world) {
		require.NoError(t, w.start())
		time.Sleep(2 * time.Second)
		require.True(t, w.Exit(w.id, 3))
		assert.Empty(t, w.broken())
		assert.EqualValues(t, 3, w.status().ExitCode)
	})
}

// The write at the end of the transaction fails: the process runs on, unknown.
func TestPreseedTransactionFails(t *testing.T) {
	fault := func(f *fakes.Faults) { f.Fail("checkpoint.Write", 2, syscall.ENOSPC, false) }
	in(t, "preseed", fault, func(w *world) {
		require.ErrorIs(t, w.start(), syscall.ENOSPC)
		assert.Equal(t, runtime.ContainerState_CONTAINER_CREATED, w.status().State)
		assert.Equal(t, map[string]bool{"I3": true}, w.broken())
	})
}

// StopContainer between the creation of the task and its start: a no-op that
// succeeds. The call is made from inside the fake, which it does not touch.
func TestSeed2019StopWhileStarting(t *testing.T) {
	in(t, "seed2019", noFaults, func(w *world) {
		w.on[model.TaskCreated] = func() { assert.NoError(t, w.stop(0)) }
		require.NoError(t, w.start())
		assert.Equal(t, map[string]bool{"I9": true}, w.broken())
		assert.Equal(t, runtime.ContainerState_CONTAINER_RUNNING, w.status().State)
	})
}

// The disk fails twice: RUNNING cannot be written, nor can the failure of the
// start. The container is CREATED again and starts a second time.
func TestSeed2019StartsTwice(t *testing.T) {
	fault := func(f *fakes.Faults) {
		f.Fail("checkpoint.Write", 2, syscall.ENOSPC, false)
		f.Fail("checkpoint.Write", 3, syscall.ENOSPC, false)
	}
	in(t, "seed2019", fault, func(w *world) {
		require.ErrorIs(t, w.start(), syscall.ENOSPC)
		assert.Equal(t, runtime.ContainerState_CONTAINER_CREATED, w.status().State)
		require.NoError(t, w.start())
		assert.Equal(t, map[string]bool{"I1": true}, w.broken())
	})
}

// A Wait that fails counts as an exit with 255, and its handling kills the
// process.
func TestSeed2019FailedWaitKills(t *testing.T) {
	fault := func(f *fakes.Faults) { f.Fail("tasks.Wait", 1, errdefs.ErrUnavailable, false) }
	in(t, "seed2019", fault, func(w *world) {
		require.NoError(t, w.start())
		assert.Equal(t, map[string]bool{"I4": true}, w.broken())
		assert.EqualValues(t, 255, w.status().ExitCode)
		assert.False(t, w.Live(w.id))
	})
}
