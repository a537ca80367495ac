package socket_test

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/sandbox"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is a fake behind a socket, with a client that dials it.
func served(t *testing.T, opts fakes.Options) (*fakes.Containerd, *containerd.Client, context.Context, string) {
	t.Helper()
	world := fakes.New(opts)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(namespaces.WithNamespace(context.Background(), fakes.Namespace))
	done := make(chan error, 1)
	go func() { done <- socket.Serve(ctx, world, l) }()
	client, err := containerd.New(path)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, client.Close())
		cancel()
		assert.NoError(t, <-done)
	})
	return world, client, ctx, path
}

func start(ctx context.Context, t *testing.T, client *containerd.Client, id string) (containerd.Container, containerd.Task) {
	t.Helper()
	c, err := client.NewContainer(ctx, id, containerd.WithNewSpec(oci.WithProcessArgs("/true")),
		containerd.WithContainerLabels(map[string]string{"k": "v"}))
	require.NoError(t, err)
	task, err := c.NewTask(ctx, cio.NullIO)
	require.NoError(t, err)
	require.NoError(t, task.Start(ctx))
	return c, task
}

func TestLifecycleOverSocket(t *testing.T) {
	world, client, ctx, _ := served(t, fakes.Options{})
	version, err := client.Version(ctx)
	require.NoError(t, err)
	assert.Equal(t, "2.4", version.Version)
	serving, err := client.IsServing(ctx)
	require.NoError(t, err)
	assert.True(t, serving)
	info, err := client.Server(ctx)
	require.NoError(t, err)
	assert.NotEmpty(t, info.UUID)

	events, _ := client.Subscribe(ctx, `topic=="/tasks/exit"`)
	c, task := start(ctx, t, client, "c1")
	labels, err := c.Labels(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"k": "v"}, labels)
	spec, err := c.Spec(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"/true"}, spec.Process.Args)
	wait, err := task.Wait(ctx)
	require.NoError(t, err)
	exec, err := task.Exec(ctx, "e1", &runtimespec.Process{Args: []string{"/sh"}}, cio.NullIO)
	require.NoError(t, err)
	require.NoError(t, exec.Start(ctx))
	pids, err := task.Pids(ctx)
	require.NoError(t, err)
	assert.Len(t, pids, 2)
	require.ErrorIs(t, task.Start(ctx), errdefs.ErrUnknown)
	require.NoError(t, task.Pause(ctx))
	require.NoError(t, task.Resume(ctx))
	time.Sleep(10 * time.Millisecond) // the subscription is registered when its request arrived
	world.Exit("c1", 7)
	exit := <-wait
	assert.EqualValues(t, 7, exit.ExitCode())
	assert.Equal(t, "/tasks/exit", (<-events).Topic)
	_, err = exec.Delete(ctx)
	require.NoError(t, err)
	_, err = task.Delete(ctx)
	require.NoError(t, err)
	require.NoError(t, c.Delete(ctx))
	_, err = client.LoadContainer(ctx, "c1")
	require.ErrorIs(t, err, errdefs.ErrNotFound)
}

func TestStoresOverSocket(t *testing.T) {
	_, client, ctx, _ := served(t, fakes.Options{})
	require.NoError(t, client.NamespaceService().Create(ctx, "n", map[string]string{"a": "b"}))
	names, err := client.NamespaceService().List(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"n"}, names)
	l, err := client.LeasesService().Create(ctx, leases.WithID("l"))
	require.NoError(t, err)
	require.NoError(t, client.LeasesService().AddResource(ctx, l, leases.Resource{ID: "x", Type: "snapshots/native"}))
	held, err := client.LeasesService().ListResources(ctx, l)
	require.NoError(t, err)
	assert.Len(t, held, 1)
	_, err = client.SandboxStore().Create(ctx, sandbox.Sandbox{ID: "p", Runtime: sandbox.RuntimeOpts{Name: "r"}})
	require.NoError(t, err)
	all, err := client.SandboxStore().List(ctx)
	require.NoError(t, err)
	assert.Len(t, all, 1)
	_, err = client.SnapshotService("native").Prepare(ctx, "s", "")
	require.NoError(t, err)
	_, err = client.SnapshotService("native").Stat(ctx, "s")
	require.NoError(t, err)
	images, err := client.ListImages(ctx)
	require.NoError(t, err)
	assert.Empty(t, images)
	_, err = client.GetImage(ctx, "absent")
	require.ErrorIs(t, err, errdefs.ErrNotFound)
}

// What the fake has no answer to is refused with its name; the server goes on.
func TestUnplannedOverSocket(t *testing.T) {
	_, client, ctx, _ := served(t, fakes.Options{})
	_, err := client.DiffService().Compare(ctx, nil, nil)
	require.ErrorIs(t, err, errdefs.ErrNotImplemented)
	require.ErrorContains(t, err, "unplanned call diff.Compare")
	_, err = client.TaskService().List(ctx, &tasksapi.ListTasksRequest{})
	require.NoError(t, err)
}

// The error texts of a release reach other processes as well.
func TestProfileOverSocket(t *testing.T) {
	profile, err := fakes.LookupProfile("1.6")
	require.NoError(t, err)
	_, client, ctx, _ := served(t, fakes.Options{Profile: profile})
	version, err := client.Version(ctx)
	require.NoError(t, err)
	assert.Equal(t, "1.6", version.Version)
	_, task := start(ctx, t, client, "c1")
	assert.EqualError(t, task.Start(ctx), "cannot start a running process: unknown")
}

// containerd's own ctr lists the tasks of a fake, and kills one.
func TestCtr(t *testing.T) {
	world, client, ctx, path := served(t, fakes.Options{})
	start(ctx, t, client, "c1")
	start(ctx, t, client, "c2")
	ctr := func(args ...string) string {
		t.Helper()
		args = append([]string{"tool", "-modfile=" + filepath.Join("..", "..", "tools", "go.mod"), "ctr", "-a", path, "-n", fakes.Namespace}, args...)
		out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	list := ctr("tasks", "ls")
	assert.Contains(t, list, "c1")
	assert.Equal(t, 2, strings.Count(list, "RUNNING"), list)
	ctr("tasks", "kill", "--signal", "SIGKILL", "c1")
	require.Eventually(t, func() bool { return !world.Live("c1") }, 10*time.Second, 10*time.Millisecond)
	assert.Contains(t, ctr("tasks", "ls"), "STOPPED")
	assert.Contains(t, ctr("tasks", "rm", "c1")+ctr("tasks", "ls"), "c2")
	assert.Equal(t, []string{"c2"}, world.Tasks())
	assert.Contains(t, ctr("containers", "ls"), "c1")
	assert.Contains(t, ctr("namespaces", "ls"), fakes.Namespace)
	assert.Contains(t, ctr("version"), "startrace-fake")
}
