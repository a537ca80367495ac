package overlay

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func goroot(t *testing.T) string {
	t.Helper()
	root := runtime.GOROOT() //nolint:staticcheck // of the Go that runs this test
	require.NotEmpty(t, root, "run without -trimpath")
	return root
}

func TestGenerate(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	root := goroot(t)
	path, err := Generate(root, runtime.Version())
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var o struct{ Replace map[string]string }
	require.NoError(t, json.Unmarshal(data, &o))
	for from, to := range o.Replace {
		assert.True(t, strings.HasPrefix(from, filepath.Join(root, "src")), from)
		assert.FileExists(t, to)
	}
	assert.Contains(t, o.Replace, filepath.Join(root, "src", "runtime", "proc.go"))
	assert.Contains(t, o.Replace, filepath.Join(root, "src", "runtime", "zz_startrace_token.go"))

	again, err := Generate(root, runtime.Version())
	require.NoError(t, err)
	assert.Equal(t, path, again, "cached by content")
	entries, err := os.ReadDir(filepath.Dir(filepath.Dir(path)))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary directory is left")
}

func TestUnsupportedVersion(t *testing.T) {
	_, err := Generate(goroot(t), "go1.24.6")
	assert.ErrorContains(t, err, "unsupported Go version go1.24.6")
	assert.ErrorContains(t, err, "go1.26")
}

func TestPlatform(t *testing.T) {
	require.NoError(t, Platform("linux", "amd64"))
	require.NoError(t, Platform("linux", "arm64"))
	assert.ErrorContains(t, Platform("darwin", "arm64"), "unsupported platform darwin/arm64")
	assert.ErrorContains(t, Platform("linux", "riscv64"), "linux/amd64 and linux/arm64")
}

// A release that moved an anchor gets an error that names it.
func TestMovedAnchor(t *testing.T) {
	root := goroot(t)
	moved := t.TempDir()
	for _, dir := range []string{"runtime", "internal/sync", "sync", "sync/atomic", "crypto/internal/sysrand", "internal/runtime/maps"} {
		require.NoError(t, os.MkdirAll(filepath.Join(moved, "src", dir), 0o755))
		files, err := fs.Glob(os.DirFS(filepath.Join(root, "src", dir)), "*.go")
		require.NoError(t, err)
		for _, f := range files {
			data, err := os.ReadFile(filepath.Join(root, "src", dir, f))
			require.NoError(t, err)
			text := string(data)
			switch dir + "/" + f {
			case "runtime/proc.go":
				text = strings.Replace(text, "func goexit0(", "func goexitZero(", 1)
			case "runtime/select.go":
				text = strings.Replace(text, "cheaprandn(", "fastrandn(", 1)
			}
			require.NoError(t, os.WriteFile(filepath.Join(moved, "src", dir, f), []byte(text), 0o644))
		}
	}
	_, err := Generate(moved, runtime.Version())
	require.Error(t, err)
	assert.ErrorContains(t, err, runtime.Version()+": runtime/proc.go: func goexit0: not found")
	assert.ErrorContains(t, err, `runtime/select.go: func selectgo: want "cheaprandn(" once, found it 0 times`)
	var anchor *AnchorError
	assert.ErrorAs(t, err, &anchor)
}

func TestUnwritableCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	t.Setenv("XDG_CACHE_HOME", file)
	_, err := Generate(goroot(t), runtime.Version())
	assert.ErrorContains(t, err, "can't cache the overlay")
}
