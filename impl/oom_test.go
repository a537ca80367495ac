package impl_test

import (
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/sim"
)

// An exit for want of memory is one from the first moment that anybody sees it,
// on disk and in its event.
func TestOOM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, paused)
		l := w.listen(nil)
		id, killed := w.started(), w.started()
		require.True(t, w.OOM(id))
		require.NoError(t, w.stop(w.ctx, killed, 0))
		synctest.Wait()
		for id, reason := range map[string]string{id: "OOMKilled", killed: "Error"} {
			status, err := w.status(id)
			require.NoError(t, err)
			assert.Equal(t, reason, status.GetReason())
			assert.EqualValues(t, 137, status.GetExitCode())
		}
		stopped := 0
		for _, e := range l.events() {
			if e.GetContainerId() == id && e.GetContainerEventType() == runtime.ContainerEventType_CONTAINER_STOPPED_EVENT {
				assert.Equal(t, "OOMKilled", e.GetContainersStatuses()[0].GetReason())
				stopped++
			}
		}
		assert.Equal(t, 1, stopped)
		w.restart()
		status, err := w.status(id)
		require.NoError(t, err)
		assert.Equal(t, "OOMKilled", status.GetReason())
	})
}

// A question without an answer, an error or none at all, holds up the exit for
// 2 s at most.
func TestOOMUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, paused)
		id := w.started()
		w.faults.Fail("tasks.Metrics", 1, errdefs.ErrUnavailable, false)
		require.True(t, w.OOM(id))
		synctest.Wait()
		status, err := w.status(id)
		require.NoError(t, err)
		assert.Equal(t, exited, status.GetState())
		assert.EqualValues(t, 137, status.GetExitCode())
		assert.Equal(t, "Error", status.GetReason())
	})
}

// Who sees the exit sees why. No timer is early here: an answer that takes more
// than 2 s is none.
func TestOOMNoLaterThanTheExit(t *testing.T) {
	sim.Explore(t, sim.Options{Executions: 300, Config: sim.Config{EarlyTimers: -1}}, func(t *sim.T) {
		p := newPod(t, 1)
		c := p.ids[0]
		p.also("oom", func() { p.OOM(c) })
		p.also("status", func() {
			for range 3 {
				if status, err := p.status(c); err == nil && status.GetState() == exited {
					assert.Equal(t, "OOMKilled", status.GetReason())
				}
			}
		})
		p.others.Wait()
		assert.NoError(t, p.stop(p.ctx, c, 0))
		status, err := p.status(c)
		require.NoError(t, err)
		assert.Equal(t, "OOMKilled", status.GetReason())
	})
}
