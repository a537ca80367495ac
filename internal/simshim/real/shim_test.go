package real_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/internal/simshim"
)

// newTask makes a container with annotations, given in pairs of name and value, and
// its task.
func newTask(ctx context.Context, d *daemon.Daemon, client *containerd.Client, id string, c initproc.Command, pairs ...string) (containerd.Container, containerd.Task, error) {
	annotations := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		annotations[simshim.Prefix+pairs[i]] = pairs[i+1]
	}
	container, err := client.NewContainer(ctx, id,
		containerd.WithRuntime(simshim.Runtime, nil),
		containerd.WithNewSpec(
			oci.WithRootFSPath(d.Rootfs()),
			oci.WithRootFSReadonly(),
			oci.WithProcessCwd("/"),
			oci.WithProcessArgs(c.Args()...),
			oci.WithAnnotations(annotations),
		))
	if err != nil {
		return nil, nil, err
	}
	task, err := container.NewTask(ctx, cio.NullIO)
	return container, task, err
}

// shims returns the processes of the daemon's shims.
func shims(t *testing.T, d *daemon.Daemon) []string {
	t.Helper()
	census, err := d.Census(t.Context())
	require.NoError(t, err)
	var found []string
	for _, p := range census.Processes {
		if strings.Contains(p, simshim.Program) {
			found = append(found, p)
		}
	}
	return found
}

// noShims waits until all shims have ended.
func noShims(t *testing.T, d *daemon.Daemon) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.Empty(c, shims(t, d))
	}, 30*time.Second, 20*time.Millisecond)
}

// TestEvents: the order of a container's events is as its annotations say.
func TestEvents(t *testing.T) {
	onBoth(t, func(t *testing.T, d *daemon.Daemon) {
		client := connect(t, d, nothing)
		stream, broken := client.EventService().Subscribe(t.Context(), `topic~="^/tasks/"`)
		next := func() string {
			select {
			case e := <-stream:
				event, err := typeurl.UnmarshalAny(e.Event)
				require.NoError(t, err)
				text := strings.TrimPrefix(e.Topic, "/tasks/")
				if exit, ok := event.(*eventsapi.TaskExit); ok {
					text += fmt.Sprint(exit.ExitStatus)
				}
				return text
			case err := <-broken:
				require.NoError(t, err)
			case <-time.After(20 * time.Second):
				require.Fail(t, "no event")
			}
			return ""
		}
		for i, c := range []struct {
			pairs []string
			want  []string
		}{
			{nil, []string{"create", "start", "exit7", "delete"}},
			{[]string{"event.exit", "twice"}, []string{"create", "start", "exit7", "exit7", "delete"}},
			{[]string{"event.exit", "lost"}, []string{"create", "start", "delete"}},
			{[]string{"event.exit.delay", "2s"}, []string{"create", "start", "delete", "exit7"}},
			{[]string{"event.exit.delay", "50ms", "wait.order", "after-event"}, []string{"create", "start", "exit7", "delete"}},
		} {
			container, task, err := newTask(t.Context(), d, client, fmt.Sprintf("c%d", i), initproc.Command{Code: 7}, c.pairs...)
			require.NoError(t, err)
			wait, err := task.Wait(t.Context())
			require.NoError(t, err)
			require.NoError(t, task.Start(t.Context()))
			status := <-wait
			require.NoError(t, status.Error())
			assert.EqualValues(t, 7, status.ExitCode())
			_, err = task.Delete(t.Context())
			require.NoError(t, err)
			require.NoError(t, container.Delete(t.Context()))
			for _, want := range c.want {
				assert.Equal(t, want, next(), "%v", c.pairs)
			}
		}
		noShims(t, d)
	})
}

// TestErrors: calls fail as annotations say, and leave nothing.
func TestErrors(t *testing.T) {
	onBoth(t, func(t *testing.T, d *daemon.Daemon) {
		client := connect(t, d, nothing)
		container, _, err := newTask(t.Context(), d, client, "unknown", initproc.Command{}, "exit.cod", "7")
		require.ErrorContains(t, err, simshim.Prefix+"exit.cod is not known")
		require.NoError(t, container.Delete(t.Context()))
		container, _, err = newTask(t.Context(), d, client, "create", initproc.Command{}, "create.error", "unavailable: no room")
		require.ErrorContains(t, err, "no room")
		require.NoError(t, container.Delete(t.Context()))
		noShims(t, d)

		container, task, err := newTask(t.Context(), d, client, "start", initproc.Command{ExitAfter: initproc.Forever},
			"start.error", "unavailable: not now", "start.error.times", "1", "kill.ignore", "TERM")
		require.NoError(t, err)
		err = task.Start(t.Context())
		require.ErrorIs(t, err, errdefs.ErrUnavailable)
		require.NoError(t, task.Start(t.Context()))
		require.NoError(t, task.Kill(t.Context(), syscall.SIGTERM))
		status, err := task.Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, containerd.Running, status.Status)
		exit, err := task.Delete(t.Context(), containerd.WithProcessKill)
		require.NoError(t, err)
		assert.EqualValues(t, 137, exit.ExitCode())
		require.NoError(t, container.Delete(t.Context()))
		noShims(t, d)
	})
}

