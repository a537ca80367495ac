package nightly

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/daemontest"
	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/scenarios"
)

// needRoot skips a test on a machine that may not run containers.
func needRoot(t *testing.T) {
	t.Helper()
	if err := daemon.Available(); daemon.IsUnprivileged(err) {
		t.Skipf("NOT RUN: %v; it is run by: sudo -E go test -run %s ./internal/nightly", err, t.Name())
	}
}

func options(t *testing.T) Options {
	return Options{
		Variant: scenarios.Reference, Daemon: daemon.Options{Logf: t.Logf}, Target: "test",
		Concurrent: 8, Seed: 1, Breaks: both, Artifacts: t.TempDir(), Command: "a command",
		Reproduce: func(round int) string { return "reproduce " + string(rune('0'+round)) },
	}
}

// readRounds reads results.jsonl.
func readRounds(t *testing.T, dir string) (rounds []Round) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "results.jsonl"))
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		var r Round
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		rounds = append(rounds, r)
	}
	return rounds
}

func readResult(t *testing.T, dir string) (r results.Result) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "result.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &r))
	return r
}

// few are goroutines of a connection, which come and go.
const few = 3

// Rounds 1 to 3 of seed 1 have faults of both kinds.
func TestReference(t *testing.T) {
	needRoot(t)
	opts := options(t)
	opts.Rounds = 3
	progress := 0
	opts.Progress = func(_ *Round, total Counts, elapsed time.Duration) {
		progress++
		t.Log(Line(total, elapsed))
	}
	r, err := Run(t.Context(), opts)
	require.NoError(t, err)
	assert.Equal(t, results.Clean, r.Verdict, "%+v", r.Failures)
	assert.Equal(t, 3, progress)
	assert.EqualValues(t, 3, r.Counts["rounds"])
	assert.EqualValues(t, 3*8, r.Counts["lifecycles"])
	assert.Positive(t, r.Counts["kills.daemon"])
	assert.Positive(t, r.Counts["kills.shim"])
	assert.Positive(t, r.Counts["calls.StartContainer.ok"])
	assert.Greater(t, r.Counts["calls"], 2*r.Counts["lifecycles"])

	rounds := readRounds(t, opts.Artifacts)
	require.Len(t, rounds, 3)
	for i, round := range rounds {
		assert.Equal(t, i+1, round.Round)
		assert.Equal(t, Draw(1, i+1, 8, both).Breaks.Names(), round.Breaks)
		assert.EqualValues(t, 8, round.Counts["lifecycles"])
		assert.Positive(t, round.Goroutines)
	}
	assert.LessOrEqual(t, rounds[2].Goroutines, rounds[0].Goroutines+few, "goroutines are left of a round")
	written := readResult(t, opts.Artifacts)
	assert.Equal(t, r.Counts, written.Counts)
	assert.Equal(t, results.Clean, written.Verdict)
	assert.NoDirExists(t, filepath.Join(opts.Artifacts, "failures"))
}

// TestCanary: seed2019 takes a broken connection for the end of a process, and ends
// it, often in this round. If that is not found, what is clean above shows nothing either.
func TestCanary(t *testing.T) {
	needRoot(t)
	var err error
	opts := options(t)
	opts.Variant, err = scenarios.Lookup("seed2019")
	require.NoError(t, err)
	opts.Breaks.Shims = false
	opts.Only, opts.Rounds, opts.Concurrent = 2, 20, 16
	interrupt := make(chan struct{})
	opts.Interrupt = interrupt
	opts.Progress = func(_ *Round, total Counts, elapsed time.Duration) {
		t.Log(Line(total, elapsed))
		if total.Sum("findings") > 0 {
			close(interrupt)
		}
	}
	r, err := Run(t.Context(), opts)
	require.NoError(t, err)
	require.Equal(t, results.Violated, r.Verdict)
	require.NotEmpty(t, r.Failures)
	assert.Less(t, r.Counts["rounds"], int64(20), "it ends when it is told to")
	for _, f := range r.Failures {
		require.Len(t, f.Files, 3)
		history, err := os.ReadFile(filepath.Join(opts.Artifacts, f.Files[0]))
		require.NoError(t, err)
		assert.Contains(t, string(history), f.Invariant)
		environment, err := os.ReadFile(filepath.Join(opts.Artifacts, f.Files[1]))
		require.NoError(t, err)
		assert.Regexp(t, `(?m)^containerd +v?2\.`, string(environment))
		command, err := os.ReadFile(filepath.Join(opts.Artifacts, f.Files[2]))
		require.NoError(t, err)
		assert.Equal(t, f.Reproduce+"\n", string(command))
	}
	written := readResult(t, opts.Artifacts)
	assert.Equal(t, r.Failures, written.Failures)
	data, err := os.ReadFile(filepath.Join(opts.Artifacts, "junit.xml"))
	require.NoError(t, err)
	var suites junitSuites
	require.NoError(t, xml.Unmarshal(data, &suites))
	assert.Equal(t, 1+len(r.Failures), suites.Suites[0].Failures)
}

// On a containerd of others everything happens in a namespace that is gone then.
func TestAddress(t *testing.T) {
	d := daemontest.Start(t, daemon.Options{}, "go test -run TestAddress ./internal/nightly")
	opts := options(t)
	opts.Daemon.Address, opts.Breaks.Daemon = d.Address(), false
	opts.Rounds = 2
	r, err := Run(t.Context(), opts)
	require.NoError(t, err)
	assert.Equal(t, results.Clean, r.Verdict, "%+v", r.Failures)
	assert.EqualValues(t, 2*8, r.Counts["lifecycles"])
	assert.Zero(t, r.Counts["kills.daemon"])
	client, err := d.Client()
	require.NoError(t, err)
	defer client.Close()
	left, err := client.NamespaceService().List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, left)
}
