package fakes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/status"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
)

// A stage is a controlled execution in which a caller notes what it sees.
type stage struct {
	world
	t     *sim.T
	disk  *Checkpoints
	mu    sync.Mutex // guards notes
	notes []string
}

func (s *stage) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// class is the class of an error in one word.
func class(err error) string {
	if _, ok := status.FromError(err); ok {
		err = errgrpc.ToNative(err)
	}
	switch {
	case err == nil:
		return "ok"
	case strings.Contains(err.Error(), "ttrpc: closed"):
		return "closed"
	case errdefs.IsUnavailable(err):
		return "unavailable"
	case errdefs.IsNotFound(err):
		return "notfound"
	case errdefs.IsFailedPrecondition(err):
		return "precondition"
	case errors.Is(err, context.DeadlineExceeded) || errdefs.IsDeadlineExceeded(err):
		return "deadline"
	case errors.Is(err, context.Canceled) || errdefs.IsCanceled(err):
		return "canceled"
	case errors.Is(err, syscall.ENOSPC):
		return "ENOSPC"
	case errors.Is(err, syscall.EIO):
		return "EIO"
	}
	return "unknown"
}

// perform runs a scenario under control, with the schedule in which nobody is
// preempted, and returns what its caller saw.
func perform(t *testing.T, opts Options, plan string, scenario func(*stage)) string {
	t.Helper()
	var notes []string
	res := sim.Run(sim.Config{Name: t.Name(), EarlyTimers: -1}, func(t *sim.T) {
		opts := opts
		opts.Faults = &Faults{Plan: failpoint.MustParse(plan)}
		s := &stage{t: t, world: newWorld(t, opts), disk: NewCheckpoints(opts)}
		scenario(s)
		s.mu.Lock()
		defer s.mu.Unlock()
		notes = s.notes
	})
	require.Nil(t, res.Failure, "%v", res.Failure)
	return strings.Join(notes, " ")
}

func (s *stage) wait(task containerd.Task) string {
	ch, err := task.Wait(s.ctx)
	require.NoError(s.t, err)
	exit := <-ch
	if exit.Error() != nil {
		return fmt.Sprint(exit.ExitCode(), ":", class(exit.Error()))
	}
	return fmt.Sprint(exit.ExitCode())
}

func (s *stage) status(task containerd.Task) string {
	status, err := task.Status(s.ctx)
	if err != nil {
		return class(err)
	}
	return string(status.Status)
}

// started makes a container of that name run.
func (s *stage) started(id string) containerd.Task {
	_, task := s.task(s.t, id)
	require.NoError(s.t, task.Start(s.ctx))
	return task
}

// listen subscribes and returns what says what was heard, a minute later.
func (s *stage) listen() (heard func() string) {
	var mu sync.Mutex
	var all []string
	ch, errs := s.client.Subscribe(s.ctx, `topic~="^/tasks/"`)
	sim.Go("listen", func() {
		for {
			select {
			case e := <-ch:
				mu.Lock()
				all = append(all, strings.TrimPrefix(e.Topic, "/tasks/"))
				mu.Unlock()
			case err := <-errs:
				_ = err // the end of the stream
				return
			}
		}
	})
	return func() string {
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(all, ",")
	}
}

