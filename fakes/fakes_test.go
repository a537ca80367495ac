package fakes

import (
	"context"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/startrace/startrace/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a fake with a client and what it recorded.
type world struct {
	*Containerd
	client *containerd.Client
	ctx    context.Context
	events *[]model.Event
}

func newWorld(t *testing.T, opts Options) world {
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
func (w world) container(t *testing.T, id string, env ...string) containerd.Container {
	t.Helper()
	c, err := w.client.NewContainer(w.ctx, id, containerd.WithNewSpec(
		oci.WithRootFSPath("/rootfs"), oci.WithProcessArgs("/true"), oci.WithEnv(env)))
	require.NoError(t, err)
	return c
}

// task makes a container and its task.
func (w world) task(t *testing.T, id string, env ...string) (containerd.Container, containerd.Task) {
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
