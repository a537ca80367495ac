package fakes

import (
	"syscall"
	"testing"

	eventsapi "github.com/containerd/containerd/api/events"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func execIn(t testing.TB, w world, task containerd.Task, id string, args ...string) containerd.Process {
	t.Helper()
	p, err := task.Exec(w.ctx, id, &runtimespec.Process{Args: args}, cio.NullIO)
	require.NoError(t, err)
	return p
}

func exitCode(t testing.TB, w world, p containerd.Process) uint32 {
	t.Helper()
	ch, err := p.Wait(w.ctx)
	require.NoError(t, err)
	exit := <-ch
	require.NoError(t, exit.Error())
	return exit.ExitCode()
}

func TestExec(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1")
	require.NoError(t, task.Start(w.ctx))
	p := execIn(t, w, task, "e1", "/sh")
	_, err := task.Exec(w.ctx, "e1", &runtimespec.Process{}, cio.NullIO)
	require.ErrorIs(t, err, errdefs.ErrAlreadyExists)
	_, err = task.Exec(w.ctx, "", &runtimespec.Process{}, cio.NullIO)
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
	assert.ErrorIs(t, p.Kill(w.ctx, syscall.SIGKILL), errdefs.ErrFailedPrecondition, "it has no pid yet")

	require.NoError(t, p.Start(w.ctx))
	assert.EqualError(t, p.Start(w.ctx), "cannot start a running process")
	assert.NotEqual(t, task.Pid(), p.Pid())
	pids, err := task.Pids(w.ctx)
	require.NoError(t, err)
	assert.Len(t, pids, 2)
	_, err = p.Delete(w.ctx)
	require.ErrorIs(t, err, errdefs.ErrFailedPrecondition, "it runs")
	require.NoError(t, p.Kill(w.ctx, syscall.SIGTERM))
	assert.EqualValues(t, 143, exitCode(t, w, p))
	status, err := p.Status(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, containerd.Stopped, status.Status)
	assert.ErrorIs(t, p.Kill(w.ctx, syscall.SIGTERM), errdefs.ErrNotFound)
	exit, err := p.Delete(w.ctx)
	require.NoError(t, err)
	assert.EqualValues(t, 143, exit.ExitCode())
	_, err = p.Status(w.ctx)
	require.ErrorIs(t, err, errdefs.ErrNotFound)
	assert.True(t, w.Live("c1"), "the task has a life of its own")

	require.NoError(t, execIn(t, w, task, "e1", "/sh").Start(w.ctx))
	assert.True(t, w.ExitExec("c1", "e1", 4))
	assert.False(t, w.ExitExec("c1", "e1", 4))
	assert.False(t, w.ExitExec("c1", "absent", 4))
	assert.False(t, w.ExitExec("absent", "e1", 4))
	loaded, err := task.LoadProcess(w.ctx, "e1", nil)
	require.NoError(t, err)
	assert.EqualValues(t, 4, exitCode(t, w, loaded))
}

// The end of the init process is that of all processes, and their exits come
// first.
func TestExecEndsWithInit(t *testing.T) {
	w := newWorld(t, Options{})
	ch, _ := w.client.Subscribe(w.ctx, `topic=="/tasks/exit"`)
	_, task := w.task(t, "c1")
	require.NoError(t, task.Start(w.ctx))
	running, created := execIn(t, w, task, "e1", "/sh"), execIn(t, w, task, "e2", "/sh")
	require.NoError(t, running.Start(w.ctx))
	w.Exit("c1", 7)
	assert.EqualValues(t, 137, exitCode(t, w, running))
	assert.ErrorIs(t, created.Start(w.ctx), errdefs.ErrFailedPrecondition, "init has ended")
	for _, want := range []string{"e1", "c1"} {
		v, err := typeurl.UnmarshalAny((<-ch).Event)
		require.NoError(t, err)
		assert.Equal(t, want, v.(*eventsapi.TaskExit).ID)
	}
	assert.Equal(t, []string{"created", "started", "executed", "exited"}, w.happened("c1"), "an exec is no life of the container")
}

func TestExecOfMissingBinary(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1")
	require.NoError(t, task.Start(w.ctx))
	p := execIn(t, w, task, "e1", MissingBinary)
	require.ErrorContains(t, p.Start(w.ctx), "no such file or directory")
	assert.Zero(t, exitCode(t, w, p), "measured: code 0 and no error")
	status, err := p.Status(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, containerd.Created, status.Status)
	_, err = p.Delete(w.ctx)
	require.NoError(t, err)
}

func TestTaskOfMissingBinary(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.containerOf(t, "c1", MissingBinary)
	_, err := c.NewTask(w.ctx, cio.NullIO)
	require.ErrorIs(t, err, errdefs.ErrUnknown)
	_, err = c.Task(w.ctx, nil)
	require.ErrorIs(t, err, errdefs.ErrNotFound)
	require.NoError(t, c.Delete(w.ctx))
}

func TestKillAll(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1", IgnoreTerm+"=1")
	require.NoError(t, task.Start(w.ctx))
	p := execIn(t, w, task, "e1", "/sh")
	require.NoError(t, p.Start(w.ctx))
	require.NoError(t, task.Kill(w.ctx, syscall.SIGTERM, containerd.WithKillAll))
	assert.EqualValues(t, 143, exitCode(t, w, p))
	assert.True(t, w.Live("c1"), "init ignores it")
}

func TestPause(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1")
	require.NoError(t, task.Start(w.ctx))
	require.NoError(t, task.Pause(w.ctx))
	assert.EqualError(t, task.Pause(w.ctx), "cannot pause a paused container")
	assert.EqualError(t, task.Start(w.ctx), "cannot start a paused process")
	require.NoError(t, task.Kill(w.ctx, syscall.SIGTERM))
	assert.True(t, w.Live("c1"), "a frozen process has no signal")
	require.NoError(t, task.Resume(w.ctx))
	assert.EqualValues(t, 143, exitCode(t, w, task))
	assert.EqualError(t, task.Resume(w.ctx), "cannot resume a stopped container")
	assert.EqualError(t, task.Pause(w.ctx), "cannot pause a stopped container")

	_, other := w.task(t, "c2")
	assert.EqualError(t, other.Pause(w.ctx), "cannot pause task in created state")
	require.NoError(t, other.Start(w.ctx))
	require.NoError(t, other.Pause(w.ctx))
	require.NoError(t, other.Kill(w.ctx, syscall.SIGKILL))
	assert.EqualValues(t, 137, exitCode(t, w, other))
}