// knobs are the knobs with an effect each: what a caller sees without the plan
// and with it.
var knobs = []struct {
	name       string
	plan       string
	scenario   func(*stage)
	tame, want string
}{
	{
		"error before effect", "tasks.Start/before-effect=1*error(unavailable)",
		func(s *stage) {
			_, task := s.task(s.t, "c1")
			s.note("%s %s", class(task.Start(s.ctx)), s.status(task))
		}, "ok running", "unavailable created",
	},
	{
		"error after effect", "tasks.Start/after-effect=error(deadline-exceeded)",
		func(s *stage) {
			_, task := s.task(s.t, "c1")
			s.note("%s %s", class(task.Start(s.ctx)), s.status(task))
		}, "ok running", "deadline running",
	},
	{
		"reply lost", "tasks.Kill/reply=error(canceled)",
		func(s *stage) {
			task := s.started("c1")
			s.note("%s %s", class(task.Kill(s.ctx, syscall.SIGKILL)), s.wait(task))
		}, "ok 137", "canceled 137",
	},
	{
		"effect later", "tasks.Delete=later(deadline-exceeded)",
		func(s *stage) {
			task := s.started("c1")
			s.Exit("c1", 7)
			_, err := task.Delete(s.ctx)
			_, again := task.Delete(s.ctx)
			time.Sleep(time.Second)
			s.note("%s %s %s", class(err), class(again), s.status(task))
		}, "ok notfound notfound", "deadline deadline notfound",
	},
	{
		"Delete completes after its caller gave up", "tasks.Delete=slow(20s)",
		func(s *stage) {
			task := s.started("c1")
			s.Exit("c1", 7)
			ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
			defer cancel()
			_, err := task.Delete(ctx)
			s.note("%s %s", class(err), s.status(task))
			time.Sleep(11 * time.Second)
			s.note("%s", s.status(task))
		}, "ok notfound notfound", "deadline stopped notfound",
	},
	{
		"a call hangs", "tasks.Kill=block",
		func(s *stage) {
			task := s.started("c1")
			ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
			defer cancel()
			s.note("%s", class(task.Kill(ctx, syscall.SIGKILL)))
		}, "ok", "deadline",
	},
	{
		"Wait is sent late", "tasks.Wait=delay(1s)",
		func(s *stage) {
			task := s.started("c1")
			ch, err := task.Wait(s.ctx)
			require.NoError(s.t, err)
			time.Sleep(10 * time.Millisecond)
			s.Exit("c1", 7)
			_, err = task.Delete(s.ctx)
			require.NoError(s.t, err)
			exit := <-ch
			s.note("%d %s", exit.ExitCode(), class(exit.Error()))
		}, "7 ok", "255 notfound",
	},
	{
		"Wait fails for a live process", "tasks.Wait=error(unavailable)",
		func(s *stage) {
			task := s.started("c1")
			sim.Go("exit", func() {
				time.Sleep(time.Second)
				s.Exit("c1", 7)
			})
			s.note("%s %s", s.wait(task), s.status(task))
		}, "7 stopped", "255:unavailable running",
	},
	{
		"exit at an instant", "tasks.Create/after-effect=exit(3)",
		func(s *stage) {
			_, task := s.task(s.t, "c1")
			s.note("%s %s", s.status(task), class(task.Start(s.ctx)))
		}, "created ok", "stopped unknown",
	},
	{
		"exit seen by waiters first", "process/exit=order(wait,event,delete,status)",
		func(s *stage) {
			task := s.started("c1")
			s.Exit("c1", 7)
			at(s.t, "process/exit/event", func() { time.Sleep(time.Second) })
			time.Sleep(time.Millisecond)
			s.note("%s %s", s.wait(task), s.status(task))
			_, err := task.Delete(s.ctx)
			s.note("%s", class(err))
		}, "7 stopped ok", "7 running precondition",
	},
	{
		"exit event after the delete", "process/exit=order(status,wait,delete,event)",
		func(s *stage) {
			heard := s.listen()
			task := s.started("c1")
			at(s.t, "process/exit/event", func() { time.Sleep(time.Second) })
			s.Exit("c1", 7)
			time.Sleep(time.Millisecond)
			_, err := task.Delete(s.ctx)
			require.NoError(s.t, err)
			s.note("%s", heard())
		}, "create,start,exit,delete", "create,start,delete,exit",
	},
	{
		"connection closed by another actor", "tasks.Kill/before-effect=close",
		func(s *stage) {
			task := s.started("c1")
			s.note("%s %s", class(task.Kill(s.ctx, syscall.SIGKILL)), s.status(task))
		}, "ok running", "closed running",
	},
	{
		"state deadline", "tasks.Get/state=timeout",
		func(s *stage) {
			task := s.started("c1")
			begin := time.Now()
			s.note("%s %v", s.status(task), time.Since(begin))
		}, "running 0s", "deadline 2s",
	},
	{
		"streams that never drain", "io/drain=block",
		func(s *stage) {
			c := s.container(s.t, "c1")
			task, err := c.NewTask(s.ctx, s.IO)
			require.NoError(s.t, err)
			require.NoError(s.t, task.Start(s.ctx))
			s.Exit("c1", 7)
			ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
			defer cancel()
			sim.Go("calm", func() {
				time.Sleep(time.Hour)
				s.StopFaults()
			})
			begin := time.Now()
			_, err = task.Delete(ctx)
			s.note("%s %v", class(err), time.Since(begin))
		}, "ok 0s", "deadline 1h0m0s",
	},
	{"OOM before its exit", "", oom, "create,start,oom,exit", "create,start,oom,exit"},
	{"OOM after its exit", "process/oom=after", oom, "create,start,oom,exit", "create,start,exit,oom"},
	{"OOM without an exit", "process/oom=alone", oom, "create,start,oom,exit", "create,start,oom"},
	{"exit without its OOM", "event/tasks/oom=drop", oom, "create,start,oom,exit", "create,start,exit"},
	{"event lost", "event/tasks/exit=drop", life, "create,start,exit,delete", "create,start,delete"},
	{"event twice", "event/tasks/exit=dup", life, "create,start,exit,delete", "create,start,exit,exit,delete"},
	{"event late", "event/tasks/start=delay(1s)", life, "create,start,exit,delete", "create,exit,delete,start"},
	{"events exchanged", "event/tasks/exit=swap", life, "create,start,exit,delete", "create,start,delete,exit"},
	{
		"stalled subscriber", "subscriber=block",
		func(s *stage) {
			ch, _ := s.client.Subscribe(s.ctx, `topic~="^/tasks/"`)
			s.started("c1")
			select {
			case e := <-ch:
				s.note("%s", e.Topic)
			case <-time.After(time.Hour):
				s.note("nothing")
			}
		}, "/tasks/create", "nothing",
	},
	{
		"crash of the daemon on the way", "tasks.Start/after-effect=crash(1s)",
		func(s *stage) {
			_, task := s.task(s.t, "c1")
			s.note("%s %s", class(task.Start(s.ctx)), s.status(task))
			time.Sleep(2 * time.Second)
			s.note("%s", s.status(task))
		}, "ok running running", "unavailable unavailable running",
	},
	{
		"second crash during recovery", "daemon/recover=1*off->1*crash",
		func(s *stage) {
			task, other := s.started("c1"), s.started("c2")
			s.note("%s", class(s.Restart()))
			s.note("%s %s", s.status(task), s.status(other))
			s.note("%s %s %s", class(s.Restart()), s.status(task), s.status(other))
		}, "ok running running ok running running", "unavailable unavailable unavailable ok running running",
	},
	{
		"shim that does not load", "daemon/recover=delay(6s)",
		func(s *stage) {
			task := s.started("c1")
			s.note("%s %s %t", class(s.Restart()), s.status(task), s.Live("c1"))
		}, "ok running true", "ok notfound false",
	},
	{
		"shim killed on the way", "tasks.Kill/before-effect=kill",
		func(s *stage) {
			heard := s.listen()
			task := s.started("c1")
			ch, err := task.Wait(s.ctx)
			require.NoError(s.t, err)
			time.Sleep(time.Millisecond)
			s.note("%s", class(task.Kill(s.ctx, syscall.SIGTERM)))
			exit := <-ch
			s.note("%s %s %s", class(exit.Error()), s.status(task), heard())
		}, "ok ok stopped create,start,exit", "closed closed notfound create,start,exit,delete",
	},
	{
		"clock jumps", "tasks.Start/after-effect=jump(-1h)",
		func(s *stage) {
			begin := time.Now()
			task := s.started("c1")
			s.Exit("c1", 7)
			status, err := task.Status(s.ctx)
			require.NoError(s.t, err)
			s.note("%v", status.ExitTime.Sub(begin))
		}, "0s", "-1h0m0s",
	},
	{
		"planned panic", "tasks.Start=panic(boom)",
		func(s *stage) {
			_, task := s.task(s.t, "c1")
			defer func() {
				if v := recover(); v != nil {
					s.note("%v", v)
				}
			}()
			s.note("%s", class(task.Start(s.ctx)))
		}, "ok", "fakes: planned panic at tasks.Start/before-effect: boom",
	},
	{"disk: create fails", "disk.create=error(EIO)", write, "ok new new", "EIO old old"},
	{"disk: write fails", "disk.write=error(EIO)", write, "ok new new", "EIO old old"},
	{"disk: fsync fails", "disk.fsync=error(EIO)", write, "ok new new", "EIO old old"},
	{"disk: rename fails", "disk.rename=error(EIO)", write, "ok new new", "EIO old old"},
	{"disk: sync of the directory fails", "disk.dirsync=error(EIO)", write, "ok new new", "EIO new old"},
	{"disk: fsync lies", "disk.fsync=lie", write, "ok new new", "ok new "},
	{"disk: torn write", "disk.write=torn", write, "ok new new", "ok new n"},
	{"disk: write stalls", "disk.write=delay(5s)", write, "ok new new", "ok new new"},
	{
		"disk: no space for a while", "disk.create=1*full(10s)",
		func(s *stage) {
			s.note("%s", class(s.disk.Write("c1", nil)))
			time.Sleep(5 * time.Second)
			s.note("%s", class(s.disk.Write("c1", nil)))
			time.Sleep(5 * time.Second)
			s.note("%s", class(s.disk.Write("c1", nil)))
		}, "ok ok ok", "ENOSPC ENOSPC ok",
	},
	{
		"disk: removal not synced", "disk.dirsync=1*off->error(EIO)",
		func(s *stage) {
			require.NoError(s.t, s.disk.Write("c1", []byte("x")))
			s.note("%s", class(s.disk.Remove("c1")))
			s.disk.Crash()
			ids, err := s.disk.List()
			require.NoError(s.t, err)
			s.note("%d", len(ids))
		}, "ok 0", "EIO 1",
	},
}

