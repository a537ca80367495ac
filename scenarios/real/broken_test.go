package real_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/internal/soak"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// brokenWorkloads are drawn for the containers of a round.
var brokenWorkloads = []string{
	"start|exit=7",
	"start|exit=5|status|status",
	"start|start|stop|remove|exit=7",
	"start|stop|status|status|exit=3",
	"start|stop=1s|status",
	"start|start|stop=1s|remove",
	"start|remove|remove|exit",
	"start|start|stop|status|exit=9; ignoreterm",
	"start|status",
}

// A round is so many containers at once; there are so many rounds on each release,
// more in make soak.
const (
	roundSize = 24
	rounds    = 7
)

// TestBroken runs the reference on 168 containers of each release, while the daemon
// is killed twice in each round and the shim of every second container once, and has
// the model judge each history. Of the containers nothing may be left.
func TestBroken(t *testing.T) {
	t.Run("pinned", func(t *testing.T) { testBroken(t, daemon.Options{}) })
	t.Run("debian", func(t *testing.T) { testBroken(t, debian(t)) })
}

// debian returns the options for the distribution's containerd, if there is one.
func debian(t *testing.T) daemon.Options {
	if err := daemon.Available(); daemon.IsUnprivileged(err) {
		t.Skipf("NOT RUN: %v; it is run by: sudo -E go test ./scenarios/real", err)
	}
	binary, version, err := daemon.Debian(t.Context(), t.Logf)
	if errors.Is(err, daemon.ErrNoPackage) {
		t.Skipf("NOT RUN on the distribution's containerd: %v", err)
	}
	require.NoError(t, err)
	t.Log("containerd ", version)
	return daemon.Options{Binary: binary}
}

func testBroken(t *testing.T, opts daemon.Options) {
	begin := time.Now()
	n, violations := soak.Times(rounds), 0
	d, total := breakRounds(t, opts, scenarios.Reference, brokenWorkloads, n, everyPhase, func(seed int, h model.History) bool {
		for _, v := range append(model.Check(h), model.Linearizable(h)...) {
			violations++
			assert.Fail(t, scenarios.Describe(v), "round %d\n%s", seed, h)
		}
		return true
	})
	t.Logf("%d containers in %v, %d violations; %d calls of CreateContainer failed; the daemon was killed %d times; %d processes ended while it was down",
		len(total.Histories), time.Since(begin).Round(time.Second), violations, total.Failed, total.Kills, total.Unseen)
	t.Logf("containers met by a kill of the daemon: %s", counts(total.DaemonKills))
	t.Logf("containers whose shim was killed: %s", counts(total.ShimKills))
	assertGone(t, d)
	client, err := d.Client()
	require.NoError(t, err)
	defer client.Close()
	assert.Empty(t, left(client))
	assert.GreaterOrEqual(t, len(total.Histories), n*roundSize)
	assert.True(t, everyPhase(total), "not every phase of a container met a kill of the daemon, and a start and an end one of the shim")
}

// everyPhase reports whether kills met containers at all that they can be at.
func everyPhase(b *scenarios.Broken) bool {
	daemon, shim := b.DaemonKills, b.ShimKills
	for _, p := range []scenarios.Phase{
		scenarios.PhaseCreated, scenarios.PhaseAsked, scenarios.PhaseTask, scenarios.PhaseRunning, scenarios.PhaseExited,
	} {
		if daemon[p] == 0 {
			return false
		}
	}
	return b.Unseen > 0 &&
		daemon[scenarios.PhaseStopping]+daemon[scenarios.PhaseEnded]+daemon[scenarios.PhaseRemoving] > 0 &&
		shim[scenarios.PhaseAsked]+shim[scenarios.PhaseTask] > 0 &&
		shim[scenarios.PhaseRunning]+shim[scenarios.PhaseStopping]+shim[scenarios.PhaseEnded] > 0
}

// TestBrokenCanary: seed2019 takes a broken connection for the end of a process, and
// ends it. If that does not show, the test above shows nothing either.
func TestBrokenCanary(t *testing.T) {
	v, err := scenarios.Lookup("seed2019")
	require.NoError(t, err)
	var found []model.Violation
	none := func(*scenarios.Broken) bool { return false } // is enough without a violation
	_, total := breakRounds(t, daemon.Options{}, v, []string{"start"}, 10, none, func(_ int, h model.History) bool {
		found = append(found, model.Check(h)...)
		return !has(found, "I4")
	})
	require.True(t, has(found, "I4"), "%v within %d containers", found, len(total.Histories))
	t.Logf("%v within %d containers", found, len(total.Histories))
}

func has(found []model.Violation, invariant string) bool {
	return slices.ContainsFunc(found, func(v model.Violation) bool { return v.Invariant == invariant })
}

// breakRounds runs rounds until judge returns false: n of them, and up to three times
// as many until they are enough. It returns their sum and the daemon.
func breakRounds(t *testing.T, opts daemon.Options, v scenarios.Variant, texts []string, n int,
	enough func(*scenarios.Broken) bool, judge func(seed int, h model.History) bool,
) (*daemon.Daemon, *scenarios.Broken) {
	t.Helper()
	d, env := openWith(t, opts)
	env.Breaker = d
	r, err := scenarios.OpenReal(t.Context(), env, v)
	require.NoError(t, err)
	total := &scenarios.Broken{DaemonKills: map[scenarios.Phase]int{}, ShimKills: map[scenarios.Phase]int{}}
	for seed, more := 1, true; more && (seed <= n || seed <= 3*n && !enough(total)); seed++ {
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		var ws []scenarios.Workload
		for range roundSize {
			w, err := scenarios.ParseWorkload(texts[random.IntN(len(texts))])
			require.NoError(t, err)
			ws = append(ws, w)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		b, err := r.RunBroken(ctx, ws, scenarios.Breaks{Daemon: true, Shims: true}, uint64(seed))
		cancel()
		require.NotNil(t, b, "round %d: %v", seed, err)
		for _, h := range b.Histories {
			more = judge(seed, h) && more
		}
		switch {
		case err == nil || !more: // a violation is reason enough for an error
		case v.Name == scenarios.Reference.Name:
			require.NoError(t, err, "round %d", seed)
		default:
			t.Logf("round %d of %s: %v", seed, v.Name, err)
		}
		total.Add(b)
	}
	require.NoError(t, r.Close())
	return d, total
}

// assertGone looks for processes of containers. A shim whose making a kill of the
// daemon interrupted may be left, and with it a process that waits to be started:
// containerd has forgotten them, and nobody can name them to it.
func assertGone(t *testing.T, d *daemon.Daemon) {
	census, err := d.Census(t.Context())
	require.NoError(t, err)
	shims := 0
	for _, p := range census.Processes {
		assert.NotContains(t, p, " "+initproc.Path+" ")
		if strings.Contains(p, "containerd-shim") {
			shims++
		}
	}
	t.Logf("shims that containerd has forgotten: %d", shims)
}

func counts(m map[scenarios.Phase]int) string {
	var all []string
	for _, p := range scenarios.Phases() {
		if m[p] > 0 {
			all = append(all, fmt.Sprintf("%s %d", p, m[p]))
		}
	}
	return strings.Join(all, ", ")
}
