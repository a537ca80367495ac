package variants_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/variants"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is one container of one variant on the fake containerd, in virtual
// time, with the history of what is done to it.
type world struct {
	t *testing.T
	*fakes.Containerd
	faults  *fakes.Faults
	variant scenarios.Variant
	env     variants.Env
	service scenarios.Service
	pod, id string

	calls int

	mu      sync.Mutex
	history model.History
	on      map[model.Kind]func() // called once when the fake records the kind
}

// in runs test in a world of the variant; the service is closed at the end.
func in(t *testing.T, variant string, prepare func(*fakes.Faults), test func(*world), env ...string) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, faults: &fakes.Faults{}, on: map[model.Kind]func(){}}
		prepare(w.faults)
		opts := fakes.Options{Faults: w.faults, Record: w.record}
		w.Containerd = fakes.New(opts)
		client, err := w.Client()
		require.NoError(t, err)
		w.variant, err = scenarios.Lookup(variant)
		require.NoError(t, err)
		w.env = variants.Env{Client: client, Checkpoints: fakes.NewCheckpoints(opts)}
		w.service, err = w.variant.New(context.Background(), w.env)
		require.NoError(t, err)
		defer func() { require.NoError(t, w.service.Close()) }()
		w.create(env)
		test(w)
	})
}

func noFaults(*fakes.Faults) {}

func (w *world) record(e model.Event) {
	w.mu.Lock()
	w.history.Events = append(w.history.Events, e)
	fn := w.on[e.Kind]
	delete(w.on, e.Kind)
	w.mu.Unlock()
	if fn != nil {
		fn()
	}
}

func (w *world) create(env []string) {
	ctx := context.Background()
	pod, err := w.service.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{
		Config: &runtime.PodSandboxConfig{Metadata: &runtime.PodSandboxMetadata{Name: "pod"}},
	})
	require.NoError(w.t, err)
	config := &runtime.ContainerConfig{
		Metadata: &runtime.ContainerMetadata{Name: "app"},
		Image:    &runtime.ImageSpec{Image: "/rootfs"},
		Command:  []string{"/init"},
	}
	for _, name := range env {
		config.Envs = append(config.Envs, &runtime.KeyValue{Key: name})
	}
	c, err := w.service.CreateContainer(ctx, &runtime.CreateContainerRequest{PodSandboxId: pod.PodSandboxId, Config: config})
	require.NoError(w.t, err)
	w.pod, w.id = pod.PodSandboxId, c.ContainerId
}

// do runs one operation and writes down its call and return.
func (w *world) do(op model.Op, call func(context.Context) error) error {
	w.calls++
	e := model.Event{Kind: model.Call, Container: w.id, Op: op, ID: w.calls}
	w.record(e)
	err := call(context.Background())
	e.Kind = model.Return
	if err != nil {
		e.Err = err.Error()
	}
	w.record(e)
	return err
}

func (w *world) start() error {
	return w.do(model.OpStart, func(ctx context.Context) error {
		_, err := w.service.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: w.id})
		return err
	})
}

func (w *world) stop(seconds int64) error {
	return w.do(model.OpStop, func(ctx context.Context) error {
		_, err := w.service.StopContainer(ctx, &runtime.StopContainerRequest{ContainerId: w.id, Timeout: seconds})
		return err
	})
}

func (w *world) remove() error {
	return w.do(model.OpRemove, func(ctx context.Context) error {
		_, err := w.service.RemoveContainer(ctx, &runtime.RemoveContainerRequest{ContainerId: w.id})
		return err
	})
}

func (w *world) status() *runtime.ContainerStatus {
	r, err := w.service.ContainerStatus(context.Background(), &runtime.ContainerStatusRequest{ContainerId: w.id})
	require.NoError(w.t, err)
	return r.Status
}

// broken waits until nothing happens any more and returns which invariants the
// history breaks.
func (w *world) broken() map[string]bool {
	synctest.Wait()
	e := model.Event{Kind: model.Settled, Container: w.id, Alive: w.Live(w.id)}
	r, err := w.service.ContainerStatus(context.Background(), &runtime.ContainerStatusRequest{ContainerId: w.id})
	if !errdefs.IsNotFound(err) {
		require.NoError(w.t, err)
		e.Present = true
		e.Status = model.Status{
			CreatedAt: r.Status.CreatedAt, StartedAt: r.Status.StartedAt, FinishedAt: r.Status.FinishedAt,
			ExitCode: r.Status.ExitCode, Reason: r.Status.Reason, Message: r.Status.Message,
		}
	}
	w.record(e)
	ids := map[string]bool{}
	for _, v := range model.Check(w.history) {
		ids[v.Invariant] = true
	}
	return ids
}

// eachVariant runs test for all but the reference, whose tests are elsewhere.
func eachVariant(t *testing.T, test func(t *testing.T, variant string)) {
	for _, v := range scenarios.Variants() {
		if v.Name != scenarios.Reference.Name {
			t.Run(v.Name, func(t *testing.T) { test(t, v.Name) })
		}
	}
}

