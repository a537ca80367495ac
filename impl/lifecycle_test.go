package impl_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
)

func TestLifecycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		createdAt := time.Now().UnixNano()
		assert.Equal(t, created, w.state(id))

		time.Sleep(time.Second)
		startedAt := time.Now().UnixNano()
		require.NoError(t, w.start(id))
		assert.Equal(t, running, w.state(id))

		time.Sleep(time.Second)
		finishedAt := time.Now().UnixNano()
		require.True(t, w.Exit(id, 7))
		synctest.Wait()
		status, err := w.status(id)
		require.NoError(t, err)
		assert.Equal(t, exited, status.GetState())
		assert.EqualValues(t, 7, status.GetExitCode())
		assert.Equal(t, createdAt, status.GetCreatedAt())
		assert.Equal(t, startedAt, status.GetStartedAt())
		assert.Equal(t, finishedAt, status.GetFinishedAt())
		assert.Equal(t, "Error", status.GetReason())
		assert.Equal(t, "/rootfs", status.GetImageRef())
		assert.Equal(t, []string{"CREATED", "created", "RUNNING", "started", "exited", "EXITED", "deleted"}, w.happened(id))

		require.NoError(t, w.remove(id))
		_, err = w.status(id)
		assert.True(t, errdefs.IsNotFound(err), "%v", err)
		w.assertEmpty()
		require.NoError(t, w.remove(id), "again")
		require.NoError(t, w.stop(w.ctx, id, 1), "of nothing")
		assert.True(t, errdefs.IsNotFound(w.start(id)))
	})
}

// assertEmpty looks for what a removed container must not leave behind.
func (w *world) assertEmpty() {
	w.t.Helper()
	assert.Empty(w.t, w.Tasks())
	records, err := w.disk.List()
	require.NoError(w.t, err)
	assert.Empty(w.t, records)
	containers, err := w.client.Containers(w.ctx)
	require.NoError(w.t, err)
	assert.Empty(w.t, containers)
}

func TestCreate(t *testing.T) {
	w := newWorld(t)
	sandbox := w.sandbox("pod")
	_, err := w.CreateContainer(w.ctx, request(sandbox, "a"))
	require.NoError(t, err)
	_, err = w.CreateContainer(w.ctx, request(sandbox, "a"))
	assert.ErrorContains(t, err, "is reserved for")

	for name, r := range map[string]*runtime.CreateContainerRequest{
		"no sandbox": request("none", "b"),
		"no image":   {PodSandboxId: sandbox, Config: &runtime.ContainerConfig{Command: []string{"/init"}}},
		"no command": {PodSandboxId: sandbox, Config: &runtime.ContainerConfig{Image: &runtime.ImageSpec{Image: "/rootfs"}}},
		"signal": {PodSandboxId: sandbox, Config: &runtime.ContainerConfig{
			Image: &runtime.ImageSpec{Image: "/rootfs"}, Command: []string{"/init"}, StopSignal: -1,
		}},
	} {
		_, err := w.CreateContainer(w.ctx, r)
		assert.Error(t, err, name)
	}
	list, err := w.ListContainers(w.ctx, &runtime.ListContainersRequest{})
	require.NoError(t, err)
	assert.Len(t, list.GetContainers(), 1)
}

// A failed create leaves nothing, and the name can be used again.
func TestCreateFails(t *testing.T) {
	for _, call := range []string{"containers.Create", "checkpoint.Write"} {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				sandbox := w.sandbox("pod")
				w.faults.Fail(call, 1, errdefs.ErrUnavailable, after)
				w.faults.Fail("containers.Delete", 1, errdefs.ErrUnavailable, false)
				w.faults.Fail("checkpoint.Remove", 1, errdefs.ErrUnavailable, true)
				_, err := w.CreateContainer(w.ctx, request(sandbox, "a"))
				require.Error(t, err)
				time.Sleep(time.Minute)
				w.assertEmpty()
				_, err = w.CreateContainer(w.ctx, request(sandbox, "a"))
				require.NoError(t, err)
			})
		}
	}
}

func TestList(t *testing.T) {
	w := newWorld(t)
	pod1, pod2 := w.sandbox("pod1"), w.sandbox("pod2")
	var ids []string
	for _, r := range []*runtime.CreateContainerRequest{request(pod1, "a"), request(pod1, "b"), request(pod2, "a")} {
		c, err := w.CreateContainer(w.ctx, r)
		require.NoError(t, err)
		ids = append(ids, c.GetContainerId())
	}
	require.NoError(t, w.start(ids[1]))
	for _, tc := range []struct {
		filter *runtime.ContainerFilter
		want   []string
	}{
		{nil, ids},
		{&runtime.ContainerFilter{Id: ids[2]}, ids[2:]},
		{&runtime.ContainerFilter{PodSandboxId: pod1}, ids[:2]},
		{&runtime.ContainerFilter{State: &runtime.ContainerStateValue{State: running}}, ids[1:2]},
		{&runtime.ContainerFilter{LabelSelector: map[string]string{"name": "b"}}, ids[1:2]},
		{&runtime.ContainerFilter{LabelSelector: map[string]string{"name": "c"}}, nil},
	} {
		list, err := w.ListContainers(w.ctx, &runtime.ListContainersRequest{Filter: tc.filter})
		require.NoError(t, err)
		var got []string
		for _, c := range list.GetContainers() {
			got = append(got, c.GetId())
		}
		assert.Equal(t, tc.want, got, "%v", tc.filter)
	}
}

// Readers wait for nobody: neither for a start nor for the disk.
func TestReadersDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.container()
		entered, release := w.gate.hold()
		result := make(chan error, 1)
		go func() { result <- w.start(id) }()
		<-entered
		assert.Equal(t, created, w.state(id))
		list, err := w.ListContainers(w.ctx, &runtime.ListContainersRequest{})
		require.NoError(t, err)
		assert.Len(t, list.GetContainers(), 1)
		release()
		require.NoError(t, <-result)
	})
}

// Close leaves the container alone and fails what waits for it.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.started("IGNORE_TERM")
		result := make(chan error, 1)
		go func() { result <- w.stop(w.ctx, id, 3600) }()
		synctest.Wait()
		require.NoError(t, w.Service.Close())
		assert.True(t, errdefs.IsUnavailable(<-result))
		assert.True(t, w.Live(id))
		require.NoError(t, w.Service.Close(), "again")
		w.restart()
		assert.Equal(t, running, w.state(id))
	})
}

func TestNewFails(t *testing.T) {
	_, err := impl.New(context.Background(), impl.Config{})
	assert.ErrorIs(t, err, errdefs.ErrInvalidArgument)

	for _, call := range []string{"containers.List", "checkpoint.List"} {
		w := newWorld(t)
		boom := errors.New("boom")
		w.faults.Fail(call, 2, boom, false)
		_, err := impl.New(w.ctx, impl.Config{Client: w.client, Checkpoints: w.disk})
		assert.ErrorContains(t, err, "boom", call)
	}
}
