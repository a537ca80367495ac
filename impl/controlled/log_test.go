package controlled_test

import (
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/sim"
)

// A container with a log, whose streams a process that was left behind may hold
// open, beside everything that could wait for them: all calls return, rotation
// works or is refused, and no stream is left.
func TestLog(t *testing.T) {
	dir := t.TempDir() // where the service would remove pipes, of which the fake has none
	clean(t, budget(), func(t *sim.T) {
		w := newWorld(t, dir, 1, "tasks.Create", "tasks.Start", "tasks.Delete", "tasks.Kill", "checkpoint.Write")
		if sim.Choose("a process is left behind", 2) == 1 {
			w.fake.HoldStreams(w.id)
		}
		sim.OnTime()
		begin := time.Now()
		var all sync.WaitGroup
		for _, call := range []func(){
			func() { _ = w.start() },
			func() {
				w.fake.Print(w.id, "", "text\nmore")
				w.fake.Exit(w.id, 7)
			},
			func() {
				_, err := w.ReopenContainerLog(w.ctx, &runtime.ReopenContainerLogRequest{ContainerId: w.id})
				if err = errgrpc.ToNative(err); !isAny(err, errdefs.ErrFailedPrecondition, errdefs.ErrNotFound) {
					t.Errorf("rotation: %v", err)
				}
			},
			func() {
				_, _ = w.StopContainer(w.ctx, &runtime.StopContainerRequest{ContainerId: w.id, Timeout: 1})
				_ = w.remove()
			},
		} {
			all.Go(call)
		}
		all.Wait()
		if d := time.Since(begin); d > 30*time.Second {
			t.Errorf("the calls took %v", d)
		}
		w.rest()
		w.must(w.remove())
		w.close()
	})
}
