package blackbox_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/startrace/startrace/internal/blackbox"
	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/scenarios"
)

func TestMain(m *testing.M) {
	if err := log.SetLevel("fatal"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// open starts a private endpoint and opens it. At the end of the test nothing may be
// left of it.
func open(t *testing.T, name string) *blackbox.Target {
	t.Helper()
	private := start(t, name)
	t.Cleanup(func() { assert.NoError(t, private.Stop()) })
	target, err := blackbox.Open(t.Context(), private.Options())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, target.Close()) })
	return target
}

// start starts a private endpoint.
func start(t *testing.T, name string) *blackbox.Private {
	t.Helper()
	if err := daemon.Available(); daemon.IsUnprivileged(err) {
		t.Skipf("NOT RUN: %v; it is run by: sudo -E go test -run %s ./internal/blackbox", err, t.Name())
	}
	images, err := blackbox.ServeImages(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, images.Close()) })
	private, err := blackbox.StartPrivate(t.Context(), name, images, t.Logf)
	if errors.Is(err, daemon.ErrNoPackage) {
		t.Skipf("NOT RUN: %v", err)
	}
	require.NoError(t, err)
	return private
}

func parse(t *testing.T, text string) scenarios.Workload {
	w, err := scenarios.ParseWorkload(text)
	require.NoError(t, err)
	return w
}

// How long a search for a race goes on, and how many lifecycles it takes at least
// where there is nothing to find.
const (
	bound = 300
	least = 25
)

// A StopContainer that comes while StartContainer is under way succeeds, and the
// container runs: so it is with containerd's own CRI plugin, which is the canary of
// all of this, and not with the reference in front of a containerd.
func TestStopDuringStart(t *testing.T) {
	plan := blackbox.Plan{Workloads: []scenarios.Workload{parse(t, "start|stop")}, Rounds: bound, Seed: 1}
	rounds := 0
	for name, version := range map[string]string{blackbox.Containerd24: "containerd 2.4.2", blackbox.Containerd16: "containerd 1.6.20"} {
		t.Run(name, func(t *testing.T) {
			target := open(t, name)
			assert.Contains(t, target.Name(), version)
			plan := plan
			plan.Enough = func(s blackbox.Summary) bool { return s.Found("I9") > 0 }
			s, err := target.Soak(t.Context(), plan)
			require.NoError(t, err)
			require.Positive(t, s.Found("I9"), "a lost stop in %d lifecycles; calls met %v", s.Lifecycles, s.Windows)
			assert.True(t, s.Violated())
			rounds = max(rounds, s.Lifecycles)
			i := slices.IndexFunc(s.Findings, func(f blackbox.Finding) bool { return f.Invariant == "I9" })
			t.Logf("after %d lifecycles, %.1f/s, %v: %s\n%s", s.Lifecycles, s.Rate, s.Windows, s.Findings[i].Message, s.Findings[i].History)
			assert.Equal(t, "start|stop", s.Findings[i].Workload)
			assert.Contains(t, s.Findings[i].History, "settled: RUNNING, process alive")
		})
	}
	t.Run(blackbox.Reference24, func(t *testing.T) {
		target := open(t, blackbox.Reference24)
		plan := plan
		plan.Rounds = max(rounds, least)
		s, err := target.Soak(t.Context(), plan)
		require.NoError(t, err)
		assert.Equal(t, plan.Rounds, s.Lifecycles)
		assert.Empty(t, s.Findings)
		assert.Positive(t, s.Windows["StopContainer in start"], "no stop met a start: %v", s.Windows)
		t.Logf("%d lifecycles, %.1f/s, %v", s.Lifecycles, s.Rate, s.Windows)
	})
}

// All that a workload can have, on the reference, several at a time.
func TestReference(t *testing.T) {
	target := open(t, blackbox.Reference24)
	s, err := target.Soak(t.Context(), blackbox.Plan{
		Workloads: []scenarios.Workload{
			parse(t, "start|start|stop|remove|status|list|exit=7"),
			parse(t, "start|stop=1s|update|exec; ignoreterm"),
		},
		Rounds: 12, Concurrent: 2, Seed: 1,
	})
	require.NoError(t, err)
	assert.Empty(t, s.Findings)
	assert.Equal(t, 12, s.Lifecycles)
	assert.NotContains(t, strings.Join(s.Undecided, "\n"), "I6 notices in order", "it tells events")
}

// What is left in a private endpoint goes with it.
func TestStopWithPods(t *testing.T) {
	private := start(t, blackbox.Containerd24)
	target, err := blackbox.Open(t.Context(), private.Options())
	if err == nil {
		_, err = target.Run(t.Context(), parse(t, "start|exit=7"), 1)
	}
	assert.NoError(t, private.Stop(), "its pod still runs")
	require.NoError(t, err)
	assert.Error(t, target.Close(), "there is no endpoint any more")
}

// What a killed process leaves in an endpoint, the next one removes; what a live one
// has it does not.
func TestReclaim(t *testing.T) {
	private := start(t, blackbox.Containerd24)
	t.Cleanup(func() { assert.NoError(t, private.Stop()) })
	live, err := blackbox.Open(t.Context(), private.Options())
	require.NoError(t, err)
	_, err = live.Run(t.Context(), parse(t, "start|exit=7"), 1)
	require.NoError(t, err)
	images, err := blackbox.ServeImages(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, images.Close()) })
	opts := private.Options()
	opts.Image = images.Name()
	killed, err := blackbox.Open(t.Context(), opts)
	require.NoError(t, err)
	_, err = killed.Run(t.Context(), parse(t, "start|exit=7"), 1)
	require.NoError(t, err)
	assert.Equal(t, 2, live.CountPods(t))
	dir := killed.Abandon(t)
	assert.DirExists(t, dir)

	next, err := blackbox.Open(t.Context(), opts)
	require.NoError(t, err)
	assert.NoDirExists(t, dir)
	assert.Equal(t, 1, live.CountPods(t))
	require.NoError(t, next.Close())
	assert.Equal(t, 1, live.CountPods(t))
	_, err = live.Run(t.Context(), parse(t, "start|stop"), 1)
	require.NoError(t, err)
	require.NoError(t, live.Close())
}
