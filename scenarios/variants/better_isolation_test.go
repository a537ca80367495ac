package variants_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios"
)

// A subscriber that does not read fills its buffer and the queue, and holds up
// whoever makes an event (W11, eventq).
func TestStalledSubscriber(t *testing.T) {
	better(t, "a start waits for a subscriber", noFaults, func(w *world) {
		reads := make(chan struct{})
		l := w.listen(reads)
		defer l.cancel()
		fill := w.meanwhile(func() error { return w.fill() })
		start := w.meanwhile(w.start)
		returned, _ := start()
		w.wrong["a start waits for a subscriber"] = !returned
		close(reads)
		returned, err := start()
		require.True(t, returned)
		require.NoError(t, err)
		returned, err = fill()
		require.True(t, returned)
		require.NoError(t, err)
	})
}

// The caller of a start that waits for the subscriber gives up, and waits on (W11).
func TestStalledSubscriberAndGivenUp(t *testing.T) {
	better(t, "it waits on", noFaults, func(w *world) {
		reads := make(chan struct{})
		l := w.listen(reads)
		defer l.cancel()
		fill := w.meanwhile(func() error { return w.fill() })
		ctx, cancel := context.WithCancel(w.ctx)
		start := w.meanwhile(func() error { return w.startWith(ctx) })
		cancel()
		time.Sleep(time.Minute)
		returned, _ := start()
		w.wrong["it waits on"] = !returned
		close(reads)
		returned, _ = fill()
		require.True(t, returned)
	})
}

// fill makes more events than upstream's queue keeps for one who does not read,
// and fewer than the reference does.
func (w *world) fill() error {
	for range 75 {
		id, err := w.createIn(w.ctx, w.pod, "short", nil)
		if err != nil {
			return err
		}
		if _, err := w.service.RemoveContainer(w.ctx, &runtime.RemoveContainerRequest{ContainerId: id}); err != nil {
			return err
		}
	}
	return nil
}

// A shim that hangs in an update of resources holds up all lists: the update calls
// the runtime under the lock that readers take (W27,
// container_update_resources.go, containerd#9770).
func TestHungShim(t *testing.T) { hung(t, "tasks.Update/before-effect") }

// So does a disk that hangs (W27, store/container/status.go).
func TestHungDisk(t *testing.T) { hung(t, "checkpoint.Write/before-effect") }

func hung(t *testing.T, site string) {
	betterOutside(t, "lists wait", func(w *world) {
		require.NoError(t, w.start())
		release := w.block(site)
		defer release()
		call := w.meanwhile(func() error {
			if site == "checkpoint.Write/before-effect" {
				return w.stop(0)
			}
			return w.update(w.ctx, 7)
		})
		list := w.meanwhile(func() error {
			_, err := w.service.ListContainers(w.ctx, &runtime.ListContainersRequest{})
			return err
		})
		returned, err := list()
		assert.NoError(t, err)
		w.wrong["lists wait"] = !returned
		release()
		returned, err = list()
		require.True(t, returned)
		require.NoError(t, err)
		returned, err = call()
		require.True(t, returned)
		require.NoError(t, err)
		if w.Live(w.id) {
			w.applied()
		}
	})
}

// Who waits for the lock of a container does so until he gets it, whether his
// caller does or not (store/container/status.go).
func TestGivenUpInUpdate(t *testing.T) {
	betterOutside(t, "it waits on", func(w *world) {
		require.NoError(t, w.start())
		release := w.block("tasks.Update/before-effect")
		defer release()
		first := w.meanwhile(func() error { return w.update(w.ctx, 7) })
		ctx, cancel := context.WithCancel(w.ctx)
		second := w.meanwhile(func() error { return w.update(ctx, 8) })
		cancel()
		w.idle()
		returned, _ := second()
		w.wrong["it waits on"] = !returned
		release()
		returned, err := first()
		require.True(t, returned)
		require.NoError(t, err)
		w.applied()
	})
}

// listener subscribes to the events of a service.
type listener struct {
	grpc.ServerStream
	ctx    context.Context
	cancel context.CancelFunc
	reads  <-chan struct{} // it reads once this is closed; nil: at once

	mu     sync.Mutex
	events []*runtime.ContainerEventResponse
}

// listen begins a subscription, which ends with cancel.
func (w *world) listen(reads <-chan struct{}) *listener {
	l := &listener{reads: reads}
	l.ctx, l.cancel = context.WithCancel(w.ctx)
	go func() { _ = w.service.(scenarios.Watcher).GetContainerEvents(&runtime.GetEventsRequest{}, l) }()
	w.idle()
	return l
}

func (l *listener) Context() context.Context     { return l.ctx }
func (l *listener) SendHeader(metadata.MD) error { return nil }

func (l *listener) Send(e *runtime.ContainerEventResponse) error {
	if l.reads != nil {
		select {
		case <-l.reads:
		case <-l.ctx.Done():
			return l.ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	return nil
}

// received returns what it got by now.
func (l *listener) received() []*runtime.ContainerEventResponse {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events
}
