package impl_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// plugins notes the calls of hooks, and does in them what it is told. Its locking
// is that of NRI: calls hold the lock for reading, a registration for writing.
type plugins struct {
	start, stop func(ctx context.Context, id string) error // nil: nothing

	registration sync.RWMutex

	mu    sync.Mutex
	notes map[string][]string
}

func (p *plugins) configure(cfg *impl.Config) { cfg.Hooks = p }

func (p *plugins) StartContainer(ctx context.Context, c impl.HookContainer) error {
	return p.call(ctx, "start", c, p.start)
}

func (p *plugins) StopContainer(ctx context.Context, c impl.HookContainer) error {
	return p.call(ctx, "stop", c, p.stop)
}

func (p *plugins) call(ctx context.Context, name string, c impl.HookContainer, plugin func(context.Context, string) error) error {
	p.registration.RLock()
	defer p.registration.RUnlock()
	p.note(c.ID, name)
	defer p.note(c.ID, map[string]string{"start": "started", "stop": "stopped"}[name])
	if plugin == nil {
		return nil
	}
	return plugin(ctx, c.ID)
}

func (p *plugins) note(id, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.notes == nil {
		p.notes = map[string][]string{}
	}
	p.notes[id] = append(p.notes[id], text)
}

// noted returns the calls for a container.
func (p *plugins) noted(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.notes[id], " ")
}

// block is a plugin that hangs until its context ends.
func block(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

const bothHooks = "start started stop stopped"

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plugins{}
		w := newWorld(t, paused, p.configure)
		id := w.container()
		p.start = func(_ context.Context, id string) error {
			assert.Zero(t, w.count(id, "started"), "before the process")
			assert.Equal(t, 1, w.count(id, "created"))
			return nil
		}
		p.stop = func(_ context.Context, id string) error {
			assert.Equal(t, exited, w.state(id), "it may call the service")
			assert.Contains(t, w.Tasks(), id)
			return errors.New("is only logged")
		}
		require.NoError(t, w.start(id))
		w.Exit(id, 0)
		synctest.Wait()
		assert.Equal(t, bothHooks, p.noted(id))
		require.NoError(t, w.remove(id))
		assert.Len(t, p.notes, 1, "pause processes have none")

		never := w.container()
		require.NoError(t, w.remove(never))
		assert.Empty(t, p.noted(never))
	})
}

// A start hook that fails fails the start, of which nothing is left.
func TestStartHookFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken plugin")
		p := &plugins{start: func(context.Context, string) error { return broken }}
		w := newWorld(t, p.configure)
		id := w.container()
		w.faults.Fail("tasks.Delete", 1, errdefs.ErrUnavailable, false)
		require.ErrorContains(t, w.start(id), "start hook failed: broken plugin")
		synctest.Wait()
		status, err := w.status(id)
		require.NoError(t, err)
		assert.Equal(t, exited, status.GetState())
		assert.EqualValues(t, 128, status.GetExitCode())
		assert.Equal(t, "StartError", status.GetReason())
		assert.Zero(t, w.count(id, "started"))
		assert.Empty(t, w.Tasks())
		assert.Equal(t, bothHooks, p.noted(id))
		assert.True(t, errdefs.IsFailedPrecondition(w.start(id)))
		require.NoError(t, w.remove(id))
		w.assertEmpty()
	})
}

// A start hook that hangs keeps its container waiting and nothing else. It ends
// with the context of the start, or when somebody wants to stop the container.
func TestStartHookHangs(t *testing.T) {
	for name, end := range map[string]func(w *world, sandbox, id string) error{
		"deadline": func(*world, string, string) error { return nil },
		"stop":     func(w *world, _, id string) error { return w.stop(w.ctx, id, 10) },
		"sandbox":  func(w *world, sandbox, _ string) error { return w.stopSandbox(sandbox) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var hung string
				p := &plugins{}
				p.start = func(ctx context.Context, id string) error {
					if id != hung {
						return nil
					}
					return block(ctx, id)
				}
				w := newWorld(t, paused, p.configure)
				sandbox := w.sandbox("pod")
				id, err := w.create(sandbox, "c")
				require.NoError(t, err)
				hung = id
				ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
				defer cancel()
				result := make(chan error, 1)
				begin := time.Now()
				go func() {
					_, err := w.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: id})
					result <- errgrpc.ToNative(err)
				}()
				synctest.Wait()
				other := w.started()
				assert.Equal(t, created, w.state(id))
				assert.Equal(t, running, w.state(other))
				require.NoError(t, w.stop(w.ctx, other, 0))
				assert.Zero(t, time.Since(begin), "nobody else waits")

				require.NoError(t, end(w, sandbox, id))
				if name == "deadline" {
					require.ErrorIs(t, <-result, context.DeadlineExceeded)
					assert.Equal(t, time.Minute, time.Since(begin))
				} else {
					assert.True(t, errdefs.IsAborted(<-result))
					assert.Zero(t, time.Since(begin))
				}
				synctest.Wait()
				assert.Equal(t, exited, w.state(id))
				assert.NotContains(t, w.Tasks(), id)
				assert.Zero(t, w.count(id, "started"))
				assert.Equal(t, bothHooks, p.noted(id))
			})
		})
	}
}

