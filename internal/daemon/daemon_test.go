package daemon_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/initproc"
)

// lifecycle creates, starts and deletes a container, kills it first if sig is
// not 0, and returns the exit code.
func lifecycle(t *testing.T, d *daemon.Daemon, client *containerd.Client, id string, c initproc.Command, sig syscall.Signal) uint32 {
	t.Helper()
	ctx := t.Context()
	task, err := newTask(ctx, d, client, id, c)
	require.NoError(t, err)
	wait, err := task.Wait(ctx)
	require.NoError(t, err)
	require.NoError(t, task.Start(ctx))
	if sig != 0 {
		time.Sleep(50 * time.Millisecond) // the process has set its handlers by then
		require.NoError(t, task.Kill(ctx, sig))
	}
	status := <-wait
	require.NoError(t, status.Error())
	deleted, err := task.Delete(ctx)
	require.NoError(t, err)
	assert.Equal(t, status.ExitCode(), deleted.ExitCode())
	container, err := client.LoadContainer(ctx, id)
	require.NoError(t, err)
	require.NoError(t, container.Delete(ctx))
	return status.ExitCode()
}

func TestLifecycle(t *testing.T) {
	for _, opts := range []daemon.Options{{}, {OnDisk: true}} {
		t.Run(fmt.Sprintf("OnDisk=%t", opts.OnDisk), func(t *testing.T) {
			d, client := start(t, opts)
			assert.EqualValues(t, 0, lifecycle(t, d, client, "zero", initproc.Command{}, 0))
			assert.EqualValues(t, 7, lifecycle(t, d, client, "seven",
				initproc.Command{ExitAfter: 5 * time.Millisecond, Code: 7}, 0))
			assert.EqualValues(t, 143, lifecycle(t, d, client, "term",
				initproc.Command{ExitAfter: initproc.Forever}, syscall.SIGTERM))
			assert.EqualValues(t, 137, lifecycle(t, d, client, "kill",
				initproc.Command{ExitAfter: initproc.Forever}, syscall.SIGKILL))
			assert.EqualValues(t, 5, lifecycle(t, d, client, "ignore",
				initproc.Command{ExitAfter: 200 * time.Millisecond, Code: 5, Ignore: []syscall.Signal{syscall.SIGTERM}}, syscall.SIGTERM))
		})
	}
}

// TestStopWithContainers leaves containers in all states for Stop.
func TestStopWithContainers(t *testing.T) {
	d, client := start(t, daemon.Options{})
	_, err := newTask(t.Context(), d, client, "created", initproc.Command{})
	require.NoError(t, err)
	running, err := newTask(t.Context(), d, client, "running", initproc.Command{ExitAfter: initproc.Forever, Spin: true})
	require.NoError(t, err)
	require.NoError(t, running.Start(t.Context()))
	paused, err := newTask(t.Context(), d, client, "paused", initproc.Command{ExitAfter: initproc.Forever})
	require.NoError(t, err)
	require.NoError(t, paused.Start(t.Context()))
	require.NoError(t, paused.Pause(t.Context()))
	orphan, err := newTask(t.Context(), d, client, "orphan", initproc.Command{ExitAfter: initproc.Forever})
	require.NoError(t, err)
	require.NoError(t, orphan.Start(t.Context()))
	require.NoError(t, client.ContainerService().Delete(t.Context(), "orphan"))

	census, err := d.Census(t.Context())
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(census.Processes), 1+2*4, "%v", census)
	assert.NotEmpty(t, census.Mounts)
	assert.NotEmpty(t, census.Cgroups)
	assert.NotEmpty(t, census.Paths)
}

func TestKillAndRestart(t *testing.T) {
	d, client := start(t, daemon.Options{})
	task, err := newTask(t.Context(), d, client, "survivor", initproc.Command{ExitAfter: initproc.Forever})
	require.NoError(t, err)
	require.NoError(t, task.Start(t.Context()))

	require.NoError(t, d.Kill())
	require.NoError(t, d.Kill(), "nothing left to kill")
	_, err = os.Stat(fmt.Sprintf("/proc/%d", task.Pid()))
	require.NoError(t, err, "the container outlives the daemon")
	require.NoError(t, d.Restart(t.Context()))

	client, err = d.Client()
	require.NoError(t, err)
	defer client.Close()
	container, err := client.LoadContainer(t.Context(), "survivor")
	require.NoError(t, err)
	again, err := container.Task(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, task.Pid(), again.Pid())
	status, err := again.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, containerd.Running, status.Status)
}