func oom(s *stage) {
	heard := s.listen()
	s.started("c1")
	s.OOM("c1")
	s.note("%s", heard())
}

func life(s *stage) {
	heard := s.listen()
	task := s.started("c1")
	s.Exit("c1", 7)
	_, err := task.Delete(s.ctx)
	require.NoError(s.t, err)
	s.note("%s", heard())
}

// write replaces a record, reads it, and reads it again after a loss of power.
func write(s *stage) {
	s.Faults().Hold()
	require.NoError(s.t, s.disk.Write("c1", []byte("old")))
	s.Faults().Release()
	s.note("%s", class(s.disk.Write("c1", []byte("new"))))
	for range 2 {
		data, err := s.disk.Read("c1")
		require.NoError(s.t, err)
		s.note("%s", data)
		s.disk.Crash()
	}
}

// Faults returns the faults of the world.
func (w world) Faults() *Faults { return w.opts.Faults }

func TestKnobs(t *testing.T) {
	for _, k := range knobs {
		t.Run(k.name, func(t *testing.T) {
			assert.Equal(t, k.tame, perform(t, Options{}, "", k.scenario), "without the plan")
			assert.Equal(t, k.tame, perform(t, Options{}, "content.Info=off", k.scenario), "with a plan about something else")
			assert.Equal(t, k.want, perform(t, Options{}, k.plan, k.scenario), "with %s", k.plan)
		})
	}
}