// A stop hook that hangs keeps nobody waiting who stops the container, and who
// removes it for 10 s.
func TestStopHookHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plugins{stop: block}
		w := newWorld(t, p.configure)
		id := w.started()
		begin := time.Now()
		require.NoError(t, w.stop(w.ctx, id, 0))
		assert.Zero(t, time.Since(begin))
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		_, err := w.RemoveContainer(ctx, &runtime.RemoveContainerRequest{ContainerId: id})
		require.ErrorContains(t, err, context.DeadlineExceeded.Error())
		require.NoError(t, w.remove(id))
		assert.Equal(t, 10*time.Second, time.Since(begin))
		assert.Equal(t, bothHooks, p.noted(id))
		w.assertEmpty()
	})
}

// A plugin that is being registered holds up calls of hooks; removing a sandbox
// goes through all of its containers meanwhile. Upstream takes the lock again
// where it holds it, and never comes back.
func TestRemoveSandboxBesideRegistration(t *testing.T) {
	sim.Explore(t, sim.Options{Executions: 200}, func(t *sim.T) {
		var registered sync.WaitGroup
		hooks := &plugins{}
		p := newPod(t, 2, hooks.configure)
		registered.Add(1)
		sim.Go("register", func() {
			defer registered.Done()
			hooks.registration.Lock()
			hooks.note("plugin", "registered")
			hooks.registration.Unlock()
		})
		p.also("start", func() { _ = p.start(p.ids[1]) })
		assert.NoError(t, p.removeSandbox(p.id))
		p.others.Wait()
		registered.Wait()
		p.rest()
		p.assertEmpty()
		assert.Equal(t, bothHooks, hooks.noted(p.ids[0]))
	})
}

// Whatever the start hook, a stop and an exit do at the same time: no stop hook
// comes without a start hook, before its end, or twice.
func TestHooksBesideStopAndExit(t *testing.T) {
	sim.Explore(t, sim.Options{Executions: 400}, func(t *sim.T) {
		p := &plugins{}
		p.start = func(ctx context.Context, id string) error {
			switch sim.Choose("start hook", 3) {
			case 1:
				return errors.New("broken plugin")
			case 2:
				return block(ctx, id)
			}
			return nil
		}
		var w *world
		var id string
		sim.Quietly(func() {
			w = newWorld(t, p.configure)
			id = w.container()
		})
		ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		done := make(chan error, 1)
		sim.Go("start", func() {
			_, err := w.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: id})
			done <- err
		})
		sim.Go("exit", func() {
			if w.WaitLive(ctx, id) == nil {
				w.Exit(id, 3)
			}
		})
		assert.NoError(t, w.stop(w.ctx, id, 0))
		errStart := <-done
		sim.Logf("start: %v", errStart)
		assert.NoError(t, w.stop(w.ctx, id, 0))
		assert.False(t, w.Live(id))
		w.rest()
		assert.Contains(t, []string{"", bothHooks}, p.noted(id))
		assert.NoError(t, w.remove(id))
		w.assertEmpty()
	})
}

