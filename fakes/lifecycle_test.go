package fakes

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/model"
)

func TestLifecycle(t *testing.T) {
	w := newWorld(t, Options{})
	c, task := w.task(t, "c1")
	assert.True(t, w.Live("c1"))
	wait, err := task.Wait(w.ctx)
	require.NoError(t, err)
	before := time.Now()
	require.NoError(t, task.Start(w.ctx))
	status, err := task.Status(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, containerd.Running, status.Status)

	assert.True(t, w.Exit("c1", 7))
	assert.False(t, w.Exit("c1", 8), "there is no process left")
	exit := <-wait
	require.NoError(t, exit.Error())
	assert.EqualValues(t, 7, exit.ExitCode())
	assert.WithinRange(t, exit.ExitTime(), before, time.Now())
	assert.False(t, w.Live("c1"))
	assert.Equal(t, []string{"c1"}, w.Tasks())

	exit2, err := task.Delete(w.ctx)
	require.NoError(t, err)
	assert.EqualValues(t, 7, exit2.ExitCode())
	assert.Equal(t, exit.ExitTime(), exit2.ExitTime())
	assert.Empty(t, w.Tasks())
	require.NoError(t, c.Delete(w.ctx))
	_, err = w.client.LoadContainer(w.ctx, "c1")
	assert.ErrorIs(t, err, errdefs.ErrNotFound)

	assert.Equal(t, []model.Kind{model.TaskCreated, model.Started, model.Exited, model.TaskDeleted}, w.kinds("c1"))
	for _, e := range *w.events {
		assert.Equal(t, 1, e.Life)
		assert.Equal(t, task.Pid(), e.Pid)
	}
	assert.EqualValues(t, 7, (*w.events)[2].Code)
	assert.Equal(t, exit.ExitTime().UnixNano(), (*w.events)[2].At)
}

func TestIncarnations(t *testing.T) {
	w := newWorld(t, Options{})
	c, task := w.task(t, "c1")
	require.NoError(t, task.Start(w.ctx))
	first := task.Pid()
	_, err := task.Delete(w.ctx, containerd.WithProcessKill)
	require.NoError(t, err)
	task, err = c.NewTask(w.ctx, cio.NullIO)
	require.NoError(t, err)
	require.NoError(t, task.Start(w.ctx))
	assert.NotEqual(t, first, task.Pid())
	assert.Equal(t, 2, (*w.events)[len(*w.events)-1].Life)
}

func TestExitBeforeStartReturns(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1")
	wait, err := task.Wait(w.ctx)
	require.NoError(t, err)
	at(t, "tasks.Start/after-effect", func() {
		assert.True(t, w.Exit("c1", 3))
		exit := <-wait
		assert.EqualValues(t, 3, exit.ExitCode())
	})
	require.NoError(t, task.Start(w.ctx))
	status, err := task.Status(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, containerd.Stopped, status.Status)
}

func TestKillReturnsBeforeDeath(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1")
	require.NoError(t, task.Start(w.ctx))
	die := make(chan struct{})
	at(t, "process/death", func() { <-die })
	require.NoError(t, task.Kill(w.ctx, syscall.SIGKILL))
	status, err := task.Status(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, containerd.Running, status.Status)
	_, err = task.Delete(w.ctx)
	require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
	close(die)
	wait, err := task.Wait(w.ctx)
	require.NoError(t, err)
	exit := <-wait
	assert.EqualValues(t, 137, exit.ExitCode())
}

func TestContextEndsOnTheWay(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1")
	ctx, cancel := context.WithCancel(w.ctx)
	at(t, "tasks.Start/after-effect", cancel)
	require.ErrorIs(t, task.Start(ctx), context.Canceled)
	assert.Contains(t, w.kinds("c1"), model.Started)
}

func TestPoints(t *testing.T) {
	var got []string
	onPoint(t, func(label string, object any) { got = append(got, fmt.Sprint(label, " ", object)) })
	faults := &Faults{}
	faults.Fail("tasks.Get", 2, errdefs.ErrUnavailable, false)
	w := newWorld(t, Options{Faults: faults})
	_, task := w.task(t, "c1")
	got = nil
	_, err := task.Status(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"tasks.Get/before-effect c1", "tasks.Get/after-effect c1", "tasks.Get/reply c1"}, got)
	got = nil
	_, err = task.Status(w.ctx)
	require.Error(t, err)
	assert.Equal(t, []string{"tasks.Get/before-effect c1", "tasks.Get/reply c1"}, got, "no effect")
	got = nil
	require.NoError(t, NewCheckpoints(Options{}).Write("c2", nil))
	assert.Equal(t, []string{
		"checkpoint.Write/before-effect c2", "checkpoint.Write/after-effect c2", "checkpoint.Write/reply c2",
	}, got)
}

