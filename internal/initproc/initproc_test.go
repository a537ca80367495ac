package initproc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/startrace/startrace/internal/initproc"
)

func ExampleCommand_Args() {
	c := initproc.Command{ExitAfter: 5 * time.Millisecond, Code: 7, Ignore: []syscall.Signal{syscall.SIGTERM}}
	fmt.Println(c.Args())
	// Output: [/init --exit-after=5ms --code=7 --ignore=TERM]
}

func TestParseInvertsArgs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := initproc.Command{
			ExitAfter: time.Duration(rapid.Int64Range(-1, int64(time.Hour)).Draw(t, "exit after")),
			Code:      rapid.IntRange(0, 255).Draw(t, "code"),
			Ignore: rapid.SliceOfNDistinct(rapid.SampledFrom([]syscall.Signal{
				syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
			}), 0, 4, rapid.ID).Draw(t, "ignore"),
			Spin:  rapid.Bool().Draw(t, "spin"),
			Print: rapid.String().Draw(t, "print"),
			Every: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "every")),
			Leave: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "leave")),
			Facts: rapid.String().Draw(t, "facts"),
		}
		if len(want.Ignore) == 0 {
			want.Ignore = nil
		}
		got, err := initproc.Parse(want.Args())
		require.NoError(t, err)
		assert.Equal(t, want, got)
	})
}

func TestParseErrors(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "empty argument vector"},
		{[]string{"/init", "--exit-after=soon"}, `invalid value "soon" for flag -exit-after`},
		{[]string{"/init", "--exit-after=-1s"}, "negative"},
		{[]string{"/init", "--every=-1s"}, "negative"},
		{[]string{"/init", "--code=256"}, "value out of range"},
		{[]string{"/init", "--ignore=TERM,KILL"}, `unknown signal "KILL"`},
		{[]string{"/init", "--exec"}, "flag provided but not defined: -exec"},
		{[]string{"/init", "true"}, `unexpected argument "true"`},
	} {
		_, err := initproc.Parse(tc.args)
		assert.ErrorContains(t, err, tc.want, "%q", tc.args)
	}
}

func TestProcess(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, initproc.BuildRootfs(t.Context(), dir))
	for _, name := range []string{"dev", "etc", "proc", "run", "sys", "tmp"} {
		assert.DirExists(t, filepath.Join(dir, name))
	}

	code := func(c initproc.Command, signals ...syscall.Signal) int {
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, initproc.Path), c.Args()[1:]...)
		require.NoError(t, cmd.Start())
		if len(signals) > 0 {
			require.Eventually(t, func() bool {
				name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
				return err == nil && strings.TrimSpace(string(name)) == initproc.ReadyName
			}, 5*time.Second, time.Millisecond)
		}
		for _, sig := range signals {
			require.NoError(t, cmd.Process.Signal(sig))
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) {
			require.NoError(t, err)
			return 0
		}
		return exit.ExitCode()
	}
	assert.Equal(t, 0, code(initproc.Command{}))
	assert.Equal(t, 7, code(initproc.Command{ExitAfter: time.Millisecond, Code: 7}))
	assert.Equal(t, 3, code(initproc.Command{ExitAfter: 10 * time.Millisecond, Code: 3, Spin: true}))
	assert.Equal(t, 143, code(initproc.Command{ExitAfter: initproc.Forever}, syscall.SIGTERM))
	assert.Equal(t, 9, code(initproc.Command{ExitAfter: initproc.Forever, Code: 9}, initproc.Quit))
	assert.Equal(t, 130, code(initproc.Command{ExitAfter: initproc.Forever, Ignore: []syscall.Signal{syscall.SIGTERM}},
		syscall.SIGTERM, syscall.SIGINT))
}

// What it writes, and a process that it leaves behind with its streams.
func TestOutput(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, initproc.BuildRootfs(t.Context(), dir))
	output := func(c initproc.Command) string {
		out, err := exec.CommandContext(t.Context(), filepath.Join(dir, initproc.Path), c.Args()[1:]...).Output()
		require.NoError(t, err)
		return string(out)
	}
	assert.Equal(t, "hello world\n", output(initproc.Command{Print: "hello world"}))
	assert.Regexp(t, "^line 1\nline 2\n", output(initproc.Command{Print: "line", Every: time.Millisecond, ExitAfter: time.Second}))
	begin := time.Now()
	output(initproc.Command{Leave: 300 * time.Millisecond})
	assert.GreaterOrEqual(t, time.Since(begin), 300*time.Millisecond, "the other end of its stdout is open that long")
}

func TestBuildCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, initproc.BuildRootfs(ctx, t.TempDir()), context.Canceled)
}

// What it writes about itself, and that only the end of the process gives the lock
// back.
func TestFacts(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, initproc.BuildRootfs(t.Context(), dir))
	path := filepath.Join(dir, "facts")
	alive := func() bool {
		alive, err := initproc.Alive(path)
		require.NoError(t, err)
		return alive
	}
	facts := func() []initproc.Fact {
		facts, err := initproc.ReadFacts(path)
		require.NoError(t, err)
		return facts
	}
	assert.False(t, alive(), "there is no file")
	assert.Empty(t, facts())

	c := initproc.Command{ExitAfter: initproc.Forever, Ignore: []syscall.Signal{syscall.SIGTERM}, Facts: path}
	begin := time.Now()
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, initproc.Path), c.Args()[1:]...)
	require.NoError(t, cmd.Start())
	require.Eventually(t, alive, 10*time.Second, time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool { return len(facts()) == 2 }, 10*time.Second, time.Millisecond)
	assert.True(t, alive(), "it ignores SIGTERM")
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.Error(t, cmd.Wait())
	assert.False(t, alive())

	got := facts()
	require.Len(t, got, 4)
	for i, f := range got {
		assert.Equal(t, got[0].Process, f.Process)
		assert.GreaterOrEqual(t, f.At, begin.UnixNano(), f)
		if i > 0 {
			assert.GreaterOrEqual(t, f.At, got[i-1].At)
		}
	}
	assert.Equal(t, initproc.FactStarted, got[0].Kind)
	assert.GreaterOrEqual(t, got[0].Value, begin.UnixNano(), "it came into being before it started, and not earlier")
	assert.LessOrEqual(t, got[0].Value, got[0].At)
	assert.Equal(t, "signal 15 signal 2 exit 130", fmt.Sprintf("%s %d %s %d %s %d",
		got[1].Kind, got[1].Value, got[2].Kind, got[2].Value, got[3].Kind, got[3].Value))

	require.NoError(t, os.WriteFile(path, []byte("started 1 2 3\nexit 1 4"), 0o600))
	assert.Equal(t, []initproc.Fact{{Kind: initproc.FactStarted, Process: 1, At: 2, Value: 3}}, facts(), "without the half of a line")
	require.NoError(t, os.WriteFile(path, []byte("hello\n"), 0o600))
	_, err := initproc.ReadFacts(path)
	assert.ErrorContains(t, err, `"hello" is no fact`)
}
