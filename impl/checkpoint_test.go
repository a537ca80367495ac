package impl

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckpointDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "containers")
	d, err := NewCheckpointDir(path)
	require.NoError(t, err)

	_, err = d.Read("b")
	assert.ErrorIs(t, err, errdefs.ErrNotFound)
	require.NoError(t, d.Remove("b"), "there is none")

	require.NoError(t, d.Write("b", []byte("1")))
	require.NoError(t, d.Write("a", []byte("2")))
	require.NoError(t, d.Write("b", []byte("3")))
	data, err := d.Read("b")
	require.NoError(t, err)
	assert.Equal(t, "3", string(data))

	require.NoError(t, os.WriteFile(filepath.Join(path, ".tmp-c.json42"), nil, 0o600))
	ids, err := d.List()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, ids)

	d, err = NewCheckpointDir(path)
	require.NoError(t, err)
	assert.NoFileExists(t, filepath.Join(path, ".tmp-c.json42"), "an interrupted write")
	require.NoError(t, d.Remove("a"))
	ids, err = d.List()
	require.NoError(t, err)
	assert.Equal(t, []string{"b"}, ids)
}

func TestCheckpointDirNames(t *testing.T) {
	d, err := NewCheckpointDir(t.TempDir())
	require.NoError(t, err)
	for _, id := range []string{"", ".", "..", ".a", "a/b", "../a", "/"} {
		assert.ErrorIs(t, d.Write(id, nil), errdefs.ErrInvalidArgument, "%q", id)
		assert.ErrorIs(t, d.Remove(id), errdefs.ErrInvalidArgument, "%q", id)
		_, err := d.Read(id)
		assert.ErrorIs(t, err, errdefs.ErrInvalidArgument, "%q", id)
	}
	err = d.Write(strings.Repeat("x", 300), nil)
	assert.ErrorIs(t, err, syscall.ENAMETOOLONG)
	assert.ErrorContains(t, err, "failed to write record of container")
}

// A write that fails at its last step leaves nothing behind.
func TestCheckpointDirFailedRename(t *testing.T) {
	path := t.TempDir()
	d, err := NewCheckpointDir(path)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(path, "a.json", "x"), 0o700))

	assert.Error(t, d.Write("a", []byte("1")))
	entries, err := os.ReadDir(path)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

// A full disk leaves the old record, and nothing that would fill it further.
func TestCheckpointDirFull(t *testing.T) {
	path := t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size=16k"); err != nil {
		t.Skipf("a full disk can be had only by mounting a small one: %v", err)
	}
	defer func() { assert.NoError(t, syscall.Unmount(path, 0)) }()
	d, err := NewCheckpointDir(path)
	require.NoError(t, err)
	require.NoError(t, d.Write("a", []byte("old")))

	for range 3 {
		err = d.Write("a", bytes.Repeat([]byte("x"), 32<<10))
		assert.ErrorIs(t, err, syscall.ENOSPC)
		entries, err := os.ReadDir(path)
		require.NoError(t, err)
		assert.Len(t, entries, 1)
	}
	data, err := d.Read("a")
	require.NoError(t, err)
	assert.Equal(t, "old", string(data))
	require.NoError(t, d.Write("a", []byte("new")), "there is space for this")
}

// A directory that cannot be written to is an error at once or with the first
// write. /proc is read-only even for root.
func TestCheckpointDirReadOnly(t *testing.T) {
	_, err := NewCheckpointDir("/proc/startrace")
	assert.ErrorContains(t, err, "failed to create state directory")

	d, err := NewCheckpointDir("/proc/self/task")
	require.NoError(t, err)
	assert.ErrorContains(t, d.Write("a", nil), `failed to write record of container "a"`)

	gone := filepath.Join(t.TempDir(), "gone")
	d, err = NewCheckpointDir(gone)
	require.NoError(t, err)
	require.NoError(t, os.Remove(gone))
	assert.ErrorIs(t, d.Write("a", nil), os.ErrNotExist)
	_, err = d.List()
	assert.ErrorIs(t, err, os.ErrNotExist)
}
