package fakes

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	eventsapi "github.com/containerd/containerd/api/events"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// take reads n events as topic and container id, and checks their envelopes.
func take(t *testing.T, ch <-chan *events.Envelope, n int) []string {
	t.Helper()
	var got []string
	for range n {
		e := <-ch
		assert.Equal(t, Namespace, e.Namespace)
		assert.False(t, e.Timestamp.IsZero())
		v, err := typeurl.UnmarshalAny(e.Event)
		require.NoError(t, err)
		got = append(got, e.Topic+" "+v.(interface{ GetContainerID() string }).GetContainerID())
	}
	return got
}

func TestEventOrder(t *testing.T) {
	w := newWorld(t, Options{})
	ch, errs := w.client.Subscribe(w.ctx, `topic~="^/tasks/"`)
	_, task := w.task(t, "c1")
	require.NoError(t, task.Start(w.ctx))
	w.Exit("c1", 7)
	_, err := task.Delete(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"/tasks/create c1", "/tasks/start c1", "/tasks/exit c1", "/tasks/delete c1"}, take(t, ch, 4))
	assert.Empty(t, errs)
}

func TestRecordEvents(t *testing.T) {
	w := newWorld(t, Options{})
	ch, _ := w.client.Subscribe(w.ctx, `topic~="^/containers/"`)
	c := w.container(t, "c1")
	_, err := c.SetLabels(w.ctx, map[string]string{"k": "v"})
	require.NoError(t, err)
	require.NoError(t, c.Delete(w.ctx))
	for _, topic := range []string{"/containers/create", "/containers/update", "/containers/delete"} {
		assert.Equal(t, topic, (<-ch).Topic)
	}
}

func TestEventFilters(t *testing.T) {
	w := newWorld(t, Options{})
	ctx, cancel := context.WithCancel(w.ctx)
	ch, errs := w.client.Subscribe(ctx, `topic=="/tasks/exit"`, `topic=="/tasks/start",event.container_id==c2`)
	for _, id := range []string{"c1", "c2"} {
		_, task := w.task(t, id)
		require.NoError(t, task.Start(w.ctx))
		w.Exit(id, 7)
	}
	assert.Equal(t, []string{"/tasks/exit c1", "/tasks/start c2", "/tasks/exit c2"}, take(t, ch, 3))
	cancel()
	assert.ErrorIs(t, errgrpc.ToNative(<-errs), context.Canceled)
	_, open := <-errs
	assert.False(t, open)
	w.mu.Lock()
	defer w.mu.Unlock()
	assert.Empty(t, w.subs)
}

func TestEventLoss(t *testing.T) {
	w := newWorld(t, Options{EventLoss: true})
	ch, _ := w.client.Subscribe(w.ctx, `topic~="^/tasks/"`)
	asked := choices(t, 0, 1)
	_, task := w.task(t, "c1")
	require.NoError(t, task.Start(w.ctx))
	w.StopFaults()
	w.Exit("c1", 7)
	assert.Equal(t, []string{"/tasks/create c1", "/tasks/exit c1"}, take(t, ch, 2))
	assert.Equal(t, []string{"lose event /tasks/create of 2", "lose event /tasks/start of 2"}, *asked)
}

func TestEventErrors(t *testing.T) {
	faults := &Faults{}
	faults.Fail("events.Subscribe", 2, errdefs.ErrUnavailable, true)
	w := newWorld(t, Options{Faults: faults})
	_, errs := w.client.Subscribe(w.ctx, "topic==")
	assert.Error(t, <-errs)
	_, errs = w.client.Subscribe(w.ctx)
	assert.ErrorIs(t, errgrpc.ToNative(<-errs), errdefs.ErrUnavailable)
	assert.Empty(t, w.subs, "nobody reads a subscription whose reply was lost")
	assert.ErrorIs(t, w.client.EventService().Publish(w.ctx, "tasks", &eventsapi.TaskOOM{}), errdefs.ErrInvalidArgument)
}

