package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHasSysAdmin(t *testing.T) {
	assert.True(t, hasSysAdmin("Name:\tx\nCapEff:\t000001fffeffffff\n"))
	assert.False(t, hasSysAdmin("CapPrm:\t000001ffffffffff\nCapEff:\t000001ffffdfffff\n"))
	assert.False(t, hasSysAdmin("CapEff:\tall\n"))
	assert.False(t, hasSysAdmin(""))
}

func TestMounts(t *testing.T) {
	mounts := parseMounts(`22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup rw
31 22 0:27 / /sys/fs/cgroup/pids rw,nosuid shared:10 master:2 - cgroup cgroup rw,pids
32 22 0:28 / /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpu
33 22 0:29 / /mnt/a\040b\134c ro - tmpfs tmpfs rw
34 22 0:30 / /half
`)
	assert.Equal(t, []mount{
		{"/", "ext4", true},
		{"/sys/fs/cgroup/unified", "cgroup2", true},
		{"/sys/fs/cgroup/pids", "cgroup", true},
		{"/sys/fs/cgroup/cpu", "cgroup", false},
		{`/mnt/a b\c`, "tmpfs", false},
	}, mounts)
	assert.Equal(t, []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids"}, cgroupRoots(mounts))
}

// TestOwns guards against killing what belongs to others.
func TestOwns(t *testing.T) {
	in := &instance{dir: "/tmp/startrace-12"}
	for name, p := range map[string]procInfo{
		"container": {cgroups: []string{"/user", "/startrace-12/id"}},
		"nested":    {cgroups: []string{"/startrace-12/id/a"}},
		"shim":      {exe: "/c/containerd-shim-runc-v2 (deleted)", args: []string{"shim", "-namespace", "startrace-12", "-id", "x"}},
		"CRI shim":  {exe: "/c/containerd-shim-runc-v2", args: []string{"shim", "-namespace", "k8s.io", "-address", "/tmp/startrace-12/run/containerd.sock"}},
		"daemon":    {exe: "/c/containerd", args: []string{"containerd", "--config", "/tmp/startrace-12/run/config.toml"}},
		"runc":      {exe: "/c/runc", args: []string{"runc", "--root", "/tmp/startrace-12/run/runc/startrace-12", "create"}},
	} {
		assert.True(t, in.owns(p), name)
	}
	for name, p := range map[string]procInfo{
		"nothing known":         {},
		"root cgroup":           {cgroups: []string{"/"}},
		"prefix of its cgroup":  {cgroups: []string{"/startrace-1/id"}},
		"longer cgroup":         {cgroups: []string{"/startrace-123/id"}},
		"cgroup further inside": {cgroups: []string{"/kubepods/startrace-12"}},
		"shim of another":       {exe: "/c/containerd-shim-runc-v2", args: []string{"shim", "-namespace", "startrace-123"}},
		"other CRI shim":        {exe: "/c/containerd-shim-runc-v2", args: []string{"shim", "-namespace", "k8s.io", "-address", "/tmp/startrace-123/run/containerd.sock"}},
		"shim cut off":          {exe: "/c/containerd-shim-runc-v2", args: []string{"shim", "-namespace"}},
		"daemon of another":     {exe: "/c/containerd", args: []string{"containerd", "--config", "/tmp/startrace-123/run/config.toml"}},
		"reader of the log":     {exe: "/bin/tail", args: []string{"tail", "/tmp/startrace-12/run/containerd.log"}},
		"zombie":                {cgroups: []string{"/startrace-12/id"}, zombie: true},
	} {
		assert.False(t, in.owns(p), name)
	}
	self := readProc(os.Getpid())
	assert.Equal(t, os.Args, self.args)
	assert.NotEmpty(t, self.cgroups)
	assert.False(t, in.owns(self))
}

func TestInstances(t *testing.T) {
	base := t.TempDir()
	in, err := newInstance(base, "/run/other.sock")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(base, "startrace-0-of-a-user"), 0o700))

	found, err := abandoned(base)
	require.NoError(t, err)
	assert.Empty(t, found, "its owner lives")

	require.NoError(t, in.release()) // as when the owner dies
	found, err = abandoned(base)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, in.dir, found[0].dir)
	assert.Equal(t, "/run/other.sock", found[0].address)
	again, err := abandoned(base)
	require.NoError(t, err)
	assert.Empty(t, again, "somebody else is at it")

	require.NoError(t, found[0].clean(t.Context()))
	census, err := found[0].census()
	require.NoError(t, err)
	assert.True(t, census.Empty(), "%v", census)
	assert.DirExists(t, filepath.Join(base, "startrace-0-of-a-user"))
}

func TestCached(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	root, err := cacheDir()
	require.NoError(t, err)
	boom := errors.New("boom")
	_, err = cached(t.Context(), "x", func(string) error { return boom })
	require.ErrorIs(t, err, boom)
	assert.NoDirExists(t, filepath.Join(root, "x"))

	var fills atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			dir, err := cached(t.Context(), "x", func(dir string) error {
				fills.Add(1)
				return os.WriteFile(filepath.Join(dir, "f"), nil, 0o600)
			})
			assert.NoError(t, err)
			assert.FileExists(t, filepath.Join(dir, "f"))
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, fills.Load())
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "the directory and its lock: %v", entries)
}

func TestFindTools(t *testing.T) {
	tools, err := findTools()
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(tools, "go.mod"))
	t.Setenv(toolsEnv, t.TempDir())
	_, err = findToolchain(false)
	require.ErrorIs(t, err, ErrNoTools)
	assert.ErrorContains(t, err, toolsEnv)
}

// TestDaemonDies has a containerd that reports an error and exits.
func TestDaemonDies(t *testing.T) {
	bin := t.TempDir()
	script := "#!/bin/sh\nfor i in $(seq 100); do echo line $i; done\necho boom >&2\nexit 3\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "containerd"), []byte(script), 0o700))
	in, err := newInstance(t.TempDir(), "")
	require.NoError(t, err)
	d := &Daemon{in: in, bin: bin}
	require.NoError(t, os.Mkdir(in.run(), 0o700))
	err = d.Restart(t.Context())
	require.ErrorIs(t, err, ErrExited)
	assert.ErrorContains(t, err, "exit status 3")
	assert.ErrorContains(t, err, "\nline 100\nboom")
	assert.NotContains(t, err.Error(), "line 50\n")
	require.NoError(t, d.Stop())
	assert.NoDirExists(t, in.dir)
	assert.Error(t, d.Restart(t.Context()), "stopped for good")
}

func TestProcessStop(t *testing.T) {
	for _, tc := range []struct{ script, state string }{
		{"exec sleep 60", "signal: terminated"},
		{"trap '' TERM; echo ready; while :; do sleep 0.01; done", "signal: killed"},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "exec 2>&1; "+tc.script)
		var ready readyWriter
		ready.c = make(chan struct{})
		cmd.Stdout = &ready
		p, err := startProcess(cmd, nil)
		require.NoError(t, err)
		if tc.state == "signal: killed" {
			<-ready.c
		}
		require.NoError(t, p.stop(stopGrace/50))
		assert.Equal(t, tc.state, fmt.Sprint(cmd.ProcessState))
	}
	_, err := startProcess(exec.CommandContext(t.Context(), "/nonexistent"), nil)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// readyWriter closes c on the first write.
type readyWriter struct {
	once sync.Once
	c    chan struct{}
}

func (w *readyWriter) Write(b []byte) (int, error) {
	w.once.Do(func() { close(w.c) })
	return len(b), nil
}
