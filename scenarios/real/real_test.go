// Package real_test runs the workloads of package scenarios on a real
// containerd. It is a package of its own, since it must not be controlled.
package real_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/startrace/startrace/internal/daemon"
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

// TestReference runs the reference on 120 containers, 4 at a time, and has the
// model judge each history.
func TestReference(t *testing.T) {
	env := open(t)
	target, err := scenarios.OpenReal(t.Context(), env, scenarios.Reference)
	require.NoError(t, err)

	var next atomic.Int64
	var workers sync.WaitGroup
	var exits, starts atomic.Int64
	begin := time.Now()
	for range parallel {
		workers.Go(func() {
			for i := next.Add(1); i <= containers; i = next.Add(1) {
				w, err := scenarios.ParseWorkload(workloads[int(i)%len(workloads)])
				if !assert.NoError(t, err) {
					return
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				h, err := target.Run(ctx, w, uint64(i))
				cancel()
				if !assert.NoError(t, err, "%s, seed %d", w, i) {
					return
				}
				for _, v := range model.Check(h) {
					assert.Fail(t, scenarios.Describe(v), "%s, seed %d\n%s", w, i, h)
				}
				starts.Add(count(h, model.Started))
				exits.Add(count(h, model.Exited))
			}
		})
	}
	workers.Wait()
	require.NoError(t, target.Close())
	t.Logf("%d containers in %v; events told of %d starts and %d exits",
		containers, time.Since(begin).Round(time.Second), starts.Load(), exits.Load())
	assert.Greater(t, starts.Load(), int64(containers/4), "workloads that start nothing show nothing")
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

// open starts a daemon that is stopped, and then looked for, at the end of the
// test.
func open(t *testing.T) scenarios.RealEnv {
	t.Helper()
	if err := daemon.Available(); daemon.IsUnprivileged(err) {
		t.Skipf("NOT RUN: %v; it is run by: sudo -E go test -run %s ./scenarios/real", err, t.Name())
	}
	d, err := daemon.Start(t.Context(), daemon.Options{Logf: t.Logf})
	require.NoError(t, err)
	t.Cleanup(func() {
		if !assert.NoError(t, d.Stop()) {
			return
		}
		census, err := d.Census(context.WithoutCancel(t.Context()))
		assert.NoError(t, err)
		assert.Empty(t, census.String(), "left after Stop")
	})
	client, err := d.Client()
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.Empty(t, left(client))
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
	return env
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
