package impl_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/model"
)

const (
	created = runtime.ContainerState_CONTAINER_CREATED
	running = runtime.ContainerState_CONTAINER_RUNNING
	exited  = runtime.ContainerState_CONTAINER_EXITED
	unknown = runtime.ContainerState_CONTAINER_UNKNOWN
)

// testingT is a *testing.T or a *sim.T.
type testingT interface {
	Errorf(format string, args ...any)
	FailNow()
	Helper()
	Cleanup(fn func())
	TempDir() string
}

// world is a service with a runtime and a disk that never fail on their own.
type world struct {
	t      testingT
	config []func(*impl.Config)
	ctx    context.Context
	faults *fakes.Faults
	client *containerd.Client
	disk   *fakes.Checkpoints
	gate   *gate
	pipes  string // the directory of the streams
	*fakes.Containerd
	*impl.Service

	mu     sync.Mutex
	events []model.Event
	ids    int
}

func newWorld(t testingT, config ...func(*impl.Config)) *world {
	w := &world{
		t:      t,
		config: config,
		ctx:    namespaces.WithNamespace(context.Background(), fakes.Namespace),
		faults: &fakes.Faults{},
		pipes:  t.TempDir(),
	}
	opts := fakes.Options{Record: w.record, Faults: w.faults}
	w.Containerd = fakes.New(opts)
	w.disk = fakes.NewCheckpoints(opts)
	w.gate = &gate{Checkpoints: w.disk}
	client, err := w.Containerd.Client()
	require.NoError(t, err)
	w.client = client
	w.restart()
	t.Cleanup(func() { assert.NoError(t, w.Service.Close()) })
	return w
}

// restart replaces the service by a new one on the same runtime and disk.
func (w *world) restart() {
	if w.Service != nil {
		require.NoError(w.t, w.Service.Close())
	}
	cfg := impl.Config{
		Client: w.client, Checkpoints: w.gate, NewID: w.newID,
		StreamDir: w.pipes, OpenStream: w.Containerd.OpenStream,
	}
	for _, configure := range w.config {
		configure(&cfg)
	}
	s, err := impl.New(w.ctx, cfg)
	require.NoError(w.t, err)
	w.Service = s
}

func (w *world) newID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return fmt.Sprintf("id%d", w.ids)
}

func (w *world) record(e model.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// happened returns what was recorded about a container, as text.
func (w *world) happened(id string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := map[model.Kind]string{
		model.TaskCreated: "created", model.Started: "started", model.Exited: "exited", model.TaskDeleted: "deleted",
	}
	var all []string
	for _, e := range w.events {
		switch {
		case e.Container != id:
		case e.Kind == model.Stored:
			all = append(all, e.Status.State().String())
		case e.Kind == model.Signaled:
			all = append(all, fmt.Sprint("signal ", e.Signal))
		default:
			all = append(all, names[e.Kind])
		}
	}
	return all
}

func (w *world) count(id, what string) int {
	return len(slices.DeleteFunc(w.happened(id), func(s string) bool { return s != what }))
}

// sandbox runs a sandbox of that name.
func (w *world) sandbox(name string) string {
	r, err := w.RunPodSandbox(w.ctx, &runtime.RunPodSandboxRequest{Config: &runtime.PodSandboxConfig{
		Metadata: &runtime.PodSandboxMetadata{Name: name, Namespace: "ns", Uid: "uid"},
	}})
	require.NoError(w.t, err)
	return r.GetPodSandboxId()
}

func request(sandbox, name string, envs ...string) *runtime.CreateContainerRequest {
	config := &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: name},
		Image:    &runtime.ImageSpec{Image: "/rootfs"},
		Command:  []string{"/init"},
		Args:     []string{"sleep"},
		Labels:   map[string]string{"name": name},
	}
	for _, env := range envs {
		config.Envs = append(config.Envs, &runtime.KeyValue{Key: env, Value: []byte("1")})
	}
	return &runtime.CreateContainerRequest{PodSandboxId: sandbox, Config: config}
}

// container creates a container in a sandbox of its own.
func (w *world) container(envs ...string) string {
	r, err := w.CreateContainer(w.ctx, request(w.sandbox("pod"+w.newID()), "c", envs...))
	require.NoError(w.t, err)
	return r.GetContainerId()
}

// started creates and starts a container.
func (w *world) started(envs ...string) string {
	id := w.container(envs...)
	require.NoError(w.t, w.start(id))
	return id
}

// The calls return errors as a client of the CRI would see them.

func (w *world) start(id string) error {
	_, err := w.StartContainer(w.ctx, &runtime.StartContainerRequest{ContainerId: id})
	return errgrpc.ToNative(err)
}

func (w *world) stop(ctx context.Context, id string, seconds int64) error {
	_, err := w.StopContainer(ctx, &runtime.StopContainerRequest{ContainerId: id, Timeout: seconds})
	return errgrpc.ToNative(err)
}

func (w *world) remove(id string) error {
	_, err := w.RemoveContainer(w.ctx, &runtime.RemoveContainerRequest{ContainerId: id})
	return errgrpc.ToNative(err)
}

func (w *world) status(id string) (*runtime.ContainerStatus, error) {
	r, err := w.ContainerStatus(w.ctx, &runtime.ContainerStatusRequest{ContainerId: id})
	return r.GetStatus(), errgrpc.ToNative(err)
}

func (w *world) state(id string) runtime.ContainerState {
	status, err := w.status(id)
	require.NoError(w.t, err)
	return status.GetState()
}

// gate is a disk that can hold up a write.
type gate struct {
	*fakes.Checkpoints

	mu   sync.Mutex
	held chan struct{} // non-nil: the next write closes entered and waits for it
	in   chan struct{}
}

// hold makes the next write block until release is called. entered is closed
// when it does.
func (g *gate) hold() (entered <-chan struct{}, release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held, g.in = make(chan struct{}), make(chan struct{})
	held := g.held
	return g.in, func() { close(held) }
}

func (g *gate) Write(id string, data []byte) error {
	g.mu.Lock()
	held, in := g.held, g.in
	g.held = nil
	g.mu.Unlock()
	if held != nil {
		close(in)
		<-held
	}
	return g.Checkpoints.Write(id, data)
}