// TestDebian runs the distribution's containerd, and kills shim and daemon.
func TestDebian(t *testing.T) {
	binary, version, err := daemon.Debian(t.Context(), t.Logf)
	if errors.Is(err, daemon.ErrNoPackage) {
		t.Skipf("NOT RUN: %v", err)
	}
	require.NoError(t, err)
	before := sockets(t)
	d, client := start(t, daemon.Options{Binary: binary})
	got, err := client.Version(t.Context())
	require.NoError(t, err)
	assert.Contains(t, got.Version, version)
	assert.EqualValues(t, 7, lifecycle(t, d, client, "seven", initproc.Command{Code: 7}, 0))

	task, err := newTask(t.Context(), d, client, "killed", initproc.Command{ExitAfter: initproc.Forever})
	require.NoError(t, err)
	require.NoError(t, task.Start(t.Context()))
	require.NoError(t, d.Restart(t.Context()))
	again, err := d.Client()
	require.NoError(t, err)
	defer again.Close()
	container, err := again.LoadContainer(t.Context(), "killed")
	require.NoError(t, err)
	task, err = container.Task(t.Context(), nil)
	require.NoError(t, err, "a restarted daemon finds the shim's socket again")
	wait, err := task.Wait(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.KillShim("killed"))
	assert.Error(t, (<-wait).Error())
	assert.ErrorIs(t, d.KillShim("nobody"), os.ErrProcessDone)
	assert.Equal(t, before, sockets(t), "the sockets of shims are in the daemon's own directory")
}

// sockets lists those of shims of a daemon of the system.
func sockets(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("/run/containerd/s/*")
	require.NoError(t, err)
	return paths
}

// TestExistingDaemon uses a daemon of another owner: its other namespaces
// stay as they are.
func TestExistingDaemon(t *testing.T) {
	host, hostClient := start(t, daemon.Options{})
	task, err := newTask(t.Context(), host, hostClient, "bystander", initproc.Command{ExitAfter: initproc.Forever})
	require.NoError(t, err)
	require.NoError(t, task.Start(t.Context()))

	guest, client := start(t, daemon.Options{Address: host.Address()})
	assert.Equal(t, host.Address(), guest.Address())
	assert.NotEqual(t, host.Namespace(), guest.Namespace())
	running, err := newTask(t.Context(), guest, client, "guest", initproc.Command{ExitAfter: initproc.Forever})
	require.NoError(t, err)
	require.NoError(t, running.Start(t.Context()))
	census, err := guest.Census(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"guest"}, census.Containers)
	require.NoError(t, guest.Stop())

	status, err := task.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, containerd.Running, status.Status)
}

func TestSimulatedShimNeedsOwnDaemon(t *testing.T) {
	_, err := daemon.Start(t.Context(), daemon.Options{Address: "/none.sock", SimulatedShim: true})
	assert.ErrorContains(t, err, "cannot be given a shim")
}

// TestConcurrentDaemons starts daemons side by side, as test binaries of
// several packages do.
func TestConcurrentDaemons(t *testing.T) {
	var wg sync.WaitGroup
	for range 2 {
		d, client := start(t, daemon.Options{})
		wg.Go(func() {
			assert.EqualValues(t, 3, lifecycle(t, d, client, "same", initproc.Command{Code: 3}, 0))
		})
	}
	wg.Wait()
}

// TestOwnerKilled kills a process that owns a daemon with a container.
func TestOwnerKilled(t *testing.T) {
	start(t, daemon.Options{}) // builds what the other process needs, and skips

	// Elsewhere, a start in another test binary would clean up too early.
	base := fmt.Sprintf("/tmp/o%d", os.Getpid())
	require.NoError(t, os.Mkdir(base, 0o700))
	t.Cleanup(func() { assert.NoError(t, os.Remove(base)) })
	t.Setenv("TMPDIR", base)
	self, err := os.Executable()
	require.NoError(t, err)
	owner := exec.CommandContext(t.Context(), self)
	owner.Env = append(os.Environ(), victimEnv+"=1")
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, owner.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "%s", line)
	namespace := strings.TrimSpace(line)
	require.True(t, strings.HasPrefix(namespace, "startrace-"), "%s", namespace)
	require.NoError(t, owner.Process.Kill())
	require.Error(t, owner.Wait())

	dir := filepath.Join(base, namespace)
	require.Eventually(t, func() bool { return !processWith(t, "containerd\x00--config\x00"+dir) },
		5*time.Second, 10*time.Millisecond, "the daemon dies with its owner")
	require.True(t, processWith(t, namespace), "the shim outlives the daemon")

	start(t, daemon.Options{})
	assert.False(t, processWith(t, namespace), "the next start removes the shim")
	assert.NoDirExists(t, dir)
	cgroups, err := filepath.Glob("/sys/fs/cgroup/*/" + namespace)
	require.NoError(t, err)
	assert.Empty(t, cgroups)
}

// processWith tells whether a process has s in its arguments.
func processWith(t *testing.T, s string) bool {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, file := range files {
		// A process that ends meanwhile has no arguments.
		if args, err := os.ReadFile(file); err == nil && strings.Contains(string(args), s) {
			return true
		}
	}
	return false
}