// TestDaemonAndShimKilled: containers outlive the daemon, and die with their shim.
func TestDaemonAndShimKilled(t *testing.T) {
	onBoth(t, func(t *testing.T, d *daemon.Daemon) {
		_, task, err := newTask(t.Context(), d, connect(t, d, nothing), "c", initproc.Command{ExitAfter: initproc.Forever})
		require.NoError(t, err)
		require.NoError(t, task.Start(t.Context()))
		require.NoError(t, d.Restart(t.Context()))
		client := connect(t, d, nothing)
		container, err := client.LoadContainer(t.Context(), "c")
		require.NoError(t, err)
		again, err := container.Task(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, task.Pid(), again.Pid())
		wait, err := again.Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, d.KillShim("c"))
		require.Error(t, (<-wait).Error())
		require.Eventually(t, func() bool {
			_, err := container.Task(t.Context(), nil)
			return errdefs.IsNotFound(err)
		}, 20*time.Second, 20*time.Millisecond)
		require.NoError(t, container.Delete(t.Context()))
		noShims(t, d)
	})
}

// TestGroup: containers of a group share a shim, which ends when there are none.
func TestGroup(t *testing.T) {
	onBoth(t, func(t *testing.T, d *daemon.Daemon) {
		client := connect(t, d, nothing)
		var tasks []containerd.Task
		for i := range 5 {
			_, task, err := newTask(t.Context(), d, client, fmt.Sprintf("c%d", i), initproc.Command{ExitAfter: initproc.Forever}, "group", "g")
			require.NoError(t, err)
			require.NoError(t, task.Start(t.Context()))
			tasks = append(tasks, task)
		}
		assert.Len(t, shims(t, d), 1)
		for _, task := range tasks {
			_, err := task.Delete(t.Context(), containerd.WithProcessKill)
			require.NoError(t, err)
			container, err := client.LoadContainer(t.Context(), task.ID())
			require.NoError(t, err)
			require.NoError(t, container.Delete(t.Context()))
		}
		noShims(t, d)
	})
}

// TestRate prints how many lifecycles there are per second, beside runc's. All of
// them have to end as they should.
func TestRate(t *testing.T) {
	onBoth(t, func(t *testing.T, d *daemon.Daemon) {
		client := connect(t, d, nothing)
		runc, options := d.Runtime()
		rate := func(n, parallel int, runtime string, options any, group string) float64 {
			var next atomic.Int64
			var workers sync.WaitGroup
			begin := time.Now()
			for range parallel {
				workers.Go(func() {
					for i := next.Add(1); i <= int64(n); i = next.Add(1) {
						id := fmt.Sprintf("r%d", i)
						if !assert.NoError(t, lifecycle(t.Context(), d, client, id, runtime, options, group)) {
							return
						}
					}
				})
			}
			workers.Wait()
			return float64(n) / time.Since(begin).Seconds()
		}
		for _, parallel := range []int{1, 8} {
			own := rate(40, parallel, simshim.Runtime, nil, "")
			shared := rate(80, parallel, simshim.Runtime, nil, "rate")
			genuine := rate(16, parallel, runc, options, "")
			t.Logf("lifecycles per second, %d at a time: a simulated shim each %.1f, one for all %.1f, runc %.1f", parallel, own, shared, genuine)
		}
	})
}

// lifecycle is that of a process that ends at once with code 3.
func lifecycle(ctx context.Context, d *daemon.Daemon, client *containerd.Client, id, runtime string, options any, group string) error {
	annotations := map[string]string{}
	if group != "" {
		annotations[simshim.Prefix+"group"] = group
	}
	container, err := client.NewContainer(ctx, id,
		containerd.WithRuntime(runtime, options),
		containerd.WithNewSpec(
			oci.WithRootFSPath(d.Rootfs()),
			oci.WithRootFSReadonly(),
			oci.WithProcessCwd("/"),
			oci.WithProcessArgs(initproc.Command{Code: 3}.Args()...),
			oci.WithCgroup(d.CgroupParent()+"/"+id),
			oci.WithAnnotations(annotations),
		))
	if err != nil {
		return err
	}
	task, err := container.NewTask(ctx, cio.NullIO)
	if err != nil {
		return err
	}
	wait, err := task.Wait(ctx)
	if err != nil {
		return err
	}
	if err := task.Start(ctx); err != nil {
		return err
	}
	status := <-wait
	if status.Error() != nil {
		return status.Error()
	}
	if status.ExitCode() != 3 {
		return fmt.Errorf("exit code %d", status.ExitCode())
	}
	if _, err := task.Delete(ctx); err != nil {
		return err
	}
	return container.Delete(ctx)
}
