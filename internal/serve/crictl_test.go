package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/daemontest"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/internal/registry"
	"github.com/startrace/startrace/internal/serve"
)

// crictl pulls an image and runs a pod and a container of it, as an administrator
// would, on each release; then nothing is left.
func TestCrictl(t *testing.T) {
	t.Run("pinned", func(t *testing.T) { testCrictl(t, daemon.Options{}) })
	t.Run("debian", func(t *testing.T) {
		if err := daemon.Available(); daemon.IsUnprivileged(err) {
			t.Skipf("NOT RUN: %v; it is run by: sudo -E go test ./internal/serve", err)
		}
		binary, version, err := daemon.Debian(t.Context(), t.Logf)
		if errors.Is(err, daemon.ErrNoPackage) {
			t.Skipf("NOT RUN on the distribution's containerd: %v", err)
		}
		require.NoError(t, err)
		t.Log("containerd ", version)
		testCrictl(t, daemon.Options{Binary: binary})
	})
}

func testCrictl(t *testing.T, opts daemon.Options) {
	d := daemontest.Start(t, opts, "go test -run TestCrictl ./internal/serve")
	program, err := daemon.CRITool(t.Context(), daemon.Crictl, t.Logf)
	require.NoError(t, err)
	init, err := os.ReadFile(filepath.Join(d.Rootfs(), initproc.Path))
	require.NoError(t, err)
	image, err := registry.New(ocispec.ImageConfig{
		Entrypoint: initproc.Command{ExitAfter: initproc.Forever, Print: "hello from the image", Every: time.Second}.Args(),
	}, []registry.File{{Name: "init", Mode: 0o755, Data: init}})
	require.NoError(t, err)
	images := httptest.NewServer(registry.Handler(func(string, string) *registry.Image { return image }))
	defer images.Close()

	dir := t.TempDir()
	runtimeName, runtimeOptions := d.Runtime()
	options := serve.Options{
		Listen: filepath.Join(dir, "s"), Containerd: d.Address(), Root: filepath.Join(dir, "root"), Namespace: d.Namespace(),
		Runtime: runtimeName, RuntimeOptions: runtimeOptions,
	}
	_, _, stop := run(t, options)
	crictl := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program,
			append([]string{"--runtime-endpoint", "unix://" + options.Listen, "--timeout", "30s"}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir) // no configuration of the user
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		require.NoError(t, err, "crictl %s: %s", strings.Join(args, " "), errs.String())
		return strings.TrimSpace(string(out))
	}
	write := func(name string, v any) string {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	ref := strings.TrimPrefix(images.URL, "http://") + "/init:1"
	pod := write("pod.json", &runtime.PodSandboxConfig{
		Metadata: &runtime.PodSandboxMetadata{Name: "pod", Namespace: "ns", Uid: "uid"}, LogDirectory: dir,
	})
	container := write("container.json", &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: "c"}, Image: &runtime.ImageSpec{Image: ref}, LogPath: "c.log",
	})

	crictl("pull", ref)
	assert.Contains(t, crictl("images"), strings.TrimSuffix(ref, ":1"))
	p := crictl("runp", pod)
	c := crictl("create", p, container, pod)
	crictl("start", c)
	assert.Equal(t, c, crictl("ps", "--quiet"))
	assert.Equal(t, p, crictl("pods", "--quiet", "--state", "ready"))
	assert.Equal(t, "hello", crictl("exec", "--sync", c, initproc.Path, "--print=hello", "--exit-after=0s"))
	require.Eventually(t, func() bool {
		return strings.HasPrefix(crictl("logs", c), "hello from the image 1\nhello from the image 2")
	}, 10*time.Second, 100*time.Millisecond)
	assert.Contains(t, crictl("stats", c), c[:13])

	// The next server goes on with what the first one left.
	stop()
	_, _, stop = run(t, options)
	defer stop()
	assert.Contains(t, crictl("inspect", c), `"state": "CONTAINER_RUNNING"`)
	lines := strings.Count(crictl("logs", c), "\n")
	require.Eventually(t, func() bool { return strings.Count(crictl("logs", c), "\n") > lines }, 10*time.Second, 100*time.Millisecond)
	crictl("stop", "--timeout", "5", c[:13])
	assert.Empty(t, crictl("ps", "--quiet"))
	assert.Contains(t, crictl("inspect", c), `"exitCode": 143`)
	crictl("rm", c[:13])
	assert.Empty(t, crictl("ps", "--all", "--quiet"))
	crictl("stopp", p)
	crictl("rmp", p)
	assert.Empty(t, crictl("pods", "--quiet"))
	crictl("rmi", ref)

	// Of the service nothing is left in containerd, nor in its directory.
	client, err := d.Client()
	require.NoError(t, err)
	defer client.Close()
	containers, err := client.Containers(t.Context())
	require.NoError(t, err)
	assert.Empty(t, containers)
	assert.Empty(t, snapshotsOf(t, client))
	for _, name := range []string{"records", "streams"} {
		left, err := os.ReadDir(filepath.Join(options.Root, name))
		require.NoError(t, err)
		assert.Empty(t, left, name)
	}
	census, err := d.Census(t.Context())
	require.NoError(t, err)
	assert.Len(t, census.Processes, 1, "containerd and nothing else: %s", census)
}

// snapshotsOf lists those that containers write to.
func snapshotsOf(t *testing.T, client *containerd.Client) (keys []string) {
	ctx := namespaces.WithNamespace(t.Context(), client.DefaultNamespace())
	err := client.SnapshotService("overlayfs").Walk(ctx, func(_ context.Context, i snapshots.Info) error {
		if i.Kind == snapshots.KindActive {
			keys = append(keys, i.Name)
		}
		return nil
	})
	require.NoError(t, err)
	return keys
}
