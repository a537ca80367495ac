package variants_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everyVariant returns the variants, the peers, and the reference last.
func everyVariant() []scenarios.Variant {
	all := scenarios.Variants()
	return slices.Insert(all, len(all)-1, scenarios.Peers()...)
}

// eachVariant runs test for all but the reference, whose tests are elsewhere.
func eachVariant(t *testing.T, test func(t *testing.T, variant string)) {
	for _, v := range everyVariant() {
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
