package serve_test

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/socket"
	"github.com/startrace/startrace/internal/serve"
)

func TestMain(m *testing.M) {
	if err := log.SetLevel("fatal"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// fake serves the fake containerd on a socket until the end of the test.
func fake(t *testing.T) (world *fakes.Containerd, path string) {
	world = fakes.New(fakes.Options{})
	path = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- socket.Serve(ctx, world, l) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return world, path
}

// run runs the server and returns clients of it and what ends it.
func run(t *testing.T, opts serve.Options) (runtime.RuntimeServiceClient, runtime.ImageServiceClient, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- serve.Run(ctx, opts, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		require.NoError(t, err)
	}
	conn, err := grpc.NewClient("unix://"+opts.Listen, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, conn.Close())
	})
	return runtime.NewRuntimeServiceClient(conn), runtime.NewImageServiceClient(conn), func() {
		cancel()
		assert.NoError(t, <-ended)
	}
}

// A pod and its container outlive the server, which ends cleanly and goes on with
// them.
func TestRun(t *testing.T) {
	world, containerd := fake(t)
	opts := serve.Options{
		Listen: filepath.Join(t.TempDir(), "s"), Containerd: containerd, Root: t.TempDir(), Namespace: fakes.Namespace,
	}
	cri, imageService, stop := run(t, opts)
	ctx := t.Context()
	version, err := cri.Version(ctx, &runtime.VersionRequest{})
	require.NoError(t, err)
	assert.Equal(t, "startrace", version.GetRuntimeName())
	all, err := imageService.ListImages(ctx, &runtime.ListImagesRequest{})
	require.NoError(t, err)
	assert.Empty(t, all.GetImages())

	pod, err := cri.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{Config: &runtime.PodSandboxConfig{
		Metadata: &runtime.PodSandboxMetadata{Name: "pod", Namespace: "ns", Uid: "uid"},
	}})
	require.NoError(t, err)
	c, err := cri.CreateContainer(ctx, &runtime.CreateContainerRequest{
		PodSandboxId: pod.GetPodSandboxId()[:13],
		Config: &runtime.ContainerConfig{
			Metadata: &runtime.ContainerMetadata{Name: "c"},
			Image:    &runtime.ImageSpec{Image: "/rootfs"},
			Command:  []string{"/init"},
		},
	})
	require.NoError(t, err)
	id := c.GetContainerId()
	_, err = cri.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: id[:13]})
	require.NoError(t, err)
	for _, filter := range []*runtime.ContainerFilter{
		{Id: id[:13]}, {PodSandboxId: pod.GetPodSandboxId()[:13]}, nil,
	} {
		list, err := cri.ListContainers(ctx, &runtime.ListContainersRequest{Filter: filter})
		require.NoError(t, err)
		assert.Len(t, list.GetContainers(), 1, filter)
	}
	_, err = cri.ContainerStatus(ctx, &runtime.ContainerStatusRequest{ContainerId: id + "0"})
	assert.Equal(t, codes.NotFound, status.Code(err), err)
	for name, call := range map[string]func() error{
		"Attach":      func() error { _, err := cri.Attach(ctx, &runtime.AttachRequest{}); return err },
		"Exec":        func() error { _, err := cri.Exec(ctx, &runtime.ExecRequest{}); return err },
		"PortForward": func() error { _, err := cri.PortForward(ctx, &runtime.PortForwardRequest{}); return err },
	} {
		err := call()
		assert.Equal(t, codes.Unimplemented, status.Code(err), name)
		assert.ErrorContains(t, err, name)
	}
	events, err := cri.GetContainerEvents(ctx, &runtime.GetEventsRequest{})
	require.NoError(t, err)
	_, err = events.Header()
	require.NoError(t, err)

	again := opts
	again.Listen += "2"
	err = serve.Run(ctx, again, nil)
	require.ErrorIs(t, err, serve.ErrInUse)
	assert.ErrorContains(t, err, opts.Root)
	again = opts
	again.Root = t.TempDir()
	err = serve.Run(ctx, again, nil)
	require.ErrorIs(t, err, serve.ErrInUse)
	assert.ErrorContains(t, err, opts.Listen)

	stop()
	_, err = events.Recv()
	assert.Equal(t, codes.Unavailable, status.Code(err), err)
	_, err = os.Stat(opts.Listen)
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.True(t, world.Live(id))
	assert.True(t, world.Live(pod.GetPodSandboxId()))

	cri, _, stop = run(t, opts)
	r, err := cri.ContainerStatus(ctx, &runtime.ContainerStatusRequest{ContainerId: id})
	require.NoError(t, err)
	assert.Equal(t, runtime.ContainerState_CONTAINER_RUNNING, r.GetStatus().GetState())
	_, err = cri.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: pod.GetPodSandboxId()})
	require.NoError(t, err)
	stop()
	assert.Empty(t, world.Tasks())
}

// An id may be shortened until two begin like that.
func TestAmbiguous(t *testing.T) {
	_, containerd := fake(t)
	cri, _, stop := run(t, serve.Options{
		Listen: filepath.Join(t.TempDir(), "s"), Containerd: containerd, Root: t.TempDir(), Namespace: fakes.Namespace,
	})
	defer stop()
	begins := map[string]int{}
	for i := range 17 { // two of them begin alike
		r, err := cri.RunPodSandbox(t.Context(), &runtime.RunPodSandboxRequest{Config: &runtime.PodSandboxConfig{
			Metadata: &runtime.PodSandboxMetadata{Name: strings.Repeat("p", i+1)},
		}})
		require.NoError(t, err)
		begins[r.GetPodSandboxId()[:1]]++
	}
	for begin, n := range begins {
		_, err := cri.PodSandboxStatus(t.Context(), &runtime.PodSandboxStatusRequest{PodSandboxId: begin})
		if n == 1 {
			assert.NoError(t, err)
		} else {
			assert.Equal(t, codes.InvalidArgument, status.Code(err), err)
		}
	}
}

func TestErrors(t *testing.T) {
	_, containerd := fake(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("precious"), 0o600))
	good := serve.Options{Listen: filepath.Join(dir, "s"), Containerd: containerd, Root: filepath.Join(dir, "root"), Namespace: "ns"}
	for want, change := range map[string]func(*serve.Options){
		"no such file":           func(o *serve.Options) { o.Containerd = filepath.Join(dir, "absent") },
		"connection refused":     func(o *serve.Options) { o.Containerd = file },
		"address already in use": func(o *serve.Options) { o.Listen = file },
		"not a directory":        func(o *serve.Options) { o.Root = file },
		"no URL of a registry":   func(o *serve.Options) { o.Mirror = "localhost:5000" },
	} {
		opts := good
		change(&opts)
		err := serve.Run(t.Context(), opts, nil)
		require.ErrorContains(t, err, want)
		if opts.Containerd != containerd {
			assert.ErrorIs(t, err, serve.ErrNoContainerd)
		}
	}
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(data))
}
