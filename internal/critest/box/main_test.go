package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600))
	self, err := os.ReadFile("/proc/self/comm")
	require.NoError(t, err)
	for _, tc := range []struct {
		args []string
		out  string
		code int
	}{
		{[]string{"true"}, "", 0},
		{[]string{"echo", "a", "b"}, "a b\n", 0},
		{[]string{"echo", "-n", "a"}, "a", 0},
		{[]string{"sleep", "0.001"}, "", 0},
		{[]string{"sleep", "long"}, "", 127},
		{[]string{"ls", "-A", dir}, "file\n", 0},
		{[]string{"ls", filepath.Join(dir, "absent")}, "", 127},
		{[]string{"cat", filepath.Join(dir, "file")}, "text", 0},
		{[]string{"cat", filepath.Join(dir, "absent")}, "", 127},
		{[]string{"pgrep", "no such process"}, "", 1},
		{[]string{"dd", "if=/dev/zero", "bs=1M"}, "", 0},
		{[]string{"dd", "bs=much"}, "", 127},
		{[]string{"wget"}, "", 127},
		{[]string{"sh"}, "", 127},
		{[]string{"sh", "-c", "echo a; sleep 0; echo -n b"}, "a\nb", 0},
		{[]string{"sh", "-c", "pgrep none || true"}, "", 0},
		{[]string{"sh", "-c", "echo a || echo b"}, "a\n", 0},
		{[]string{"sh", "-c", "true; pgrep none"}, "", 1},
	} {
		var out strings.Builder
		assert.Equal(t, tc.code, run(&out, tc.args), "%q", tc.args)
		assert.Equal(t, tc.out, out.String(), "%q", tc.args)
	}
	var out strings.Builder
	assert.Zero(t, run(&out, []string{"pgrep", strings.TrimSpace(string(self))}))
	assert.NotEmpty(t, out.String())
}

// A loop has no end, so that its output is what there is to see.
func TestLoop(t *testing.T) {
	r, w := io.Pipe()
	go shell(w, "while true; do echo a; sleep 0; done")
	begin := make([]byte, 6)
	_, err := io.ReadFull(r, begin)
	require.NoError(t, err)
	assert.Equal(t, "a\na\na\n", string(begin))
	time.Sleep(time.Millisecond)
	_, err = io.ReadFull(r, begin)
	require.NoError(t, err, "it goes on")
}
