// Package real_test runs what the fake containerd cannot show of package impl on
// a real one: output of processes, logs, and limits that the kernel has.
package real_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/daemontest"
	"github.com/startrace/startrace/internal/initproc"
)

func TestMain(m *testing.M) {
	if err := log.SetLevel("fatal"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// world is a service on a real containerd.
type world struct {
	t       *testing.T
	ctx     context.Context
	daemon  *daemon.Daemon
	client  *containerd.Client
	state   string
	streams string
	logs    string
	pod     string
	*impl.Service
}

func TestReal(t *testing.T) {
	d := daemontest.Start(t, daemon.Options{}, "go test ./impl/real")
	client, err := d.Client()
	require.NoError(t, err)
	w := &world{
		t: t, ctx: t.Context(), daemon: d, client: client,
		state: t.TempDir(), streams: t.TempDir(), logs: t.TempDir(),
	}
	t.Cleanup(func() {
		assert.NoError(t, w.Close())
		left, err := os.ReadDir(w.streams)
		assert.NoError(t, err)
		assert.Empty(t, left, "streams")
		assert.NoError(t, client.Close())
	})
	w.restart()
	r, err := w.RunPodSandbox(w.ctx, &runtime.RunPodSandboxRequest{Config: &runtime.PodSandboxConfig{
		Metadata: &runtime.PodSandboxMetadata{Name: "pod", Namespace: "ns", Uid: "uid"}, LogDirectory: w.logs,
	}})
	require.NoError(t, err)
	w.pod = r.GetPodSandboxId()
	for name, test := range map[string]func(*world){
		"exec": testExec, "update": testUpdate, "log": testLog, "left behind": testLeftBehind,
	} {
		t.Run(name, func(t *testing.T) {
			defer func(outer *testing.T) { w.t = outer }(w.t)
			w.t = t
			test(w)
		})
	}
}

// restart replaces the service by a new one.
func (w *world) restart() {
	if w.Service != nil {
		require.NoError(w.t, w.Close())
	}
	dir, err := impl.NewCheckpointDir(w.state)
	require.NoError(w.t, err)
	cfg := impl.Config{
		Client: w.client, Checkpoints: dir, Namespace: w.daemon.Namespace(),
		CgroupParent: w.daemon.CgroupParent(), StreamDir: w.streams,
	}
	cfg.Runtime, cfg.RuntimeOptions = w.daemon.Runtime()
	w.Service, err = impl.New(w.ctx, cfg)
	require.NoError(w.t, err)
}

// started starts a container that is removed at the end of the test.
func (w *world) started(name string, c initproc.Command, resources *runtime.LinuxContainerResources) string {
	r, err := w.CreateContainer(w.ctx, &runtime.CreateContainerRequest{PodSandboxId: w.pod, Config: &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: name},
		Image:    &runtime.ImageSpec{Image: w.daemon.Rootfs()},
		Command:  c.Args(),
		LogPath:  name + ".log",
		Linux:    &runtime.LinuxContainerConfig{Resources: resources},
	}})
	require.NoError(w.t, err)
	id := r.GetContainerId()
	_, err = w.StartContainer(w.ctx, &runtime.StartContainerRequest{ContainerId: id})
	require.NoError(w.t, err)
	return id
}

func (w *world) remove(id string) {
	_, err := w.RemoveContainer(w.ctx, &runtime.RemoveContainerRequest{ContainerId: id})
	require.NoError(w.t, err)
}

func (w *world) exec(id string, seconds int64, c initproc.Command) (*runtime.ExecSyncResponse, error) {
	r, err := w.ExecSync(w.ctx, &runtime.ExecSyncRequest{ContainerId: id, Cmd: c.Args(), Timeout: seconds})
	return r, errgrpc.ToNative(err)
}

// processes returns how many processes the container has.
func (w *world) processes(id string) int {
	c, err := w.client.LoadContainer(w.ctx, id)
	require.NoError(w.t, err)
	task, err := c.Task(w.ctx, nil)
	require.NoError(w.t, err)
	pids, err := task.Pids(w.ctx)
	require.NoError(w.t, err)
	return len(pids)
}

var forever = initproc.Command{ExitAfter: initproc.Forever}

func testExec(w *world) {
	t := w.t
	id := w.started("exec", forever, nil)
	r, err := w.exec(id, 10, initproc.Command{Print: "hello world", Code: 3})
	require.NoError(t, err)
	assert.Equal(t, "hello world\n", string(r.GetStdout()))
	assert.Empty(t, r.GetStderr())
	assert.EqualValues(t, 3, r.GetExitCode())

	response, err := w.ExecSync(w.ctx, &runtime.ExecSyncRequest{ContainerId: id, Cmd: []string{initproc.Path, "--wrong"}})
	require.NoError(t, err)
	assert.Contains(t, string(response.GetStderr()), "flag provided but not defined")
	assert.EqualValues(t, 125, response.GetExitCode())
	_, err = w.ExecSync(w.ctx, &runtime.ExecSyncRequest{ContainerId: id, Cmd: []string{"/missing"}})
	require.ErrorContains(t, err, "no such file or directory")

	begin := time.Now()
	_, err = w.exec(id, 1, initproc.Command{ExitAfter: initproc.Forever, Print: "still here", Every: time.Millisecond})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(begin), 5*time.Second)
	assert.Equal(t, 1, w.processes(id), "the process is killed")

	// What the command leaves behind holds its streams, for a while.
	begin = time.Now()
	r, err = w.exec(id, 0, initproc.Command{Print: "left", Leave: time.Minute})
	require.NoError(t, err)
	assert.Equal(t, "left\n", string(r.GetStdout()))
	assert.Less(t, time.Since(begin), 8*time.Second, "the shim waits 10 s for the streams")

	_, err = w.StopContainer(w.ctx, &runtime.StopContainerRequest{ContainerId: id, Timeout: 10})
	require.NoError(t, err)
	_, err = w.exec(id, 0, forever)
	require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
	w.remove(id)
}

