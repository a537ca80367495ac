package fakes

import (
	"context"
	"syscall"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/startrace/startrace/model"
)

func TestFaultBeforeAndAfter(t *testing.T) {
	for _, class := range []error{errdefs.ErrUnavailable, context.DeadlineExceeded, errdefs.ErrUnknown} {
		for _, after := range []bool{false, true} {
			faults := &Faults{}
			faults.Fail("tasks.Start", 1, class, after)
			w := newWorld(t, Options{Faults: faults})
			_, task := w.task(t, "c1")
			assert.ErrorIs(t, task.Start(w.ctx), class)
			s, err := task.Status(w.ctx)
			require.NoError(t, err)
			if after {
				assert.Equal(t, containerd.Running, s.Status)
				assert.Equal(t, []model.Kind{model.TaskCreated, model.Started}, w.kinds("c1"))
			} else {
				assert.Equal(t, containerd.Created, s.Status)
				assert.Equal(t, []model.Kind{model.TaskCreated}, w.kinds("c1"))
				assert.NoError(t, task.Start(w.ctx), "only the first call fails")
			}
			assert.Equal(t, []Fault{{Call: "tasks.Start", Nth: 1, Object: "c1", Err: class, After: after}}, faults.Injected())
		}
	}
}

func TestHeldFaults(t *testing.T) {
	faults := &Faults{}
	faults.Fail("tasks.Create", 1, errdefs.ErrUnavailable, false)
	faults.Hold()
	w := newWorld(t, Options{Faults: faults})
	w.task(t, "c1")
	faults.Release()
	_, err := w.container(t, "c2").NewTask(w.ctx, cio.NullIO)
	assert.ErrorIs(t, err, errdefs.ErrUnavailable, "the first call that counts")
}

func TestFaultCountsPerCall(t *testing.T) {
	faults := &Faults{}
	faults.Fail("tasks.Create", 2, errdefs.ErrUnavailable, true)
	w := newWorld(t, Options{Faults: faults})
	w.task(t, "c1")
	c2 := w.container(t, "c2")
	_, err := c2.NewTask(w.ctx, cio.NullIO)
	require.ErrorIs(t, err, errdefs.ErrUnavailable)
	assert.Equal(t, []string{"c1", "c2"}, w.Tasks(), "a task without a handle")
	assert.Equal(t, "tasks.Create c2 (call 2) fails after its effect: unavailable", faults.Injected()[0].String())
}

func TestFaultOfWait(t *testing.T) {
	faults := &Faults{}
	faults.Fail("tasks.Wait", 1, status.Error(codes.Unknown, "ttrpc: closed"), false)
	w := newWorld(t, Options{Faults: faults})
	_, task := w.task(t, "c1")
	wait, err := task.Wait(w.ctx)
	require.NoError(t, err)
	exit := <-wait
	assert.EqualValues(t, containerd.UnknownExitStatus, exit.ExitCode())
	assert.ErrorIs(t, errgrpc.ToNative(exit.Error()), errdefs.ErrUnknown)
	assert.True(t, w.Live("c1"))
}

func TestFaultOfContainerStore(t *testing.T) {
	faults := &Faults{}
	faults.Fail("containers.Create", 1, errdefs.ErrUnavailable, true)
	w := newWorld(t, Options{Faults: faults})
	_, err := w.client.NewContainer(w.ctx, "c1", containerd.WithNewSpec())
	require.ErrorIs(t, err, errdefs.ErrUnavailable)
	_, err = w.client.NewContainer(w.ctx, "c1", containerd.WithNewSpec())
	require.ErrorIs(t, err, errdefs.ErrAlreadyExists)
}

func TestChosenFaults(t *testing.T) {
	faults := &Faults{Budget: 2, Calls: []string{"tasks.Start", "tasks.Get", "checkpoint.Write"}}
	w := newWorld(t, Options{Faults: faults})
	_, task := w.task(t, "c1")
	asked := choices(t, 0, 2, 5, 1)

	_, err := task.Status(w.ctx)
	require.NoError(t, err)
	_, err = task.Status(w.ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, task.Start(w.ctx), context.DeadlineExceeded)
	assert.Contains(t, w.kinds("c1"), model.Started, "5 of 7 is the second class after the effect")
	require.NoError(t, NewCheckpoints(Options{Faults: faults}).Write("c1", nil), "the budget is spent")
	assert.Equal(t, []string{"fault tasks.Get of 4", "fault tasks.Get of 4", "fault tasks.Start of 7"}, *asked)
	assert.Len(t, faults.Injected(), 2)
}

