package impl_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/sim"
)

// pod is a world under control with a sandbox and containers in it, of which
// the first one runs.
type pod struct {
	*world
	id  string
	ids []string

	others sync.WaitGroup
}

func newPod(t *sim.T, containers int, config ...func(*impl.Config)) *pod {
	var p *pod
	sim.Quietly(func() {
		w := newWorld(t, append([]func(*impl.Config){paused}, config...)...)
		p = &pod{world: w, id: w.sandbox("pod")}
		for i := range containers {
			c, err := w.create(p.id, string(rune('a'+i)))
			require.NoError(t, err)
			p.ids = append(p.ids, c)
		}
		require.NoError(t, w.start(p.ids[0]))
	})
	return p
}

// rest lets the service finish what it does in background.
func (w *world) rest() {
	sim.OnTime()
	time.Sleep(time.Hour)
}

// also runs fn beside the others.
func (p *pod) also(name string, fn func()) {
	p.others.Add(1)
	sim.Go(name, func() {
		defer p.others.Done()
		fn()
	})
}

// A sandbox that was stopped has no process and gets none, whatever was being
// created and started in it. Upstream returns success for the container that is
// starting, and has never seen the one that is being created.
func TestStopSandboxBesideStartAndCreate(t *testing.T) {
	sim.Explore(t, sim.Options{Executions: 600}, func(t *sim.T) {
		p := newPod(t, 2)
		p.also("start", func() { _ = p.start(p.ids[1]) })
		p.also("create", func() {
			if c, err := p.create(p.id, "late"); err == nil {
				_ = p.start(c)
			}
		})
		assert.NoError(t, p.stopSandbox(p.id))
		assert.Equal(t, notReady, p.sandboxState(p.id))
		for _, c := range p.ids {
			assert.False(t, p.Live(c), "%s lives when the stop has returned", c)
			assert.NotEqual(t, running, p.state(c))
		}
		assert.False(t, p.Live(p.id))
		p.others.Wait()
		for _, c := range p.listed() {
			assert.NotEqual(t, running, p.state(c))
			assert.False(t, p.Live(c))
		}
		assert.NoError(t, p.removeSandbox(p.id))
		p.rest()
		p.assertEmpty()
	})
}

// Removing, twice at once, leaves nothing of what is being created and started.
func TestRemoveSandboxBesideAll(t *testing.T) {
	sim.Explore(t, sim.Options{Executions: 400}, func(t *sim.T) {
		p := newPod(t, 1)
		p.also("create", func() {
			if c, err := p.create(p.id, "late"); err == nil {
				_ = p.start(c)
			}
		})
		p.also("exit", func() { p.Exit(p.id, 1) })
		p.also("remove", func() { _ = p.removeSandbox(p.id) })
		_ = p.removeSandbox(p.id) // a container may be starting, or in removal
		p.others.Wait()
		assert.NoError(t, p.removeSandbox(p.id))
		p.rest()
		p.assertEmpty()
		assert.Empty(t, p.Tasks())
	})
}

// A sandbox that is stopped before its pause process runs is not READY for a
// moment, and nothing of it is left.
func TestStopSandboxBesideRun(t *testing.T) {
	stopped := false
	sim.Explore(t, sim.Options{Executions: 400, Workers: 1}, func(t *sim.T) {
		var w *world
		sim.Quietly(func() { w = newWorld(t, paused) })
		done := make(chan error, 1)
		sim.Go("run", func() {
			_, err := w.runSandbox("pod")
			done <- err
		})
		const id = "id1"
		sim.Point("stop", nil)
		assert.NoError(t, w.stopSandbox(id))
		stopped = <-done != nil || stopped
		assert.NoError(t, w.stopSandbox(id))
		assert.False(t, w.Live(id))
		assert.NoError(t, w.removeSandbox(id))
		w.rest()
		w.assertEmpty()
	})
	assert.True(t, stopped, "no stop came in time")
}

// listed returns the ids of all containers.
func (w *world) listed() []string {
	var ids []string
	sim.Quietly(func() {
		r, err := w.ListContainers(w.ctx, nil)
		require.NoError(w.t, err)
		for _, c := range r.GetContainers() {
			ids = append(ids, c.GetId())
		}
	})
	return ids
}

// A service that ends at any point of a call about a sandbox, whose caller gives
// up, leaves what the next one can remove, and never a stopped sandbox READY.
func TestRestartBesideSandboxCalls(t *testing.T) {
	for _, call := range []string{"run", "stop", "remove"} {
		t.Run(call, func(t *testing.T) {
			sim.Explore(t, sim.Options{Executions: 300}, func(t *sim.T) {
				p := newPod(t, 2)
				ctx, cancel := context.WithCancel(p.ctx)
				var err error
				p.also(call, func() {
					switch call {
					case "run":
						_, err = p.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{})
					case "stop":
						_, err = p.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: p.id})
					case "remove":
						_, err = p.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: p.id})
					}
				})
				sim.Point("give up", nil)
				cancel()
				p.others.Wait()
				wasReady := p.readySandboxes()
				p.restart()
				p.rest()
				for _, id := range p.readySandboxes() {
					assert.Contains(t, wasReady, id, "%s: %v", call, err)
				}
				list, listErr := p.ListPodSandbox(p.ctx, nil)
				require.NoError(t, listErr)
				for _, item := range list.GetItems() {
					assert.NoError(t, p.removeSandbox(item.GetId()))
				}
				p.assertEmpty()
			})
		})
	}
}

func (w *world) readySandboxes() []string {
	var ids []string
	sim.Quietly(func() {
		r, err := w.ListPodSandbox(w.ctx, &runtime.ListPodSandboxRequest{Filter: &runtime.PodSandboxFilter{
			State: &runtime.PodSandboxStateValue{State: ready},
		}})
		require.NoError(w.t, err)
		for _, p := range r.GetItems() {
			ids = append(ids, p.GetId())
		}
	})
	return ids
}
