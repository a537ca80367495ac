package impl_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/impl/images"
	"github.com/startrace/startrace/internal/registry"
)

const imageName = "example.org/hello:1"

// withImage imports an image and has it used.
func withImage(t *testing.T) *world {
	w := newWorld(t, func(c *impl.Config) { c.Snapshotter = "overlayfs" })
	image, err := registry.New(ocispec.ImageConfig{
		Entrypoint: []string{"/entry"}, Cmd: []string{"cmd"}, WorkingDir: "/work", Env: []string{"A=image", "B=image"},
		StopSignal: "SIGUSR2",
	}, nil)
	require.NoError(t, err)
	archive, err := image.Archive(imageName)
	require.NoError(t, err)
	_, err = w.client.Import(w.ctx, archive)
	require.NoError(t, err)
	return w
}

func imageRequest(sandbox string, change func(*runtime.ContainerConfig)) *runtime.CreateContainerRequest {
	config := &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: "c"},
		Image:    &runtime.ImageSpec{Image: imageName},
	}
	change(config)
	return &runtime.CreateContainerRequest{PodSandboxId: sandbox, Config: config}
}

// writable returns the keys of the snapshots that containers write to.
func (w *world) writable() (keys []string) {
	err := w.client.SnapshotService("overlayfs").Walk(w.ctx, func(_ context.Context, i snapshots.Info) error {
		if i.Kind == snapshots.KindActive {
			keys = append(keys, i.Name)
		}
		return nil
	})
	require.NoError(w.t, err)
	return keys
}

// What a container has of its image, and what of its config.
func TestImageConfig(t *testing.T) {
	type words = []string
	for _, tc := range []struct {
		command, args, want words
	}{
		{nil, nil, words{"/entry", "cmd"}},
		{nil, words{"a"}, words{"/entry", "a"}},
		{words{"/c"}, nil, words{"/c"}},
		{words{"/c"}, words{"a"}, words{"/c", "a"}},
	} {
		t.Run(fmt.Sprint(tc.command, tc.args), func(t *testing.T) {
			w := withImage(t)
			r, err := w.CreateContainer(w.ctx, imageRequest(w.sandbox("pod"), func(c *runtime.ContainerConfig) {
				c.Command, c.Args = tc.command, tc.args
				c.Envs = []*runtime.KeyValue{{Key: "A", Value: []byte("config")}}
			}))
			require.NoError(t, err)
			c, err := w.client.LoadContainer(w.ctx, r.GetContainerId())
			require.NoError(t, err)
			spec, err := c.Spec(w.ctx)
			require.NoError(t, err)
			assert.Equal(t, tc.want, spec.Process.Args)
			assert.Equal(t, "/work", spec.Process.Cwd)
			assert.Subset(t, spec.Process.Env, []string{"A=config", "B=image"})
			assert.NotContains(t, spec.Process.Env, "A=image")
			assert.False(t, spec.Root.Readonly)
		})
	}
}

// The snapshot of a container comes and goes with it.
func TestImageSnapshot(t *testing.T) {
	w := withImage(t)
	found, err := images.Find(w.ctx, w.client, imageName)
	require.NoError(t, err)
	for _, ref := range []string{imageName, found.ID} {
		r, err := w.CreateContainer(w.ctx, imageRequest(w.sandbox("pod of "+ref), func(c *runtime.ContainerConfig) { c.Image.Image = ref }))
		require.NoError(t, err)
		id := r.GetContainerId()
		assert.Equal(t, []string{id}, w.writable())
		w.restart()
		require.NoError(t, w.start(id))
		c, err := w.status(id)
		require.NoError(t, err)
		assert.Equal(t, found.ID, c.GetImageId())
		assert.Equal(t, found.ID, c.GetImageRef())
		assert.Equal(t, ref, c.GetImage().GetImage())

		if ref == imageName {
			w.faults.Fail("snapshots.Remove", 1, errdefs.ErrUnavailable, false)
			require.ErrorContains(t, w.remove(id), "failed to delete snapshot")
		}
		require.NoError(t, w.remove(id))
		assert.Empty(t, w.writable())
		w.assertEmpty()
	}
	_, err = w.CreateContainer(w.ctx, imageRequest(w.sandbox("p"), func(c *runtime.ContainerConfig) { c.Image.Image = "other:1" }))
	assert.True(t, errdefs.IsNotFound(errgrpc.ToNative(err)), err)
}

// A container that could not be created leaves no snapshot, nor does one whose
// removal was cut short by the end of the service.
func TestImageSnapshotIsNotLeft(t *testing.T) {
	for _, call := range []string{"containers.Create", "checkpoint.Write"} {
		for _, after := range []bool{false, true} {
			w := withImage(t)
			pod := w.sandbox("pod")
			w.faults.Fail(call, 1, errdefs.ErrUnavailable, after)
			_, err := w.CreateContainer(w.ctx, imageRequest(pod, func(*runtime.ContainerConfig) {}))
			require.Error(t, err, call)
			assert.Empty(t, w.writable(), call)
			w.assertEmpty()
		}
	}
	w := withImage(t)
	r, err := w.CreateContainer(w.ctx, imageRequest(w.sandbox("pod"), func(*runtime.ContainerConfig) {}))
	require.NoError(t, err)
	w.faults.Fail("snapshots.Remove", 1, errdefs.ErrUnavailable, false)
	require.Error(t, w.remove(r.GetContainerId()))
	assert.Len(t, w.writable(), 1)
	w.restart()
	assert.Empty(t, w.writable())
	w.assertEmpty()
}

