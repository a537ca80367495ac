package impl_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
)

// logged creates a container with a log and returns its path.
func (w *world) logged() (id, path string) {
	dir := w.t.TempDir()
	sandbox, err := w.RunPodSandbox(w.ctx, &runtime.RunPodSandboxRequest{Config: &runtime.PodSandboxConfig{
		Metadata:     &runtime.PodSandboxMetadata{Name: "logged" + w.newID(), Namespace: "ns", Uid: "uid"},
		LogDirectory: dir,
	}})
	require.NoError(w.t, err)
	r := request(sandbox.GetPodSandboxId(), "c")
	r.Config.LogPath = "c.log"
	c, err := w.CreateContainer(w.ctx, r)
	require.NoError(w.t, err)
	return c.GetContainerId(), filepath.Join(dir, "c.log")
}

func (w *world) reopen(ctx context.Context, id string) error {
	_, err := w.ReopenContainerLog(ctx, &runtime.ReopenContainerLogRequest{ContainerId: id})
	return errgrpc.ToNative(err)
}

// lines returns tag and text of each line of a log, whose format it checks.
func lines(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	all := []string{}
	for line := range strings.Lines(string(data)) {
		field := strings.SplitN(line, " ", 3)
		require.Len(t, field, 3, "%q", line)
		_, err := time.Parse(time.RFC3339Nano, field[0])
		require.NoError(t, err)
		assert.Equal(t, "stdout", field[1])
		all = append(all, strings.TrimSuffix(field[2], "\n"))
	}
	return all
}

func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id, path := w.logged()
		require.ErrorIs(t, w.reopen(w.ctx, id), errdefs.ErrFailedPrecondition, "it is CREATED")
		require.NoError(t, w.start(id))
		status, err := w.status(id)
		require.NoError(t, err)
		assert.Equal(t, path, status.GetLogPath())

		require.True(t, w.Print(id, "", "one\ntw"))
		synctest.Wait()
		assert.Equal(t, []string{"F one"}, lines(t, path))
		require.NoError(t, os.Rename(path, path+".1"))
		require.True(t, w.Print(id, "", "o\nthree\n"))
		synctest.Wait()
		require.NoError(t, w.reopen(w.ctx, id))
		require.True(t, w.Print(id, "", "four\nfi"))
		synctest.Wait()
		require.True(t, w.Exit(id, 0))
		synctest.Wait()
		assert.Equal(t, []string{"F one", "F two", "F three"}, lines(t, path+".1"))
		assert.Equal(t, []string{"F four", "P fi"}, lines(t, path))
		require.ErrorIs(t, w.reopen(w.ctx, id), errdefs.ErrFailedPrecondition, "it is EXITED")
		require.NoError(t, w.remove(id))
		require.ErrorIs(t, w.reopen(w.ctx, id), errdefs.ErrNotFound)
		w.assertEmpty()
		assert.Zero(t, w.OpenStreams())
	})
}

// A process that was left behind holds the streams: exit, stop and remove do not
// wait for it, and remove ends it.
func TestLogHeldOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id, path := w.logged()
		require.NoError(t, w.start(id))
		w.HoldStreams(id)
		require.True(t, w.Print(id, "", "one\ntwo"))
		begin := time.Now()
		require.NoError(t, w.stop(w.ctx, id, 1))
		assert.Equal(t, exited, w.state(id))
		assert.Zero(t, time.Since(begin))
		synctest.Wait()
		assert.Empty(t, w.Tasks())
		assert.Equal(t, 2, w.OpenStreams())
		require.NoError(t, w.remove(id))
		assert.LessOrEqual(t, time.Since(begin), 5*time.Second)
		synctest.Wait()
		assert.Zero(t, w.OpenStreams())
		assert.Equal(t, []string{"F one", "P two"}, lines(t, path))
		w.assertEmpty()
	})
}

// A start that fails closes what it opened; without a place for the log it does
// not begin.
func TestLogOfFailedStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, call := range []string{"tasks.Create", "checkpoint.Write", "tasks.Start"} {
			w.faults.Hold()
			id, _ := w.logged()
			w.faults.Release()
			w.faults.Fail(call, map[string]int{"tasks.Start": 1, "tasks.Create": 1, "checkpoint.Write": 2}[call], errdefs.ErrUnavailable, false)
			require.Error(t, w.start(id), call)
			synctest.Wait()
			assert.Zero(t, w.OpenStreams(), call)
			assert.Equal(t, exited, w.state(id))
		}
		id, path := w.logged()
		require.NoError(t, os.Remove(filepath.Dir(path)))
		require.ErrorContains(t, w.start(id), "failed to open log")
		assert.Equal(t, created, w.state(id))
		require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
		require.NoError(t, w.start(id))
	})
}

// A file that cannot be opened leaves the old one in use.
func TestReopenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		require.ErrorIs(t, w.reopen(w.ctx, w.started()), errdefs.ErrFailedPrecondition, "it has no log")
		id, path := w.logged()
		require.NoError(t, w.start(id))
		require.NoError(t, os.Rename(path, path+".1"))
		require.NoError(t, os.Mkdir(path, 0o700))
		require.ErrorContains(t, w.reopen(w.ctx, id), "failed to open log")
		require.True(t, w.Print(id, "", "kept\n"))
		synctest.Wait()
		assert.Equal(t, []string{"F kept"}, lines(t, path+".1"))
	})
}

// A new service goes on with the log of a running container.
func TestLogAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id, path := w.logged()
		require.NoError(t, w.start(id))
		require.True(t, w.Print(id, "", "before\n"))
		synctest.Wait()
		w.restart()
		require.True(t, w.Print(id, "", "after\n"))
		synctest.Wait()
		assert.Equal(t, []string{"F before", "F after"}, lines(t, path))
		require.NoError(t, w.reopen(w.ctx, id))
	})
}

func TestLogNeedsStreams(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.Service.Close())
	s, err := impl.New(w.ctx, impl.Config{Client: w.client, Checkpoints: w.disk, NewID: w.newID})
	require.NoError(t, err)
	w.Service = s
	pod, err := s.RunPodSandbox(w.ctx, &runtime.RunPodSandboxRequest{Config: &runtime.PodSandboxConfig{LogDirectory: "/logs"}})
	require.NoError(t, err)
	r := request(pod.GetPodSandboxId(), "c")
	r.Config.LogPath = "c.log"
	_, err = s.CreateContainer(w.ctx, r)
	require.ErrorIs(t, errgrpc.ToNative(err), errdefs.ErrInvalidArgument)
}
