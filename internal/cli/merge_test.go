package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/results"
)

// shards explores in n parts and returns their directories.
func shards(t *testing.T, n int, args ...string) (dirs []string) {
	t.Helper()
	base := t.TempDir()
	for i := range n {
		dirs = append(dirs, filepath.Join(base, fmt.Sprint(i)))
		_, _, errs := run(append([]string{"explore", "--shard", fmt.Sprintf("%d/%d", i+1, n), "--artifacts", dirs[i]}, args...)...)
		require.FileExists(t, filepath.Join(dirs[i], results.FileName), errs)
	}
	return dirs
}

// TestMergeIsTheWhole: shards do together what one process does.
func TestMergeIsTheWhole(t *testing.T) {
	args := []string{"--variant", "reference", "--budget", "100", "--strategy", "portfolio"}
	whole := filepath.Join(t.TempDir(), "whole")
	code, _, errs := run(append([]string{"explore", "--artifacts", whole}, args...)...)
	require.Equal(t, exitExpected, code, errs)
	want, err := results.Read(whole)
	require.NoError(t, err)

	dirs := shards(t, 3, args...)
	output := filepath.Join(t.TempDir(), "merged")
	code, out, errs := run(append([]string{"merge", "--json", "--output", output}, dirs...)...)
	require.Equal(t, exitExpected, code, errs)
	var got results.Result
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Equal(t, want.Counts["executions"], got.Counts["executions"])
	assert.Equal(t, int64(100), got.Counts["executions"])
	assert.Equal(t, results.Clean, got.Verdict)
	kept, err := results.Read(output)
	require.NoError(t, err)
	assert.Equal(t, got, kept)

	code, _, errs = run(append([]string{"merge"}, dirs[1:]...)...)
	assert.Equal(t, exitEnvironment, code)
	assert.Contains(t, errs, "of the run there is no shard 1/3")
	require.NoError(t, os.Remove(filepath.Join(dirs[0], results.FileName)))
	code, _, errs = run(append([]string{"merge"}, dirs...)...)
	assert.Equal(t, exitEnvironment, code)
	assert.Contains(t, errs, "has left no result")
}

// TestMergeFailures: a failure of several shards is one, and a command for it is there.
// That seed2019 is broken is known.
func TestMergeFailures(t *testing.T) {
	dirs := shards(t, 2, "--variant", "seed2019", "--workload", "start|stop", "--strategy", "portfolio")
	code, out, errs := run(append([]string{"merge"}, dirs...)...)
	assert.Equal(t, exitExpected, code, errs)
	assert.Contains(t, out, "explore of seed2019: start|stop, seed 1: clean")
	assert.Regexp(t, `(?m)^2 +I9 +seed2019: I9`, out)
	assert.Contains(t, out, " replay st1.")
	assert.Equal(t, 1, strings.Count(out, " replay "))
}

// TestMergeCodes: the worst shard is what the exit code says, and what is missing does not
// hide it.
func TestMergeCodes(t *testing.T) {
	for _, c := range []struct {
		verdicts []results.Verdict // of the shards, "" for one that left nothing
		code     int
		want     string
	}{
		{[]results.Verdict{results.Clean, results.Clean}, exitExpected, ""},
		{[]results.Verdict{results.Clean, results.Violated, results.Environment}, exitViolated, "the result is violated: see "},
		{[]results.Verdict{results.Violated, ""}, exitViolated, "has left no result"},
		{[]results.Verdict{results.Nondeterminism, "", results.Environment}, exitNondeterminism, "a replay differs"},
		{[]results.Verdict{results.Clean, results.Inconclusive}, exitEnvironment, "the result is inconclusive"},
		{[]results.Verdict{results.Environment, results.Inconclusive}, exitEnvironment, "the result is environment"},
		{[]results.Verdict{results.Clean, ""}, exitEnvironment, "of the run there is no shard 2/2"},
		{[]results.Verdict{""}, exitEnvironment, "has left no result"},
	} {
		base := t.TempDir()
		args := []string{"merge", "--json"}
		for i, v := range c.verdicts {
			dir := filepath.Join(base, fmt.Sprint(i))
			args = append(args, dir)
			if v != "" {
				r := results.Result{Kind: results.Soak, Target: "x", Shard: fmt.Sprintf("%d/%d", i+1, len(c.verdicts)), Verdict: v}
				require.NoError(t, results.Write(dir, r))
			}
		}
		code, _, errs := run(args...)
		assert.Equal(t, c.code, code, "%v: %s", c.verdicts, errs)
		assert.Contains(t, errs, c.want, "%v", c.verdicts)
	}
}

// TestResultSays: the verdict of a result is what the exit code says.
func TestResultSays(t *testing.T) {
	progressEvery(t, 0)
	dir := t.TempDir()
	args := []string{"startrace", "explore", "--variant", "reference", "--variant", "v1_7", "--budget", "2000", "--artifacts", dir}
	require.Equal(t, exitInterrupted, Run(args, io.Discard, &interrupter{}))
	r, err := results.Read(dir)
	require.NoError(t, err)
	assert.Equal(t, results.Inconclusive, r.Verdict)
	assert.Contains(t, r.Target, "reference, v1_7: ", "all that was to be explored")
	assert.Equal(t, results.Clean, resultVerdict(nil))
	assert.Equal(t, results.Violated, resultVerdict(fail(exitViolated, "x")))
	assert.Equal(t, results.Nondeterminism, resultVerdict(fail(exitNondeterminism, "x")))
	assert.Equal(t, results.Environment, resultVerdict(os.ErrInvalid))
}

func TestMergeErrors(t *testing.T) {
	code, _, errs := run("merge")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "takes the directories of results")
	dirs := shards(t, 1, "--variant", "reference", "--budget", "5")
	code, _, errs = run("merge", dirs[0], dirs[0])
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "are both shard")
	require.NoError(t, os.WriteFile(filepath.Join(dirs[0], results.FileName), []byte("{"), 0o600))
	code, _, errs = run("merge", dirs[0])
	assert.Equal(t, exitEnvironment, code)
	assert.Contains(t, errs, "no result that this version can read")
	code, _, errs = run("explore", "--variant", "reference", "--budget", "5", "--artifacts", "/dev/null/x")
	assert.Equal(t, exitEnvironment, code)
	assert.Contains(t, errs, "--artifacts: ")
}

// TestShardFromEnvironment: as in an array job.
func TestShardFromEnvironment(t *testing.T) {
	t.Setenv("JOB_COMPLETION_INDEX", "1")
	t.Setenv(results.ShardsVariable, "2")
	code, out, errs := run("explore", "--variant", "reference", "--budget", "101", "--json", "--strategy", "portfolio")
	require.Equal(t, exitExpected, code, errs)
	assert.EqualValues(t, 50, stable(t, out).Variants[0]["executions"])
	t.Setenv(results.ShardsVariable, "")
	code, _, errs = run("explore", "--variant", "reference")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "not of how many")
}