// removeRefuses are the variants whose RemoveContainer does not stop.
var removeRefuses = map[string]bool{"preseed": true, "seed2019": true, "cri1351": true}

func TestLifecycle(t *testing.T) {
	eachVariant(t, func(t *testing.T, variant string) {
		in(t, variant, noFaults, func(w *world) {
			ctx := context.Background()
			assert.Equal(t, runtime.ContainerState_CONTAINER_CREATED, w.status().State)
			require.NoError(t, w.start())
			assert.Equal(t, runtime.ContainerState_CONTAINER_RUNNING, w.status().State)
			assert.ErrorIs(t, w.start(), errdefs.ErrFailedPrecondition)
			if removeRefuses[variant] {
				assert.ErrorIs(t, w.remove(), errdefs.ErrFailedPrecondition)
			}

			require.True(t, w.Exit(w.id, 7))
			synctest.Wait()
			assert.Equal(t, runtime.ContainerState_CONTAINER_EXITED, w.status().State)
			assert.EqualValues(t, 7, w.status().ExitCode)
			assert.Empty(t, w.Tasks())
			assert.ErrorIs(t, w.start(), errdefs.ErrFailedPrecondition)

			list, err := w.service.ListContainers(ctx, &runtime.ListContainersRequest{})
			require.NoError(t, err)
			require.Len(t, list.Containers, 1)
			assert.Equal(t, w.id, list.Containers[0].Id)

			require.NoError(t, w.stop(0))
			require.NoError(t, w.remove())
			require.NoError(t, w.remove(), "a second time")
			assert.Empty(t, w.broken())
		})
	})
}

func TestStop(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout int64
		env     []string
		code    int32
		takes   time.Duration
	}{
		{name: "at once", code: 128 + 9},
		{name: "politely", timeout: 10, code: 128 + 15},
		{name: "politely, then not", timeout: 10, env: []string{fakes.IgnoreTerm}, code: 128 + 9, takes: 10 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachVariant(t, func(t *testing.T, variant string) {
				in(t, variant, noFaults, func(w *world) {
					require.NoError(t, w.start())
					before := time.Now()
					require.NoError(t, w.stop(test.timeout))
					assert.Equal(t, test.takes, time.Since(before))
					assert.Equal(t, test.code, w.status().ExitCode)
					assert.Empty(t, w.broken())
				}, test.env...)
			})
		})
	}
}

func TestPodSandbox(t *testing.T) {
	eachVariant(t, func(t *testing.T, variant string) {
		in(t, variant, noFaults, func(w *world) {
			ctx := context.Background()
			require.NoError(t, w.start())
			if variant == "preseed" || variant == "seed2019" {
				_, err := w.service.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: w.pod})
				require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
			}
			_, err := w.service.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: w.pod})
			require.NoError(t, err)
			assert.Equal(t, runtime.ContainerState_CONTAINER_EXITED, w.status().State)
			_, err = w.service.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: w.pod})
			require.NoError(t, err)
			assert.Empty(t, w.broken())
		})
	})
}

// A start that fails without effect leaves an exited container with the code
// of a failed start.
func TestStartFails(t *testing.T) {
	fault := func(f *fakes.Faults) { f.Fail("tasks.Start", 1, errdefs.ErrUnavailable, false) }
	eachVariant(t, func(t *testing.T, variant string) {
		in(t, variant, fault, func(w *world) {
			require.ErrorIs(t, w.start(), errdefs.ErrUnavailable)
			assert.Equal(t, runtime.ContainerState_CONTAINER_EXITED, w.status().State)
			assert.Equal(t, "StartError", w.status().Reason)
			assert.Empty(t, w.Tasks())
			require.NoError(t, w.remove())
			assert.Empty(t, w.broken())
		})
	})
}

// An exit that cannot be handled is tried again 1 s later, then 2 s after that.
func TestExitIsRetried(t *testing.T) {
	for call, first := range map[string]int{ // the number of the first such call that handles the exit
		"tasks.Get":        1,
		"tasks.Delete":     1,
		"checkpoint.Write": 3,
	} {
		fault := func(f *fakes.Faults) {
			f.Fail(call, first, errdefs.ErrUnknown, false)
			f.Fail(call, first+1, errdefs.ErrUnknown, false)
		}
		t.Run(call, func(t *testing.T) {
			eachVariant(t, func(t *testing.T, variant string) {
				in(t, variant, fault, func(w *world) {
					require.NoError(t, w.start())
					require.True(t, w.Exit(w.id, 7))
					time.Sleep(2900 * time.Millisecond)
					assert.Equal(t, runtime.ContainerState_CONTAINER_RUNNING, w.status().State)
					time.Sleep(200 * time.Millisecond)
					assert.Equal(t, runtime.ContainerState_CONTAINER_EXITED, w.status().State)
					assert.Empty(t, w.broken())
				})
			})
		})
	}
}