// The stop hook of a container that was started before a restart is called after
// it, also if it ended in between.
func TestHooksAfterRestart(t *testing.T) {
	for _, ends := range []string{"before", "after"} {
		t.Run(ends, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &plugins{}
				w := newWorld(t, p.configure)
				id, idle := w.started(), w.container()
				require.NoError(t, w.Service.Close())
				if ends == "before" {
					w.Exit(id, 4)
				}
				w.restart()
				if ends == "after" {
					synctest.Wait()
					assert.Equal(t, "start started", p.noted(id))
					w.Exit(id, 4)
				}
				synctest.Wait()
				assert.Equal(t, bothHooks, p.noted(id))
				assert.Empty(t, p.noted(idle))
				require.NoError(t, w.remove(id))
			})
		})
	}
}

// A start that was interrupted in its hook is told to be over, before the container
// can be started again; also if the runtime has forgotten its task.
func TestHooksAfterInterruptedStart(t *testing.T) {
	for _, task := range []string{"left", "forgotten"} {
		t.Run(task, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &plugins{start: block}
				w := newWorld(t, p.configure)
				id := w.container()
				ctx, cancel := context.WithCancel(w.ctx)
				go func(s *impl.Service) {
					_, err := s.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: id})
					assert.Error(t, err)
				}(w.Service)
				synctest.Wait()
				require.NoError(t, w.Service.Close())
				cancel()
				synctest.Wait()
				if task == "forgotten" {
					_, err := w.client.TaskService().Delete(w.ctx, &tasks.DeleteTaskRequest{ContainerID: id})
					require.NoError(t, err)
				}

				release := make(chan struct{})
				p.start, p.stop = nil, func(context.Context, string) error { <-release; return nil }
				w.restart()
				synctest.Wait()
				assert.Equal(t, "start started stop", p.noted(id))
				assert.Equal(t, unknown, w.state(id))
				require.ErrorIs(t, w.start(id), errdefs.ErrFailedPrecondition)
				close(release)
				synctest.Wait()
				require.NoError(t, w.start(id))
				assert.Equal(t, bothHooks+" start started", p.noted(id))
			})
		})
	}
}

// The hook after a restart does not depend on the answer to the deletion of the
// task, which the next try does not find.
func TestHooksAfterRestartWithFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plugins{stop: block}
		w := newWorld(t, p.configure)
		id := w.started()
		w.Exit(id, 4)
		synctest.Wait() // the exit is recorded, and the hook blocks
		assert.Equal(t, exited, w.state(id))
		require.NoError(t, w.Service.Close())
		p.stop = nil
		w.faults.Fail("tasks.Delete", 1, errdefs.ErrUnavailable, true)
		w.restart()
		synctest.Wait()
		time.Sleep(time.Minute)
		assert.Equal(t, "start started stop stopped stop stopped", p.noted(id))
		assert.Equal(t, exited, w.state(id))
		require.NoError(t, w.remove(id))
	})
}

// The hook after a restart does not depend on the task, which a daemon that was started
// again may have forgotten; and once it was called, no restart calls it again.
func TestHooksAfterRestartWithoutTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plugins{stop: block}
		w := newWorld(t, p.configure)
		id := w.started()
		w.Exit(id, 4)
		synctest.Wait() // the exit is recorded, and the hook blocks
		require.NoError(t, w.Service.Close())
		_, err := w.client.TaskService().Delete(w.ctx, &tasks.DeleteTaskRequest{ContainerID: id})
		require.NoError(t, err)
		p.stop = nil
		for range 2 {
			w.restart()
			synctest.Wait()
			assert.Equal(t, bothHooks+" stop stopped", p.noted(id))
			assert.Equal(t, exited, w.state(id))
			require.NoError(t, w.Service.Close())
		}
		w.restart()
		require.NoError(t, w.remove(id))
	})
}

// The exit that a restart makes up is the same in each try to record it.
func TestMadeUpExitIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plugins{}
		w := newWorld(t, p.configure)
		id := w.started()
		require.NoError(t, w.Service.Close())
		w.Exit(id, 4)
		_, err := w.client.TaskService().Delete(w.ctx, &tasks.DeleteTaskRequest{ContainerID: id})
		require.NoError(t, err)
		w.faults.Fail("checkpoint.Write", 4, syscall.EIO, true) // after CREATED, also with hooks, and RUNNING
		w.restart()
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, bothHooks, p.noted(id))
		var ends []int64
		for _, e := range w.events {
			if e.Kind == model.Stored && e.Status.FinishedAt != 0 {
				ends = append(ends, e.Status.FinishedAt)
			}
		}
		require.Len(t, ends, 2)
		assert.Equal(t, ends[0], ends[1])
	})
}
