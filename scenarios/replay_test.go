package scenarios_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/schedule"
	"github.com/startrace/startrace/sim/strategy"
)

const (
	replays      = 1000
	replaysSmall = 40 // with -short or -race
	processes    = 2  // at once
)

// TestReplaysInFreshProcesses replays each of 1,000 different failing
// executions of preseed, unshrunk, in a process of its own.
func TestReplaysInFreshProcesses(t *testing.T) {
	if replaying() {
		t.Skip("this process replays")
	}
	n := scale(replays, replaysSmall)
	const name = "TestVariantsAreBroken/preseed"
	failures, executions := failing(t, name, n)
	begin := time.Now()
	work := make(chan failure)
	var workers sync.WaitGroup
	for range processes {
		workers.Go(func() {
			for f := range work {
				out := replay(t, name, f.schedule)
				assert.Contains(t, out, f.title, "%s", f.schedule.Token())
			}
		})
	}
	for _, f := range failures {
		work <- f
	}
	close(work)
	workers.Wait()
	t.Logf("%d failing of %d executions, replayed in %d processes in %v",
		n, executions, n, time.Since(begin).Round(time.Second))
}

type failure struct {
	schedule schedule.Schedule
	title    string
}

// failing returns n different failing executions of preseed, and how many
// executions it took to find them.
func failing(t *testing.T, name string, n int) (found []failure, executions int) {
	t.Helper()
	v, err := scenarios.Lookup("preseed")
	require.NoError(t, err)
	body := scenarios.Body(v, parse(t, scenarios.DefaultWorkload))
	seen := map[uint64]bool{}
	for i := 0; len(found) < n; i++ {
		require.Less(t, i, 1000+100*n, "failing executions are rare: %d", len(found))
		res := sim.Run(sim.Config{Name: name, Plan: strategy.Portfolio{}.At(i), Seed: uint64(i)}, body)
		if res.Failure == nil || seen[res.Hash()] {
			continue
		}
		seen[res.Hash()] = true
		found = append(found, failure{res.Schedule, res.Failure.Title})
		executions = i + 1
	}
	return found, executions
}

// replay replays s with the test of that name, in a fresh process, and returns
// what that prints. The test has to fail.
func replay(t *testing.T, name string, s schedule.Schedule) string {
	t.Helper()
	var pattern []string
	for part := range strings.SplitSeq(name, "/") {
		pattern = append(pattern, "^"+part+"$")
	}
	// The file of this process is gone: sim.Main keeps none.
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", strings.Join(pattern, "/"))
	cmd.Env = append(os.Environ(), "SIM_REPLAY="+s.Token())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if assert.ErrorAs(t, err, &exit, "the replay does not fail:\n%s", &out) {
		assert.Equal(t, 1, exit.ExitCode(), "%s", &out)
	}
	return out.String()
}
