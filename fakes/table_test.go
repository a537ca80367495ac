package fakes

import (
	"context"
	"syscall"
	"testing"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stage brings a container to a state and returns the handles a caller got on
// the way, the task being nil if there never was one.
func (w world) stage(t *testing.T, state string) (containerd.Container, containerd.Task) {
	t.Helper()
	if state == "no task" {
		return w.container(t, "c1"), nil
	}
	c, task := w.task(t, "c1")
	if state == "created" {
		return c, task
	}
	require.NoError(t, task.Start(w.ctx))
	if state == "running" {
		return c, task
	}
	if state == "paused" {
		require.NoError(t, task.Pause(w.ctx))
		return c, task
	}
	require.True(t, w.Exit("c1", 7))
	if state == "stopped" {
		return c, task
	}
	_, err := task.Delete(w.ctx)
	require.NoError(t, err)
	if state == "container deleted" {
		require.NoError(t, c.Delete(w.ctx))
	}
	return c, task
}

// TestErrors is the measured table of operation and state, the same in
// containerd 1.6.20 and 2.4.2. A nil class is success.
func TestErrors(t *testing.T) {
	var (
		nf  = errdefs.ErrNotFound
		ae  = errdefs.ErrAlreadyExists
		fp  = errdefs.ErrFailedPrecondition
		unk = errdefs.ErrUnknown
	)
	states := []string{"no task", "created", "running", "paused", "stopped", "task deleted", "container deleted"}
	type handles struct {
		world
		c    containerd.Container
		task containerd.Task
	}
	for _, test := range []struct {
		op      string
		do      func(handles) error
		classes []error // per state; for an operation of a task from created on
	}{
		{"NewContainer", func(h handles) error {
			_, err := h.client.NewContainer(h.ctx, "c1", containerd.WithNewSpec())
			return err
		}, []error{ae, ae, ae, ae, ae, ae, nil}},
		{"LoadContainer", func(h handles) error {
			_, err := h.client.LoadContainer(h.ctx, "c1")
			return err
		}, []error{nil, nil, nil, nil, nil, nil, nf}},
		{"Container.Info", func(h handles) error {
			_, err := h.c.Info(h.ctx)
			return err
		}, []error{nil, nil, nil, nil, nil, nil, nf}},
		{"Container.Task", func(h handles) error {
			_, err := h.c.Task(h.ctx, cio.Load)
			return err
		}, []error{nf, nil, nil, nil, nil, nf, nf}},
		{"Container.NewTask", func(h handles) error {
			_, err := h.c.NewTask(h.ctx, cio.NullIO)
			return err
		}, []error{nil, ae, ae, ae, ae, nil, nf}},
		{"Container.Delete", func(h handles) error {
			return h.c.Delete(h.ctx)
		}, []error{nil, fp, fp, fp, fp, nil, nf}},
		{"RPC Containers.Delete", func(h handles) error {
			return h.client.ContainerService().Delete(h.ctx, "c1")
		}, []error{nil, nil, nil, nil, nil, nil, nf}},
		{"RPC Tasks.Start", func(h handles) error {
			_, err := h.client.TaskService().Start(h.ctx, &tasksapi.StartRequest{ContainerID: "c1"})
			return errgrpc.ToNative(err)
		}, []error{nf, nil, unk, unk, unk, nf, nf}},
		{"RPC Tasks.Delete", func(h handles) error {
			_, err := h.client.TaskService().Delete(h.ctx, &tasksapi.DeleteTaskRequest{ContainerID: "c1"})
			return errgrpc.ToNative(err)
		}, []error{nf, nil, unk, unk, nil, nf, nf}},
		{"Task.Start", func(h handles) error { return h.task.Start(h.ctx) }, []error{nil, unk, unk, unk, nf, nf}},
		{"Task.Status", func(h handles) error {
			_, err := h.task.Status(h.ctx)
			return err
		}, []error{nil, nil, nil, nil, nf, nf}},
		{"Task.Pids", func(h handles) error {
			_, err := h.task.Pids(h.ctx)
			return err
		}, []error{nil, nil, nil, nil, nf, nf}},
		{"Task.Metrics", func(h handles) error {
			_, err := h.task.Metrics(h.ctx)
			return err
		}, []error{nil, nil, nil, nil, nf, nf}},
		{"Task.CloseIO", func(h handles) error { return h.task.CloseIO(h.ctx) }, []error{nil, nil, nil, nil, nf, nf}},
		{"Task.Update", func(h handles) error {
			return h.task.Update(h.ctx, containerd.WithResources(&runtimespec.LinuxResources{}))
		}, []error{nil, nil, nil, unk, nf, nf}},
		{"Task.Kill KILL", func(h handles) error { return h.task.Kill(h.ctx, syscall.SIGKILL) }, []error{nil, nil, nil, nf, nf, nf}},
		{"Task.Kill TERM", func(h handles) error { return h.task.Kill(h.ctx, syscall.SIGTERM) }, []error{nil, nil, nil, nf, nf, nf}},
		{"Task.Kill all", func(h handles) error {
			return h.task.Kill(h.ctx, syscall.SIGKILL, containerd.WithKillAll)
		}, []error{nil, nil, nil, nil, nf, nf}},
		{"Task.Pause", func(h handles) error { return h.task.Pause(h.ctx) }, []error{unk, nil, unk, unk, nf, nf}},
		{"Task.Resume", func(h handles) error { return h.task.Resume(h.ctx) }, []error{unk, unk, nil, unk, nf, nf}},
		{"Task.Exec", func(h handles) error {
			_, err := h.task.Exec(h.ctx, "e1", &runtimespec.Process{}, cio.NullIO)
			return err
		}, []error{nil, nil, unk, unk, nf, nf}},
		{"Task.Resize", func(h handles) error { return h.task.Resize(h.ctx, 80, 24) }, []error{nil, nil, nil, nil, nf, nf}},
		{"RPC Tasks.Checkpoint", func(h handles) error {
			_, err := h.client.TaskService().Checkpoint(h.ctx, &tasksapi.CheckpointTaskRequest{ContainerID: "c1"})
			return errgrpc.ToNative(err)
		}, []error{unk, unk, unk, unk, nf, nf}},
		{"Task.Delete", func(h handles) error {
			_, err := h.task.Delete(h.ctx)
			return err
		}, []error{fp, fp, fp, nil, nf, nf}},
		{"Task.Delete with kill", func(h handles) error {
			_, err := h.task.Delete(h.ctx, containerd.WithProcessKill)
			return err
		}, []error{nil, nil, nil, nil, nf, nf}},
	} {
		for i, class := range test.classes {
			state := states[len(states)-len(test.classes)+i]
			t.Run(test.op+"/"+state, func(t *testing.T) {
				w := newWorld(t, Options{})
				c, task := w.stage(t, state)
				err := test.do(handles{w, c, task})
				if class == nil {
					assert.NoError(t, err)
				} else {
					assert.ErrorIs(t, err, class)
				}
			})
		}
	}
}

func TestErrorTexts(t *testing.T) {
	w := newWorld(t, Options{})
	c, task := w.stage(t, "running")
	assert.EqualError(t, task.Start(w.ctx), "cannot start a running process")
	_, err := w.client.TaskService().Delete(w.ctx, &tasksapi.DeleteTaskRequest{ContainerID: "c1"})
	assert.EqualError(t, errgrpc.ToNative(err), "failed to delete task: cannot delete a running process")
	_, err = task.Delete(w.ctx)
	assert.EqualError(t, err, "task must be stopped before deletion: running: failed precondition")
	_, err = c.NewTask(w.ctx, cio.NullIO)
	assert.EqualError(t, err, "task c1: already exists")
	assert.EqualError(t, c.Delete(w.ctx), "cannot delete running task c1: failed precondition")
	w.Exit("c1", 0)
	assert.EqualError(t, task.Start(w.ctx), "cannot start a stopped process")
	assert.EqualError(t, task.Kill(w.ctx, syscall.SIGKILL), "process already finished: not found")
	_, err = task.Delete(w.ctx)
	require.NoError(t, err)
	_, err = task.Status(w.ctx)
	assert.EqualError(t, err, "task c1 not found")
	_, err = c.Task(w.ctx, nil)
	assert.EqualError(t, err, "no running task found: task c1 not found")
	require.NoError(t, c.Delete(w.ctx))
	_, err = w.client.LoadContainer(w.ctx, "c1")
	assert.EqualError(t, err, `container "c1" in namespace "k8s.io": not found`)
}

func TestStatusPerState(t *testing.T) {
	for state, want := range map[string]containerd.Status{
		"created": {Status: containerd.Created},
		"running": {Status: containerd.Running},
		"paused":  {Status: containerd.Paused},
		"stopped": {Status: containerd.Stopped, ExitStatus: 7},
	} {
		w := newWorld(t, Options{})
		_, task := w.stage(t, state)
		got, err := task.Status(w.ctx)
		require.NoError(t, err)
		assert.Equal(t, state != "stopped", got.ExitTime.IsZero(), state)
		got.ExitTime = want.ExitTime
		assert.Equal(t, want, got)
	}
}

func TestWaitPerState(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.stage(t, "task deleted")
	wait, err := task.Wait(w.ctx)
	require.NoError(t, err)
	exit := <-wait
	assert.EqualValues(t, containerd.UnknownExitStatus, exit.ExitCode())
	assert.False(t, errdefs.IsNotFound(exit.Error()), "the client passes the error of Wait on as a status")
	assert.ErrorIs(t, errgrpc.ToNative(exit.Error()), errdefs.ErrNotFound)
	assert.True(t, exit.ExitTime().IsZero())
}

func TestDeleteCodes(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.stage(t, "created")
	wait, err := task.Wait(w.ctx)
	require.NoError(t, err)
	r, err := w.client.TaskService().Delete(w.ctx, &tasksapi.DeleteTaskRequest{ContainerID: "c1"})
	require.NoError(t, err)
	assert.Zero(t, r.ExitStatus)
	assert.Empty(t, w.Tasks())
	exit := <-wait
	if exit.Error() == nil {
		assert.EqualValues(t, 137, exit.ExitCode())
	} else {
		assert.ErrorIs(t, errgrpc.ToNative(exit.Error()), errdefs.ErrNotFound, "the Delete overtook the Wait")
	}

	for _, state := range []string{"created", "running", "paused"} {
		w := newWorld(t, Options{})
		_, task := w.stage(t, state)
		exit, err := task.Delete(w.ctx, containerd.WithProcessKill)
		require.NoError(t, err)
		assert.EqualValues(t, 137, exit.ExitCode(), state)
	}
}

func TestReload(t *testing.T) {
	w := newWorld(t, Options{})
	w.stage(t, "running")
	client, err := w.Client()
	require.NoError(t, err)
	c, err := client.LoadContainer(w.ctx, "c1")
	require.NoError(t, err)
	task, err := c.Task(w.ctx, cio.Load)
	require.NoError(t, err)
	require.NoError(t, task.Kill(w.ctx, syscall.SIGKILL))
	wait, err := task.Wait(w.ctx)
	require.NoError(t, err)
	exit := <-wait
	assert.EqualValues(t, 137, exit.ExitCode())
	require.NoError(t, client.Close())
}

func TestTaskList(t *testing.T) {
	w := newWorld(t, Options{})
	for _, id := range []string{"c3", "c1", "c2"} {
		w.task(t, id)
	}
	r, err := w.client.TaskService().List(w.ctx, &tasksapi.ListTasksRequest{})
	require.NoError(t, err)
	var ids []string
	for _, p := range r.Tasks {
		ids = append(ids, p.ID)
	}
	assert.Equal(t, []string{"c1", "c2", "c3"}, ids)

	r, err = w.client.TaskService().List(context.Background(), &tasksapi.ListTasksRequest{})
	require.NoError(t, err)
	assert.Len(t, r.Tasks, 3, "the default namespace")
}
