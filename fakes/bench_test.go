package fakes

import (
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
)

// lifecycle is the life of a container as a caller sees it: create, start, exit,
// remove.
func lifecycle(t *sim.T) {
	w := newWorld(t, Options{})
	c, err := w.client.NewContainer(w.ctx, "c1", containerd.WithNewSpec(oci.WithProcessArgs("/init")))
	require.NoError(t, err)
	task, err := c.NewTask(w.ctx, cio.NullIO)
	require.NoError(t, err)
	wait, err := task.Wait(w.ctx)
	require.NoError(t, err)
	require.NoError(t, task.Start(w.ctx))
	w.Exit("c1", 7)
	exit := <-wait
	if exit.ExitCode() != 7 {
		t.Errorf("exit %d", exit.ExitCode())
	}
	_, err = task.Delete(w.ctx)
	require.NoError(t, err)
	require.NoError(t, c.Delete(w.ctx))
}

// BenchmarkLifecycle measures executions of one container's life through the
// client under control, as a search runs them.
func BenchmarkLifecycle(b *testing.B) {
	r := sim.Search(sim.Options{Name: b.Name(), Executions: b.N, SelfCheck: -1}, lifecycle)
	if r.Err != nil || r.Found != nil {
		b.Fatal(r.Err, r.Found)
	}
	b.ReportMetric(float64(r.Executions)/r.Elapsed.Seconds(), "exec/s")
	b.ReportMetric(float64(r.Points)/float64(r.Executions), "points/exec")
}
