package controlled_test

import (
	"sync"
	"testing"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/internal/soak"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

func (w *world) update(memory int64) error {
	_, err := w.UpdateContainerResources(w.ctx, &runtime.UpdateContainerResourcesRequest{
		ContainerId: w.id, Linux: &runtime.LinuxContainerResources{MemoryLimitInBytes: memory},
	})
	return errgrpc.ToNative(err)
}

// told is the memory limit that the status tells.
func (w *world) told() int64 {
	r, err := w.ContainerStatus(w.ctx, &runtime.ContainerStatusRequest{ContainerId: w.id})
	w.must(err)
	return r.GetStatus().GetResources().GetLinux().GetMemoryLimitInBytes()
}

// inForce is the memory limit of the task, 0 for none, -1 for unlimited.
func (w *world) inForce() int64 {
	r, _ := w.fake.Resources(w.id)
	if r.Memory == nil || r.Memory.Limit == nil {
		return 0
	}
	return *r.Memory.Limit
}

// recorded is the memory limit in the record of containerd.
func (w *world) recorded() int64 {
	client, err := w.fake.Client()
	w.must(err)
	record, err := client.ContainerService().Get(w.ctx, w.id)
	w.must(err)
	return limitIn(w, record)
}

func limitIn(w *world, record containers.Container) int64 {
	var spec runtimespec.Spec
	w.must(typeurl.UnmarshalTo(record.Spec, &spec))
	if m := spec.Linux.Resources.Memory; m != nil && m.Limit != nil {
		return *m.Limit
	}
	return 0
}

// updating runs the calls beside an update and checks that its answer is true:
// the last accepted limit is what status, record and task have (I19).
func updating(t *sim.T, w *world, update func(int64) error, calls ...func()) {
	var all sync.WaitGroup
	var updated error
	all.Go(func() { updated = update(5) })
	for _, call := range calls {
		all.Go(call)
	}
	all.Wait()
	w.rest()
	if !isAny(updated, errdefs.ErrFailedPrecondition, errdefs.ErrUnavailable, errdefs.ErrNotFound) {
		t.Errorf("an update fails with %v", updated)
	}
	if _, err := w.ContainerStatus(w.ctx, &runtime.ContainerStatusRequest{ContainerId: w.id}); err != nil {
		return // it was removed
	}
	want := int64(0)
	if updated == nil {
		want = 5
	}
	if told, recorded := w.told(), w.recorded(); told != want || recorded != want {
		t.Violatef("I19", "the update returned %v; the status tells %d, the record %d", updated, told, recorded)
	}
	if w.state() == running && max(w.inForce(), 0) != want {
		t.Violatef("I19", "the update returned %v; in force is %d", updated, w.inForce())
	}
}

// search explores body: exhaustively within the focus if budget is 0, else up to
// so many executions.
func search(t *testing.T, budget int, body func(*sim.T)) sim.Report {
	t.Helper()
	opts := sim.Options{Name: t.Name(), Executions: budget, Shrink: -1}
	if budget == 0 {
		opts.Executions, opts.Strategy, opts.SelfCheck = 100_000, strategy.DPOR{}, 1000
		opts.Config = sim.Config{EarlyTimers: -1, Focus: []string{"github.com/startrace/startrace/impl/...", "github.com/startrace/startrace/fakes/..."}}
	}
	r := sim.Search(opts, body)
	require.NoError(t, r.Err)
	return r
}

func clean(t *testing.T, budget int, body func(*sim.T)) {
	t.Helper()
	r := search(t, budget, body)
	if r.Found != nil {
		require.Fail(t, r.Found.Failure.Title, "%v\n%v", r, r.Found.Failure)
	}
	assert.Equal(t, budget == 0, budget == 0 && r.Exhausted, "%v", r)
	t.Log(r)
}

// An update beside a start is in force after it, or refused, in whatever order
// they come; all orders are tried.
func TestUpdateBesideStart(t *testing.T) {
	clean(t, 0, func(t *sim.T) {
		w := newWorld(t, "", 0)
		updating(t, w, w.update, func() { w.must(w.start()) })
		if w.state() != running {
			t.Errorf("the container is %v", w.state())
		}
		w.must(w.remove())
		w.close()
	})
}

// So are all orders of an update and the end of the process.
func TestUpdateBesideExit(t *testing.T) {
	clean(t, 0, func(t *sim.T) {
		w := newWorld(t, "", 0)
		sim.Quietly(func() { w.must(w.start()) })
		updating(t, w, w.update, func() { w.fake.Exit(w.id, 7) })
		w.must(w.remove())
		w.close()
	})
}

// TestUpdateCanary: what upstream does, which is to write the spec of a container
// that does not look RUNNING and to leave it at that, breaks the same check.
func TestUpdateCanary(t *testing.T) {
	r := search(t, 0, func(t *sim.T) {
		w := newWorld(t, "", 0)
		updating(t, w, w.updateAsUpstream, func() { w.must(w.start()) })
		w.close()
	})
	require.NotNil(t, r.Found, "%v", r)
	assert.Equal(t, "I19", r.Found.Failure.ID)
}

func (w *world) updateAsUpstream(memory int64) error {
	if w.state() != created {
		return w.update(memory)
	}
	client, err := w.fake.Client()
	w.must(err)
	record, err := client.ContainerService().Get(w.ctx, w.id)
	w.must(err)
	var spec runtimespec.Spec
	w.must(typeurl.UnmarshalTo(record.Spec, &spec))
	spec.Linux.Resources.Memory = &runtimespec.LinuxMemory{Limit: &memory}
	record.Spec, err = typeurl.MarshalAny(&spec)
	w.must(err)
	_, err = client.ContainerService().Update(w.ctx, record, "spec")
	return err
}

// An update beside a start, an exit and a removal, where calls fail.
func TestUpdateWithFaults(t *testing.T) {
	for name, beside := range map[string]func(*world) []func(){
		"start": func(w *world) []func() { return []func(){func() { _ = w.start() }} },
		"exit": func(w *world) []func() {
			w.started()
			return []func(){func() { w.fake.Exit(w.id, 7) }}
		},
		"remove": func(w *world) []func() {
			return []func(){func() { _ = w.start() }, func() { _ = w.remove() }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			clean(t, budget(), func(t *sim.T) {
				w := newWorld(t, "", 2, "containers.Update", "containers.Get", "tasks.Update", "tasks.Get", "tasks.Start", "checkpoint.Write")
				updating(t, w, w.update, beside(w)...)
				w.must(w.remove())
				if tasks := w.fake.Tasks(); len(tasks) > 0 {
					t.Errorf("left: %v", tasks)
				}
				w.close()
			})
		})
	}
}

// budget is the number of executions of a search that cannot exhaust its scope.
func budget() int {
	if testing.Short() {
		return 100
	}
	return soak.Times(400)
}
