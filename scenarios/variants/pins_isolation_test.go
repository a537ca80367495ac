package variants_test

import (
	"context"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/scenarios"
)

var isolationPins = []interleaving{
	{
		name:  "subscriber stalls",
		story: "it fills its buffer and the queue, and a start waits for it",
		where: "eventq", wrong: "a start waits for a subscriber",
		needs: []scenarios.Ability{scenarios.Watches}, run: subscriberStalls,
	},
	{
		name:  "caller of a start gives up",
		story: "the start waits for a subscriber, and goes on waiting",
		where: "eventq", wrong: "it waits on", needs: []scenarios.Ability{scenarios.Watches}, run: startGivenUp,
	},
	{
		name:  "plugin hangs",
		story: "it is called for one container, with the lock of all",
		where: "internal/nri", wrong: "another start waits for a plugin", outside: true,
		needs: []scenarios.Ability{scenarios.CallsOut}, run: pluginHangs,
	},
	{
		name:  "shim hangs",
		story: "an update of resources calls it under the lock that readers take: lists of all containers wait",
		where: "container_update_resources.go, containerd#9770", wrong: "lists wait", outside: true,
		needs: []scenarios.Ability{scenarios.Updates}, run: shimHangs,
	},
	{
		name:  "task is slow to start",
		story: "a start holds the status of its container: lists of all containers wait",
		where: "cri#1133", outside: true, run: startHangs,
	},
	{
		name:  "disk hangs",
		story: "it is written under the lock that readers take: the same",
		where: "store/container/status.go", wrong: "lists wait", outside: true, run: diskHangs,
	},
	{
		name:  "caller of an update gives up",
		story: "it waits for the lock of the container, and goes on waiting",
		where: "store/container/status.go", wrong: "it waits on", outside: true,
		needs: []scenarios.Ability{scenarios.Updates}, run: updateGivenUp,
	},
}

func subscriberStalls(w *world) {
	reads := make(chan struct{})
	l := w.listen(reads)
	defer l.cancel()
	fill := w.meanwhile(w.fill)
	start := w.meanwhile(w.start)
	returned, _ := start()
	w.wrong["a start waits for a subscriber"] = !returned
	close(reads)
	for _, call := range []func() (bool, error){start, fill} {
		returned, err := call()
		require.True(w.t, returned)
		require.NoError(w.t, err)
	}
}

func startGivenUp(w *world) {
	reads := make(chan struct{})
	l := w.listen(reads)
	defer l.cancel()
	fill := w.meanwhile(w.fill)
	ctx, cancel := context.WithCancel(w.ctx)
	start := w.meanwhile(func() error { return w.startWith(ctx) })
	cancel()
	time.Sleep(time.Minute)
	returned, _ := start()
	w.wrong["it waits on"] = !returned
	close(reads)
	returned, _ = fill()
	require.True(w.t, returned)
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

func pluginHangs(w *world) {
	plugin := &hangingPlugin{hangs: w.id, called: make(chan struct{}), until: make(chan struct{})}
	w.hooks = plugin
	first := w.id
	w.crash()
	w.restart()
	other, err := w.createIn(w.ctx, w.pod, "other", nil)
	require.NoError(w.t, err)
	hung := w.meanwhile(func() error {
		_, err := w.service.StartContainer(w.ctx, &runtime.StartContainerRequest{ContainerId: first})
		return err
	})
	<-plugin.called
	w.id = other
	start := w.meanwhile(w.start)
	returned, _ := start()
	w.wrong["another start waits for a plugin"] = !returned
	close(plugin.until)
	for _, call := range []func() (bool, error){hung, start} {
		returned, err := call()
		require.True(w.t, returned)
		require.NoError(w.t, err)
	}
}

// hangingPlugin hangs at the start of one container.
type hangingPlugin struct {
	hangs         string
	called, until chan struct{}
}

func (p *hangingPlugin) StartContainer(ctx context.Context, c impl.HookContainer) error {
	if c.ID == p.hangs {
		close(p.called)
		select {
		case <-p.until:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (*hangingPlugin) StopContainer(context.Context, impl.HookContainer) error { return nil }

func shimHangs(w *world) {
	require.NoError(w.t, w.start())
	w.listWaits("tasks.Update/before-effect", func() error { return w.update(w.ctx, 7) })
	w.applied()
}

func startHangs(w *world) { w.listWaits("tasks.Create/before-effect", w.start) }

func diskHangs(w *world) {
	require.NoError(w.t, w.start())
	w.listWaits("checkpoint.Write/before-effect", func() error { return w.stop(0) })
}

// listWaits makes a call hang at a site and lists the containers meanwhile.
func (w *world) listWaits(site string, hangs func() error) {
	reached, release := w.block(site)
	defer release()
	call := w.meanwhile(hangs)
	reached()
	list := w.meanwhile(func() error {
		_, err := w.service.ListContainers(w.ctx, &runtime.ListContainersRequest{})
		return err
	})
	returned, err := list()
	assert.NoError(w.t, err)
	w.wrong["lists wait"] = !returned
	release()
	for _, call := range []func() (bool, error){list, call} {
		returned, err := call()
		require.True(w.t, returned)
		require.NoError(w.t, err)
	}
}

func updateGivenUp(w *world) {
	require.NoError(w.t, w.start())
	reached, release := w.block("tasks.Update/before-effect")
	defer release()
	first := w.meanwhile(func() error { return w.update(w.ctx, 7) })
	reached()
	ctx, cancel := context.WithCancel(w.ctx)
	second := w.meanwhile(func() error { return w.update(ctx, 8) })
	cancel()
	returned, _ := second()
	w.wrong["it waits on"] = !returned
	release()
	returned, err := first()
	require.True(w.t, returned)
	require.NoError(w.t, err)
	_, _ = second() // it may be accepted as well
	w.applied()
}

// listener subscribes to the events of a service.
type listener struct {
	grpc.ServerStream
	ctx    context.Context
	cancel context.CancelFunc
	begun  chan struct{}
	reads  <-chan struct{} // it reads once this is closed; nil: at once

	mu     sync.Mutex
	events []*runtime.ContainerEventResponse
}

// listen begins a subscription, which ends with cancel.
func (w *world) listen(reads <-chan struct{}) *listener {
	l := &listener{begun: make(chan struct{}), reads: reads}
	l.ctx, l.cancel = context.WithCancel(w.ctx)
	go func() { _ = w.service.(scenarios.Watcher).GetContainerEvents(&runtime.GetEventsRequest{}, l) }()
	<-l.begun
	return l
}

func (l *listener) Context() context.Context { return l.ctx }

func (l *listener) SendHeader(metadata.MD) error {
	close(l.begun)
	return nil
}

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