func TestPublish(t *testing.T) {
	w := newWorld(t, Options{})
	ch, _ := w.client.Subscribe(w.ctx)
	require.NoError(t, w.client.EventService().Publish(w.ctx, "/tasks/oom", &eventsapi.TaskOOM{ContainerID: "c1"}))
	e := <-ch
	require.NoError(t, w.client.EventService().Forward(w.ctx, e))
	assert.Same(t, e, <-ch)
}

func TestSlowSubscriber(t *testing.T) {
	w := newWorld(t, Options{})
	ch, _ := w.client.Subscribe(w.ctx)
	const n = 2 * subscriptionBuffer
	for i := range n {
		require.NoError(t, w.client.EventService().Publish(w.ctx, "/tasks/oom", &eventsapi.TaskOOM{ContainerID: fmt.Sprint(i)}))
	}
	first := take(t, ch, subscriptionBuffer)
	assert.Equal(t, "/tasks/oom 0", first[0])
	assert.Equal(t, fmt.Sprint("/tasks/oom ", subscriptionBuffer-1), first[subscriptionBuffer-1])
	w.mu.Lock()
	defer w.mu.Unlock()
	assert.LessOrEqual(t, len(w.subs[0].queue), 1, "the rest was lost")
}

func TestContainerStore(t *testing.T) {
	w := newWorld(t, Options{})
	_, err := w.client.NewContainer(w.ctx, "b", containerd.WithNewSpec(), containerd.WithContainerLabels(map[string]string{"k": "v"}))
	require.NoError(t, err)
	a := w.container(t, "a")
	list := func(filters ...string) (ids []string) {
		all, err := w.client.Containers(w.ctx, filters...)
		require.NoError(t, err)
		for _, c := range all {
			ids = append(ids, c.ID())
		}
		return ids
	}
	assert.Equal(t, []string{"a", "b"}, list())
	assert.Equal(t, []string{"b"}, list("labels.k==v"))
	assert.Equal(t, []string{"a"}, list("id==a"))
	assert.Equal(t, []string{"a", "b"}, list("runtime.name==io.containerd.runc.v2"))
	assert.Empty(t, list("image==none", "labels.absent", "other==x"))
	_, err = w.client.Containers(w.ctx, "id==")
	assert.Error(t, err)

	labels, err := a.SetLabels(w.ctx, map[string]string{"x": "1"})
	require.NoError(t, err)
	labels["y"] = "2"
	labels, err = a.Labels(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"x": "1"}, labels, "records are copies")
	require.NoError(t, a.Update(w.ctx, containerd.UpdateContainerOpts(containerd.WithContainerExtension("ext", &eventsapi.TaskOOM{}))))
	extensions, err := a.Extensions(w.ctx)
	require.NoError(t, err)
	assert.Contains(t, extensions, "ext")
	spec, err := a.Spec(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, "/rootfs", spec.Root.Path)

	record, err := a.Info(w.ctx)
	require.NoError(t, err)
	store := w.client.ContainerService()
	record.Extensions = map[string]typeurl.Any{"ext2": record.Extensions["ext"]}
	record, err = store.Update(w.ctx, record, "extensions.ext2")
	require.NoError(t, err)
	assert.Len(t, record.Extensions, 2)
	_, err = store.Update(w.ctx, record, "snapshotter")
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
	record.Runtime.Name = "other"
	_, err = store.Update(w.ctx, record)
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
	record.ID = "absent"
	_, err = store.Update(w.ctx, record)
	require.ErrorIs(t, err, errdefs.ErrNotFound)
	record.ID = "not/valid"
	_, err = store.Create(w.ctx, record)
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
	record.ID, record.Spec = "specless", nil
	_, err = store.Create(w.ctx, record)
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
}

