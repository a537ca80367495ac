package results_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/sim"
)

var start = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

func shard(i int, verdict results.Verdict, failures ...results.Failure) results.Named {
	return results.Named{Name: fmt.Sprintf("dir-%d", i), Result: results.Result{
		Version: 1, Kind: results.Explore, Target: "v2_4_2", Seed: 7, Shard: fmt.Sprintf("%d/3", i), Command: "startrace explore",
		Started: start.Add(time.Duration(i) * time.Minute), Ended: start.Add(time.Duration(i) * time.Hour), Verdict: verdict,
		Counts: map[string]int64{"executions": int64(10 * i)}, Figures: map[string]float64{"rate": float64(i)}, Failures: failures,
	}}
}

func TestMerge(t *testing.T) {
	rare := results.Failure{Signature: "a", Invariant: "I3", Title: "rare", Count: 1, Files: []string{"a/history.txt"}}
	often := results.Failure{Signature: "b", Invariant: "I9", Title: "often", Count: 2, Files: []string{"b.txt"}}
	all := []results.Named{
		shard(1, results.Clean), shard(2, results.Violated, rare, often), shard(3, results.Environment, often),
	}
	m, err := results.Merge(all)
	require.NoError(t, err)
	assert.Equal(t, results.Violated, m.Verdict)
	assert.Equal(t, map[string]int64{"executions": 60}, m.Counts)
	assert.Equal(t, map[string]float64{"rate": 3}, m.Figures)
	assert.Equal(t, start.Add(time.Minute), m.Started)
	assert.Equal(t, start.Add(3*time.Hour), m.Ended)
	assert.Equal(t, []results.Part{
		{Name: "dir-2", Shard: "2/3", Verdict: results.Violated},
		{Name: "dir-3", Shard: "3/3", Verdict: results.Environment},
		{Name: "dir-1", Shard: "1/3", Verdict: results.Clean},
	}, m.Shards)
	require.Len(t, m.Failures, 2)
	assert.Equal(t, int64(4), m.Failures[0].Count)
	assert.Equal(t, "often", m.Failures[0].Title)
	assert.Equal(t, []string{"dir-2/b.txt", "dir-3/b.txt"}, m.Failures[0].Files)
	assert.Equal(t, []string{"dir-2/a/history.txt"}, m.Failures[1].Files)

	rapid.Check(t, func(rt *rapid.T) {
		again, err := results.Merge(rapid.Permutation(all).Draw(rt, "order"))
		require.NoError(rt, err)
		assert.Equal(rt, m, again)
	})
}

func TestMergeRefuses(t *testing.T) {
	_, err := results.Merge(nil)
	require.Error(t, err)
	other := shard(2, results.Clean)
	other.Seed = 8
	_, err = results.Merge([]results.Named{shard(1, results.Clean), other})
	require.EqualError(t, err, "dir-1 is a result of explore of v2_4_2 with seed 7, and dir-2 of explore of v2_4_2 with seed 8")
	twice := shard(1, results.Clean)
	twice.Name = "copy"
	_, err = results.Merge([]results.Named{shard(1, results.Clean), twice})
	require.EqualError(t, err, `copy and dir-1 are both shard "1/3"`)
}

func TestWriteAndRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	want := shard(1, results.Violated, results.Failure{Signature: "a", Title: "x", Count: 1}).Result
	require.NoError(t, results.Write(dir, want))
	got, err := results.Read(dir)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 1, "and no other file")

	_, err = results.Read(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	for text, want := range map[string]string{
		"{":                              "unexpected end of JSON input",
		`{"version":2}`:                  "version 2, this is version 1",
		`{"version":1,"verdict":"fine"}`: `verdict "fine"`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, results.FileName), []byte(text), 0o600))
		_, err = results.Read(dir)
		require.ErrorIs(t, err, results.ErrFile)
		require.ErrorContains(t, err, want)
	}
	require.Error(t, results.Write("/dev/null/dir", want))
}

func TestShardOf(t *testing.T) {
	for _, c := range []struct {
		flag string
		env  []string
		want string // "" for an error
	}{
		{"2/3", nil, "2/3"},
		{"2/3", []string{"JOB_COMPLETION_INDEX=5", "STARTRACE_SHARDS=8"}, "2/3"},
		{"", nil, "1/1"},
		{"", []string{"JOB_COMPLETION_INDEX=0", "STARTRACE_SHARDS=8"}, "1/8"},
		{"", []string{"JOB_COMPLETION_INDEX=7", "STARTRACE_SHARDS=8"}, "8/8"},
		{"", []string{"JOB_COMPLETION_INDEX=8", "STARTRACE_SHARDS=8"}, ""},
		{"", []string{"JOB_COMPLETION_INDEX=0"}, ""},
		{"", []string{"JOB_COMPLETION_INDEX=x", "STARTRACE_SHARDS=8"}, ""},
		{"", []string{"SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_COUNT=8"}, "1/8"},
		{"", []string{"SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_TASK_MIN=0", "SLURM_ARRAY_TASK_COUNT=8"}, "8/8"},
		{"", []string{"SLURM_ARRAY_TASK_ID=9", "SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_COUNT=8"}, ""},
		{"", []string{"SLURM_ARRAY_TASK_ID=1"}, ""},
		{"", []string{"SLURM_ARRAY_TASK_ID=3", "SLURM_ARRAY_TASK_MIN=3", "SLURM_ARRAY_TASK_COUNT=1"}, ""},
		{"3/8", []string{"SLURM_ARRAY_TASK_ID=3", "SLURM_ARRAY_TASK_MIN=3", "SLURM_ARRAY_TASK_COUNT=1"}, "3/8"},
		{"", []string{"SLURM_ARRAY_TASK_ID=5", "SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_COUNT=3"}, ""},
		{"", []string{
			"SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_COUNT=8",
			"JOB_COMPLETION_INDEX=0", "STARTRACE_SHARDS=8",
		}, ""},
		{"4/3", nil, ""},
	} {
		t.Run(fmt.Sprint(c.flag, c.env), func(t *testing.T) {
			for _, name := range []string{
				"JOB_COMPLETION_INDEX", results.ShardsVariable,
				"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT",
			} {
				i := slices.IndexFunc(c.env, func(s string) bool { return len(s) > len(name) && s[:len(name)+1] == name+"=" })
				value := ""
				if i >= 0 {
					value = c.env[i][len(name)+1:]
				}
				t.Setenv(name, value)
			}
			s, err := results.ShardOf(c.flag)
			if c.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, s.String())
			if c.want == "1/1" {
				assert.Equal(t, sim.Shard{}, s)
			}
		})
	}
}