// The image says how its process is asked to end, unless the config does.
func TestImageStopSignal(t *testing.T) {
	for config, want := range map[runtime.Signal]string{
		runtime.Signal_SIGNAL_RUNTIME_DEFAULT: "signal 12", // SIGUSR2
		runtime.Signal_SIGNAL_SIGUSR1:         "signal 10",
	} {
		w := withImage(t)
		r, err := w.CreateContainer(w.ctx, imageRequest(w.sandbox("pod"), func(c *runtime.ContainerConfig) { c.StopSignal = config }))
		require.NoError(t, err)
		require.NoError(t, w.start(r.GetContainerId()))
		require.NoError(t, w.stop(w.ctx, r.GetContainerId(), 1))
		assert.Contains(t, w.happened(r.GetContainerId()), want)
	}
}

// What is not implemented is refused by name.
func TestUnsupported(t *testing.T) {
	w := newWorld(t)
	sandbox := w.sandbox("pod")
	security := func(s *runtime.LinuxContainerSecurityContext) func(*runtime.ContainerConfig) {
		return func(c *runtime.ContainerConfig) { c.Linux = &runtime.LinuxContainerConfig{SecurityContext: s} }
	}
	mount := func(m *runtime.Mount) func(*runtime.ContainerConfig) {
		m.HostPath, m.ContainerPath = "/h", "/c"
		return func(c *runtime.ContainerConfig) { c.Mounts = []*runtime.Mount{m} }
	}
	for want, change := range map[string]func(*runtime.ContainerConfig){
		"tty of a container":                 func(c *runtime.ContainerConfig) { c.Tty = true },
		"stdin of a container":               func(c *runtime.ContainerConfig) { c.Stdin = true },
		"devices of a container":             func(c *runtime.ContainerConfig) { c.Devices = []*runtime.Device{{}} },
		"privileged of a container":          security(&runtime.LinuxContainerSecurityContext{Privileged: true}),
		"run_as_user of a container":         security(&runtime.LinuxContainerSecurityContext{RunAsUsername: "u"}),
		"supplemental_groups of a container": security(&runtime.LinuxContainerSecurityContext{SupplementalGroups: []int64{1}}),
		"capabilities of a container":        security(&runtime.LinuxContainerSecurityContext{Capabilities: &runtime.Capability{}}),
		"seccomp of a container":             security(&runtime.LinuxContainerSecurityContext{Seccomp: &runtime.SecurityProfile{}}),
		"apparmor of a container":            security(&runtime.LinuxContainerSecurityContext{Apparmor: &runtime.SecurityProfile{}}),
		"selinux_options of a container":     security(&runtime.LinuxContainerSecurityContext{SelinuxOptions: &runtime.SELinuxOption{}}),
		"an image of a mount":                mount(&runtime.Mount{Image: &runtime.ImageSpec{}}),
		"propagation of a mount":             mount(&runtime.Mount{Propagation: runtime.MountPropagation_PROPAGATION_BIDIRECTIONAL}),
		"recursive_read_only of a mount":     mount(&runtime.Mount{RecursiveReadOnly: true}),
		"uidMappings of a mount":             mount(&runtime.Mount{UidMappings: []*runtime.IDMapping{{}}}),
	} {
		r := request(sandbox, "c")
		change(r.Config)
		_, err := w.CreateContainer(w.ctx, r)
		assert.Equal(t, codes.Unimplemented, status.Code(err), err)
		assert.ErrorContains(t, err, want)
	}
	r := request(sandbox, "c")
	r.Config.Linux = &runtime.LinuxContainerConfig{SecurityContext: &runtime.LinuxContainerSecurityContext{
		Seccomp: &runtime.SecurityProfile{ProfileType: runtime.SecurityProfile_Unconfined},
	}}
	_, err := w.CreateContainer(w.ctx, r)
	require.NoError(t, err)
}

// A directory of the host is mounted where its links lead to, and made if it is
// not there.
func TestMounts(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "link")))
	r := request(w.sandbox("pod"), "c")
	r.Config.Mounts = []*runtime.Mount{
		{HostPath: filepath.Join(dir, "link"), ContainerPath: "/a", Readonly: true},
		{HostPath: filepath.Join(dir, "new", "dir"), ContainerPath: "/b"},
	}
	created, err := w.CreateContainer(w.ctx, r)
	require.NoError(t, err)
	c, err := w.client.LoadContainer(w.ctx, created.GetContainerId())
	require.NoError(t, err)
	spec, err := c.Spec(w.ctx)
	require.NoError(t, err)
	n := len(spec.Mounts)
	assert.Equal(t, []runtimespec.Mount{
		{Type: "bind", Source: dir, Destination: "/a", Options: []string{"rbind", "rprivate", "ro"}},
		{Type: "bind", Source: filepath.Join(dir, "new", "dir"), Destination: "/b", Options: []string{"rbind", "rprivate", "rw"}},
	}, spec.Mounts[n-2:])
	assert.DirExists(t, filepath.Join(dir, "new", "dir"))

	r.Config.Metadata.Name, r.Config.Mounts[0].HostPath = "d", "relative"
	_, err = w.CreateContainer(w.ctx, r)
	assert.Equal(t, codes.InvalidArgument, status.Code(err), err)
}
