package variants_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/variants"
)

// world is one container of one variant on the fake containerd, in virtual
// time, with the history of what is done to it.
type world struct {
	t *testing.T
	*fakes.Containerd
	faults      *fakes.Faults
	checkpoints *fakes.Checkpoints
	variant     scenarios.Variant
	bubble      bool        // time is virtual
	pause       *impl.Pause // of sandboxes of the reference
	hooks       impl.Hooks  // of who has them

	// of the present process of the service
	caller  *fakes.Caller
	ctx     context.Context
	cancel  context.CancelFunc
	service scenarios.Service
	pod, id string

	mu      sync.Mutex
	ids     int
	calls   int
	history model.History
	on      map[model.Kind]func() // called once when the fake records the kind
	pins    []pin
	wrong   map[string]bool // beside the invariants
}

// pin is what happens once, when a call passes a phase.
type pin struct {
	site string
	fn   func(context.Context) error
}

// in runs test in a world of the variant; the service is closed at the end.
func in(t *testing.T, variant string, prepare func(*fakes.Faults), test func(*world), env ...string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, variant, prepare)
		w.bubble = true
		defer w.close()
		w.create("app", env)
		test(w)
	})
}

// outside is in without a bubble, in real time.
func outside(t *testing.T, variant string, test func(*world)) {
	w := newWorld(t, variant, noFaults)
	defer w.close()
	w.create("app", nil)
	test(w)
}

func newWorld(t *testing.T, variant string, prepare func(*fakes.Faults)) *world {
	v, err := scenarios.Lookup(variant)
	require.NoError(t, err)
	w := &world{t: t, variant: v, faults: &fakes.Faults{}, on: map[model.Kind]func(){}, wrong: map[string]bool{}}
	prepare(w.faults)
	hooks := &fakes.Hooks{}
	hooks.Register("*", w.pass)
	opts := fakes.Options{Faults: w.faults, Record: w.record, Hooks: hooks}
	w.Containerd = fakes.New(opts)
	w.checkpoints = fakes.NewCheckpoints(opts)
	w.serve()
	return w
}

// serve starts a process of the service.
func (w *world) serve() {
	client, err := w.Client()
	require.NoError(w.t, err)
	w.caller = &fakes.Caller{}
	silent := logrus.New()
	silent.SetOutput(io.Discard)
	ctx := log.WithLogger(context.Background(), logrus.NewEntry(silent))
	w.ctx, w.cancel = context.WithCancel(fakes.WithCaller(ctx, w.caller))
	w.service, err = w.variant.New(w.ctx, variants.Env{
		Client: client, Checkpoints: w.checkpoints.For(w.caller), NewID: w.newID, Pause: w.pause, Hooks: w.hooks,
	})
	require.NoError(w.t, err)
}

// newID gives each container and sandbox of all processes another id.
func (w *world) newID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return fmt.Sprintf("c-%d", w.ids)
}

// crash kills the service, if that has not been done: no call of it takes effect
// any more.
func (w *world) crash() {
	if w.caller.Alive() != nil {
		return
	}
	w.caller.Crash()
	w.record(model.Event{Kind: model.Crashed})
	w.cancel()
}

// restart starts a new process after a crash.
func (w *world) restart() {
	require.NoError(w.t, w.service.Close())
	w.idle()
	w.serve()
	w.record(model.Event{Kind: model.Recovered})
}

func (w *world) close() {
	w.faults.Stop()
	require.NoError(w.t, w.service.Close())
	w.cancel()
}

func noFaults(*fakes.Faults) {}

func (w *world) record(e model.Event) {
	if e.At == 0 {
		e.At = time.Now().UnixNano()
	}
	w.mu.Lock()
	w.history.Events = append(w.history.Events, e)
	fn := w.on[e.Kind]
	delete(w.on, e.Kind)
	w.mu.Unlock()
	if fn != nil {
		fn()
	}
}

// at does fn when the next call passes site, such as "tasks.Start/after-effect".
// An error fails the call.
func (w *world) at(site string, fn func(context.Context) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pins = append(w.pins, pin{site, fn})
}

// unpin takes back what has not happened.
func (w *world) unpin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pins = nil
}

// fail fails the next call that passes site.
func (w *world) fail(site string, err error) {
	w.at(site, func(context.Context) error { return err })
}