// The clock of a bubble stands still while goroutines run, and a record that was
// changed says so all the same.
func TestUpdatesTakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.container(t, "a")
		info, err := c.Info(w.ctx)
		require.NoError(t, err)
		last := info.CreatedAt
		assert.Equal(t, last, info.UpdatedAt)
		for range 2 {
			_, err := c.SetLabels(w.ctx, map[string]string{"x": "1"})
			require.NoError(t, err)
			info, err := c.Info(w.ctx)
			require.NoError(t, err)
			assert.True(t, info.UpdatedAt.After(last), "%v", info.UpdatedAt)
			last = info.UpdatedAt
		}
	})
}

func TestLeases(t *testing.T) {
	w := newWorld(t, Options{})
	w.container(t, "c1")
	m := w.client.LeasesService()
	all, err := m.List(w.ctx)
	require.NoError(t, err)
	assert.Empty(t, all, "NewContainer gives its lease back")
	for _, id := range []string{"z", "a"} {
		_, err = m.Create(w.ctx, leases.WithID(id))
		require.NoError(t, err)
	}
	all, err = m.List(w.ctx)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, "z", all[0].ID)
	all, err = m.List(w.ctx, "id==a")
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.NoError(t, m.Delete(w.ctx, all[0]))
	require.ErrorIs(t, m.Delete(w.ctx, all[0]), errdefs.ErrNotFound)

	z, blob := leases.Lease{ID: "z"}, leases.Resource{ID: "sha256:0", Type: "content"}
	for range 2 {
		require.NoError(t, m.AddResource(w.ctx, z, blob))
	}
	held, err := m.ListResources(w.ctx, z)
	require.NoError(t, err)
	assert.Equal(t, []leases.Resource{blob}, held)
	require.NoError(t, m.DeleteResource(w.ctx, z, blob))
	held, err = m.ListResources(w.ctx, z)
	require.NoError(t, err)
	assert.Empty(t, held)
	require.ErrorIs(t, m.AddResource(w.ctx, all[0], blob), errdefs.ErrNotFound)
	_, err = m.Create(w.ctx)
	assert.Error(t, err)
}

func TestUnplanned(t *testing.T) {
	w := newWorld(t, Options{})
	w.task(t, "c1")
	const suffix = ": the fake containerd does not implement it"
	for want, call := range map[string]func(){
		`tasks.Create from a checkpoint("c1")`: func() {
			_, _ = w.client.TaskService().Create(w.ctx, &tasksapi.CreateTaskRequest{ContainerID: "c1", Checkpoint: &types.Descriptor{}})
		},
		`introspection.PluginInfo("task")`: func() {
			_, _ = w.client.IntrospectionService().PluginInfo(w.ctx, "", "task", nil)
		},
		`diff.Compare("")`:       func() { _, _ = w.client.DiffService().Compare(w.ctx, nil, nil) },
		`mounts.Activate("m")`:   func() { _, _ = w.client.MountManager().Activate(w.ctx, "m", nil) },
		`mounts.Deactivate("m")`: func() { _ = w.client.MountManager().Deactivate(w.ctx, "m") },
		`mounts.Info("m")`:       func() { _, _ = w.client.MountManager().Info(w.ctx, "m") },
		`mounts.Update("m")`:     func() { _, _ = w.client.MountManager().Update(w.ctx, mount.ActivationInfo{Name: "m"}) },
		`mounts.List("")`:        func() { _, _ = w.client.MountManager().List(w.ctx) },
	} {
		assert.PanicsWithValue(t, "fakes: unplanned call "+want+suffix, call)
	}
}

func TestNamespacesAreApart(t *testing.T) {
	w := newWorld(t, Options{})
	w.task(t, "c1")
	ctx := namespaces.WithNamespace(w.ctx, "other")
	_, err := w.client.LoadContainer(ctx, "c1")
	require.ErrorIs(t, err, errdefs.ErrNotFound)
	c, err := w.client.NewContainer(ctx, "c1", containerd.WithNewSpec())
	require.NoError(t, err)
	_, err = c.NewTask(ctx, w.IO)
	require.NoError(t, err)
	assert.Equal(t, []string{"c1"}, w.Tasks())
}