func TestTwoWaiters(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1")
	a, err := task.Wait(w.ctx)
	require.NoError(t, err)
	b, err := task.Wait(w.ctx)
	require.NoError(t, err)
	require.NoError(t, task.Start(w.ctx))
	w.Exit("c1", 9)
	late, err := task.Wait(w.ctx)
	require.NoError(t, err)
	for _, ch := range []<-chan containerd.ExitStatus{a, b, late} {
		exit := <-ch
		require.NoError(t, exit.Error())
		assert.EqualValues(t, 9, exit.ExitCode())
	}
}

func TestWaitHonoursContext(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1")
	ctx, cancel := context.WithCancel(w.ctx)
	wait, err := task.Wait(ctx)
	require.NoError(t, err)
	cancel()
	exit := <-wait
	assert.EqualValues(t, containerd.UnknownExitStatus, exit.ExitCode())
	assert.ErrorIs(t, errgrpc.ToNative(exit.Error()), context.Canceled)

	assert.ErrorIs(t, task.Start(ctx), context.Canceled)
	assert.NotContains(t, w.kinds("c1"), model.Started, "an ended context is refused at entry")
	_, err = w.client.LoadContainer(ctx, "c1")
	assert.ErrorIs(t, err, context.Canceled)
}

func TestSignals(t *testing.T) {
	for _, test := range []struct {
		name   string
		env    []string
		start  bool
		signal syscall.Signal
		code   uint32 // 0: survives
	}{
		{"kill", nil, true, syscall.SIGKILL, 137},
		{"term", nil, true, syscall.SIGTERM, 143},
		{"term ignored", []string{IgnoreTerm + "=1"}, true, syscall.SIGTERM, 0},
		{"kill not ignored", []string{IgnoreTerm + "=1"}, true, syscall.SIGKILL, 137},
		{"term before start", []string{IgnoreTerm + "=1"}, false, syscall.SIGTERM, 2},
		{"hup", nil, true, syscall.SIGHUP, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			_, task := w.task(t, "c1", test.env...)
			wait, err := task.Wait(w.ctx)
			require.NoError(t, err)
			if test.start {
				require.NoError(t, task.Start(w.ctx))
			}
			require.NoError(t, task.Kill(w.ctx, test.signal))
			assert.Contains(t, w.kinds("c1"), model.Signaled)
			if test.code == 0 {
				assert.True(t, w.Live("c1"))
				w.Exit("c1", 0)
			}
			exit := <-wait
			require.NoError(t, exit.Error())
			assert.Equal(t, test.code, exit.ExitCode())
		})
	}
}

func TestWaitLiveAndStarted(t *testing.T) {
	w := newWorld(t, Options{})
	live, started := make(chan error, 1), make(chan error, 1)
	go func() { live <- w.WaitLive(w.ctx, "c1") }()
	go func() { started <- w.WaitStarted(w.ctx, "c1") }()
	_, task := w.task(t, "c1")
	require.NoError(t, <-live)
	assert.Empty(t, started)
	require.NoError(t, task.Start(w.ctx))
	require.NoError(t, <-started)

	ctx, cancel := context.WithCancel(w.ctx)
	go cancel()
	assert.ErrorIs(t, w.WaitLive(ctx, "absent"), context.Canceled)
}

func TestOrphan(t *testing.T) {
	w := newWorld(t, Options{})
	_, task := w.task(t, "c1")
	require.NoError(t, task.Start(w.ctx))
	require.NoError(t, w.client.ContainerService().Delete(w.ctx, "c1"))
	assert.ErrorIs(t, task.Kill(w.ctx, syscall.SIGKILL), errdefs.ErrNotFound)
	assert.True(t, w.Live("c1"))
	assert.Equal(t, []string{"c1"}, w.Tasks())
}