func testUpdate(w *world) {
	t := w.t
	const mib = 1 << 20
	id := w.started("update", forever, &runtime.LinuxContainerResources{MemoryLimitInBytes: 64 * mib})
	assert.EqualValues(t, 64*mib, w.memoryLimit(id))
	update := func(limit int64) error {
		_, err := w.UpdateContainerResources(w.ctx, &runtime.UpdateContainerResourcesRequest{
			ContainerId: id, Linux: &runtime.LinuxContainerResources{MemoryLimitInBytes: limit},
		})
		return errgrpc.ToNative(err)
	}
	told := func() int64 {
		r, err := w.ContainerStatus(w.ctx, &runtime.ContainerStatusRequest{ContainerId: id})
		require.NoError(t, err)
		return r.GetStatus().GetResources().GetLinux().GetMemoryLimitInBytes()
	}
	require.NoError(t, update(128*mib))
	assert.EqualValues(t, 128*mib, w.memoryLimit(id))
	assert.EqualValues(t, 128*mib, told())
	// What the kernel refuses changes nothing, the part that it accepts included.
	_, err := w.UpdateContainerResources(w.ctx, &runtime.UpdateContainerResourcesRequest{
		ContainerId: id, Linux: &runtime.LinuxContainerResources{MemoryLimitInBytes: 256 * mib, CpusetCpus: "none"},
	})
	require.Error(t, err)
	assert.EqualValues(t, 128*mib, w.memoryLimit(id))
	assert.EqualValues(t, 128*mib, told())
	w.restart()
	assert.EqualValues(t, 128*mib, told())
	_, err = w.StopContainer(w.ctx, &runtime.StopContainerRequest{ContainerId: id, Timeout: 10})
	require.NoError(t, err)
	require.ErrorIs(t, update(64*mib), errdefs.ErrFailedPrecondition)
	w.remove(id)
}

// memoryLimit returns the limit that the kernel has for a container.
func (w *world) memoryLimit(id string) int64 {
	for _, file := range []string{
		"/sys/fs/cgroup/memory" + w.daemon.CgroupParent() + "/" + id + "/memory.limit_in_bytes",
		"/sys/fs/cgroup" + w.daemon.CgroupParent() + "/" + id + "/memory.max",
	} {
		if data, err := os.ReadFile(file); err == nil {
			limit, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
			require.NoError(w.t, err)
			return limit
		}
	}
	require.Fail(w.t, "no memory limit of "+id)
	return 0
}

// testLog rotates the log of a container that writes all the time, also across a
// restart of the service: no line is lost.
func testLog(w *world) {
	t := w.t
	id := w.started("log", initproc.Command{ExitAfter: initproc.Forever, Print: "line", Every: time.Millisecond}, nil)
	path := filepath.Join(w.logs, "log.log")
	var files []string
	for i := range 5 {
		time.Sleep(100 * time.Millisecond)
		if i == 2 {
			w.restart()
		}
		rotated := fmt.Sprintf("%s.%d", path, i)
		require.NoError(t, os.Rename(path, rotated))
		_, err := w.ReopenContainerLog(w.ctx, &runtime.ReopenContainerLogRequest{ContainerId: id})
		require.NoError(t, err)
		files = append(files, rotated)
	}
	_, err := w.StopContainer(w.ctx, &runtime.StopContainerRequest{ContainerId: id, Timeout: 10})
	require.NoError(t, err)
	_, err = w.ReopenContainerLog(w.ctx, &runtime.ReopenContainerLogRequest{ContainerId: id})
	require.ErrorIs(t, errgrpc.ToNative(err), errdefs.ErrFailedPrecondition)
	w.remove(id)

	n := 0
	for _, file := range append(files, path) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(data)) {
			n++
			at, text, _ := strings.Cut(line, " ")
			_, err := time.Parse(time.RFC3339Nano, at)
			require.NoError(t, err, "%q", line)
			require.Equal(t, fmt.Sprintf("stdout F line %d\n", n), text, "%s", file)
		}
	}
	assert.Greater(t, n, 50)
	t.Logf("%d lines in %d files", n, len(files)+1)
}

// testLeftBehind ends a container in which another process has the streams too.
func testLeftBehind(w *world) {
	t := w.t
	id := w.started("left", initproc.Command{ExitAfter: initproc.Forever, Print: "one", Leave: time.Minute}, nil)
	require.Eventually(t, func() bool { return w.processes(id) == 2 }, 5*time.Second, 10*time.Millisecond)
	begin := time.Now()
	_, err := w.StopContainer(w.ctx, &runtime.StopContainerRequest{ContainerId: id, Timeout: 10})
	require.NoError(t, err)
	w.remove(id)
	assert.Less(t, time.Since(begin), 10*time.Second)
	data, err := os.ReadFile(filepath.Join(w.logs, "left.log"))
	require.NoError(t, err)
	assert.Contains(t, string(data), " stdout F one\n")
}
