package fakes

import (
	"context"
	"fmt"
	"sync"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/leaktest"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// hooks stand between the package and the simulation for all tests: goroutines
// of a finished test may still be on their way.
var hooks struct {
	sync.Mutex
	point  func(label string, object any)
	choose func(label string, n int) int
}

func TestMain(m *testing.M) {
	point = func(label string, object any) {
		if hook := hooked(); hook != nil {
			hook(label, object)
			return
		}
		sim.Point(label, object)
	}
	choose = func(label string, n int) (v int) {
		var hook func(string, int) int
		sim.Quietly(func() {
			hooks.Lock()
			defer hooks.Unlock()
			if hook = hooks.choose; hook != nil {
				v = hook(label, n)
			}
		})
		if hook == nil {
			v = sim.Choose(label, n)
		}
		return v
	}
	sim.Main(m, leaktest.Check)
}

func hooked() (hook func(string, any)) {
	sim.Quietly(func() {
		hooks.Lock()
		defer hooks.Unlock()
		hook = hooks.point
	})
	return hook
}

// onPoint makes hook see the points of the rest of the test.
func onPoint(t testing.TB, hook func(label string, object any)) {
	t.Helper()
	set := func(f func(string, any)) {
		hooks.Lock()
		defer hooks.Unlock()
		hooks.point = f
	}
	set(hook)
	t.Cleanup(func() { set(nil) })
}

// world is a fake with a client and what it recorded.
type world struct {
	*Containerd
	client *containerd.Client
	ctx    context.Context
	events *[]model.Event
}

func newWorld(t testing.TB, opts Options) world {
	t.Helper()
	events := &[]model.Event{}
	opts.Record = func(e model.Event) { *events = append(*events, e) }
	c := New(opts)
	client, err := c.Client()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(namespaces.WithNamespace(context.Background(), Namespace))
	t.Cleanup(cancel)
	return world{c, client, ctx, events}
}

// container makes a container whose process has env.
func (w world) container(t testing.TB, id string, env ...string) containerd.Container {
	t.Helper()
	c, err := w.client.NewContainer(w.ctx, id, containerd.WithNewSpec(
		oci.WithRootFSPath("/rootfs"), oci.WithProcessArgs("/true"), oci.WithEnv(env)))
	require.NoError(t, err)
	return c
}

// containerOf makes a container whose process has these arguments.
func (w world) containerOf(t testing.TB, id string, args ...string) containerd.Container {
	t.Helper()
	c, err := w.client.NewContainer(w.ctx, id, containerd.WithNewSpec(
		oci.WithRootFSPath("/rootfs"), oci.WithProcessArgs(args...)))
	require.NoError(t, err)
	return c
}

// happened returns the ground truth of id in words.
func (w world) happened(id string) []string {
	words := map[model.Kind]string{
		model.TaskCreated: "created", model.Started: "started", model.ExecStarted: "executed", model.Exited: "exited",
		model.Signaled: "signaled", model.TaskDeleted: "deleted",
	}
	var all []string
	for _, k := range w.kinds(id) {
		all = append(all, words[k])
	}
	return all
}

// task makes a container and its task.
func (w world) task(t testing.TB, id string, env ...string) (containerd.Container, containerd.Task) {
	t.Helper()
	c := w.container(t, id, env...)
	task, err := c.NewTask(w.ctx, cio.NullIO)
	require.NoError(t, err)
	return c, task
}

// kinds returns the ground truth of id as its kinds.
func (w world) kinds(id string) []model.Kind {
	w.mu.Lock()
	defer w.mu.Unlock()
	var kinds []model.Kind
	for _, e := range *w.events {
		if e.Container == id {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// at runs fn when the point of that label is passed for the first time.
func at(t testing.TB, label string, fn func()) {
	t.Helper()
	var once sync.Once
	onPoint(t, func(l string, _ any) {
		if l == label {
			once.Do(fn)
		}
	})
}

// choices makes the choices of a test the given ones and then 0, and returns
// what was asked.
func choices(t testing.TB, values ...int) *[]string {
	t.Helper()
	asked := &[]string{}
	set := func(f func(string, int) int) {
		hooks.Lock()
		defer hooks.Unlock()
		hooks.choose = f
	}
	set(func(label string, n int) (v int) {
		*asked = append(*asked, fmt.Sprint(label, " of ", n))
		if len(values) > 0 {
			v, values = values[0], values[1:]
		}
		return v
	})
	t.Cleanup(func() { set(nil) })
	return asked
}
