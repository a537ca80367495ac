package controlled_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/sim"
)

// An exec beside the end of its own process, of the container, or of the
// container's record, where calls fail: it ends with the true code or an error
// that fits, what was written before the end is there, and nothing is left.
func TestExecSync(t *testing.T) {
	const exec = "id3" // after those of sandbox and container
	dir := t.TempDir() // where the service would remove pipes, of which the fake has none
	for name, beside := range map[string]func(*world){
		"exit of the process":   func(w *world) { w.fake.ExitExec(w.id, exec, 3) },
		"exit of the container": func(w *world) { w.fake.Exit(w.id, 7) },
		"remove":                func(w *world) { _ = w.remove() },
	} {
		t.Run(name, func(t *testing.T) {
			clean(t, budget(), func(t *sim.T) {
				w := newWorld(t, dir, 1, "tasks.Exec", "tasks.Start", "tasks.Wait", "tasks.Kill", "tasks.DeleteProcess", "tasks.Get")
				w.started()
				onTime := sim.Choose("time-outs come when they are due", 2) == 0
				if onTime {
					sim.OnTime()
				}
				var all sync.WaitGroup
				var r *runtime.ExecSyncResponse
				var err error
				printed := false
				all.Go(func() {
					r, err = w.ExecSync(w.ctx, &runtime.ExecSyncRequest{ContainerId: w.id, Cmd: []string{"/sh"}, Timeout: 60})
					err = errgrpc.ToNative(err)
				})
				all.Go(func() {
					if sim.Choose("after the start of the process", 2) == 1 {
						for n := 0; n < 100 && !printed; n++ {
							time.Sleep(100 * time.Millisecond)
							printed = w.fake.Print(w.id, exec, "text")
						}
					}
					beside(w)
				})
				all.Wait()
				code := r.GetExitCode()
				switch {
				case err == nil && code != 3 && code != 137:
					t.Errorf("the code is %d", code)
				case err == nil && printed && onTime && string(r.GetStdout()) != "text":
					t.Errorf("the output is %q", r.GetStdout())
				case !isAny(err, errdefs.ErrFailedPrecondition, errdefs.ErrNotFound, errdefs.ErrUnavailable, errdefs.ErrUnknown, context.DeadlineExceeded):
					t.Errorf("the error is %v", err)
				}
				w.rest()
				w.assertNoExec(exec)
				w.must(w.remove())
				w.close()
			})
		})
	}
}

// assertNoExec looks for what is left of an exec process.
func (w *world) assertNoExec(exec string) {
	client, err := w.fake.Client()
	w.must(err)
	_, err = client.TaskService().Get(w.ctx, &tasks.GetRequest{ContainerID: w.id, ExecID: exec})
	if !errdefs.IsNotFound(errgrpc.ToNative(err)) {
		w.t.Violatef("I8", "exec process %s is left: %v", exec, err)
	}
}

// TestExecSyncCanary: an exec that is deleted only if its creation succeeded, as
// upstream does, leaves processes behind, and the same check sees it.
func TestExecSyncCanary(t *testing.T) {
	r := search(t, budget(), func(t *sim.T) {
		w := newWorld(t, "", 1, "tasks.Exec")
		w.started()
		client, err := w.fake.Client()
		w.must(err)
		service := client.TaskService()
		id := &tasks.DeleteProcessRequest{ContainerID: w.id, ExecID: "id3"}
		if _, err := service.Exec(w.ctx, &tasks.ExecProcessRequest{ContainerID: w.id, ExecID: id.ExecID}); err == nil {
			_, err = service.DeleteProcess(w.ctx, id)
			w.must(err)
		}
		w.rest()
		w.assertNoExec(id.ExecID)
		w.close()
	})
	require.NotNil(t, r.Found, "%v", r)
	assert.Equal(t, "I8", r.Found.Failure.ID)
}