func TestChosenFaultOfCheckpoint(t *testing.T) {
	for v, kept := range map[int]bool{1: false, 2: true} {
		asked := choices(t, v)
		s := NewCheckpoints(Options{Faults: &Faults{Budget: 1}})
		require.ErrorIs(t, s.Write("c1", nil), syscall.EIO)
		ids, err := s.List()
		require.NoError(t, err)
		assert.Equal(t, kept, len(ids) == 1)
		assert.Equal(t, []string{"fault checkpoint.Write of 3"}, *asked)
	}
}

func TestClasses(t *testing.T) {
	faults := &Faults{Budget: 1, Classes: []error{errdefs.ErrInternal}}
	w := newWorld(t, Options{Faults: faults})
	asked := choices(t, 1)
	_, err := w.client.NewContainer(w.ctx, "c1", containerd.WithNewSpec())
	require.ErrorIs(t, err, errdefs.ErrInternal)
	assert.Equal(t, []string{"fault leases.Create of 3"}, *asked, "nil Calls are all calls")
}

func TestStopFaults(t *testing.T) {
	faults := &Faults{}
	faults.Fail("tasks.Start", 1, errdefs.ErrUnavailable, false)
	w := newWorld(t, Options{Faults: faults})
	_, task := w.task(t, "c1")
	w.StopFaults()
	require.NoError(t, task.Start(w.ctx))
	assert.Empty(t, faults.Injected())
}

func TestNoFaults(t *testing.T) {
	var faults *Faults
	faults.Stop()
	assert.Empty(t, faults.Injected())
	newWorld(t, Options{}).StopFaults()
}

func TestCheckpoints(t *testing.T) {
	var events []model.Event
	s := NewCheckpoints(Options{Record: func(e model.Event) { events = append(events, e) }})
	_, err := s.Read("c1")
	require.ErrorIs(t, err, errdefs.ErrNotFound)
	require.NoError(t, s.Remove("c1"))

	data := []byte(`{"Version":"v1","Pid":4,"CreatedAt":1,"StartedAt":2,"FinishedAt":3,"ExitCode":5,"Reason":"Error","Message":"m"}`)
	require.NoError(t, s.Write("c2", data))
	require.NoError(t, s.Write("c1", []byte(`{"Version":"v1","CreatedAt":1}`)))
	ids, err := s.List()
	require.NoError(t, err)
	assert.Equal(t, []string{"c1", "c2"}, ids)
	got, err := s.Read("c2")
	require.NoError(t, err)
	assert.Equal(t, data, got)
	require.Len(t, events, 2)
	assert.Equal(t, model.Stored, events[0].Kind)
	assert.Equal(t, "c2", events[0].Container)
	assert.Equal(t, model.Status{
		Pid: 4, CreatedAt: 1, StartedAt: 2, FinishedAt: 3, ExitCode: 5, Reason: "Error", Message: "m",
	}, events[0].Status)

	data[0] = 'x'
	got, err = s.Read("c2")
	require.NoError(t, err)
	assert.NotEqual(t, data, got, "the store keeps a copy")
	require.NoError(t, s.Write("c3", []byte("torn")))
	require.NoError(t, s.Write("c3", []byte(`{"Version":"v2"}`)))
	assert.Len(t, events, 2, "what is no status is not in the history")
	require.NoError(t, s.Remove("c2"))
	_, err = s.Read("c2")
	require.ErrorIs(t, err, errdefs.ErrNotFound)
}

func TestCheckpointFaults(t *testing.T) {
	var events []model.Event
	faults := &Faults{}
	faults.Fail("checkpoint.Write", 2, syscall.ENOSPC, false)
	faults.Fail("checkpoint.Write", 3, syscall.EIO, true)
	faults.Fail("checkpoint.Remove", 1, syscall.EIO, false)
	s := NewCheckpoints(Options{Faults: faults, Record: func(e model.Event) { events = append(events, e) }})
	first, second := []byte(`{"Version":"v1","CreatedAt":1}`), []byte(`{"Version":"v1","CreatedAt":2}`)
	require.NoError(t, s.Write("c1", first))

	require.ErrorIs(t, s.Write("c1", second), syscall.ENOSPC)
	got, err := s.Read("c1")
	require.NoError(t, err)
	assert.Equal(t, first, got)
	assert.Len(t, events, 1)

	require.ErrorIs(t, s.Write("c1", second), syscall.EIO)
	got, err = s.Read("c1")
	require.NoError(t, err)
	assert.Equal(t, second, got)
	assert.Len(t, events, 2)

	require.ErrorIs(t, s.Remove("c1"), syscall.EIO)
	_, err = s.Read("c1")
	assert.NoError(t, err)
}
