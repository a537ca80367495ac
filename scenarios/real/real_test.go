// Package real_test runs the workloads of package scenarios on a real
// containerd. It is a package of its own, since it must not be controlled.
package real_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/daemontest"
	"github.com/startrace/startrace/internal/soak"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// workloads are run in turn, each on a container of its own.
var workloads = []string{
	"start|start|remove|exit=7",
	"start|start|stop|remove|exit=7",
	"start|stop|status|status|exit=3",
	"start|start|stop=1s|remove",
	"start|remove|remove|exit",
	"start|start|stop|status|exit=9; ignoreterm",
}

const (
	containers = 120
	parallel   = 4
)

// TestReference runs the reference on 120 containers, more in make soak, and has the model judge
// each history.
func TestReference(t *testing.T) {
	var starts, exits int64
	begin := time.Now()
	n := soak.Times(containers)
	run(t, scenarios.Reference, workloads, n, func(w scenarios.Workload, seed uint64, h model.History) bool {
		for _, v := range append(model.Check(h), model.Linearizable(h)...) {
			assert.Fail(t, scenarios.Describe(v), "%s, seed %d\n%s", w, seed, h)
		}
		assert.Len(t, model.Linearizable(startedAgain(h)), 1, "a start after the last remove is accepted:\n%s", h)
		starts += count(h, model.Started)
		exits += count(h, model.Exited)
		return true
	})
	t.Logf("%d containers in %v; events told of %d starts and %d exits",
		n, time.Since(begin).Round(time.Second), starts, exits)
	assert.Greater(t, starts, int64(n/4), "workloads that start nothing show nothing")
}

// TestCanary: the lost stop of seed2019 shows on a real containerd, in about 1
// of 10 containers. If it does not, the test above shows nothing either.
func TestCanary(t *testing.T) {
	v, err := scenarios.Lookup("seed2019")
	require.NoError(t, err)
	tried := 0
	var found []model.Violation
	run(t, v, []string{"start|start|stop|remove"}, 5*containers, func(_ scenarios.Workload, _ uint64, h model.History) bool {
		tried++
		found = append(found, model.Check(h)...)
		return len(found) == 0
	})
	require.NotEmpty(t, found, "%d containers", tried)
	assert.Equal(t, "I9", found[0].Invariant, "%v", found[0])
	t.Logf("%v, after %d containers", found[0], tried)
}

// run runs the workloads in turn on up to n containers, 4 at a time, until
// judge returns false. judge is not called concurrently.
func run(t *testing.T, v scenarios.Variant, texts []string, n int,
	judge func(scenarios.Workload, uint64, model.History) bool,
) {
	t.Helper()
	r, err := scenarios.OpenReal(t.Context(), open(t), v)
	require.NoError(t, err)
	var next atomic.Int64
	var over atomic.Bool
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(n) && !over.Load(); i = next.Add(1) {
				w, err := scenarios.ParseWorkload(texts[int(i)%len(texts)])
				if !assert.NoError(t, err) {
					return
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				h, err := r.Run(ctx, w, uint64(i))
				cancel()
				if !assert.NoError(t, err, "%s, seed %d", w, i) {
					return
				}
				mu.Lock()
				if !judge(w, uint64(i), h) {
					over.Store(true)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	require.NoError(t, r.Close())
}

// startedAgain is h with a start that succeeds after everything else: no order
// explains that.
func startedAgain(h model.History) model.History {
	e := model.Event{Container: h.Events[0].Container, Op: model.OpStart, ID: 1_000_000, Kind: model.Call}
	h.Events = append(slices.Clip(h.Events), e)
	e.Kind = model.Return
	h.Events = append(h.Events, e)
	return h
}

func count(h model.History, kind model.Kind) int64 {
	n := int64(0)
	for _, e := range h.Events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func open(t *testing.T) scenarios.RealEnv {
	t.Helper()
	_, env := openWith(t, daemon.Options{})
	t.Cleanup(func() { assert.Empty(t, left(env.Client)) })
	return env
}

// openWith starts a daemon that is stopped, and then looked for, at the end of the
// test.
func openWith(t *testing.T, opts daemon.Options) (*daemon.Daemon, scenarios.RealEnv) {
	t.Helper()
	d := daemontest.Start(t, opts, "go test -run "+t.Name()+" ./scenarios/real")
	client, err := d.Client()
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, client.Close())
	})
	env := scenarios.RealEnv{
		Client:       client,
		Namespace:    d.Namespace(),
		CgroupParent: d.CgroupParent(),
		Rootfs:       d.Rootfs(),
		StateDir:     t.TempDir(),
	}
	env.Runtime, env.RuntimeOptions = d.Runtime()
	return d, env
}

// left lists the containers that the workloads should have removed.
func left(client *containerd.Client) []string {
	ctx := context.Background()
	all, err := client.Containers(ctx)
	if err != nil {
		return []string{fmt.Sprint(err)}
	}
	var ids []string
	for _, c := range all {
		ids = append(ids, c.ID())
	}
	return ids
}
