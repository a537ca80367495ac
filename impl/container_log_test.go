package impl

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// texts returns what is behind the time in each line of a log.
func texts(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	all := []string{}
	for line := range strings.Lines(string(data)) {
		require.True(t, strings.HasSuffix(line, "\n"), "%q", line)
		at, rest, _ := strings.Cut(line, " ")
		_, err := time.Parse(time.RFC3339Nano, at)
		require.NoError(t, err, "%q", line)
		all = append(all, strings.TrimSuffix(rest, "\n"))
	}
	return all
}

func TestLogStream(t *testing.T) {
	for _, tc := range []struct {
		writes []string
		want   []string
	}{
		{nil, []string{}},
		{[]string{"a\n"}, []string{"F a"}},
		{[]string{"\n\n"}, []string{"F ", "F "}},
		{[]string{"a\r\n"}, []string{"F a"}},
		{[]string{"a", "b\nc", "\n"}, []string{"F ab", "F c"}},
		{[]string{"a\nb"}, []string{"F a", "P b"}},
		{[]string{"1234"}, []string{"P 1234"}},
		{[]string{"1234\n"}, []string{"F 1234"}},
		{[]string{"12345\n"}, []string{"P 1234", "F 5"}},
		{[]string{"1234", "5", "6789\n0"}, []string{"P 1234", "P 5678", "F 9", "P 0"}},
		{[]string{"12345678"}, []string{"P 1234", "P 5678"}},
	} {
		path := filepath.Join(t.TempDir(), "log")
		l, err := openLog(path)
		require.NoError(t, err)
		w := l.stream("stderr", 4)
		for _, text := range tc.writes {
			n, err := w.Write([]byte(text))
			require.NoError(t, err)
			assert.Len(t, text, n)
		}
		w.flush()
		l.close()
		for i, line := range texts(t, path) {
			require.Less(t, i, len(tc.want), "%q", tc.writes)
			assert.Equal(t, "stderr "+tc.want[i], line, "%q", tc.writes)
		}
		assert.Len(t, texts(t, path), len(tc.want), "%q", tc.writes)
	}
}

// Lines written while the log is rotated are whole, in order, and all there.
func TestRotationLosesNothing(t *testing.T) {
	const n, rotations = 2000, 20
	path := filepath.Join(t.TempDir(), "log")
	l, err := openLog(path)
	require.NoError(t, err)
	var writers sync.WaitGroup
	for _, name := range []runtime.LogStreamType{runtime.Stdout, runtime.Stderr} {
		writers.Go(func() {
			w := l.stream(name, 64)
			for i := range n {
				fmt.Fprintf(w, "%d\n", i)
			}
		})
	}
	var rotated []string
	for i := range rotations {
		to := fmt.Sprintf("%s.%d", path, i)
		require.NoError(t, os.Rename(path, to))
		require.NoError(t, l.reopen())
		rotated = append(rotated, to)
	}
	writers.Wait()
	l.close()
	got := map[string][]string{}
	for _, file := range append(rotated, path) {
		for _, line := range texts(t, file) {
			name, number, _ := strings.Cut(line, " F ")
			got[name] = append(got[name], number)
		}
	}
	for _, name := range []string{"stdout", "stderr"} {
		require.Len(t, got[name], n)
		for i, number := range got[name] {
			require.Equal(t, fmt.Sprint(i), number)
		}
	}
}

// Whoever rotates finds a file also when the streams have ended before.
func TestReopenAfterTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := openLog(path)
	require.NoError(t, err)
	l.close()
	require.NoError(t, os.Remove(path))
	require.NoError(t, l.reopen())
	assert.FileExists(t, path)
	w := l.stream("stdout", 64)
	_, err = w.Write([]byte("late\n"))
	require.NoError(t, err)
	assert.Empty(t, texts(t, path))
}

// A write that ends half way, as on a full disk, loses its line and no other.
func TestLogWithoutSpace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := openLog(path)
	require.NoError(t, err)
	w := l.stream(runtime.Stdout, 64)
	fmt.Fprintln(w, "one")

	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &limit))
	full := limit
	full.Cur = 60 // in the middle of the second line
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &full))
	n, err := fmt.Fprintln(w, "two")
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &limit))
	require.NoError(t, err, "its writer goes on")
	assert.Equal(t, 4, n)

	fmt.Fprintln(w, "three")
	l.close()
	assert.Equal(t, []string{"stdout F one", "stdout F three"}, texts(t, path))
}
