package impl_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/sim"
)

// listener is the stream of a subscriber. It notes what it is sent, when it is
// let.
type listener struct {
	grpc.ServerStream
	ctx        context.Context
	cancel     context.CancelFunc
	subscribed chan struct{}
	stalled    chan struct{} // no event is taken before it is closed; nil: no stall
	result     chan error

	mu  sync.Mutex
	got []*runtime.ContainerEventResponse
}

func (l *listener) Context() context.Context { return l.ctx }

func (l *listener) SendHeader(metadata.MD) error {
	close(l.subscribed)
	return nil
}

func (l *listener) Send(e *runtime.ContainerEventResponse) error {
	if l.stalled != nil {
		select {
		case <-l.stalled:
		case <-l.ctx.Done():
			return l.ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, e)
	return nil
}

// listen subscribes to events, and waits until that has happened.
func (w *world) listen(stalled chan struct{}) *listener {
	l := &listener{stalled: stalled, subscribed: make(chan struct{}), result: make(chan error, 1)}
	l.ctx, l.cancel = context.WithCancel(w.ctx)
	sim.Go("subscriber", func() { l.result <- errgrpc.ToNative(w.GetContainerEvents(nil, l)) })
	<-l.subscribed
	w.t.Cleanup(l.cancel)
	return l
}

func (l *listener) events() []*runtime.ContainerEventResponse {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.got)
}

// heard returns the events of a container in short, of all if id is "".
func (l *listener) heard(id string) string {
	var all []string
	for _, e := range l.events() {
		if id == "" || e.GetContainerId() == id {
			kind := strings.TrimSuffix(strings.TrimPrefix(e.GetContainerEventType().String(), "CONTAINER_"), "_EVENT")
			all = append(all, strings.ToLower(kind))
		}
	}
	return strings.Join(all, " ")
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, paused)
		old := w.sandbox("old")
		l := w.listen(nil)
		id := w.sandbox("pod")
		a, err := w.create(id, "a")
		require.NoError(t, err)
		b, err := w.create(id, "b")
		require.NoError(t, err)
		require.NoError(t, w.start(a))
		synctest.Wait()
		last := l.events()[len(l.events())-1]
		assert.Equal(t, a, last.GetContainerId())
		assert.Equal(t, id, last.GetPodSandboxStatus().GetId())
		assert.Equal(t, ready, last.GetPodSandboxStatus().GetState())
		require.Len(t, last.GetContainersStatuses(), 2)
		assert.Equal(t, running, last.GetContainersStatuses()[0].GetState())
		assert.Equal(t, b, last.GetContainersStatuses()[1].GetId())

		w.Exit(a, 3)
		synctest.Wait()
		last = l.events()[len(l.events())-1]
		assert.EqualValues(t, 3, last.GetContainersStatuses()[0].GetExitCode())
		require.NoError(t, w.removeSandbox(id))
		require.NoError(t, w.removeSandbox(old))
		synctest.Wait()
		assert.Equal(t, "created started stopped deleted", l.heard(a))
		assert.Equal(t, "created deleted", l.heard(b))
		assert.Equal(t, "created started stopped deleted", l.heard(id))
		assert.Equal(t, "stopped deleted", l.heard(old))
		last = l.events()[len(l.events())-1]
		assert.Nil(t, last.GetPodSandboxStatus())
		assert.Empty(t, last.GetContainersStatuses())
		assert.True(t, slices.IsSortedFunc(l.events(), func(a, b *runtime.ContainerEventResponse) int {
			return int(a.GetCreatedAt() - b.GetCreatedAt())
		}))

		l.cancel()
		assert.True(t, errdefs.IsCanceled(<-l.result))
		l = w.listen(nil)
		require.NoError(t, w.Service.Close())
		assert.True(t, errdefs.IsUnavailable(<-l.result))
	})
}

// A container that never ran has neither started nor stopped; one whose start
// failed after it may have run has done both.
func TestEventsOfFailedStarts(t *testing.T) {
	for call, want := range map[string]string{
		"tasks.Create": "created deleted",
		"tasks.Start":  "created started stopped deleted",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			l := w.listen(nil)
			id := w.container()
			w.faults.Fail(call, 1, errdefs.ErrUnavailable, true)
			require.Error(t, w.start(id))
			require.NoError(t, w.remove(id))
			synctest.Wait()
			assert.Equal(t, want, l.heard(id), call)
		})
	}
}

// A subscriber that takes nothing loses what comes after the first thousand
// events, and is told; containers and other subscribers don't notice.
func TestSlowSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rounds, buffer = 600, 1000
		w := newWorld(t)
		stalled := make(chan struct{})
		slow, fast := w.listen(stalled), w.listen(nil)
		sandbox := w.sandbox("pod")
		begin := time.Now()
		for i := range rounds {
			c, err := w.create(sandbox, fmt.Sprint("c", i))
			require.NoError(t, err)
			require.NoError(t, w.remove(c))
			synctest.Wait()
		}
		assert.Zero(t, time.Since(begin), "nobody waits")
		assert.Len(t, fast.events(), 2*rounds)
		close(stalled)
		assert.True(t, errdefs.IsResourceExhausted(<-slow.result))
		got := slow.events()
		require.Len(t, got, buffer+1, "one was on its way")
		for i, e := range fast.events()[:len(got)] {
			assert.Equal(t, e.GetCreatedAt(), got[i].GetCreatedAt(), "%d", i)
		}
		again := w.listen(nil)
		c, err := w.create(sandbox, "again")
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, "created", again.heard(c))
	})
}

// A container that ends at any moment has started before it has stopped, its
// STARTED says RUNNING, and all subscribers see the same. Upstream starts the
// exit monitor before it sends STARTED.
func TestStartedBeforeStopped(t *testing.T) {
	for name, configure := range map[string]func(*impl.Config){"record": func(*impl.Config) {}, "pause": paused} {
		t.Run(name, func(t *testing.T) {
			sim.Explore(t, sim.Options{Executions: 400}, func(t *sim.T) {
				var w *world
				var id string
				sim.Quietly(func() {
					w = newWorld(t, configure)
					id = w.container()
				})
				one, two := w.listen(nil), w.listen(nil)
				done := make(chan error, 2)
				sim.Go("start", func() { done <- w.start(id) })
				sim.Go("stop", func() { done <- w.stop(w.ctx, id, 0) })
				sim.Go("exit", func() {
					if w.WaitLive(one.ctx, id) == nil {
						w.Exit(id, 3)
					}
				})
				result := errors.Join(<-done, <-done)
				w.rest()
				assert.NoError(t, w.remove(id))
				w.rest()
				heard := one.heard(id)
				assert.Contains(t, []string{"started stopped deleted", "deleted"}, heard, "%v", result)
				assert.Equal(t, heard, two.heard(id))
				for _, e := range one.events() {
					if e.GetContainerEventType() == runtime.ContainerEventType_CONTAINER_STARTED_EVENT && len(e.GetContainersStatuses()) > 0 {
						assert.Equal(t, running, e.GetContainersStatuses()[0].GetState())
					}
				}
				one.cancel()
				two.cancel()
				assert.True(t, errdefs.IsCanceled(<-one.result))
				assert.True(t, errdefs.IsCanceled(<-two.result))
			})
		})
	}
}
