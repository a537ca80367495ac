package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/internal/nightly"
	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/scenarios"
)

func TestSoakUsage(t *testing.T) {
	for _, test := range []struct {
		args, want string
	}{
		{"x", "takes no arguments"},
		{"--private containerd@3", `--private is containerd@2.4.2 or containerd@1.6.20, got "containerd@3"`},
		{"--private containerd@2.4.2 --address /s", "either --private or --address"},
		{"--faults daemon,disk", `--faults is none, or some of daemon and shim, got "daemon,disk"`},
		{"--faults none,shim", "--faults is none, or some of"},
		{"--address /s --faults daemon", "not ours to kill"},
		{"--rounds 0", "--rounds: 0 is less than 1"},
		{"--round -1", "--round: -1 is less than 1"},
		{"--concurrent 0", "--concurrent: 0 is less than 1"},
		{"--duration -1s", "--duration: -1s is no time"},
		{"--duration soon", `"soon"`},
		{"--variant x", `unknown variant "x"`},
		{"--shard 3/2", "--shard: "},
		{"--shard 1/2 --round 3", "use one of the flags"},
	} {
		code, _, errs := run(append([]string{"soak"}, strings.Fields(test.args)...)...)
		assert.Equal(t, exitUsage, code, "%s: %s", test.args, errs)
		assert.Contains(t, errs, test.want)
	}
}

// Without what it needs soak says what to do.
func TestSoakEnvironment(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	absent := filepath.Join(dir, "absent")

	code, out, errs := run("soak", "--address", absent, "--artifacts", dir)
	assert.Equal(t, exitEnvironment, code, errs)
	assert.Contains(t, errs, "no containerd can be used at "+absent)
	assert.Contains(t, errs, "start it, run as root, or leave --address out")
	assert.Contains(t, out, "environment")
	assert.FileExists(t, filepath.Join(dir, "result.json"))

	code, _, errs = run("soak", "--address", absent, "--artifacts", file)
	assert.Equal(t, exitEnvironment, code, errs)
	assert.Contains(t, errs, "can't write the artifacts")
	assert.Contains(t, errs, "make room, or name another directory with --artifacts")

	code, _, errs = run("soak", "--address", absent, "--metrics", "256.0.0.1:1", "--artifacts", dir)
	assert.Equal(t, exitEnvironment, code, errs)
	assert.Contains(t, errs, "--metrics: ")
}

// options returns what the flags make.
func soakOptionsOf(t *testing.T, args ...string) (opts nightly.Options) {
	t.Helper()
	c := soakCommand()
	c.Action = func(_ context.Context, c *cli.Command) (err error) {
		opts, err = soakOptions(c)
		return err
	}
	require.NoError(t, c.Run(t.Context(), append([]string{"soak"}, args...)))
	return opts
}

func TestSoakOptions(t *testing.T) {
	t.Setenv("ARTIFACTS", "")
	both := scenarios.Breaks{Daemon: true, Shims: true}
	opts := soakOptionsOf(t)
	assert.Equal(t, "reference on containerd@2.4.2", opts.Target)
	assert.Equal(t, defaultSoak, opts.Duration)
	assert.Equal(t, both, opts.Breaks)
	assert.Equal(t, "_artifacts", opts.Artifacts)
	assert.Equal(t, "reference", opts.Variant.Name)
	assert.Equal(t, os.Args[0]+" soak --private containerd@2.4.2 --variant reference --seed 1 --concurrent 16 --faults daemon,shim --round 4 --rounds 20",
		strings.ReplaceAll(opts.Reproduce(4), program(), os.Args[0]))

	opts = soakOptionsOf(t, "--address", "/s", "--rounds", "4", "--seed", "9")
	assert.Zero(t, opts.Duration, "there is no limit but the rounds")
	assert.Equal(t, scenarios.Breaks{}, opts.Breaks, "the daemon is not ours")
	assert.Contains(t, opts.Reproduce(2), " --address /s --variant reference --seed 9 --concurrent 16 --faults none --round 2 ")

	t.Setenv("ARTIFACTS", "/a")
	opts = soakOptionsOf(t, "--shard", "2/3", "--faults", "shim", "--rounds", "4", "--duration", "1m")
	assert.Equal(t, "/a/shard-2-of-3", opts.Artifacts)
	assert.Equal(t, scenarios.Breaks{Shims: true}, opts.Breaks)
	assert.Equal(t, time.Minute, opts.Duration)
	assert.Equal(t, "2/3", opts.Shard.String())
	assert.Equal(t, "/b", soakOptionsOf(t, "--artifacts", "/b").Artifacts)
	t.Setenv("JOB_COMPLETION_INDEX", "0")
	t.Setenv(results.ShardsVariable, "8")
	opts = soakOptionsOf(t)
	assert.Equal(t, "/a/shard-1-of-8", opts.Artifacts)
	assert.Equal(t, "1/8", opts.Shard.String())
	assert.Zero(t, soakOptionsOf(t, "--round", "5").Shard, "a round is a round on every machine")
}

func TestSoakVerdict(t *testing.T) {
	c := soakCommand()
	c.ErrWriter = io.Discard
	for _, test := range []struct {
		verdict     results.Verdict
		err         error
		interrupted int
		code        int
	}{
		{results.Clean, nil, 0, exitExpected},
		{results.Clean, nil, exitInterrupted, exitInterrupted},
		{results.Clean, nil, exitTerminated, exitTerminated},
		{results.Inconclusive, nil, 0, exitInconclusive},
		{results.Inconclusive, nil, exitTerminated, exitTerminated},
		{results.Environment, assert.AnError, 0, exitEnvironment},
		{results.Environment, assert.AnError, exitInterrupted, exitEnvironment},
		{results.Clean, fmt.Errorf("%w: full", nightly.ErrArtifacts), 0, exitEnvironment},
		{results.Violated, nil, 0, exitViolated},
		{results.Violated, assert.AnError, exitInterrupted, exitViolated},
	} {
		err := soakVerdict(c, nightly.Options{}, &results.Result{Verdict: test.verdict}, test.err, test.interrupted)
		if test.code == exitExpected {
			assert.NoError(t, err)
			continue
		}
		var f *failure
		require.ErrorAs(t, err, &f, "%+v", test)
		assert.Equal(t, test.code, f.code, "%+v", test)
	}
}

func TestEndings(t *testing.T) {
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		stop, code, done := endings()
		assert.Zero(t, code())
		require.NoError(t, syscall.Kill(os.Getpid(), signal))
		select {
		case <-stop:
		case <-time.After(time.Minute):
			t.Fatal("nobody is told of the signal")
		}
		assert.Equal(t, want, code())
		done()
	}
}

func TestServeMetrics(t *testing.T) {
	metrics := nightly.NewMetrics()
	metrics.Set(nightly.Counts{"rounds": 2})
	address, closeServer, err := serveMetrics("127.0.0.1:0", metrics)
	require.NoError(t, err)
	defer closeServer()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	r, err := client.Get("http://" + address + "/metrics")
	require.NoError(t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), "startrace_soak_rounds_total 2\n")

	_, _, err = serveMetrics(address, metrics)
	var f *failure
	require.ErrorAs(t, err, &f)
	assert.Equal(t, exitEnvironment, f.code)
}
