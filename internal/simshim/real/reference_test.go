package real_test

import (
	"context"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/simshim"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

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
	containers = 150
	parallel   = 12
)

// mixes are what containers get by their id: what containerd and shims do, at
// their worst. None of it may make the reference break a rule.
var mixes = []map[string]string{
	nil,
	{"start.delay": "40ms"},
	{"create.delay": "30ms", "delete.delay": "30ms"},
	{"wait.order": "after-event"},
	{"wait.delay": "50ms", "event.exit": "twice"},
	{"kill.delay": "30ms", "kill.after": "20ms"},
	{"event.exit.delay": "60ms"},
	{"event.exit": "lost"},
	{"state.delay": "20ms"},
	{"start.error": "unavailable: not now", "start.error.times": "1"},
	{"delete.error": "unknown: not now", "delete.error.times": "1"},
}

// mixed returns the mix of a container, in a shim with all the others.
func mixed(id string) map[string]string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(id))
	full := map[string]string{simshim.Prefix + "group": "reference"}
	for name, value := range mixes[int(sum.Sum32())%len(mixes)] {
		full[simshim.Prefix+name] = value
	}
	return full
}

// TestReference runs the reference on simulated containers, and has the model judge
// each history.
func TestReference(t *testing.T) {
	onBoth(t, func(t *testing.T, d *daemon.Daemon) {
		var starts, exits int
		begin := time.Now()
		run(t, d, connect(t, d, mixed), workloads, containers, func(w scenarios.Workload, seed uint64, h model.History) bool {
			for _, v := range append(model.Check(h), model.Linearizable(h)...) {
				assert.Fail(t, scenarios.Describe(v), "%s, seed %d\n%s", w, seed, h)
			}
			starts += count(h, model.Started)
			exits += count(h, model.Exited)
			return true
		})
		took := time.Since(begin)
		t.Logf("%d lifecycles in %v, %.1f per second, %d at a time; events told of %d starts and %d exits",
			containers, took.Round(time.Second/10), float64(containers)/took.Seconds(), parallel, starts, exits)
		assert.Greater(t, starts, containers/4, "workloads that start nothing show nothing")
		assert.Greater(t, exits, starts/2)
	})
}

// TestCanary: an exit event with another code than Wait's is found. If it is not,
// the test above shows nothing either.
func TestCanary(t *testing.T) {
	onBoth(t, func(t *testing.T, d *daemon.Daemon) {
		wrong := func(string) map[string]string {
			return map[string]string{simshim.Prefix + "event.exit.code": "99"}
		}
		var found []model.Violation
		run(t, d, connect(t, d, wrong), []string{"start|status|exit=7"}, containers, func(_ scenarios.Workload, _ uint64, h model.History) bool {
			found = append(found, model.Check(h)...)
			return len(found) == 0
		})
		require.NotEmpty(t, found)
		assert.Contains(t, found[0].String(), "99")
		t.Log(found[0])
	})
}

// run runs the workloads in turn on up to n containers, several at a time, until
// judge returns false. judge is not called concurrently.
func run(t *testing.T, d *daemon.Daemon, client *containerd.Client, texts []string, n int,
	judge func(scenarios.Workload, uint64, model.History) bool,
) {
	t.Helper()
	r, err := scenarios.OpenReal(t.Context(), scenarios.RealEnv{
		Client:       client,
		Namespace:    d.Namespace(),
		Runtime:      simshim.Runtime,
		CgroupParent: d.CgroupParent(),
		Rootfs:       d.Rootfs(),
		StateDir:     t.TempDir(),
	}, scenarios.Reference)
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

func count(h model.History, kind model.Kind) int {
	n := 0
	for _, e := range h.Events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}
