package impl_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRemoveRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started("IGNORE_TERM")
		require.NoError(t, w.remove(id))
		assert.Zero(t, w.count(id, "signal 15"))
		w.assertEmpty()
	})
}

// Of several calls at a time each either removes, or finds it done or under way.
func TestRemoveTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started()
		results := make(chan error)
		for range 4 {
			go func() { results <- w.remove(id) }()
		}
		succeeded := 0
		for range 4 {
			if err := <-results; err == nil {
				succeeded++
			} else {
				assert.ErrorContains(t, err, "container is already in removing state")
			}
		}
		assert.Positive(t, succeeded)
		w.assertEmpty()
	})
}

// A task whose existence the runtime does not deny keeps the records: without
// them its process would be out of reach.
func TestRemoveAsksForTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		c, err := w.client.LoadContainer(w.ctx, id)
		require.NoError(t, err)
		_, err = c.NewTask(w.ctx, cio.NullIO)
		require.NoError(t, err)

		w.faults.Fail("tasks.Get", 1, errdefs.ErrUnavailable, false)
		assert.True(t, errdefs.IsUnavailable(w.remove(id)))
		assert.True(t, w.Live(id))
		assert.Equal(t, created, w.state(id))
		_, err = w.client.LoadContainer(w.ctx, id)
		require.NoError(t, err)

		require.NoError(t, w.remove(id))
		w.assertEmpty()
	})
}

// Whichever step fails, on whichever side of its effect, the call can be
// repeated, and nothing starts in between.
func TestRemoveFails(t *testing.T) {
	for _, call := range []string{"tasks.Get", "containers.Delete", "checkpoint.Remove"} {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id := w.started()
				w.Exit(id, 0)
				synctest.Wait()
				w.faults.Fail(call, 1, errdefs.ErrUnavailable, after)
				require.Error(t, w.remove(id), call)
				assert.Equal(t, exited, w.state(id))
				require.Error(t, w.start(id))
				require.NoError(t, w.remove(id))
				w.assertEmpty()
				time.Sleep(time.Hour)
				assert.Equal(t, 1, w.count(id, "started"))
			})
		}
	}
}
