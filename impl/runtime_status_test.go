package impl_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestRuntimeStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		conditions := func() map[string]bool {
			r, err := w.Status(w.ctx, &runtime.StatusRequest{})
			require.NoError(t, err)
			m := map[string]bool{}
			for _, c := range r.GetStatus().GetConditions() {
				m[c.GetType()] = c.GetStatus()
				assert.Equal(t, c.GetStatus(), c.GetReason() == "")
			}
			return m
		}
		assert.Equal(t, map[string]bool{"RuntimeReady": true, "NetworkReady": true}, conditions())
		w.faults.Fail("introspection.Server", 2, errdefs.ErrUnavailable, false)
		assert.Equal(t, map[string]bool{"RuntimeReady": false, "NetworkReady": true}, conditions())
		assert.True(t, conditions()["RuntimeReady"])
	})
}

// A daemon that does not answer is not ready, and holds up no longer than that.
func TestRuntimeStatusWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithTimeout(w.ctx, time.Hour)
		defer cancel()
		w.Crash()
		r, err := w.Status(ctx, &runtime.StatusRequest{})
		require.NoError(t, err)
		assert.False(t, r.GetStatus().GetConditions()[0].GetStatus())
		assert.Equal(t, "ContainerdNotReady", r.GetStatus().GetConditions()[0].GetReason())
		require.NoError(t, w.Restart())
	})
}

func TestVersion(t *testing.T) {
	w := newWorld(t)
	r, err := w.Version(w.ctx, &runtime.VersionRequest{})
	require.NoError(t, err)
	assert.Equal(t, "v1", r.GetRuntimeApiVersion())
	assert.Equal(t, "startrace", r.GetRuntimeName())
	assert.Regexp(t, `^\d+\.\d+\.\d+$`, r.GetRuntimeVersion(), "the kubelet wants a version with dots")
}
