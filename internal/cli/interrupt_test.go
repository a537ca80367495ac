package cli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// interrupter sends this process an interrupt as soon as something is written
// to it, which progress is.
type interrupter struct{ done bool }

func (i *interrupter) Write(b []byte) (int, error) {
	if !i.done {
		i.done = true
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	}
	return len(b), nil
}

// progressEvery sets how often progress is shown.
func progressEvery(t *testing.T, d time.Duration) {
	t.Helper()
	before := plainEvery
	plainEvery = d
	t.Cleanup(func() { plainEvery = before })
}

func TestInterruptAndResume(t *testing.T) {
	progressEvery(t, 0)
	file := filepath.Join(t.TempDir(), "state")
	args := []string{"explore", "--variant", "seed2019", "--variant", "reference", "--budget", "2000", "--json"}
	code, want, errs := run(args...)
	require.Equal(t, exitExpected, code, errs)

	args = append(args, "--resume", file)
	interrupts := 0
	for {
		var out strings.Builder
		code = Run(append([]string{"startrace"}, args...), &out, &interrupter{})
		if code != exitInterrupted {
			require.Equal(t, exitExpected, code)
			assert.Equal(t, stable(t, want), stable(t, out.String()))
			break
		}
		interrupts++
		variants := stable(t, out.String()).Variants
		assert.Equal(t, "interrupted", variants[len(variants)-1]["verdict"])
		assert.FileExists(t, file)
		require.Less(t, interrupts, 100)
	}
	assert.Positive(t, interrupts)
	assert.NoFileExists(t, file, "nothing is left to do")
}

func TestResumeOfSomethingElse(t *testing.T) {
	progressEvery(t, 0)
	file := filepath.Join(t.TempDir(), "state")
	args := []string{"explore", "--variant", "reference", "--budget", "2000", "--resume", file}
	var out strings.Builder
	require.Equal(t, exitInterrupted, Run(append([]string{"startrace"}, args...), &out, &interrupter{}))

	code, _, errs := run(append(args, "--workload", "start")...)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "belongs to other variants or another workload")
	code, _, errs = run(append(args, "--seed", "9")...)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "was explored with other options: seed 1")

	require.NoError(t, os.WriteFile(file, []byte("something"), 0o600))
	code, _, errs = run(args...)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "--resume: checkpoint: ")
}

func TestExploreShards(t *testing.T) {
	code, out, errs := run("explore", "--variant", "reference", "--budget", "101", "--shard", "2/2", "--json")
	require.Equal(t, exitExpected, code, errs)
	assert.EqualValues(t, 50, stable(t, out).Variants[0]["executions"])

	code, _, errs = run("explore", "--variant", "reference", "--shard", "3/2")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "--shard: ")
	code, _, errs = run("explore", "--variant", "reference", "--shard", "1/2", "--strategy", "dfs")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "there are no shards")
	code, _, errs = run("explore", "--workers", "0")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "--workers: ")
}
