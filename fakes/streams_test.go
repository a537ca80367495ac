package fakes

import (
	"context"
	"io"
	"os"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stdoutIO is for a task that has its stdout at a path.
type stdoutIO struct {
	cio.IO
	path string
}

func (s stdoutIO) Config() cio.Config { return cio.Config{Stdout: s.path} }

func withStdout(path string) cio.Creator {
	return func(id string) (cio.IO, error) {
		none, err := cio.NullIO(id)
		return stdoutIO{none, path}, err
	}
}

func TestStreams(t *testing.T) {
	w := newWorld(t, Options{})
	assert.False(t, w.Print("c1", "", "no task"))
	stdout, err := w.OpenStream(w.ctx, "out")
	require.NoError(t, err)
	_, err = w.OpenStream(w.ctx, "out")
	require.ErrorIs(t, err, errdefs.ErrAlreadyExists)
	c := w.containerOf(t, "c1")
	task, err := c.NewTask(w.ctx, withStdout("out"))
	require.NoError(t, err)
	assert.False(t, w.Print("c1", "", "not started"))
	require.NoError(t, task.Start(w.ctx))
	assert.True(t, w.Print("c1", "", "one "))
	assert.True(t, w.Print("c1", "", "two"))
	assert.False(t, w.Print("c1", "absent", "no such process"))
	require.True(t, w.Exit("c1", 0))
	assert.False(t, w.Print("c1", "", "it has ended"))
	data, err := io.ReadAll(stdout)
	require.NoError(t, err)
	assert.Equal(t, "one two", string(data))
	assert.Equal(t, 1, w.OpenStreams())
	require.NoError(t, stdout.Close())
	assert.Zero(t, w.OpenStreams())
}

// A stream that is held outlives its process; whoever reads it has to close it.
func TestHeldStreams(t *testing.T) {
	w := newWorld(t, Options{})
	stdout, err := w.OpenStream(w.ctx, "out")
	require.NoError(t, err)
	task, err := w.containerOf(t, "c1").NewTask(w.ctx, withStdout("out"))
	require.NoError(t, err)
	require.NoError(t, task.Start(w.ctx))
	w.HoldStreams("c1")
	require.True(t, w.Exit("c1", 0))
	assert.True(t, w.Print("c1", "", "late"))
	b := make([]byte, 10)
	n, err := stdout.Read(b)
	require.NoError(t, err)
	assert.Equal(t, "late", string(b[:n]))
	go stdout.Close()
	_, err = stdout.Read(b)
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestResources(t *testing.T) {
	w := newWorld(t, Options{})
	_, ok := w.Resources("c1")
	assert.False(t, ok)
	_, task := w.task(t, "c1")
	limit, shares := int64(5), uint64(6)
	update := func(r *runtimespec.LinuxResources) {
		require.NoError(t, task.Update(context.WithoutCancel(w.ctx), containerd.WithResources(r)))
	}
	update(&runtimespec.LinuxResources{Memory: &runtimespec.LinuxMemory{Limit: &limit}})
	update(&runtimespec.LinuxResources{CPU: &runtimespec.LinuxCPU{Shares: &shares}})
	r, ok := w.Resources("c1")
	require.True(t, ok)
	assert.Equal(t, limit, *r.Memory.Limit, "an update leaves alone what it does not name")
	assert.Equal(t, shares, *r.CPU.Shares)
}