// block holds the next call that passes site until release is called. reached
// waits until there is one.
func (w *world) block(site string) (reached, release func()) {
	passes, released := make(chan struct{}), make(chan struct{})
	w.at(site, func(ctx context.Context) error {
		close(passes)
		select {
		case <-released:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return func() { <-passes }, sync.OnceFunc(func() { close(released) })
}

func (w *world) pass(ctx context.Context, site, _ string) error {
	w.mu.Lock()
	i := slices.IndexFunc(w.pins, func(p pin) bool { return p.site == site })
	if i < 0 {
		w.mu.Unlock()
		return nil
	}
	fn := w.pins[i].fn
	w.pins = slices.Delete(w.pins, i, i+1)
	w.mu.Unlock()
	return fn(ctx)
}

// meanwhile makes a call in a goroutine of its own, which gets as far as it can
// in a bubble. The result tells whether it has returned, and what.
func (w *world) meanwhile(call func() error) (returned func() (bool, error)) {
	done := make(chan error, 1)
	go func() { done <- call() }()
	w.idle()
	return func() (bool, error) {
		w.idle()
		patience := 300 * time.Millisecond
		switch {
		case w.bubble:
			patience = time.Nanosecond // all that could happen has
		case w.variant.Name == scenarios.Reference.Name:
			patience = 10 * time.Second // it does return
		}
		select {
		case err := <-done:
			done <- err
			return true, err
		case <-time.After(patience):
			return false, nil
		}
	}
}

// idle waits until nothing happens any more. A goroutine that waits for a lock
// counts as busy in a bubble, so that tests about those have none, and wait for
// what they need.
func (w *world) idle() {
	if w.bubble {
		synctest.Wait()
	}
}

func (w *world) create(name string, env []string) {
	pod, err := w.service.RunPodSandbox(w.ctx, &runtime.RunPodSandboxRequest{
		Config: &runtime.PodSandboxConfig{Metadata: &runtime.PodSandboxMetadata{Name: name + "-pod"}},
	})
	require.NoError(w.t, err)
	w.pod = pod.PodSandboxId
	w.id, err = w.createIn(w.ctx, w.pod, name, env)
	require.NoError(w.t, err)
	w.record(model.Event{Kind: model.Member, Container: w.id, Sandbox: w.pod})
}

func (w *world) createIn(ctx context.Context, pod, name string, env []string) (string, error) {
	config := &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: name},
		Image:    &runtime.ImageSpec{Image: "/rootfs"},
		Command:  []string{"/init"},
	}
	for _, name := range env {
		config.Envs = append(config.Envs, &runtime.KeyValue{Key: name})
	}
	c, err := w.service.CreateContainer(ctx, &runtime.CreateContainerRequest{
		PodSandboxId: pod, Config: config,
		SandboxConfig: &runtime.PodSandboxConfig{Metadata: &runtime.PodSandboxMetadata{Name: name + "-pod"}},
	})
	return c.GetContainerId(), err
}

// do runs one operation and writes down its call and return.
func (w *world) do(e model.Event, call func(context.Context) error) error {
	w.mu.Lock()
	w.calls++
	e.ID = w.calls
	w.mu.Unlock()
	if e.Sandbox == "" {
		e.Container = w.id
	}
	e.Kind = model.Call
	w.record(e)
	err := call(w.ctx)
	if _, ok := status.FromError(err); ok {
		err = errgrpc.ToNative(err) // the reference answers as a server does
	}
	e.Kind = model.Return
	if err != nil {
		e.Err = err.Error()
	}
	w.record(e)
	return err
}

func (w *world) start() error { return w.startWith(w.ctx) }

func (w *world) startWith(ctx context.Context) error {
	return w.do(model.Event{Op: model.OpStart}, func(context.Context) error {
		_, err := w.service.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: w.id})
		return err
	})
}

func (w *world) stop(seconds int64) error {
	return w.doStop(model.Event{Op: model.OpStop, Timeout: seconds * int64(time.Second)})
}

func (w *world) doStop(e model.Event) error {
	return w.do(e, func(ctx context.Context) error {
		_, err := w.service.StopContainer(ctx, &runtime.StopContainerRequest{ContainerId: w.id, Timeout: e.Timeout / int64(time.Second)})
		return err
	})
}

func (w *world) remove() error { return w.doRemove(model.Event{Op: model.OpRemove}) }

// removeProbe is a removal that has to succeed.
var removeProbe = model.Event{Op: model.OpRemove, Probe: true}

func (w *world) doRemove(e model.Event) error {
	return w.do(e, func(ctx context.Context) error {
		_, err := w.service.RemoveContainer(ctx, &runtime.RemoveContainerRequest{ContainerId: w.id})
		return err
	})
}

func (w *world) stopSandbox() error {
	return w.do(model.Event{Op: model.OpStopSandbox, Sandbox: w.pod}, func(ctx context.Context) error {
		_, err := w.service.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: w.pod})
		return err
	})
}

func (w *world) status() *runtime.ContainerStatus {
	r, err := w.service.ContainerStatus(w.ctx, &runtime.ContainerStatusRequest{ContainerId: w.id})
	require.NoError(w.t, err)
	return r.Status
}

// observe records what the status says now.
func (w *world) observe() {
	r, err := w.service.ContainerStatus(w.ctx, &runtime.ContainerStatusRequest{ContainerId: w.id})
	require.NoError(w.t, err)
	w.record(model.Event{Kind: model.Observed, Container: w.id, Status: statusOf(r.Status)})
}

func statusOf(s *runtime.ContainerStatus) model.Status {
	return model.Status{
		CreatedAt: s.CreatedAt, StartedAt: s.StartedAt, FinishedAt: s.FinishedAt,
		ExitCode: s.ExitCode, Reason: s.Reason, Message: s.Message,
		Unknown: s.State == runtime.ContainerState_CONTAINER_UNKNOWN,
	}
}

// settle waits until nothing happens any more and records the view at rest.
func (w *world) settle() {
	w.idle()
	e := model.Event{Kind: model.Settled, Container: w.id, Alive: w.Live(w.id)}
	r, err := w.service.ContainerStatus(w.ctx, &runtime.ContainerStatusRequest{ContainerId: w.id})
	if err == nil {
		e.Present, e.Status = true, statusOf(r.Status)
	} else if _, ok := status.FromError(err); ok {
		err = errgrpc.ToNative(err)
	}
	if err != nil && !errdefs.IsNotFound(err) {
		require.NoError(w.t, err)
	}
	w.record(e)
	if !e.Present && slices.Contains(w.Tasks(), w.id) {
		w.record(model.Event{Kind: model.Leftover, Container: w.id, What: "a task"})
	}
}

// broken settles and returns which invariants the history breaks, and what else
// is wrong.
func (w *world) broken() map[string]bool {
	w.settle()
	ids := map[string]bool{}
	for what, is := range w.wrong {
		if is {
			ids[what] = true
		}
	}
	for _, v := range model.Check(w.history) {
		ids[v.Invariant] = true
		w.t.Log(v)
	}
	return ids
}
